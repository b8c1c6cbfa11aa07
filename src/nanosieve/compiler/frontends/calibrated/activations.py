"""Activation functions by the names that Keras and ONNX give them, in float64, and their nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Function, Reals, Traced
from nanosieve.errors import UnsupportedLayerError

__all__ = ["FUNCTIONS", "activated", "elu", "gelu", "hard_sigmoid", "selu", "softplus"]

_erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(x: Reals) -> Reals:
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


def softplus(x: Reals) -> Reals:
    """``log(1 + exp(x))``."""
    return np.asarray(np.logaddexp(0.0, x))


def elu(x: Reals, alpha: float = 1.0) -> Reals:
    """``x`` where it is positive, else ``alpha (exp(x) - 1)``; arXiv:1511.07289."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def selu(x: Reals) -> Reals:
    """Scaled ELU; arXiv:1706.02515."""
    return np.asarray(1.0507009873554805 * elu(x, 1.6732632423543772))


def gelu(x: Reals, approximate: bool = False) -> Reals:
    """``x`` times the Gaussian distribution function, or its approximation by tanh; arXiv:1606.08415."""
    if approximate:
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    return np.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2))))


def hard_sigmoid(x: Reals, slope: float = 1 / 6, offset: float = 0.5) -> Reals:
    """``slope x + offset`` between 0 and 1."""
    return np.clip(slope * x + offset, 0.0, 1.0)


FUNCTIONS: dict[str, Function] = {
    "celu": elu,
    "elu": elu,
    "exponential": np.exp,
    "gelu": gelu,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0.0),
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": lambda x: np.asarray(x * hard_sigmoid(x)),
    "log_sigmoid": lambda x: np.asarray(-softplus(-x)),
    "mish": lambda x: np.asarray(x * np.tanh(softplus(x))),
    "selu": selu,
    "sigmoid": _sigmoid,
    "silu": lambda x: np.asarray(x * _sigmoid(x)),
    "soft_shrink": lambda x: np.asarray(np.sign(x) * np.maximum(np.abs(x) - 0.5, 0.0)),
    "softplus": softplus,
    "softsign": lambda x: np.asarray(x / (1 + np.abs(x))),
    "sparse_plus": lambda x: np.where(x <= -1, 0.0, np.where(x < 1, 0.25 * (x + 1) ** 2, x)),
    "sparse_sigmoid": lambda x: np.clip(0.5 * (x + 1), 0.0, 1.0),
    "squareplus": lambda x: np.asarray((x + np.sqrt(x**2 + 4)) / 2),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: np.asarray(x - np.tanh(x)),
}
"""Name → function that becomes a table."""

_NODES: dict[str, Callable[..., Traced]] = {
    "hard_tanh": lambda b, x, layer: b.clip(x, -1.0, 1.0, layer=layer),
    "leaky_relu": lambda b, x, layer: b.leaky_relu(x, 0.2, layer=layer),
    "linear": lambda b, x, layer: x,
    "relu": lambda b, x, layer: b.relu(x, layer=layer),
    "relu6": lambda b, x, layer: b.clip(b.relu(x, layer=layer), high=6.0, layer=layer),
    "softmax": lambda b, x, layer: b.softmax(x, layer=layer),
}
"""Name → nodes without a table of their own."""

_OTHER_NAMES = {"hard_swish": "hard_silu", "swish": "silu"}


def activated(b: CalibratedBuilder, x: Traced, name: Any, *, layer: str, role: str = "result") -> Traced:
    """The activation function of that name on `x`.

    Args:
        b: the builder.
        x: a value.
        name: as Keras writes it in a configuration.
        layer: name of the layer.
        role: of the result of a table, for its precision.

    Raises:
        UnsupportedLayerError: a function that is none of these.
    """
    name = _OTHER_NAMES.get(name, name) if isinstance(name, str) else "custom function"
    if name in FUNCTIONS:
        return b.function(x, FUNCTIONS[name], layer=layer, role=role)
    if name in _NODES:
        return _NODES[name](b, x, layer)
    known = ", ".join(sorted({*FUNCTIONS, *_NODES}))
    message = f"layer {layer!r}: activation {name!r} is not supported; use one of {known}"
    raise UnsupportedLayerError(message)
