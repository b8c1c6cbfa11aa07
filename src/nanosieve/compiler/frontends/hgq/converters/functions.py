"""Functions of one element: the ReLUs, tables of any other, and softmax through its tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder, frozen
from nanosieve.compiler.frontends.quantizers import dyadic
from nanosieve.compiler.graph import (
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Max,
    Multiply,
    Nonzero,
    Relu,
    Scale,
    Select,
    Subtract,
    Sum,
)

__all__ = ["CONVERTERS", "WITH_OUTPUT_QUANTIZER", "activated", "leaky", "softmax", "tabulated"]

LARGEST_TABLE = 1 << 16
LARGEST_EVALUATION = 1 << 24
"""Most values that the framework computes at a time for a table."""


def tabulated(
    b: LayerBuilder,
    x: str,
    function: Callable[[Any], Any],
    quantizers: tuple[Any, ...] = (),
    *,
    own_axes: int = 0,
    part: str = "table",
) -> str:
    """A table of what the framework's own `function` gives for every code of `x`.

    Args:
        b: where the nodes go.
        x: the input.
        function: of values (entries, *shape); along axes where neither the steps of `x` nor the quantisers
            differ it is given only one element.
        quantizers: those that `function` applies.
        own_axes: number of last axes along which the function itself differs.
        part: name of the node.

    Raises:
        UnsupportedLayerError: more than 65,536 entries.
        InexactModelError: an entry is not fixed point.
    """
    given = b.type(x)
    rank = len(given.shape)
    widths = [q.quantizer.kif[0].shape[1:] for q in quantizers]
    shared = [
        n < rank - own_axes
        and not np.ptp(given.exponent, axis=n).any()
        and all(len(width) < rank - n or width[n - rank] == 1 for width in widths)
        for n in range(rank)
    ]
    axes = tuple(n for n in range(rank) if shared[n])
    low, high = given.low.min(axis=axes, keepdims=True), given.high.max(axis=axes, keepdims=True)
    step = np.exp2(given.exponent.max(axis=axes, keepdims=True).astype(float))
    entries = int((high - low).max(initial=0)) + 1
    if entries > LARGEST_TABLE:
        b.refuse(f"a table of {entries:,} entries", "quantise its input to 16 bits or less")
    codes = np.minimum(low + np.arange(entries).reshape(-1, *([1] * rank)), high)
    values = np.asarray(codes * step, dtype=np.float32)
    size = max(1, min(entries, LARGEST_EVALUATION // max(1, low.size)))
    parts = [_padded(values[start : start + size], size) for start in range(0, entries, size)]
    table = np.concatenate([frozen(function, chunk) for chunk in parts])[:entries]
    out, exponent = dyadic(table, f"layer {b.name!r}: {part}", bits=_fraction_bits(table))
    # rows serve elements in turn: those of the last axes, from the first that is not shared
    first = next((n for n in range(rank) if not shared[n]), rank)
    shape = tuple(1 if n < first else length for n, length in enumerate(given.shape))
    tables = np.broadcast_to(out, (entries, *shape)).reshape(entries, -1).T
    start = np.broadcast_to(low, shape).ravel()
    return b.add(Lookup(tables, start, np.full(len(tables), exponent)), x, part=part)


def _padded(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    return np.concatenate([values, np.repeat(values[-1:], size - len(values), axis=0)])


def _fraction_bits(table: NDArray[np.float64]) -> int:
    """As many as 61-bit codes leave."""
    return 60 - int(np.ceil(np.log2(max(float(np.abs(table[np.isfinite(table)]).max(initial=1)), 1.0))))


def activated(b: LayerBuilder, node: str) -> str:
    """The activation function that a layer names."""
    function = getattr(b.layer, "activation", None)
    name = getattr(function, "__name__", "linear")
    if name == "linear":
        return node
    if name in ("relu", "relu6"):
        node = b.add(Relu(), node, part="relu")
        return node if name == "relu" else b.clipped(node, None, 6.0, "relu6")
    if name == "hard_tanh":
        return b.clipped(node, -1.0, 1.0, "hard_tanh")
    if name in ("softmax", "log_softmax"):
        b.refuse(f"activation {name!r} inside the layer", "use a QSoftmax layer")
    if int((b.type(node).high - b.type(node).low).max(initial=0)) >= LARGEST_TABLE:
        b.refuse(f"activation {name!r} of a wide value", "use a ReLU, LeakyReLU or QUnaryFunctionLUT layer")
    return tabulated(b, node, function, part=name)  # type: ignore[arg-type]  # Keras ships no types


def _table(b: LayerBuilder, x: str) -> str:
    """Run the layer itself on every input code, so that the table is the framework's own."""
    layer = b.layer
    x = b.input_quantized(x)
    quantizers = [layer.iq] if layer.enable_iq else []
    quantizers += [layer.oq] if layer.enable_oq else []
    own = 1 if hasattr(layer, "limits") else 0
    return tabulated(b, x, lambda v: layer(v, training=False), tuple(quantizers), own_axes=own)


def softmax(b: LayerBuilder, x: str) -> str:
    """HGQ2's softmax: exp and reciprocal are tables, the rest is exact."""
    layer = b.layer
    x = b.input_quantized(x)
    axes = [axis - 1 for axis in layer.axes]
    if layer.stable:
        best = b.reduced(x, Max(), axes, "largest", keepdims=True)
        x = b.add(Subtract(), b.broadcast(best, b.shape(x), "largest_of_all"), x, part="below")
    exponentials = _table(b.of(layer.exp_table, "exp"), x)
    total = b.reduced(exponentials, Sum(), axes, "total", keepdims=True)
    divisor = _table(b.of(layer.inv_table, "reciprocal"), total)
    divisors = b.broadcast(divisor, b.shape(x), "divisors")
    return b.add(Multiply(), exponentials, divisors, part="shares")


def _relu(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    slope, threshold = float(layer.negative_slope or 0.0), float(layer.threshold or 0.0)
    if slope and (threshold or layer.max_value is not None):
        b.refuse("a slope beside a maximum or threshold", "use LeakyReLU; the next quantiser saturates")
    if slope:
        return leaky(b, x)
    if threshold:
        limit = b.constant(np.array(threshold), "threshold", b.shape(x))
        below = b.add(GreaterEqual(), limit, x, part="below")
        zero = b.constant(np.array(0.0), "zero", b.shape(x))
        node = b.add(Select(), below, zero, x, part="above")
        return node if layer.max_value is None else b.clipped(node, 0.0, float(layer.max_value), "maximum")
    node = b.add(Relu(), x, part="relu")
    return node if layer.max_value is None else b.clipped(node, None, float(layer.max_value), "maximum")


def leaky(b: LayerBuilder, x: str) -> str:
    """``x`` or ``slope * x``; the slope is a binary fraction."""
    slope = float(np.asarray(b.layer.negative_slope))
    if slope == 0:
        return b.add(Relu(), x, part="relu")
    near = round(slope * 64) / 64
    remedy = f"no hardware computes it exactly; {near} = {round(slope * 64)}/64 is the nearest in six bits"
    code, exponent = dyadic(np.array(slope), f"layer {b.name!r}: slope {slope}", bits=12, remedy=remedy)
    return b.add(LeakyRelu(int(code), exponent), x, part="leaky")


def _quantizer(b: LayerBuilder, x: str) -> str:
    return b.quantized(x, b.layer, "quantized")


def _scale(b: LayerBuilder, x: str) -> str:
    return b.add(Scale(np.broadcast_to(np.asarray(b.layer.exponents), b.shape(x))), x, part="scaled")


def _nonzero(b: LayerBuilder, x: str) -> str:
    return b.add(Nonzero(), x, part="nonzero")


def _threshold(b: LayerBuilder, x: str) -> str:
    value = b.constant(np.array(b.layer.value), "value", b.shape(x))
    return b.add(GreaterEqual(), x, value, part="decision")


CONVERTERS: dict[str, Converter] = {
    "Activation": activated,
    "LeakyReLU": leaky,
    "Nonzero": _nonzero,
    "PhysicalRangeLUT": _table,
    "PowerOfTwoScale": _scale,
    "QAffinedUnaryFunctionLUT": _table,
    "QSoftmax": softmax,
    "QUnaryFunctionLUT": _table,
    "Quantizer": _quantizer,
    "ReLU": _relu,
    "Threshold": _threshold,
}
WITH_OUTPUT_QUANTIZER = frozenset({"PhysicalRangeLUT", "QAffinedUnaryFunctionLUT", "QUnaryFunctionLUT"})
"""Classes whose tables hold quantised values already."""
