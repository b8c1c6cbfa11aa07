"""What each QKeras quantiser computes, in floating point, from its settings in a model file.

The definitions are those of QKeras (arXiv:2006.10159; ``qkeras/quantizers.py`` of the releases for Keras 3)
at inference and full quantisation. Its straight-through sums ``x + (q - x)`` are taken for the `q` they mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import UnsupportedLayerError

__all__ = ["Quantizer", "as_kernel_quantizer", "fitted", "parse", "quantized"]

EPSILON = 1e-7
"""Keras' default, which QKeras adds where it divides or takes a logarithm."""
Array = NDArray[Any]
Fit = tuple[Array, Any]
"""Values on the grid, and the scale that they are multiplied with."""


@dataclass(frozen=True)
class Quantizer:
    """A quantiser of the file.

    Attributes:
        kind: QKeras' name of it.
        settings: its configuration, with QKeras' defaults where the file is silent.
    """

    kind: str
    settings: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]

    @property
    def fits_scale(self) -> bool:
        """Whether its scale is chosen from the values it is given."""
        return isinstance(self.settings.get("alpha"), str)


_SCALED = {"alpha": None, "use_stochastic_rounding": False}
_PO2 = {"bits": 8, "max_value": None, "quadratic_approximation": False, "log2_rounding": "rnd"}
_BITS = {
    "bits": 8, "integer": 0, "symmetric": 0, "keep_negative": True, "post_training_scale": None, **_SCALED
}  # fmt: skip
_TERNARY = {"threshold": None, "number_of_unrolls": 5, **_SCALED}
_BINARY = {"use_01": False, **_SCALED}
DEFAULTS: dict[str, dict[str, Any]] = {
    "binary": _BINARY,
    "quantized_bits": _BITS,
    "quantized_hswish": {**_BITS, "relu_shift": 3, "relu_upper_bound": 6},
    "quantized_linear": {**_BITS, "symmetric": 1},
    "quantized_po2": _PO2,
    "quantized_relu": {
        "bits": 8, "integer": 0, "use_sigmoid": 0, "negative_slope": 0.0, "is_quantized_clip": True
    },
    "quantized_relu_po2": {**_PO2, "negative_slope": 0},
    "quantized_sigmoid": {"bits": 8, "symmetric": False, "use_real_sigmoid": False},
    "quantized_tanh": {"bits": 8, "symmetric": False, "use_real_tanh": False},
    "stochastic_binary": _BINARY,  # draws lots in training only
    "stochastic_ternary": _TERNARY,
    "ternary": _TERNARY,
}  # fmt: skip


def parse(entry: Any, where: str) -> Quantizer | None:
    """The quantiser of a serialised object; None for none.

    Raises:
        UnsupportedLayerError: another quantiser, or settings outside of their range.
    """
    if entry is None:
        return None
    kind = entry.get("class_name") if isinstance(entry, dict) else entry
    if kind not in DEFAULTS or not isinstance(entry, dict):
        message = (
            f"{where}: quantiser {str(kind)!r} is not supported; use one of {', '.join(DEFAULTS)}, "
            "which compute the same at every call"
        )
        raise UnsupportedLayerError(message)
    given = dict(entry["config"])
    settings = {**DEFAULTS[kind], **{k: v for k, v in given.items() if k in DEFAULTS[kind]}}
    try:
        reasons = _reasons(settings, given.get("qnoise_factor", 1.0))
    except (TypeError, ValueError):
        reasons = {"its settings are numbers": False}
    for reason, fine in reasons.items():
        if not fine:
            message = f"{where}: {kind}({_short(given)}): {reason}; train the layer so and save it again"
            raise UnsupportedLayerError(message)
    return Quantizer(kind, settings)


def _reasons(settings: Mapping[str, Any], noise: Any) -> dict[str, bool]:
    """What is accepted, and whether it is so."""
    alpha, slope = settings.get("alpha"), settings.get("negative_slope") or 0
    return {
        "bits between 1 and 32 are accepted": 1 <= settings.get("bits", 1) <= 32,
        "an integer part within 32 bits is accepted": abs(settings.get("integer", 0)) <= 32,
        "whole bits are accepted": all(float(settings.get(n, 0)).is_integer() for n in ("bits", "integer")),
        "alpha is None, a positive number, 'auto' or 'auto_po2'": alpha in (None, "auto", "auto_po2")
        or (isinstance(alpha, int | float) and 0 < alpha < math.inf),
        "qnoise_factor is to be 1, which quantises fully": noise == 1,
        "negative_slope is a power of two below 1": not slope
        or (0 < slope < 1 and math.frexp(slope)[0] == 0.5),
        "the sigmoid of quantized_relu has no negative slope": not (settings.get("use_sigmoid") and slope),
    }


def _short(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items() if value is not None)


def as_kernel_quantizer(q: Quantizer) -> Quantizer:
    """`q` as QKeras takes it for a kernel: a scale that is not stated is fitted, to a power of two."""
    if "alpha" not in q.settings or q["alpha"] is not None:
        return q
    symmetric = {"symmetric": 1} if "symmetric" in q.settings else {}
    return Quantizer(q.kind, {**q.settings, **symmetric, "alpha": "auto_po2"})


def quantized(q: Quantizer, x: Array) -> Array:
    """`x` quantised, in the precision that `x` has."""
    values, scale = fitted(q, x)
    return np.asarray(values * scale, dtype=x.dtype)


def fitted(q: Quantizer, x: Array) -> Fit:
    """Values on the grid of `q`, and the scale behind them.

    A channel of zeros is divided by its scale, which is zero, and comes out as zero.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _FUNCTIONS[q.kind](q, x)


def _fixed_scale(q: Quantizer) -> float:
    return 1.0 if q["alpha"] is None else float(np.float32(q["alpha"]))


def _per_channel(x: Array) -> tuple[int, ...]:
    return tuple(range(x.ndim - 1))


def _least_squares(q: Quantizer, x: Array, grid: Array) -> Array:
    """The scale that brings `grid` nearest to `x`, for each channel (for each element of a vector)."""
    product, square = x * grid, grid * grid
    if x.ndim > 1:
        product = product.mean(axis=_per_channel(x), keepdims=True)
        square = square.mean(axis=_per_channel(x), keepdims=True)
    scale = product / (square + EPSILON)
    return _po2(scale) if q["alpha"] == "auto_po2" else scale


def _po2(scale: Array) -> Array:
    return np.asarray(np.exp2(np.round(np.log(scale + EPSILON) / np.log(2.0))), dtype=scale.dtype)


def _sign(x: Array) -> Array:
    """-1 or 1; zero counts as positive."""
    return np.where(x < 0, -1.0, 1.0).astype(x.dtype)


def _quantized_bits(q: Quantizer, x: Array) -> Fit:
    if q.fits_scale:
        return _quantized_bits_fitted(q, x)
    magnitude = q["bits"] - bool(q["keep_negative"])
    if magnitude == 0:
        return _sign(x), _fixed_scale(q)
    m, m_i = 2.0**magnitude, 2.0 ** q["integer"]
    low = -m + bool(q["symmetric"]) if q["keep_negative"] else 0.0
    return m_i * np.clip(np.round(x * m / m_i), low, m - 1) / m, _fixed_scale(q)


def _quantized_bits_fitted(q: Quantizer, x: Array) -> Fit:
    m, m_i = 2.0 ** (q["bits"] - bool(q["keep_negative"])), 2.0 ** q["integer"]
    x = x / m_i
    most = 2 ** (q["bits"] - 1) - 1

    def grid(scale: Array) -> Array:
        steps = np.floor(np.abs(x) / scale + 0.5)
        return np.asarray(np.sign(x) * np.where(steps < most, steps, most))

    if q["post_training_scale"] is not None:
        scale = np.asarray(q["post_training_scale"], dtype=x.dtype) / m
    else:
        # QKeras takes the largest of a vector for all of it
        axes = _per_channel(x) if x.ndim > 1 else (0,)
        scale = np.asarray(np.abs(x).max(axis=axes, keepdims=True) * 2 / max(2 * most, 1), dtype=x.dtype)
        if q["alpha"] == "auto_po2":
            scale = _po2(scale)
            for _ in range(5):
                scale = _least_squares(q, x, grid(scale))
    return m_i * grid(scale) / m, scale * m


def _quantized_linear(q: Quantizer, x: Array) -> Fit:
    sign = q["bits"] == 1 and bool(q["keep_negative"])
    magnitude = 2.0 ** (q["bits"] - bool(q["keep_negative"]))
    low, high = (-magnitude + q["symmetric"] if q["keep_negative"] else 0.0), magnitude - 1
    if sign:
        low, high = -0.5, 0.5

    def grid(scale: Any) -> Array:
        return 0.5 * _sign(x) if sign else np.round(np.clip(x / scale, low, high))

    if not q.fits_scale:
        scale = 2.0 ** (q["integer"] - q["bits"] + bool(q["keep_negative"])) * _fixed_scale(q)
        return grid(scale), scale
    spread = np.abs(x) * 2 if q["keep_negative"] else x
    fit = np.maximum(spread.max(axis=_per_channel(x), keepdims=True) / (high - low), EPSILON)
    fit = np.asarray(fit, dtype=x.dtype)
    if q["alpha"] == "auto_po2":
        fit = _po2(fit)
        for _ in range(1 if sign else 5):
            last, fit = fit, _least_squares(q, x, grid(fit))
            if np.array_equal(last, fit):
                break
    return grid(fit), fit


def _binary(q: Quantizer, x: Array) -> Fit:
    values = (_sign(x) + 1) / 2 if q["use_01"] else _sign(x)
    return values, _least_squares(q, x, values) if q.fits_scale else _fixed_scale(q)


def _ternary(q: Quantizer, x: Array) -> Fit:
    if not q.fits_scale:
        threshold = 0.33 if q["threshold"] is None else float(q["threshold"])
        return (np.abs(x) >= threshold) * np.sign(x), _fixed_scale(q)
    axes = _per_channel(x) if x.ndim > 1 else None
    scale = np.asarray(2 * np.abs(x).max(axis=axes, keepdims=True) / 3.0, dtype=x.dtype)
    if q["alpha"] == "auto_po2":
        scale = _po2(scale)
    values = np.zeros_like(x)
    for _ in range(q["number_of_unrolls"]):
        values = (np.abs(scale * np.round(x / scale)) >= scale / 2) * np.sign(x)
        scale = _least_squares(q, x, values)
    return values, scale


def _quantized_relu(q: Quantizer, x: Array) -> Fit:
    slope = q["negative_slope"]
    m, m_i = 2.0 ** (q["bits"] - (slope != 0)), 2.0 ** q["integer"]
    if q["use_sigmoid"]:
        values = 2 * np.round(_hard_sigmoid(x / m_i) * m) / m - 1
        return m_i * np.clip(values, 0.0, 1 - 1 / m), 1.0
    p = x * m / m_i
    values = np.clip(np.round(p) / m, 0.0, 1 - 1 / m)
    if slope:
        values = values + slope * np.clip(np.round(p * slope) / (slope * m), -1.0, 0.0)
    return m_i * values, 1.0


def _hard_sigmoid(x: Array) -> Array:
    """QKeras' own; Keras' has another slope."""
    return np.clip(0.5 * x + 0.5, 0.0, 1.0)


def _quantized_tanh(q: Quantizer, x: Array) -> Fit:
    m = 2.0 ** (q["bits"] - 1)
    p = np.tanh(x) if q["use_real_tanh"] else 2 * _hard_sigmoid(x) - 1
    return np.clip(np.round(p * m) / m, -1 + bool(q["symmetric"]) / m, 1 - 1 / m), 1.0


def _quantized_sigmoid(q: Quantizer, x: Array) -> Fit:
    m = 2.0 ** q["bits"]
    p = 0.5 * np.tanh(0.5 * x) + 0.5 if q["use_real_sigmoid"] else _hard_sigmoid(x)
    return np.clip(np.round(p * m) / m, bool(q["symmetric"]) / m, 1 - 1 / m), 1.0


def _exponents(q: Quantizer, size: Array, bits: int) -> Array:
    """The exponent of the power of two nearest to `size`, on the logarithmic scale."""
    most = q["max_value"]
    bits -= 1 if most is None or most > 1 else 0  # the sign of the exponent
    low, high = -(2.0**bits), 2.0**bits - 1
    factor = 1
    if q["quadratic_approximation"]:
        factor, high = 2, 2 * (high // 2)
    small = size < EPSILON
    size = np.where(small, EPSILON, size if most is None else np.minimum(size, most))
    log = np.log(np.sqrt(size) if factor == 2 else size) / np.log(2.0)
    rounded = np.floor(log) if q["log2_rounding"] == "floor" else np.round(log)
    return np.where(small, low, factor * np.clip(rounded, low, high))


def _quantized_po2(q: Quantizer, x: Array) -> Fit:
    return _sign(x) * np.exp2(_exponents(q, np.abs(x), q["bits"] - 1)), 1.0


def _quantized_relu_po2(q: Quantizer, x: Array) -> Fit:
    positive = np.exp2(_exponents(q, np.maximum(x, 0), q["bits"]))
    if not q["negative_slope"]:
        return positive, 1.0
    negative = np.exp2(_exponents(q, np.maximum(-x, 0) * q["negative_slope"], q["bits"]))
    return np.where(x >= 0, positive, -negative), 1.0


def _quantized_hswish(q: Quantizer, x: Array) -> Fit:
    gate = np.clip(x + q["relu_shift"], 0, q["relu_upper_bound"])
    return _quantized_bits(q, x * gate / q["relu_upper_bound"])


_FUNCTIONS: dict[str, Callable[[Quantizer, Array], Fit]] = {
    "binary": _binary,
    "quantized_bits": _quantized_bits,
    "quantized_hswish": _quantized_hswish,
    "quantized_linear": _quantized_linear,
    "quantized_po2": _quantized_po2,
    "quantized_relu": _quantized_relu,
    "quantized_relu_po2": _quantized_relu_po2,
    "quantized_sigmoid": _quantized_sigmoid,
    "quantized_tanh": _quantized_tanh,
    "stochastic_binary": _binary,
    "stochastic_ternary": _ternary,
    "ternary": _ternary,
}
