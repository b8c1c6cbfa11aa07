"""Layers of several inputs, element by element and as sums of products; sums over axes."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

import numpy as np

from nanosieve.compiler.frontends.einsum import einsum_of_variables
from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder
from nanosieve.compiler.frontends.quantizers import power_of_two
from nanosieve.compiler.frontends.windows import halved
from nanosieve.compiler.graph import Add, Max, Min, Multiply, Op, Subtract, Sum

__all__ = ["CONVERTERS", "divided", "merged", "quantized_inputs"]


def quantized_inputs(b: LayerBuilder, nodes: Sequence[str]) -> list[str]:
    """Each input behind its own quantiser."""
    quantizers = list(b.layer.iq) if getattr(b.layer, "enable_iq", False) else [None] * len(nodes)
    return [
        b.quantized(node, q, f"input{k}") for k, (node, q) in enumerate(zip(nodes, quantizers, strict=True))
    ]


def merged(b: LayerBuilder, op: Op, nodes: Sequence[str]) -> str:
    """Element by element over two or more inputs, broadcast to one shape.

    Keras' merge layers put new axes behind the batch, as NumPy does without the batch.
    """
    shape = np.broadcast_shapes(*(b.shape(node) for node in nodes))
    full = [b.broadcast(node, shape, f"broadcast{k}") for k, node in enumerate(nodes)]
    if len(full) == 1:
        return full[0]
    if isinstance(op, (Max, Min)):
        best = b.add(op, b.stacked(full, "stacked"), part="best")
        return b.reshaped(best, shape, "merged")
    node = full[0]
    for k, other in enumerate(full[1:]):
        final = Multiply(square=node == other) if isinstance(op, Multiply) else op
        node = b.add(final, node, other, part="merged" if len(full) == 2 else f"merged{k}")
    return node


def divided(b: LayerBuilder, node: str, divisor: int, what: str) -> str:
    """Division by a power of two."""
    result = halved(b, node, np.array(divisor))
    if result is None:
        b.refuse(f"{what} {divisor}", "only a division by a power of two is exact; sum, and scale by 2**-n")
    return result


def _merge(op: Op) -> Converter:
    def convert(b: LayerBuilder, *inputs: str) -> str:
        return merged(b, op, quantized_inputs(b, inputs))

    return convert


def _average(b: LayerBuilder, *inputs: str) -> str:
    node = merged(b, Add(), quantized_inputs(b, inputs))
    if hasattr(b.layer, "_scale"):  # QAveragePow2
        return b.shifted(node, power_of_two(b.layer._scale, b.name), "scaled")
    return divided(b, node, len(inputs), "an average of")


def _dot(b: LayerBuilder, *inputs: str) -> str:
    layer = b.layer
    if layer.normalize:
        b.refuse("normalize=True", "no hardware computes the norm exactly; leave it out")
    x, y = quantized_inputs(b, inputs)
    ranks = [len(b.shape(node)) + 1 for node in (x, y)]
    axes = [layer.axes] * 2 if isinstance(layer.axes, int) else list(layer.axes)
    letters = iter(ascii_letters[1:])
    left, right = (["a", *(next(letters) for _ in range(rank - 1))] for rank in ranks)
    right[axes[1] % ranks[1]] = left[axes[0] % ranks[0]]
    out = [i for i in left if i not in right[1:]] + [i for i in right[1:] if i not in left]
    equation = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    node = einsum_of_variables(b, [x, y], equation)
    return node if b.shape(node) else b.reshaped(node, (1,), "scalar")


def _einsum(b: LayerBuilder, *inputs: str) -> str:
    return einsum_of_variables(b, quantized_inputs(b, inputs), b.layer.equation)


def _sum(b: LayerBuilder, x: str) -> str:
    axes = [axis - 1 for axis in b.layer.axes]
    node = b.reduced(b.input_quantized(x), Sum(), axes, "total", keepdims=b.layer.keepdims)
    return b.shifted(node, power_of_two(b.layer.scale, b.name), "scaled")


CONVERTERS: dict[str, Converter] = {
    "Add": _merge(Add()),
    "Average": _average,
    "Dot": _dot,
    "Maximum": _merge(Max()),
    "Minimum": _merge(Min()),
    "Multiply": _merge(Multiply()),
    "QAdd": _merge(Add()),
    "QAveragePow2": _average,
    "QDot": _dot,
    "QEinsum": _einsum,
    "QMaximum": _merge(Max()),
    "QMeanPow2": _sum,
    "QMinimum": _merge(Min()),
    "QMultiply": _merge(Multiply()),
    "QSubtract": _merge(Subtract()),
    "QSum": _sum,
    "Subtract": _merge(Subtract()),
}
