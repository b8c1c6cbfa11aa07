"""Post-training quantisation: a network trained with wide quantisers gets narrow ones, from a sample.

Every tensor of weights gets one type, and so does every value between layers along the axes of its quantiser:
`bits` in all, as many left of the point as the largest magnitude needs. The latent mean and lambda get the
types of the tables that score them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.networks.objects import flatten_objects
from nanosieve.networks.parts import LAMBDA_BITS, MEAN_BITS
from nanosieve.networks.quantisers import MOST_FRACTION

__all__ = ["quantise_after_training"]

BITS = (2, 16)
LATENT = {"mean": MEAN_BITS, "lambda": LAMBDA_BITS}
MOST_FRACTION_OF_DATA = 5


def quantise_after_training(model: Any, objects: NDArray[Any], bits: int = 8) -> Any:
    """Narrow the quantisers of `model` (changed in place) to `bits` bits, the sign included; returns it.

    Args:
        model: trained with ``learned=False``, see `NetworkSettings`.
        objects: (N, 19, 3) or (N, 57) events that fix the ranges; some thousand are enough.
        bits: of weights, biases and values between layers.

    Raises:
        SettingsError: a number of bits that is not accepted.
        SampleError: the objects cannot be used.
    """
    if bits not in range(BITS[0], BITS[1] + 1):
        message = f"{bits!r} bits for post-training quantisation; accepted: {BITS[0]} to {BITS[1]}, often 8"
        raise SettingsError(message)
    layers = [layer for layer in model.layers if getattr(layer, "enable_iq", False) and hasattr(layer, "kq")]
    for layer, largest in zip(layers, _largest_inputs(model, layers, flatten_objects(objects)), strict=True):
        _narrow(layer.iq.quantizer, largest, bits, MOST_FRACTION_OF_DATA)
    for layer in layers:
        kernel, bias = _weights(layer)
        _narrow(layer.kq.quantizer, np.abs(kernel).max(keepdims=True), bits, MOST_FRACTION)
        if bias is not None:
            _narrow(layer.bq.quantizer, np.abs(bias).max(keepdims=True), bits, MOST_FRACTION)
    for layer in model.layers:
        if layer.name in LATENT:
            _assign(layer.quantizer, *LATENT[layer.name])
    return model


def _largest_inputs(model: Any, layers: list[Any], x: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """For each layer the largest magnitudes that enter it, in the shape of its quantiser's widths."""
    keras = require("keras", extra="train", purpose="quantising after training")
    reached = keras.Model(model.inputs[0], [layer.input for layer in layers])
    found = []
    for layer, values in zip(layers, reached.predict(x, batch_size=4096, verbose=0), strict=True):
        shape = layer.iq.quantizer._i.shape
        common = tuple(axis for axis, size in enumerate(shape) if size == 1)
        found.append(np.abs(values.astype(np.float64)).max(axis=common, keepdims=True))
    return found


def _weights(layer: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Kernel and bias that the hardware holds, still wide."""
    bias = layer.qbias if getattr(layer, "use_bias", True) else None
    kernel = np.asarray(layer.qkernel, dtype=np.float64)
    return kernel, None if bias is None else np.asarray(bias, dtype=np.float64)


def _narrow(quantiser: Any, largest: NDArray[np.float64], bits: int, most_fraction: int) -> None:
    """Set the integer and fraction bits of an HGQ quantiser; `largest` spreads over its widths.

    The largest magnitude itself need not fit: the types saturate.
    """
    shape = quantiser._i.shape
    magnitude = np.broadcast_to(largest.reshape(largest.shape if largest.size > 1 else ()), shape)
    with np.errstate(divide="ignore"):
        integer = np.where(magnitude > 0, np.ceil(np.log2(magnitude)), -float(most_fraction))
    _assign(quantiser, integer, np.minimum(bits - 1 - integer, most_fraction))


def _assign(quantiser: Any, integer: Any, fraction: Any) -> None:
    """Set the bits left and right of the point, the same everywhere or one for each width."""
    shape = quantiser._i.shape
    quantiser._i.assign(np.broadcast_to(integer, shape))
    quantiser._f.assign(np.broadcast_to(fraction, shape))
