"""What each float Keras layer means: one short function for each class, in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.calibrated.activations import activated, elu
from nanosieve.compiler.frontends.calibrated.builder import Reals, Traced
from nanosieve.compiler.frontends.keras_float.attention import multi_head_attention
from nanosieve.compiler.frontends.keras_float.call import LayerCall, array, function_name
from nanosieve.compiler.frontends.keras_float.recurrent import bidirectional, recurrent
from nanosieve.compiler.frontends.windows import Padding, pad_amounts

__all__ = ["CONVERTERS", "batch_normalization"]

Converter = Callable[..., Traced | list[Traced]]


def _activated(call: LayerCall, x: Traced) -> Traced:
    return activated(call.b, x, function_name(call.layer.activation), layer=call.name)


def _dense(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    kernel, bias = call.folded(array(layer.kernel), array(layer.bias) if layer.use_bias else None)
    return _activated(call, call.b.dense(x, kernel, bias, layer=call.name))


def _einsum_dense(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    total = call.b.einsum(x, array(layer.kernel), layer.equation, layer=call.name)
    bias = None if layer.bias is None else array(layer.bias)
    return _activated(call, call.b.offset(total, bias, layer=call.name))


def _channels_last(call: LayerCall) -> None:
    if getattr(call.layer, "data_format", "channels_last") != "channels_last":
        call.refuse("data_format='channels_first'", "build it with channels_last")


def _padding(call: LayerCall, x: Traced, size: Sequence[int], strides: Sequence[int]) -> Padding:
    dilation = getattr(call.layer, "dilation_rate", None)
    rates = dilation if dilation is None or not isinstance(dilation, int) else [dilation] * len(size)
    return pad_amounts(call.layer.padding, x.shape[:-1], size, strides, rates)


def _conv(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    _channels_last(call)
    kernel, bias = call.folded(array(layer.kernel), array(layer.bias) if layer.use_bias else None)
    total = call.b.conv(
        x, kernel, bias, layer=call.name, strides=layer.strides, dilation=layer.dilation_rate,
        padding=_padding(call, x, layer.kernel_size, layer.strides), groups=layer.groups,
    )  # fmt: skip
    return _activated(call, total)


def _depthwise(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    _channels_last(call)
    bias = array(layer.bias) if layer.use_bias else None
    kernel, bias = call.folded(_one_per_channel(array(layer.kernel)), bias)
    total = call.b.conv(
        x, kernel, bias, layer=call.name, strides=layer.strides, dilation=layer.dilation_rate,
        padding=_padding(call, x, layer.kernel_size, layer.strides), groups=x.shape[-1],
    )  # fmt: skip
    return _activated(call, total)


def _one_per_channel(kernel: Reals) -> Reals:
    *size, channels, multiplier = kernel.shape
    return kernel.reshape(*size, 1, channels * multiplier)


def _separable(call: LayerCall, x: Traced) -> Traced:
    """Depthwise, then pointwise; the value between them has the role ``between``."""
    layer, b = call.layer, call.b
    _channels_last(call)
    depthwise = b.conv(
        x, _one_per_channel(array(layer.depthwise_kernel)), layer=call.name, strides=layer.strides,
        padding=_padding(call, x, layer.kernel_size, layer.strides), dilation=layer.dilation_rate,
        groups=x.shape[-1], role="depthwise_kernel",
    )  # fmt: skip
    pointwise = array(layer.pointwise_kernel)
    kernel = pointwise.reshape(pointwise.shape[-2:])
    kernel, bias = call.folded(kernel, array(layer.bias) if layer.use_bias else None)
    total = b.dense(b.settle(depthwise, "between"), kernel, bias, layer=call.name, role="pointwise_kernel")
    return _activated(call, total)


def _max_pool(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    _channels_last(call)
    padding = _padding(call, x, layer.pool_size, layer.strides)
    return call.b.max_pool(x, layer.pool_size, layer.strides, padding, layer=call.name)


def _average_pool(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    _channels_last(call)
    padding = _padding(call, x, layer.pool_size, layer.strides)
    return call.b.average_pool(x, layer.pool_size, layer.strides, padding, layer=call.name)


def _global(method: str) -> Converter:
    def convert(call: LayerCall, x: Traced) -> Traced:
        _channels_last(call)
        axes = range(len(x.shape) - 1)
        reduced: Traced = getattr(call.b, method)(x, axes, layer=call.name, keepdims=call.layer.keepdims)
        return reduced

    return convert


def batch_normalization(layer: Any) -> tuple[Reals, Reals]:
    """Factor and offset of a batch normalisation in inference."""
    scale = 1.0 / np.sqrt(array(layer.moving_variance) + layer.epsilon)
    factor = scale * array(layer.gamma) if layer.scale else scale
    offset = -array(layer.moving_mean) * factor
    return factor, offset + array(layer.beta) if layer.center else offset


def _batch_normalization(call: LayerCall, x: Traced) -> Traced:
    factor, offset = batch_normalization(call.layer)
    axis = call.layer.axis
    axis = (axis[0] if isinstance(axis, (list, tuple)) else axis) % (len(x.shape) + 1) - 1
    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    return _affine(call, x, factor.reshape(shape), offset.reshape(shape))


def _affine(call: LayerCall, x: Traced, factor: Reals, offset: Reals) -> Traced:
    return call.b.offset(call.b.scaled(x, factor, layer=call.name), offset, layer=call.name)


def _layer_normalization(call: LayerCall, x: Traced) -> Traced:
    """Roles: ``mean``, ``difference``, ``variance_table``, ``variance``, ``normalised``."""
    layer, b, name = call.layer, call.b, call.name
    if getattr(layer, "rms_scaling", False):
        call.refuse("rms_scaling", "build it without")
    axes = [a % (len(x.shape) + 1) - 1 for a in np.atleast_1d(layer.axis)]
    x = b.settle(x)
    mean = b.settle(b.mean(x, axes, layer=name, keepdims=True), "mean")
    difference = b.settle(b.subtract(x, mean, layer=name), "difference")
    variance = b.mean(b.multiply(difference, difference, layer=name), axes, layer=name, keepdims=True)
    root = b.function(variance, lambda v: 1.0 / np.sqrt(v + layer.epsilon), layer=name, role="variance")
    y = b.multiply(difference, root, layer=name)
    kept = [x.shape[a] if a in axes else 1 for a in range(len(x.shape))]
    if layer.scale:
        y = b.scaled(b.settle(y, "normalised"), array(layer.gamma).reshape(kept), layer=name)
    return b.offset(y, array(layer.beta).reshape(kept), layer=name) if layer.center else y


def _rescaling(call: LayerCall, x: Traced) -> Traced:
    return _affine(call, x, np.asarray(call.layer.scale), np.asarray(call.layer.offset))


def _normalization(call: LayerCall, x: Traced) -> Traced:
    layer = call.layer
    if layer.invert:
        call.refuse("invert=True", "use a Rescaling layer")
    mean, deviation = array(layer.mean)[0], np.sqrt(array(layer.variance)[0])
    scale = 1.0 / np.maximum(deviation, 1e-7)
    return _affine(call, x, scale, -mean * scale)


def _merged(method: str) -> Converter:
    def convert(call: LayerCall, x: Traced, *others: Traced) -> Traced:
        for other in others:
            x = getattr(call.b, method)(x, other, layer=call.name)
        return x

    return convert


def _average(call: LayerCall, x: Traced, *others: Traced) -> Traced:
    for other in others:
        x = call.b.add(x, other, layer=call.name)
    return call.b.divided(x, 1 + len(others), layer=call.name)


def _concatenate(call: LayerCall, *xs: Traced) -> Traced:
    axis = call.layer.axis
    return call.b.concatenate(xs, axis=axis if axis < 0 else axis - 1, layer=call.name)


def _relu(call: LayerCall, x: Traced) -> Traced:
    layer, b = call.layer, call.b
    slope, threshold = float(layer.negative_slope or 0.0), float(layer.threshold or 0.0)
    if threshold:
        zero = b.constant(np.zeros(x.shape), layer=call.name)
        below = zero
        if slope:
            moved = b.offset(b.settle(x), np.array(-threshold), layer=call.name)
            below = b.scaled(moved, np.array(slope), layer=call.name, role="slope")
        x = b.select(b.settle(x), threshold, b.settle(x), b.settle(below, "below"), layer=call.name)
    else:
        x = b.leaky_relu(x, slope, layer=call.name)
    return x if layer.max_value is None else b.clip(x, high=float(layer.max_value), layer=call.name)


def _leaky_relu(call: LayerCall, x: Traced) -> Traced:
    return call.b.leaky_relu(x, float(np.asarray(call.layer.negative_slope)), layer=call.name)


def _prelu(call: LayerCall, x: Traced) -> Traced:
    return call.b.leaky_relu(x, array(call.layer.alpha), layer=call.name)


def _elu(call: LayerCall, x: Traced) -> Traced:
    alpha = float(call.layer.alpha)
    return call.b.function(x, lambda v: elu(v, alpha), layer=call.name)


def _softmax(call: LayerCall, x: Traced) -> Traced:
    axis = call.layer.axis
    if not isinstance(axis, int):
        call.refuse(f"axis {axis}", "take the softmax over one axis")
    axis = axis if axis < 0 else axis - 1
    turned = call.b.gather(x, lambda index: np.moveaxis(index, axis, -1), layer=call.name)
    result = call.b.softmax(turned, layer=call.name)
    return call.b.gather(result, lambda index: np.moveaxis(index, -1, axis), layer=call.name)


def _identity(call: LayerCall, x: Traced) -> Traced:
    return x


def _reshape(call: LayerCall, x: Traced) -> Traced:
    shape = call.layer.compute_output_shape((None, *x.shape))[1:]
    return call.b.reshape(x, [int(n) for n in shape], layer=call.name)


def _permute(call: LayerCall, x: Traced) -> Traced:
    order = [n - 1 for n in call.layer.dims]
    return call.b.gather(x, lambda index: index.transpose(order), layer=call.name)


def _repeat_vector(call: LayerCall, x: Traced) -> Traced:
    return call.b.broadcast(x, (call.layer.n, *x.shape), layer=call.name)


def _pairs(values: Any) -> list[tuple[int, int]]:
    """``padding`` or ``cropping`` of any rank as pairs."""
    values = values if isinstance(values[0], (list, tuple)) else [values]
    return [(int(a), int(b)) for a, b in values]


def _zero_padding(call: LayerCall, x: Traced) -> Traced:
    _channels_last(call)
    pairs = [*_pairs(call.layer.padding), (0, 0)]
    return call.b.gather(x, lambda index: np.pad(index, pairs, constant_values=-1), layer=call.name)


def _cropping(call: LayerCall, x: Traced) -> Traced:
    _channels_last(call)
    cuts = tuple(slice(a, n - b) for (a, b), n in zip(_pairs(call.layer.cropping), x.shape, strict=False))
    return call.b.gather(x, lambda index: index[cuts], layer=call.name)


def _up_sampling(call: LayerCall, x: Traced) -> Traced:
    _channels_last(call)
    if getattr(call.layer, "interpolation", "nearest") != "nearest":
        call.refuse(f"interpolation {call.layer.interpolation!r}", "use 'nearest'")

    def repeated(index: Any) -> Any:
        for axis, count in enumerate(np.atleast_1d(call.layer.size)):
            index = np.repeat(index, count, axis=axis)
        return index

    return call.b.gather(x, repeated, layer=call.name)


def _time_distributed(call: LayerCall, x: Traced) -> Traced:
    """The layer inside on every step, all with the same kernels, types and tables."""
    inner = call.inner(call.layer.layer)
    convert = CONVERTERS.get(type(inner.layer).__name__)
    if convert is None:
        call.refuse(f"{type(inner.layer).__name__} inside", f"use one of {', '.join(sorted(CONVERTERS))}")
    digits = len(str(x.shape[0] - 1))

    def steps() -> list[Traced]:
        done = []
        for time in range(x.shape[0]):
            with call.b.step(f"t{time:0{digits}d}"):
                here = call.b.gather(x, itemgetter(time), layer=call.name)
                result = convert(inner, here)
                if isinstance(result, list):
                    (result,) = result
                done.append(call.b.settle(result))
        return done

    return call.stacked(call.b.in_steps(steps))


def _by_rank(converter: Converter, *names: str) -> dict[str, Converter]:
    return {f"{name}{rank}D": converter for name in names for rank in (1, 2, 3)}


CONVERTERS: dict[str, Converter] = {
    "Activation": _activated,
    "Add": _merged("add"),
    "Average": _average,
    "BatchNormalization": _batch_normalization,
    "Bidirectional": bidirectional,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "ELU": _elu,
    "EinsumDense": _einsum_dense,
    "Flatten": _reshape,
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_relu,
    "Maximum": _merged("maximum"),
    "Minimum": _merged("minimum"),
    "MultiHeadAttention": multi_head_attention,
    "Multiply": _merged("multiply"),
    "Normalization": _normalization,
    "PReLU": _prelu,
    "Permute": _permute,
    "ReLU": _relu,
    "RepeatVector": _repeat_vector,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Softmax": _softmax,
    "Subtract": _merged("subtract"),
    "TimeDistributed": _time_distributed,
    **dict.fromkeys(("GRU", "LSTM", "RNN", "SimpleRNN"), recurrent),
    **dict.fromkeys(
        ("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity"),
        _identity,
    ),
    **_by_rank(_identity, "SpatialDropout"),
    **_by_rank(_conv, "Conv"),
    **_by_rank(_depthwise, "DepthwiseConv"),
    **_by_rank(_separable, "SeparableConv"),
    **_by_rank(_max_pool, "MaxPooling"),
    **_by_rank(_average_pool, "AveragePooling"),
    **_by_rank(_global("largest"), "GlobalMaxPooling"),
    **_by_rank(_global("mean"), "GlobalAveragePooling"),
    **_by_rank(_zero_padding, "ZeroPadding"),
    **_by_rank(_cropping, "Cropping"),
    **_by_rank(_up_sampling, "UpSampling"),
}
"""Class name → function (LayerCall, input values) → value, or the values of a layer with several outputs."""
