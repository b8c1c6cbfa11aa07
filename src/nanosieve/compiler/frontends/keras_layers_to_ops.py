"""What each Keras and HGQ2 layer means: one short function for each class, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.quantizers import dyadic, quantize_op
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Fixed,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Multiply,
    Nonzero,
    Op,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Scale,
    Subtract,
    Sum,
    TensorType,
    aligning,
)
from nanosieve.errors import UnsupportedLayerError

__all__ = ["CONVERTERS", "LayerBuilder"]

LARGEST_TABLE = 1 << 16


@dataclass
class LayerBuilder:
    """Adds the nodes of one layer; its last value takes the layer's name when the layer is finished."""

    builder: Builder
    layer: Any

    @property
    def name(self) -> str:
        """The user's name of the layer."""
        return str(self.layer.name)

    def add(self, op: Op, *inputs: str, part: str) -> str:
        """Add a node ``layer.part``."""
        return self.builder.add(op, *inputs, layer=self.name, part=part)

    def constant(self, values: NDArray[Any], part: str, shape: tuple[int, ...]) -> str:
        """Add fixed numbers, broadcast to `shape`."""
        full = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
        codes, exponent = dyadic(full, f"layer {self.name!r}: {part}")
        return self.builder.constant(Constant(codes, np.full(shape, exponent)), layer=self.name, part=part)

    def shape(self, node: str) -> tuple[int, ...]:
        """Shape of a node without the batch."""
        return self.builder.types[node].shape

    def quantized(self, node: str, quantizer: Any, part: str) -> str:
        """Add an HGQ2 quantiser; nothing where `quantizer` is None."""
        if quantizer is None:
            return node
        return self.add(
            quantize_op(quantizer, self.shape(node), f"layer {self.name!r}: {part}"), node, part=part
        )

    def aligned(self, node: str) -> str:
        """The rows of a tensor at one step for each element of the last axis, exactly."""
        x = self.builder.types[node]
        op = aligning(x, tuple(range(len(x.shape) - 1)))
        return node if op is None else self.add(op, node, part="aligned")

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise the error for an option that is not supported."""
        message = f"layer {self.name!r} ({type(self.layer).__name__}): {what}; {remedy}"
        raise UnsupportedLayerError(message)


def _input_quantizer(layer: Any) -> Any:
    return layer.iq if getattr(layer, "enable_iq", False) else None


def _activated(b: LayerBuilder, node: str) -> str:
    activation = getattr(b.layer, "activation", None)
    name = getattr(activation, "__name__", "linear")
    if name == "linear":
        return node
    if name != "relu":
        b.refuse(f"activation {name!r} inside the layer", "use a ReLU, LeakyReLU or QUnaryFunctionLUT layer")
    return b.add(Relu(), node, part="relu")


def _with_bias(b: LayerBuilder, node: str, bias: Any) -> str:
    if bias is None or not np.any(np.asarray(bias)):
        return node
    constant = b.constant(np.asarray(bias), "bias", b.shape(node))
    return b.add(Add(), node, constant, part="sum")


def _dense(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    equation = getattr(layer, "equation", None)
    if equation is not None:
        left, _, right = equation.replace("->", ",").split(",")
        kernel = equation.replace("->", ",").split(",")[1]
        if len(kernel) != 2 or left[:-1] != right[:-1] or left[-1] != kernel[0] or right[-1] != kernel[1]:
            b.refuse(f"equation {equation!r}", "only products over the last axis are supported yet")
    x = b.aligned(b.quantized(x, _input_quantizer(layer), "input"))
    codes, exponent = dyadic(np.asarray(layer.qkernel), f"layer {b.name!r}: kernel")
    node = b.add(Dense(codes, exponent), x, part="product")
    node = _with_bias(b, node, layer.qbias if layer.bias is not None else None)
    return _activated(b, node)


def _batch_normalization(b: LayerBuilder, x: str) -> str:
    scale, offset = b.layer.qscaler_and_qoffset
    if b.layer.axis not in (-1, len(b.shape(x))):
        b.refuse(f"axis {b.layer.axis}", "normalise over the last axis")
    x = b.quantized(x, _input_quantizer(b.layer), "input")
    node = b.add(Multiply(), x, b.constant(np.asarray(scale), "scale", b.shape(x)), part="scaled")
    return _with_bias(b, node, offset)


def _table(b: LayerBuilder, x: str) -> str:
    """Run the layer itself on every input code, so that the table is the framework's own."""
    x = b.quantized(x, _input_quantizer(b.layer), "input")
    given = b.builder.types[x]
    entries = int((given.high - given.low).max(initial=0)) + 1
    if entries > LARGEST_TABLE:
        b.refuse(f"a table of {entries:,} entries", "quantise its input to 16 bits or less")
    codes = np.minimum(given.low + np.arange(entries).reshape(-1, *([1] * len(given.shape))), given.high)
    values = b.layer(
        np.asarray(codes * np.exp2(given.exponent.astype(float)), dtype=np.float32), training=False
    )
    table = np.asarray(values, dtype=np.float64)
    out, exponent = dyadic(table, f"layer {b.name!r}: table")
    tables = out.reshape(entries, -1).T
    return b.add(Lookup(tables, given.low.ravel(), np.full(len(tables), exponent)), x, part="table")


def _merged(op: Op) -> Callable[..., str]:
    def convert(b: LayerBuilder, *inputs: str) -> str:
        if len(inputs) != 2:
            b.refuse(f"{len(inputs)} inputs", "merge two at a time")
        quantizers = list(b.layer.iq) if getattr(b.layer, "enable_iq", False) else [None, None]
        x, y = (
            b.quantized(n, q, f"input{k}") for k, (n, q) in enumerate(zip(inputs, quantizers, strict=True))
        )
        final = Multiply(square=x == y) if isinstance(op, Multiply) else op
        return b.add(final, x, y, part="merged")

    return convert


def _sum(b: LayerBuilder, x: str) -> str:
    last = len(b.shape(x))
    if tuple(b.layer.axes) not in ((last,), (-1,)):
        b.refuse(f"axes {tuple(b.layer.axes)}", "sum over the last axis")
    x = b.quantized(x, _input_quantizer(b.layer), "input")
    node = b.add(Sum(), x, part="total")
    if b.layer.scale != 1.0:
        node = b.add(Scale(np.full(b.shape(node), int(np.log2(b.layer.scale)))), node, part="scaled")
    return node if b.layer.keepdims else b.add(Reshape(b.shape(node)[:-1]), node, part="squeezed")


def _relu(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    if layer.max_value is not None or layer.threshold:
        b.refuse("a maximum or threshold", "use plain ReLU; the next quantiser saturates")
    if layer.negative_slope:
        return _leaky(b, x)
    return b.add(Relu(), x, part="relu")


def _leaky(b: LayerBuilder, x: str) -> str:
    slope = float(np.asarray(b.layer.negative_slope))
    if slope == 0:
        return b.add(Relu(), x, part="relu")
    near = round(slope * 64) / 64
    remedy = f"no hardware computes it exactly; {near} = {round(slope * 64)}/64 is the nearest in six bits"
    code, exponent = dyadic(np.array(slope), f"layer {b.name!r}: slope {slope}", bits=12, remedy=remedy)
    return b.add(LeakyRelu(int(code), exponent), x, part="leaky")


def _activation(b: LayerBuilder, x: str) -> str:
    return _activated(b, x)


def _reshape(b: LayerBuilder, x: str) -> str:
    return b.add(Reshape(tuple(int(n) for n in b.layer.output.shape[1:])), x, part="reshaped")


def _concatenate(b: LayerBuilder, *inputs: str) -> str:
    if b.layer.axis not in (-1, len(b.shape(inputs[0]))):
        b.refuse(f"axis {b.layer.axis}", "concatenate along the last axis")
    return b.add(Concatenate(), *inputs, part="joined")


def _identity(b: LayerBuilder, x: str) -> str:
    return x


def _quantizer(b: LayerBuilder, x: str) -> str:
    return b.quantized(x, b.layer, "quantized")


def _port(b: LayerBuilder, x: str) -> str:
    """A port that is not directly behind an input: its rounding and saturation as a quantiser."""
    port = b.layer
    target = TensorType.of(Fixed(port.width, port.integer, port.signed), b.shape(x))
    return b.add(Quantize(target, Rounding.RND, Overflow.SAT), x, part="port")


def _scale(b: LayerBuilder, x: str) -> str:
    return b.add(Scale(np.broadcast_to(np.asarray(b.layer.exponents), b.shape(x))), x, part="scaled")


def _nonzero(b: LayerBuilder, x: str) -> str:
    return b.add(Nonzero(), x, part="nonzero")


def _threshold(b: LayerBuilder, x: str) -> str:
    value = b.constant(np.array(b.layer.value), "value", b.shape(x))
    return b.add(GreaterEqual(), x, value, part="decision")


CONVERTERS: dict[str, Callable[..., str]] = {
    "Activation": _activation,
    "Concatenate": _concatenate,
    "Dropout": _identity,
    "Flatten": _reshape,
    "InputPort": _port,
    "LeakyReLU": _leaky,
    "Nonzero": _nonzero,
    "PhysicalRangeLUT": _table,
    "PowerOfTwoScale": _scale,
    "QAdd": _merged(Add()),
    "QBatchNormDense": _dense,
    "QBatchNormalization": _batch_normalization,
    "QDense": _dense,
    "QEinsumDense": _dense,
    "QEinsumDenseBatchnorm": _dense,
    "QMultiply": _merged(Multiply()),
    "QSubtract": _merged(Subtract()),
    "QSum": _sum,
    "QUnaryFunctionLUT": _table,
    "Quantizer": _quantizer,
    "ReLU": _relu,
    "Reshape": _reshape,
    "Threshold": _threshold,
}
"""Class name → function (LayerBuilder, input nodes) → node before the output quantiser."""

NEEDS_OUTPUT_QUANTIZER_STEP = frozenset(CONVERTERS) - {"QUnaryFunctionLUT", "PhysicalRangeLUT"}
"""Classes whose output quantiser is a node of its own; a table holds quantised entries already."""
