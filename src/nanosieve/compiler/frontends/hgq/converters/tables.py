"""Layers of learned tables: one for every edge from an input to an output; the outputs are their sums."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder
from nanosieve.compiler.frontends.hgq.converters.functions import activated, tabulated
from nanosieve.compiler.frontends.windows import pad_amounts
from nanosieve.compiler.graph import Sum, Windows

__all__ = ["CONVERTERS", "einsum_table"]


def _dense(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    edges = b.rewired(x, lambda i: np.repeat(i[..., np.newaxis], layer.n_out, axis=-1), "edges")
    edges = b.input_quantized(edges)

    def function(values: Any) -> Any:
        out = layer.module(values[..., None], training=False)
        if layer.enable_bn:
            out = layer.bn_module(out, training=False) / sqrt(layer.n_in)
        return layer.toq(out, training=False)

    terms = tabulated(b, edges, function, _quantizers(layer), own_axes=2, part="tables")
    return activated(b, b.reduced(terms, Sum(), [-2], "total"))


def _quantizers(layer: Any) -> tuple[Any, ...]:
    return (layer.iq, layer.toq) if layer.enable_iq else (layer.toq,)


def _convolution(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    if layer.data_format != "channels_last":
        b.refuse(f"data_format {layer.data_format!r}", "use channels_last")
    padding = pad_amounts(
        layer.padding, b.shape(x)[:-1], layer.kernel_size, layer.strides, layer.dilation_rate
    )
    op = Windows(layer.kernel_size, layer.strides, layer.dilation_rate, padding)
    return _dense(b, b.add(op, x, part="windows"))


def einsum_table(b: LayerBuilder, x: str) -> str:
    """An Einstein sum with a table in place of each product."""
    layer = b.layer
    _, presum = layer._broadcast_shapes((1, *b.shape(x)))
    shape = tuple(int(n) for n in presum[1:])
    edges = b.rewired(
        x,
        lambda i: np.broadcast_to(i.reshape(*i.shape, *([1] * (len(shape) - i.ndim))), shape),
        "edges",
    )
    edges = b.input_quantized(edges)

    def function(values: Any) -> Any:
        out = layer._apply_batch_norm(layer.module(values[..., None], training=False), training=False)
        return layer.toq(out, training=False)

    terms = tabulated(b, edges, function, _quantizers(layer), own_axes=len(shape), part="tables")
    total = b.reduced(terms, Sum(), [axis - 1 for axis in layer._contract_axes], "total")
    order = [axis - 1 for axis in layer._output_transpose[1:]]
    return activated(b, b.rewired(total, lambda i: i.transpose(order), "ordered"))


CONVERTERS: dict[str, Converter] = {
    "QConvT1D": _convolution,
    "QConvT2D": _convolution,
    "QDenseT": _dense,
    "QEinsumDenseT": einsum_table,
}
