"""How many bits the sums of a trigger take: below 25 they are exact in the framework's float32."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLOAT32_BITS", "widest_sums"]

FLOAT32_BITS = 24
"""Integers below 2**24 are exact in float32, in whatever order they are added."""


def widest_sums(trigger: Any) -> dict[str, int]:
    """For each dense layer and convolution of a trigger, the bits that its widest sum of products can take.

    With the finest product step 2**e of an output, all partial sums are multiples of it and no larger than
    ``sum |x|_max |w| + |b|``, whatever the order of addition; the result is the logarithm of their ratio.
    """
    return {
        layer.name: _widest(layer)
        for layer in trigger.layers
        if hasattr(layer, "qkernel") and getattr(layer, "enable_iq", False)
    }


def _widest(layer: Any) -> int:
    kernel = np.asarray(layer.qkernel, dtype=np.float64)
    largest, step = (
        np.broadcast_to(extreme.reshape(-1), kernel.shape[:-1]).reshape(-1)
        for extreme in _extremes(layer.iq.quantizer)
    )
    kernel = kernel.reshape(-1, kernel.shape[-1])
    bias = np.zeros(1) if layer.qbias is None else np.asarray(layer.qbias, dtype=np.float64)
    total = np.abs(kernel).T @ largest + np.abs(bias)
    finest = np.minimum((step[:, None] * _lowest_bit(kernel)).min(axis=0), _lowest_bit(bias))
    ratio = np.where(np.isfinite(finest), total / np.where(np.isfinite(finest), finest, 1.0), 0.0)
    return math.ceil(math.log2(float(ratio.max()) + 1))


def _extremes(quantiser: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Largest magnitude and finest step of each channel over all positions: 0 and infinity without bits."""
    sign, integer, fraction = (np.asarray(part, dtype=np.float64) for part in quantiser.kif)
    used = sign + integer + fraction > 0
    positions = tuple(range(used.ndim - 1))
    largest, step = np.where(used, 2.0**integer, 0.0), np.where(used, 2.0**-fraction, np.inf)
    return largest.max(axis=positions), step.min(axis=positions)


def _lowest_bit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The power of two of the lowest set bit; infinity for zero."""
    mantissa, exponent = np.frexp(values)
    integers = np.abs(mantissa * 2.0**53).astype(np.int64)
    lowest = (integers & -integers).astype(np.float64) * 2.0 ** (exponent - 53)
    return np.where(values == 0, np.inf, lowest)
