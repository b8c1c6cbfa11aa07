"""ONNX ops that sum products: Gemm, MatMul and Conv."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from string import ascii_letters
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.onnx.constants import Known
from nanosieve.compiler.frontends.onnx.conversion import LARGEST, Conversion
from nanosieve.compiler.frontends.onnx.elementwise import plus
from nanosieve.compiler.frontends.onnx.values import Reals, Value, full, standard_layout
from nanosieve.compiler.frontends.windows import Padding, convolution, pad_amounts
from nanosieve.compiler.graph import Einsum

__all__ = ["LINEAR", "spatial_axes", "window_of"]

WIDEST = 25
"""Bits, the sign counted, of the integers that float32 holds."""


def _outputs(scale: Reals | None, own: Reals | None, shape: tuple[int, ...], axis: int) -> Reals | None:
    """The scale of a product: that of the input times that of each output."""
    if own is not None:
        lengths = [1] * len(shape)
        lengths[axis] = -1
        own = own.reshape(lengths)
        scale = own if scale is None else scale * own
    return None if scale is None else full(scale, shape)


def _rounded(c: Conversion, node: str, scale: Reals | None) -> bool:
    """Whether the framework rounds the sums of a product, as it does with scaled ones.

    Sums of more bits than float32 has are noted at once.
    """
    if scale is None and int(c.nodes.type(node).width.max(initial=0)) > WIDEST:
        c.ideal.add(c.nodes.name)
    return scale is not None


def _product(c: Conversion, place: int, other: int, axis: int, order: tuple[int, int]) -> Value:
    """The sum over `axis` of a variable times the matrix at `other`, whose axes (in, out) are `order`."""
    value = c.value(place)
    axis %= len(value.shape)
    weights = c.given(other)
    if not isinstance(weights, Known) or weights.values.ndim != 2:
        c.refuse("a constant that is no matrix", "use a matrix of weights")
    inputs, outputs = (weights.values.shape[n] for n in order)
    if value.shape[axis] != inputs:
        c.refuse(f"{inputs} weights for {value.shape[axis]} inputs", "export the model again")
    value = c.summable((axis,), place)
    codes, exponent, own = c.weights(other, order, "weights")
    layout = tuple([a for a in standard_layout(value.shape) if a != axis] + [axis])
    node = c.nodes.product(c.nodes.arranged(value, layout), codes, exponent)
    shape = tuple(outputs if a == axis else n for a, n in enumerate(value.shape))
    scale = _outputs(c.along(value, (axis,), shape), own, shape, axis)
    return Value(node, shape, layout, scale, rounded=_rounded(c, node, scale), pending=c.summed(other))


def _gemm(c: Conversion) -> Value:
    attributes = c.node.attributes
    alpha, beta = float(attributes.get("alpha", 1.0)), float(attributes.get("beta", 1.0))
    if attributes.get("transA", 0) or alpha != 1 or len(c.value().shape) != 2 or c.value().shape[0] != 1:
        c.refuse("transA, alpha or an input of more than two axes", "write it as MatMul, Mul and Add")
    value = _product(c, 0, 1, 1, (1, 0) if attributes.get("transB", 0) else (0, 1))
    return _with_bias(c, value, -1, beta)


def _with_bias(c: Conversion, value: Value, axis: int, factor: float = 1.0) -> Value:
    """`value` plus the third input of the node, which runs along `axis`."""
    bias = c.known(2, "a bias")
    if bias is None or not factor:
        return value
    if axis != -1:
        bias = bias.reshape([-1 if a == axis else 1 for a in range(len(value.shape))])
    c.common_shape(bias.shape, value.shape)
    value = replace(value, tensor=c.node.outputs[0])
    return plus(c, value, bias * np.float32(factor))


def _matmul(c: Conversion) -> Value:
    first, second = c.given(0), c.given(1)
    if isinstance(first, Value) and isinstance(second, Value):
        return _of_variables(c)
    if isinstance(second, Known):
        return _product(c, 0, 1, -1, (0, 1))
    if len(c.value(1).shape) < 2:
        c.refuse("a matrix times a vector without a batch", "give the model a batch axis")
    return _product(c, 1, 0, -2, (1, 0))


def _of_variables(c: Conversion) -> Value:
    """A product of two variable matrices."""
    left, right = c.value(0), c.value(1)
    if len(left.shape) < 2 or len(right.shape) < 2 or left.shape[-1] != right.shape[-2]:
        c.refuse(f"the shapes {left.shape} and {right.shape}", "multiply matrices that fit")
    left, right = c.summable((-1,), 0), c.summable((-2,), 1)
    lead = c.common_shape(left.shape[:-2], right.shape[:-2])
    left, right = c.spread(left, (*lead, *left.shape[-2:])), c.spread(right, (*lead, *right.shape[-2:]))
    letters = ascii_letters[: len(lead)]
    shape = (*lead, left.shape[-2], right.shape[-1])
    operands = []
    for value, own in ((left, letters + "YZ"), (right, letters + "ZX")):
        layout = standard_layout(value.shape)
        operands.append((c.nodes.arranged(value, layout), "".join(own[a] for a in layout)))
    layout = standard_layout(shape)
    out = "".join((letters + "YX")[a] for a in layout)
    op = Einsum(f"{operands[0][1]},{operands[1][1]}->{out}")
    nodes = [c.nodes.aligned(node, op.summed(n)) for n, (node, _) in enumerate(operands)]
    scale = c.along(left, (len(lead) + 1,), shape)
    other = c.along(right, (len(lead),), shape)
    if other is not None:
        scale = other if scale is None else scale * other
    node = c.nodes.add(op, *nodes, part="product")
    return Value(node, shape, layout, scale, rounded=_rounded(c, node, scale), pending=c.pending())


def spatial_axes(c: Conversion, value: Value) -> tuple[int, ...]:
    """The axes along which a window slides, and the channels last.

    Raises:
        UnsupportedLayerError: no image or sequence, or several in one event.
    """
    rank = len(value.shape)
    if rank < 3 or value.shape[0] != 1:
        c.refuse(f"an input of shape {value.shape}", "give it as (1, channels, positions…)")
    return tuple(range(1, rank)) if c.node.channels_last else (*range(2, rank), 1)


def window_of(
    c: Conversion, lengths: tuple[int, ...], size: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], Padding]:
    """Strides, dilation and padding of a window of `size` over axes of `lengths`, by the attributes."""
    attributes, n = c.node.attributes, len(size)
    strides = tuple(int(s) for s in attributes.get("strides") or [1] * n)
    dilation = tuple(int(d) for d in attributes.get("dilations") or [1] * n)
    pads = [int(p) for p in attributes.get("pads") or [0] * 2 * n]
    if (
        not len(strides) == len(dilation) == len(lengths) == n
        or len(pads) != 2 * n
        or min(*strides, *dilation, *size, *(p + 1 for p in pads)) < 1
    ):
        c.refuse("a window that does not fit its input", "one size, stride and dilation for each axis")
    kind = str(attributes.get("auto_pad", "NOTSET"))
    words: dict[str, Any] = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}
    padding: Padding = tuple((pads[a], pads[a + n]) for a in range(n))
    if kind in words:
        padding = pad_amounts(words[kind], lengths, size, strides, dilation)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    outside = [s > length + sum(p) for s, length, p in zip(spans, lengths, padding, strict=True)]
    padded = np.prod([length + sum(p) for length, p in zip(lengths, padding, strict=True)], dtype=object)
    if any(outside) or padded > LARGEST:
        c.refuse(f"a window of {size} over an input of {lengths}", "export the model again")
    places = np.prod(size, dtype=object) * np.prod(
        [
            (length + sum(p) - span) // s + 1
            for length, p, span, s in zip(lengths, padding, spans, strides, strict=True)
        ],
        dtype=object,
    )
    held = places * c.value().shape[spatial_axes(c, c.value())[-1]]
    if held > LARGEST:
        c.refuse(
            f"its windows hold {held:,} values for one event", f"at most {LARGEST:,} fit; use a smaller input"
        )
    return strides, dilation, padding


def _conv(c: Conversion) -> Value:
    value = c.value()
    axes = spatial_axes(c, value)
    weights, groups = c.given(1), int(c.node.attributes.get("group", 1))
    rank = len(value.shape)
    if not isinstance(weights, Known) or weights.values.ndim != rank:
        c.refuse("a kernel that is computed or has another rank", "use a constant kernel")
    order = (*range(1, rank), 0) if c.node.channels_last else (*range(2, rank), 1, 0)
    *size, depth, filters = (weights.values.shape[a] for a in order)
    channels = value.shape[axes[-1]]
    if groups < 1 or depth * groups != channels or filters % groups:
        c.refuse(f"{depth} channels of kernel, {groups} groups, {channels} channels", "export again")
    lengths = tuple(value.shape[a] for a in axes[:-1])
    strides, dilation, padding = window_of(c, lengths, tuple(size))
    value = c.summable(range(rank))
    codes, exponent, own = c.weights(1, order, "weights")
    node = convolution(
        c.nodes, c.nodes.arranged(value, axes), codes, exponent,
        strides=strides, dilation=dilation, padding=padding, groups=groups,
    )  # fmt: skip
    made = c.nodes.shape(node)
    shape = tuple(1 if a == 0 else made[axes.index(a)] for a in range(rank))
    scale = _outputs(c.along(value, range(rank), shape), own, shape, axes[-1])
    result = Value(node, shape, axes, scale, rounded=_rounded(c, node, scale), pending=c.summed(1))
    return _with_bias(c, result, axes[-1])


LINEAR: dict[str, Callable[[Conversion], Value]] = {"Conv": _conv, "Gemm": _gemm, "MatMul": _matmul}
"""Op → converter."""
