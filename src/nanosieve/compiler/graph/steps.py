"""The steps of elements that are added or compared with each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import as_codes
from nanosieve.errors import GraphError

__all__ = ["common_step", "finer_step", "finest_step"]


def common_step(x: TensorType, axes: tuple[int, ...]) -> Integers | None:
    """The step that the elements along `axes` (kept, length 1) share, those that are always zero aside.

    None if they differ.
    """
    zero = (x.low == 0) & (x.high == 0)
    limits = np.iinfo(np.int64)
    low = np.where(zero, limits.max, x.exponent).min(axis=axes, keepdims=True, initial=limits.max)
    high = np.where(zero, limits.min, x.exponent).max(axis=axes, keepdims=True, initial=limits.min)
    empty = low > high
    if np.any(~empty & (low != high)):
        return None
    return as_codes(np.where(empty, x.exponent.min(axis=axes, keepdims=True, initial=limits.max), low))


def finer_step(a: TensorType, b: TensorType) -> tuple[Integers, Integers, Integers]:
    """The finer step of each pair of elements, and the shifts that bring either operand to it.

    Raises:
        GraphError: a code would need more than 62 bits.
    """
    exponent = np.minimum(a.exponent, b.exponent)
    shift_a, shift_b = a.exponent - exponent, b.exponent - exponent
    if np.any(_too_wide(a, shift_a) | _too_wide(b, shift_b)):
        raise GraphError(_TOO_WIDE)
    return exponent, shift_a, shift_b


def _too_wide(x: TensorType, shift: Integers) -> NDArray[np.bool_]:
    return np.asarray((shift > 0) & (x.width + shift > 62))


_TOO_WIDE = "the elements differ too much in their steps: more than 62 bits are needed; quantise them"


def finest_step(x: TensorType, axes: tuple[int, ...]) -> tuple[Integers, Integers]:
    """The finest step along `axes` (kept, length 1), and the shifts that bring each element to it.

    Elements that are always zero have any step.

    Raises:
        GraphError: a code would need more than 62 bits.
    """
    zero = (x.low == 0) & (x.high == 0)
    exponent = np.where(zero, np.iinfo(np.int64).max, x.exponent).min(axis=axes, keepdims=True)
    coarsest = x.exponent.max(axis=axes, keepdims=True)
    exponent = np.where(zero.all(axis=axes, keepdims=True), coarsest, exponent)
    shift = np.where(zero, 0, x.exponent - exponent)
    if np.any(_too_wide(x, shift)):
        raise GraphError(_TOO_WIDE)
    return exponent, shift
