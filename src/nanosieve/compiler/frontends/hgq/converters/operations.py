"""Operations of `keras.ops` that stand in a functional model between its layers."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.einsum import einsum_of_variables
from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder, Value
from nanosieve.compiler.frontends.hgq.converters.functions import leaky, tabulated
from nanosieve.compiler.frontends.hgq.converters.merges import divided, merged
from nanosieve.compiler.frontends.hgq.converters.shapes import moved
from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    GreaterEqual,
    Max,
    Min,
    Multiply,
    Op,
    Relu,
    Select,
    Sort,
    Subtract,
    Sum,
)

__all__ = ["OPERATIONS"]


def _operand(b: LayerBuilder, value: Any, part: str, rank: int) -> str:
    """A node, or fixed numbers as one; without the axis of the events."""
    if isinstance(value, Value):
        if len(b.shape(value)) != rank:
            b.refuse("operands of different ranks", "give both the same number of axes")
        return value
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == rank + 1 and len(array) == 1:
        array = array[0]
    if array.ndim > rank:
        b.refuse(f"a constant of shape {array.shape}", "give it the shape of one event")
    return b.constant(array, part, (1,) * (rank - array.ndim) + array.shape)


def _operands(b: LayerBuilder) -> list[str]:
    values = list(b.arguments.values())
    rank = max(len(b.shape(value)) for value in values if isinstance(value, Value))
    return [_operand(b, value, f"operand{k}", rank) for k, value in enumerate(values)]


def _element_wise(op: Op) -> Converter:
    return lambda b, *inputs: merged(b, op, _operands(b))


def _divide(b: LayerBuilder, *inputs: str) -> str:
    x, divisor = b.arguments.values()
    if not isinstance(x, Value) or isinstance(divisor, Value) or np.ndim(divisor) or divisor != int(divisor):
        b.refuse("a division", "only a division by 2, 4, 8, … is exact; use a QUnaryFunctionLUT for others")
    return divided(b, x, int(divisor), "a division by")


def _compared(b: LayerBuilder, more: int, less: int, *, negated: bool) -> str:
    values = _operands(b)
    shape = np.broadcast_shapes(*(b.shape(node) for node in values))
    full = [b.broadcast(node, shape, f"broadcast{k}") for k, node in enumerate(values)]
    node = b.add(GreaterEqual(), full[more], full[less], part="decision")
    if not negated:
        return node
    return b.add(Subtract(), b.constant(np.array(1.0), "one", shape), node, part="not")


def _where(b: LayerBuilder, *inputs: str) -> str:
    values = _operands(b)
    shape = np.broadcast_shapes(*(b.shape(node) for node in values))
    full = [b.broadcast(node, shape, f"broadcast{k}") for k, node in enumerate(values)]
    return b.add(Select(), *full, part="chosen")


def _reduction(op: Op) -> Converter:
    def convert(b: LayerBuilder, x: str) -> str:
        axes = _axes(b, x)
        node = b.reduced(x, op, axes, "reduced", keepdims=b.layer.keepdims)
        if type(b.layer).__name__ != "Mean":
            return node
        return divided(b, node, int(np.prod([b.shape(x)[axis] for axis in axes])), "a mean of")

    return convert


def _axes(b: LayerBuilder, x: str) -> list[int]:
    """The axes of the operation, the batch not counted."""
    axes = b.layer.axis
    rank = len(b.shape(x)) + 1
    given = [] if axes is None else [axes] if isinstance(axes, int) else list(axes)
    places = [axis % rank - 1 for axis in given]
    if not places or min(places) < 0:
        b.refuse("a reduction over the axis of the events", "state the other axes")
    return places


def _argmax(b: LayerBuilder, x: str) -> str:
    """The first of the largest; of zeros alone Keras takes the first that is not written as -0.0."""
    return b.reduced(x, ArgMax(), _axes(b, x), "best", keepdims=b.layer.keepdims)


def _sorted(b: LayerBuilder, x: str) -> str:
    """Ascending, as the framework sorts."""
    (axis,) = _axes(b, x)
    rows = b.rewired(x, lambda i: np.moveaxis(i, axis, -1), "rows")
    node = b.add(Sort(), rows, part="descending")
    return b.rewired(node, lambda i: np.moveaxis(i[..., ::-1], -1, axis), "sorted")


def _top_k(b: LayerBuilder, x: str) -> tuple[str, ...]:
    k = b.layer.k
    node = b.rewired(b.add(Sort(), x, part="descending"), lambda i: i[..., :k], "best")
    return (node, b.add(ArgMax(), x, part="place")) if k == 1 else (node,)


def _matmul(b: LayerBuilder, *inputs: str) -> str:
    x, y = (b.arguments[name] for name in ("x1", "x2"))
    if not isinstance(x, Value) or not isinstance(y, Value) or len(b.shape(x)) != len(b.shape(y)):
        b.refuse("a product with a constant, or of different ranks", "use QEinsumDense or QEinsum")
    rank = len(b.shape(x))
    if rank < 2:
        b.refuse("a product over the events", "give each operand two axes beside that of the events")
    batch = ascii_letters[3 : rank + 2]
    return einsum_of_variables(b, [x, y], f"{batch}ab,{batch}bc->{batch}ac")


def _einsum(b: LayerBuilder, *inputs: str) -> str:
    return einsum_of_variables(b, inputs, b.layer.subscripts)


def _clip(b: LayerBuilder, x: str) -> str:
    return b.clipped(x, b.layer.x_min, b.layer.x_max, "clipped")


def _negative(b: LayerBuilder, x: str) -> str:
    return b.add(Subtract(), b.constant(np.array(0.0), "zero", b.shape(x)), x, part="negative")


def _absolute(b: LayerBuilder, x: str) -> str:
    return merged(b, Max(), [x, _negative(b, x)])


def _table(b: LayerBuilder, x: str) -> str:
    return tabulated(b, x, b.layer.call)


def _move(b: LayerBuilder, *inputs: str) -> tuple[str, ...]:
    """The operation itself moves the places; its other arguments stay."""

    def function(*places: Any) -> Any:
        given = iter(places)

        def filled(value: Any) -> Any:
            if isinstance(value, Value):
                return next(given)
            return type(value)(filled(v) for v in value) if type(value) in (list, tuple) else value

        args = [filled(value) for value in b.args]
        return b.layer.call(*args, **{name: filled(value) for name, value in b.kwargs.items()})

    return moved(b, function, inputs)


_MOVES = (
    "Concatenate", "ExpandDims", "Flip", "GetItem", "Moveaxis", "Pad", "Repeat", "Reshape",
    "Roll", "Slice", "Split", "Squeeze", "Stack", "Swapaxes", "Take", "Tile", "Transpose", "Unstack",
)  # fmt: skip
_TABLES = (
    "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSilu", "Log", "Reciprocal", "Rsqrt", "Selu", "Sigmoid",
    "Silu", "Softplus", "Softsign", "Sqrt", "Tanh",
)  # fmt: skip


def _first(b: LayerBuilder, *inputs: str) -> str:
    return inputs[0]


OPERATIONS: dict[str, Converter] = {
    **dict.fromkeys(_MOVES, _move),
    **dict.fromkeys(_TABLES, _table),
    **dict.fromkeys(("Cast", "Copy", "StopGradient"), _first),
    **dict.fromkeys(("Abs", "Absolute"), _absolute),
    **dict.fromkeys(("Amax", "Max"), _reduction(Max())),
    **dict.fromkeys(("Amin", "Min"), _reduction(Min())),
    **dict.fromkeys(("Mean", "Sum"), _reduction(Sum())),
    **dict.fromkeys(("Divide", "TrueDivide"), _divide),
    "Add": _element_wise(Add()),
    "Argmax": _argmax,
    "Clip": _clip,
    "Einsum": _einsum,
    "Greater": lambda b, *inputs: _compared(b, 1, 0, negated=True),
    "GreaterEqual": lambda b, *inputs: _compared(b, 0, 1, negated=False),
    "HardTanh": lambda b, x: b.clipped(x, -1.0, 1.0, "clipped"),
    "LeakyRelu": leaky,
    "Less": lambda b, *inputs: _compared(b, 0, 1, negated=True),
    "LessEqual": lambda b, *inputs: _compared(b, 1, 0, negated=False),
    "Matmul": _matmul,
    "Maximum": _element_wise(Max()),
    "Minimum": _element_wise(Min()),
    "Multiply": _element_wise(Multiply()),
    "Negative": _negative,
    "Relu": lambda b, x: b.add(Relu(), x, part="relu"),
    "Relu6": lambda b, x: b.clipped(x, 0.0, 6.0, "clipped"),
    "Sort": _sorted,
    "Square": lambda b, x: b.add(Multiply(square=True), x, x, part="square"),
    "Subtract": _element_wise(Subtract()),
    "TopK": _top_k,
    "Where": _where,
}
"""Class name → function (LayerBuilder, input nodes) → node, or one for each output."""
