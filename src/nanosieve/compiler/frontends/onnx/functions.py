"""ONNX's functions of one value, as the standard defines them (https://onnx.ai/onnx/operators/).

They are written for arrays of float32, in which a framework computes, and of float64 alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["FUNCTIONS", "Kind"]

Array = NDArray[Any]
Kind = Literal["clamp", "rising", "any"]
Made = tuple[Callable[[Array], Array], Kind]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _plain(f: Callable[[Array], Array], kind: Kind) -> Callable[[Mapping[str, Any]], Made]:
    return lambda attributes: (f, kind)


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)), dtype=x.dtype)


def _softplus(x: Array) -> Array:
    return np.asarray(np.logaddexp(x, x.dtype.type(0)), dtype=x.dtype)


def _erf_of(x: Array) -> Array:
    return np.asarray(_erf(x), dtype=x.dtype)


def _expm1(x: Array) -> Array:
    """``exp(x) - 1`` of the negative part, so that nothing overflows."""
    return np.asarray(np.exp(np.minimum(x, 0)) - 1, dtype=x.dtype)


def _leaky(attributes: Mapping[str, Any]) -> Made:
    alpha = float(attributes.get("alpha", 0.01))
    return lambda x: np.where(x >= 0, x, x * x.dtype.type(alpha)), "rising" if alpha >= 0 else "any"


def _elu(attributes: Mapping[str, Any]) -> Made:
    alpha = float(attributes.get("alpha", 1.0))
    return lambda x: np.where(x > 0, x, x.dtype.type(alpha) * _expm1(x)), "rising" if alpha >= 0 else "any"


def _celu(attributes: Mapping[str, Any]) -> Made:
    alpha = float(attributes.get("alpha", 1.0))
    return (
        lambda x: np.maximum(x, 0) + np.minimum(x.dtype.type(alpha) * _expm1(x / x.dtype.type(alpha)), 0),
        "rising" if alpha > 0 else "any",
    )


def _selu(attributes: Mapping[str, Any]) -> Made:
    alpha = float(attributes.get("alpha", 1.67326319217681884765625))
    gamma = float(attributes.get("gamma", 1.05070102214813232421875))
    kind: Kind = "rising" if min(alpha, gamma) >= 0 else "any"

    def selu(x: Array) -> Array:
        return np.asarray(np.where(x > 0, x, _expm1(x) * x.dtype.type(alpha)) * x.dtype.type(gamma))

    return selu, kind


def _hard_sigmoid(attributes: Mapping[str, Any]) -> Made:
    alpha, beta = float(attributes.get("alpha", 0.2)), float(attributes.get("beta", 0.5))
    kind: Kind = "rising" if alpha >= 0 else "any"
    return lambda x: np.clip(x * x.dtype.type(alpha) + x.dtype.type(beta), 0, 1), kind


def _thresholded(attributes: Mapping[str, Any]) -> Made:
    alpha = float(attributes.get("alpha", 1.0))
    return lambda x: np.where(x > alpha, x, x.dtype.type(0)), "rising" if alpha >= 0 else "any"


def _gelu(attributes: Mapping[str, Any]) -> Made:
    if attributes.get("approximate", "none") == "tanh":
        inner = math.sqrt(2 / math.pi)
        return (
            lambda x: x / 2 * (1 + np.tanh(x.dtype.type(inner) * (x + x.dtype.type(0.044715) * x**3))),
            "any",
        )
    return lambda x: x / 2 * (1 + _erf_of(x / x.dtype.type(math.sqrt(2)))), "any"


def _hard_swish(x: Array) -> Array:
    return np.asarray(x * np.clip(x * x.dtype.type(1 / 6) + x.dtype.type(0.5), 0, 1))


FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Made]] = {
    "Abs": _plain(np.abs, "any"),
    "Ceil": _plain(np.ceil, "rising"),
    "Celu": _celu,
    "Cos": _plain(np.cos, "any"),
    "Elu": _elu,
    "Erf": _plain(_erf_of, "rising"),
    "Exp": _plain(np.exp, "rising"),
    "Floor": _plain(np.floor, "rising"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain(_hard_swish, "any"),
    "LeakyRelu": _leaky,
    "Log": _plain(np.log, "any"),
    "Mish": _plain(lambda x: x * np.tanh(_softplus(x)), "any"),
    "Reciprocal": _plain(lambda x: 1 / x, "any"),
    "Relu": _plain(lambda x: np.maximum(x, 0), "clamp"),
    "Round": _plain(np.rint, "rising"),
    "Selu": _selu,
    "Sigmoid": _plain(_sigmoid, "rising"),
    "Sign": _plain(np.sign, "rising"),
    "Sin": _plain(np.sin, "any"),
    "Softplus": _plain(_softplus, "rising"),
    "Softsign": _plain(lambda x: x / (1 + np.abs(x)), "rising"),
    "Sqrt": _plain(np.sqrt, "any"),
    "Tanh": _plain(np.tanh, "rising"),
    "ThresholdedRelu": _thresholded,
}
"""Op → function of the attributes that gives the function and how it behaves."""
