"""Layers that multiply by weights: dense, Einstein sums, convolutions and batch normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.einsum import einsum_with_kernel
from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder, frozen
from nanosieve.compiler.frontends.hgq.converters.functions import activated
from nanosieve.compiler.frontends.quantizers import dyadic
from nanosieve.compiler.frontends.windows import convolution, pad_amounts
from nanosieve.compiler.graph import Integers, Multiply

__all__ = ["CONVERTERS", "channels_first", "channels_last", "einsum_dense"]


def _weights(b: LayerBuilder) -> tuple[Integers, int, Any]:
    """Codes and exponent of the kernel, and the bias or None; those of a fused batch norm among them."""
    layer = b.layer
    fused = hasattr(layer, "moving_variance")
    kernel = frozen(lambda: layer.qkernel) if fused else np.asarray(layer.qkernel)
    bias = None
    if layer.bias is not None:
        bias = frozen(lambda: layer.qbias) if fused else np.asarray(layer.qbias)
    return *dyadic(kernel, f"layer {b.name!r}: kernel"), bias


def _dense(b: LayerBuilder, x: str) -> str:
    kernel, exponent, bias = _weights(b)
    node = b.product(b.input_quantized(x), kernel, exponent)
    return activated(b, b.with_bias(node, bias))


def einsum_dense(b: LayerBuilder, x: str) -> str:
    """``einsum(equation, x, kernel) + bias`` of any equation."""
    kernel, exponent, bias = _weights(b)
    node = einsum_with_kernel(b, b.input_quantized(x), kernel, exponent, b.layer.equation)
    return activated(b, b.with_bias(node, bias))


def channels_last(b: LayerBuilder, x: str) -> str:
    """The input of a layer with the channels as last axis."""
    if b.layer.data_format == "channels_last":
        return x
    return b.rewired(x, lambda i: np.moveaxis(i, 0, -1), "channels_last")


def channels_first(b: LayerBuilder, x: str) -> str:
    """The output of a layer in its own format."""
    if b.layer.data_format == "channels_last":
        return x
    return b.rewired(x, lambda i: np.moveaxis(i, -1, 0), "channels_first")


def _convolution(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    kernel, exponent, bias = _weights(b)
    x = channels_last(b, b.input_quantized(x))
    size = kernel.shape[:-2]
    strides, dilation = _each(layer.strides, size), _each(layer.dilation_rate, size)
    padding = pad_amounts(layer.padding, b.shape(x)[:-1], size, strides, dilation)
    node = convolution(
        b, x, kernel, exponent, strides=strides, dilation=dilation, padding=padding, groups=layer.groups
    )
    return activated(b, channels_first(b, b.with_bias(node, bias)))


def _each(value: int | Sequence[int], size: Sequence[int]) -> tuple[int, ...]:
    return (value,) * len(size) if isinstance(value, int) else tuple(int(n) for n in value)


def _batch_normalization(b: LayerBuilder, x: str) -> str:
    layer = b.layer
    scale, offset = (frozen(lambda k=k: layer.qscaler_and_qoffset[k]) for k in (0, 1))
    x = b.input_quantized(x)
    rank = len(b.shape(x))
    axis = layer.axis - 1 if layer.axis > 0 else layer.axis % rank
    shape = [1] * rank
    shape[axis] = b.shape(x)[axis]
    constant = b.constant(scale.reshape(shape), "scale", b.shape(x))
    return b.with_bias(b.add(Multiply(), x, constant, part="scaled"), offset.reshape(shape))


CONVERTERS: dict[str, Converter] = {
    "QBatchNormDense": _dense,
    "QBatchNormalization": _batch_normalization,
    "QConv1D": _convolution,
    "QConv2D": _convolution,
    "QConv3D": _convolution,
    "QDense": _dense,
    "QEinsumDense": einsum_dense,
    "QEinsumDenseBatchnorm": einsum_dense,
}
