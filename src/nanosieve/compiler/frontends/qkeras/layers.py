"""What each layer of a QKeras model means in the graph: one short function for each class, in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.qkeras.file import Layer
from nanosieve.compiler.frontends.qkeras.functions import Quantizer, as_kernel_quantizer, parse, quantized
from nanosieve.compiler.frontends.qkeras.quantizers import QkerasNodes, activated, weight_codes
from nanosieve.compiler.frontends.windows import (
    convolution,
    depthwise_kernel,
    pad_amounts,
    pooled,
    summed,
)
from nanosieve.compiler.graph import Add, Concatenate, Max, Min, Multiply, Op, Relu, Subtract, Sum
from nanosieve.errors import UnsupportedLayerError

__all__ = ["CONVERTERS", "DECISIONS", "activation_name", "folded", "normalization"]

DECISIONS = ("softmax", "sigmoid")
"""Functions that leave the order of their inputs as it is; behind an output they are left out."""


def _where(layer: Layer, part: str) -> str:
    return f"layer {layer.name!r} ({layer.kind}): {part}"


def _pair(value: Any, axes: int) -> tuple[int, ...]:
    numbers = tuple(int(n) for n in value) if isinstance(value, list | tuple) else (int(value),) * axes
    if len(numbers) != axes or min(numbers) < 1:
        message = f"{value!r} is not a size of {axes} axes"
        raise ValueError(message)
    return numbers


def _channels_last(b: QkerasNodes, layer: Layer) -> None:
    if layer.config.get("data_format") == "channels_first":
        b.refuse("data_format channels_first", "use channels_last")


def activation_name(activation: Any) -> str | None:
    """The name of a plain function; None for a quantiser."""
    if isinstance(activation, dict) and activation.get("class_name") == "function":
        activation = activation["config"]
    return "linear" if activation is None else activation if isinstance(activation, str) else None


def _activated(b: QkerasNodes, layer: Layer, node: str) -> str:
    """The layer's own activation: a quantiser, ReLU, or none."""
    stated = layer.config.get("activation")
    name = activation_name(stated)
    if name == "linear":
        return node
    if name == "relu":
        return b.add(Relu(), node, part="relu")
    if name is not None:
        b.refuse(
            f"activation {name!r} in the middle of the network",
            "use a quantiser such as quantized_tanh or quantized_sigmoid",
        )
    q = parse(stated, _where(layer, "activation"))
    return node if q is None else activated(b, node, q)


def _kernel_quantizer(layer: Layer, key: str) -> Quantizer:
    q = parse(layer.config.get(key), _where(layer, key))
    if q is None:
        message = _where(
            layer, f"it has no {key}, so its weights are real numbers; state one and train again"
        )
        raise UnsupportedLayerError(message)
    return as_kernel_quantizer(q)


def _biased(b: QkerasNodes, layer: Layer, node: str, bias: NDArray[Any] | None) -> str:
    if bias is None:
        return node
    q = parse(layer.config.get("bias_quantizer"), _where(layer, "bias_quantizer"))
    values = bias if q is None else quantized(q, bias.astype(np.float32))
    return b.plus(node, values, "bias")


def _bias(layer: Layer, key: str = "1") -> NDArray[Any] | None:
    return layer.weights[key] if layer.config["use_bias"] else None


def folded(layer: Layer) -> tuple[NDArray[Any], NDArray[Any]]:
    """Kernel and bias of a layer with a batch normalisation inside, before they are quantised; float32."""
    kernel = layer.weights["0"]
    gamma, beta, mean, variance = _statistics(layer, "batchnorm/")
    inverse = 1 / np.sqrt(variance + np.float32(layer.config["epsilon"])) * gamma
    bias = layer.weights["1"] if layer.config["use_bias"] else np.float32(0)
    if layer.kind == "QDepthwiseConv2DBatchnorm":
        shaped = inverse.reshape(kernel.shape[-2:])
        return kernel * shaped, inverse * (bias - mean) + beta
    return kernel * inverse, inverse * (bias - mean) + beta


def _statistics(layer: Layer, prefix: str = "") -> list[NDArray[np.float32]]:
    """Gamma, beta, mean and variance; a factor or offset that the layer lacks is 1 or 0."""
    keys = iter(range(4))
    found: list[Any] = []
    for wanted in (layer.config["scale"], layer.config["center"], True, True):
        found.append(
            np.asarray(layer.weights[f"{prefix}{next(keys)}"], np.float32) if wanted else np.float32(0)
        )
    if not layer.config["scale"]:
        found[0] = np.ones_like(found[2])
    return [np.broadcast_to(values, found[2].shape) for values in found]


def _dense(b: QkerasNodes, layer: Layer, x: str) -> str:
    inside = "batchnorm/0" in layer.weights
    kernel, bias = folded(layer) if inside else (layer.weights["0"], _bias(layer))
    weights = weight_codes(kernel, _kernel_quantizer(layer, "kernel_quantizer"), _where(layer, "kernel"))
    node = b.product(x, weights.codes, weights.exponent)
    if weights.scale is not None:
        node = b.times(node, weights.scale, "scaled")
    return _activated(b, layer, _biased(b, layer, node, bias))


def _convolved(
    b: QkerasNodes, layer: Layer, x: str, kernel: NDArray[Any], key: str, *, depthwise: bool = False
) -> str:
    axes = kernel.ndim - 2
    _channels_last(b, layer)
    weights = weight_codes(kernel, _kernel_quantizer(layer, key), _where(layer, "kernel"))
    codes, groups = weights.codes, int(layer.config.get("groups", 1))
    if layer.config.get("mask") is not None:
        codes = codes * np.asarray(layer.config["mask"], dtype=np.int64)
    if depthwise:
        codes, groups = depthwise_kernel(codes), kernel.shape[-2]
    strides, dilation = (_pair(layer.config[name], axes) for name in ("strides", "dilation_rate"))
    padding = pad_amounts(
        layer.config["padding"], b.shape(x)[:-1], kernel.shape[:axes], strides, dilation
    )  # fmt: skip
    node = convolution(
        b,
        x,
        codes,
        weights.exponent,
        strides=strides,
        dilation=dilation,
        padding=padding,
        groups=groups,
    )
    if weights.scale is None:
        return node
    repeats = kernel.shape[-2] if depthwise and weights.scale.size > 1 else 1
    return b.times(node, np.tile(weights.scale, repeats), "scaled")


def _convolution(b: QkerasNodes, layer: Layer, x: str) -> str:
    inside = "batchnorm/0" in layer.weights
    kernel, bias = folded(layer) if inside else (layer.weights["0"], _bias(layer))
    depthwise = "Depthwise" in layer.kind
    key = "depthwise_quantizer" if depthwise else "kernel_quantizer"
    node = _convolved(b, layer, x, kernel, key, depthwise=depthwise)
    return _activated(b, layer, _biased(b, layer, node, bias))


def _separable(b: QkerasNodes, layer: Layer, x: str) -> str:
    node = _convolved(
        b.within("depthwise"), layer, x, layer.weights["0"], "depthwise_quantizer", depthwise=True
    )
    point = layer.weights["1"]
    quantizer = _kernel_quantizer(layer, "pointwise_quantizer")
    weights = weight_codes(point, quantizer, _where(layer, "pointwise kernel"))
    node = b.product(node, weights.codes.reshape(point.shape[-2:]), weights.exponent)
    if weights.scale is not None:
        node = b.times(node, weights.scale, "scaled")
    return _activated(b, layer, _biased(b, layer, node, _bias(layer, "2")))


def _batch_normalization(b: QkerasNodes, layer: Layer, x: str) -> str:
    axis = layer.config["axis"]
    if axis not in (-1, [-1], len(b.shape(x)), [len(b.shape(x))]):
        b.refuse(f"axis {axis}", "normalise over the last axis")
    scale, offset = normalization(layer)
    return b.plus(b.times(x, scale, "scaled"), offset, "shifted")


def normalization(layer: Layer) -> tuple[NDArray[Any], NDArray[Any]]:
    """Factor and offset of each channel, from quantised parameters where the layer has quantisers."""
    found: list[NDArray[np.float64]] = []
    keys = ("gamma_quantizer", "beta_quantizer", "mean_quantizer", "variance_quantizer")
    for key, values in zip(keys, _statistics(layer), strict=True):
        q = parse(layer.config.get(key), _where(layer, key))
        found.append(np.asarray(values if q is None else quantized(q, values), dtype=np.float64))
    gamma, beta, mean, variance = found
    if np.any(variance + layer.config["epsilon"] <= 0):
        message = _where(layer, "a variance is not positive; train it again")
        raise UnsupportedLayerError(message)
    inverse = gamma / np.sqrt(variance + layer.config["epsilon"])
    q = parse(layer.config.get("inverse_quantizer"), _where(layer, "inverse_quantizer"))
    if q is not None:
        inverse = quantized(q, inverse)
    return inverse, beta - mean * inverse


def _relu(b: QkerasNodes, layer: Layer, x: str) -> str:
    config = layer.config
    if config.get("max_value") is not None or config.get("threshold") or config.get("negative_slope"):
        b.refuse("a maximum, threshold or slope", "use QActivation(quantized_relu(…)), which saturates")
    return b.add(Relu(), x, part="relu")


def _softmax(b: QkerasNodes, layer: Layer, x: str) -> str:
    b.refuse("a softmax in the middle of the network", "end the network with it")


def _max_pooling(b: QkerasNodes, layer: Layer, x: str) -> str:
    _channels_last(b, layer)
    shape = b.shape(x)[:-1]
    size = shape if layer.kind.startswith("Global") else _pair(layer.config["pool_size"], len(shape))
    strides = _pair(layer.config.get("strides") or size, len(shape))
    padding = pad_amounts(layer.config.get("padding", "valid"), shape, size, strides)
    return _global_shape(b, layer, pooled(b, x, Max(), size, strides, padding))


def _global_shape(b: QkerasNodes, layer: Layer, node: str) -> str:
    """The shape of a global pooling, which drops its axes of length 1."""
    if "Global" not in layer.kind or layer.config.get("keepdims"):
        return node
    return b.reshaped(node, b.shape(node)[-1:], "flat")


def _average_pooling(b: QkerasNodes, layer: Layer, x: str) -> str:
    _channels_last(b, layer)
    shape = b.shape(x)[:-1]
    everything = "Global" in layer.kind
    size = shape if everything else _pair(layer.config["pool_size"], len(shape))
    strides = _pair(layer.config.get("strides") or size, len(shape))
    q = parse(layer.config.get("average_quantizer"), _where(layer, "average_quantizer"))
    padding = pad_amounts(layer.config.get("padding", "valid"), shape, size, strides)
    node, places = summed(b, x, size, strides, padding)
    if q is not None:
        area = np.array(1.0 / np.prod(size), dtype=np.float32)
        # the layer averages area * x over the places that lie inside
        factor = quantized(q, area).astype(np.float64) * np.prod(size) / places
    else:
        factor = 1.0 / places
    return _activated(b, layer, _global_shape(b, layer, b.times(node, factor[..., np.newaxis], "average")))


def _flatten(b: QkerasNodes, layer: Layer, x: str) -> str:
    _channels_last(b, layer)
    return b.reshaped(x, (int(np.prod(b.shape(x), dtype=np.int64)),), "flat")


def _reshape(b: QkerasNodes, layer: Layer, x: str) -> str:
    wanted = [int(n) for n in layer.config["target_shape"]]
    return b.rewired(x, lambda places: places.reshape(wanted), "shaped")


def _permute(b: QkerasNodes, layer: Layer, x: str) -> str:
    axes = [int(n) - 1 for n in layer.config["dims"]]
    return b.rewired(x, lambda places: places.transpose(axes), "permuted")


def _pad(b: QkerasNodes, layer: Layer, x: str) -> str:
    _channels_last(b, layer)
    axes = len(b.shape(x)) - 1
    pairs = layer.config["padding"]
    pairs = [pairs] if axes == 1 and not isinstance(pairs[0], list | tuple) else pairs
    widths = [*((int(before), int(after)) for before, after in pairs), (0, 0)]
    return b.rewired(x, lambda places: np.pad(places, widths, constant_values=-1), "padded")


def _upsample(b: QkerasNodes, layer: Layer, x: str) -> str:
    _channels_last(b, layer)
    if layer.config.get("interpolation", "nearest") != "nearest":
        b.refuse(f"interpolation {layer.config['interpolation']!r}", "use nearest")
    axes = len(b.shape(x)) - 1

    def repeated(places: NDArray[Any]) -> NDArray[Any]:
        for axis, times in enumerate(_pair(layer.config["size"], axes)):
            places = places.repeat(times, axis)
        return places

    return b.rewired(x, repeated, "repeated")


def _identity(b: QkerasNodes, layer: Layer, x: str) -> str:
    return x


def _merged(op: Op) -> Callable[..., str]:
    def merge(b: QkerasNodes, layer: Layer, *inputs: str) -> str:
        node = inputs[0]
        for n, other in enumerate(inputs[1:], start=1):
            node = b.add(op, node, other, part=f"merged_{n}")
        return node

    return merge


def _extreme(op: Op) -> Callable[..., str]:
    """The largest or smallest of several tensors: side by side on a new last axis."""

    def merge(b: QkerasNodes, layer: Layer, *inputs: str) -> str:
        shape = b.shape(inputs[0])
        columns = [b.reshaped(x, (*shape, 1), f"column_{n}") for n, x in enumerate(inputs)]
        best = b.add(op, b.add(Concatenate(), *columns, part="together"), part="best")
        return b.reshaped(best, shape, "merged")

    return merge


def _average(b: QkerasNodes, layer: Layer, *inputs: str) -> str:
    return b.times(_extreme(Sum())(b, layer, *inputs), np.array(1 / len(inputs)), "average")


def _concatenate(b: QkerasNodes, layer: Layer, *inputs: str) -> str:
    axes = len(b.shape(inputs[0]))
    axis = int(layer.config["axis"])
    axis = axis - 1 if axis > 0 else axis + axes
    if not 0 <= axis < axes:
        b.refuse(f"axis {layer.config['axis']}", f"join along an axis from 1 to {axes}")
    if axis == axes - 1:
        return b.add(Concatenate(), *inputs, part="joined")
    turned = [b.rewired(x, lambda p: np.moveaxis(p, axis, -1), f"turned_{n}") for n, x in enumerate(inputs)]
    joined = b.add(Concatenate(), *turned, part="joined")
    return b.rewired(joined, lambda p: np.moveaxis(p, -1, axis), "turned_back")


def _table(rows: Sequence[tuple[str, Callable[..., str]]]) -> dict[str, Callable[..., str]]:
    return {name: convert for names, convert in rows for name in names.split()}


CONVERTERS: dict[str, Callable[..., str]] = _table(
    [
        ("Activation QActivation", _activated),
        ("ActivityRegularization Dropout GaussianDropout GaussianNoise", _identity),
        ("SpatialDropout1D SpatialDropout2D", _identity),
        ("Add", _merged(Add())),
        ("Average", _average),
        ("AveragePooling1D AveragePooling2D QAveragePooling2D", _average_pooling),
        ("BatchNormalization QBatchNormalization", _batch_normalization),
        ("Concatenate", _concatenate),
        ("Dense QDense QDenseBatchnorm", _dense),
        ("Conv1D Conv2D DepthwiseConv2D", _convolution),
        ("Flatten", _flatten),
        ("GlobalAveragePooling1D GlobalAveragePooling2D QGlobalAveragePooling2D", _average_pooling),
        ("GlobalMaxPooling1D GlobalMaxPooling2D MaxPooling1D MaxPooling2D", _max_pooling),
        ("Maximum", _extreme(Max())),
        ("Minimum", _extreme(Min())),
        ("Multiply", _merged(Multiply())),
        ("Permute", _permute),
        ("QConv1D QConv2D QConv2DBatchnorm QDepthwiseConv2D QDepthwiseConv2DBatchnorm", _convolution),
        ("QSeparableConv1D QSeparableConv2D", _separable),
        ("ReLU", _relu),
        ("Reshape", _reshape),
        ("Softmax", _softmax),
        ("Subtract", _merged(Subtract())),
        ("UpSampling1D UpSampling2D", _upsample),
        ("ZeroPadding1D ZeroPadding2D", _pad),
    ]
)
"""Class name → function (QkerasNodes, Layer, input nodes) → node."""
