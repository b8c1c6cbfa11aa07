"""Keras layers as ONNX nodes, one function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import UnsupportedLayerError
from nanosieve.networks.onnx_export.drawing import Drawing, Value

__all__ = ["LAYERS", "array", "refuse"]

Shape = tuple[int, ...]
Converter = Callable[[Drawing, Any, list[Value], Shape], Value]

_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}


def array(values: Any) -> NDArray[np.float32]:
    """A Keras variable or tensor as a NumPy array."""
    import keras

    return np.asarray(keras.ops.convert_to_numpy(values), np.float32)


def refuse(layer: Any, what: str) -> UnsupportedLayerError:
    """What to raise for an option."""
    return UnsupportedLayerError(f"layer {layer.name!r}: {what} has no conversion to ONNX; export without it")


def _activated(drawing: Drawing, layer: Any, function: Any, value: Value) -> Value:
    name = getattr(function, "__name__", str(function))
    if name == "linear" or function is None:
        return value
    if name not in _ACTIVATIONS:
        raise refuse(layer, f"the activation {name!r}")
    if name == "softmax":
        value = drawing.channels_last(value)
        return Value(drawing.node("Softmax", [value.name], axis=-1), value.shape)
    return Value(drawing.node(_ACTIVATIONS[name], [value.name]), value.shape, value.first)


def _same(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    return given[0]


def _activation(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    return _activated(drawing, layer, layer.activation, given[0])


def _softmax(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_last(given[0])
    return Value(drawing.node("Softmax", [value.name], axis=-1), shape)


def _relu(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    if layer.max_value is not None or layer.threshold or layer.negative_slope:
        raise refuse(layer, "a ReLU with limit, threshold or slope")
    return Value(drawing.node("Relu", [given[0].name]), shape, given[0].first)


def _leaky_relu(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    name = drawing.node("LeakyRelu", [given[0].name], alpha=float(layer.negative_slope))
    return Value(name, shape, given[0].first)


def _dense(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_last(given[0])
    kernel, bias = array(_kernel(layer)), array(layer.bias) if layer.bias is not None else None
    if type(layer).__name__ == "DenseBatchNorm":
        factor = array(layer.gamma) / np.sqrt(array(layer.moving_variance) + layer.epsilon)
        kernel, bias = kernel * factor, array(layer.bias) - array(layer.moving_mean) * factor
    inputs = [value.name, drawing.weight(kernel)]
    if len(value.shape) == 1:
        name = drawing.node("Gemm", [*inputs, *([] if bias is None else [drawing.weight(bias)])])
    else:
        name = drawing.node("MatMul", inputs)
        if bias is not None:
            name = drawing.node("Add", [name, drawing.weight(bias)])
    return _activated(drawing, layer, getattr(layer, "activation", None), Value(name, shape))


def _kernel(layer: Any) -> Any:
    """Of HGQ2 layers the float one, which they keep apart."""
    return getattr(layer, "_kernel", None) if getattr(layer, "_kernel", None) is not None else layer.kernel


def _convolution(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_first(given[0])
    if layer.data_format != "channels_last" or layer.groups != 1:
        raise refuse(layer, "a convolution in groups or with the channels first")
    inputs = [value.name, drawing.weight(array(_kernel(layer)).transpose(3, 2, 0, 1))]
    if layer.use_bias:
        inputs.append(drawing.weight(array(layer.bias)))
    name = drawing.node(
        "Conv",
        inputs,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        auto_pad={"same": "SAME_UPPER", "valid": "VALID"}[layer.padding],
    )
    return _activated(drawing, layer, layer.activation, Value(name, shape, True))


def _batch_norm(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value, axis = given[0], layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    if axis not in (-1, len(value.shape)):
        raise refuse(layer, "a batch normalisation of another axis than the last")
    mean, variance = array(layer.moving_mean), array(layer.moving_variance)
    gamma = array(layer.gamma) if layer.scale else np.ones_like(mean)
    beta = array(layer.beta) if layer.center else np.zeros_like(mean)
    if value.first or len(value.shape) == 1:
        weights = [drawing.weight(each) for each in (gamma, beta, mean, variance)]
        name = drawing.node("BatchNormalization", [value.name, *weights], epsilon=float(layer.epsilon))
        return Value(name, shape, value.first)
    factor = gamma / np.sqrt(variance + layer.epsilon)
    return drawing.scaled(value, factor, beta - mean * factor)


def _pool(op: str) -> Converter:
    def convert(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
        value = drawing.channels_first(given[0])
        options: dict[str, Any] = {"kernel_shape": list(layer.pool_size), "strides": list(layer.strides)}
        if layer.padding != "valid":
            raise refuse(layer, "a pooling with padding")
        return Value(drawing.node(op, [value.name], **options), shape, True)

    return convert


def _mean(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_last(given[0])
    axes = list(range(1, len(value.shape)))
    return Value(drawing.node("ReduceMean", [value.name], axes=axes, keepdims=int(layer.keepdims)), shape)


def _reshape(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_last(given[0])
    if value.shape == shape:
        return value
    target = drawing.weight([-1, *shape], kind=np.int64)
    return Value(drawing.node("Reshape", [value.name, target]), shape)


def _pad(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_first(given[0])
    (top, bottom), (left, right) = layer.padding
    pads = drawing.weight([0, 0, top, left, 0, 0, bottom, right], kind=np.int64)
    return Value(drawing.node("Pad", [value.name, pads]), shape, True)


def _repeat(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_first(given[0])
    if layer.interpolation != "nearest":
        raise refuse(layer, f"the interpolation {layer.interpolation!r}")
    inputs = [value.name, "", drawing.weight([1, 1, *layer.size])]
    name = drawing.node(
        "Resize", inputs, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    return Value(name, shape, True)


def _add(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    first, *rest = [drawing.channels_last(value) for value in given]
    name = first.name
    for other in rest:
        name = drawing.node("Add", [name, other.name])
    return Value(name, shape)


def _concatenate(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    names = [drawing.channels_last(value).name for value in given]
    return Value(drawing.node("Concat", names, axis=int(layer.axis)), shape)


def _sum(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    value = drawing.channels_last(given[0])
    if getattr(layer, "scale", 1.0) != 1.0:
        raise refuse(layer, "a scaled sum")
    axes = drawing.weight(np.atleast_1d(layer.axes), kind=np.int64)
    return Value(drawing.node("ReduceSum", [value.name, axes], keepdims=int(layer.keepdims)), shape)


def _powers(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    return drawing.scaled(given[0], np.exp2(np.asarray(layer.exponents, np.float32)))


def _physical_range(drawing: Drawing, layer: Any, given: list[Value], shape: Shape) -> Value:
    """``limit tanh(x)`` where there is a limit."""
    free = np.array([limit is None for limit in layer.limits], np.float32)
    limits = np.array([limit or 0.0 for limit in layer.limits], np.float32)
    value = drawing.channels_last(given[0])
    bounded = drawing.node("Mul", [drawing.node("Tanh", [value.name]), drawing.weight(limits)])
    as_it_is = drawing.node("Mul", [value.name, drawing.weight(free)])
    return Value(drawing.node("Add", [bounded, as_it_is]), shape)


LAYERS: Mapping[str, Converter] = {
    "Activation": _activation,
    "Add": _add,
    "AveragePooling2D": _pool("AveragePool"),
    "BatchNormalization": _batch_norm,
    "Concatenate": _concatenate,
    "Conv2D": _convolution,
    "Dense": _dense,
    "DenseBatchNorm": _dense,
    "Dropout": _same,
    "Flatten": _reshape,
    "GlobalAveragePooling1D": _mean,
    "GlobalAveragePooling2D": _mean,
    "InputPort": _same,
    "LeakyReLU": _leaky_relu,
    "MaxPooling2D": _pool("MaxPool"),
    "PhysicalRange": _physical_range,
    "PowerOfTwoScale": _powers,
    "QConv2D": _convolution,
    "QDense": _dense,
    "QSum": _sum,
    "Quantizer": _same,
    "ReLU": _relu,
    "Reshape": _reshape,
    "Softmax": _softmax,
    "UpSampling2D": _repeat,
    "ZeroPadding2D": _pad,
}
"""Class of the layer → what draws it."""
