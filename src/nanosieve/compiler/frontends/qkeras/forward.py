"""A QKeras model run in NumPy: the framework's side of a comparison, without QKeras.

It shares no step with the graph but the file and the formulae of the quantisers. Sums are of float64, in
which products of fixed-point numbers are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nanosieve.compiler.frontends.qkeras.file import MALFORMED, Layer, Model
from nanosieve.compiler.frontends.qkeras.functions import as_kernel_quantizer, parse, quantized
from nanosieve.compiler.frontends.qkeras.layers import folded, normalization
from nanosieve.errors import InputFileError, SampleError, UnknownNameError, UnsupportedLayerError

__all__ = ["forward"]

Array = NDArray[np.float64]
BATCH = 2048
"""Most events at a time."""


def forward(model: Model, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """Output name → values (events, …).

    Args:
        model: the network.
        inputs: input name → (events, …).

    Raises:
        UnknownNameError, SampleError: an input is unknown or missing.
        UnsupportedLayerError: a layer that is not known.
    """
    ports = [layer.name for layer in model.layers if layer.kind == "InputLayer"]
    for name in inputs:
        if name not in ports:
            raise UnknownNameError.among("input", name, ports)
    for name in ports:
        if name not in inputs:
            message = f"the input {name!r} of the model is missing"
            raise SampleError(message)
    parts: dict[str, list[Array]] = {name: [] for name in model.outputs}
    events = len(next(iter(inputs.values())))
    for start in range(0, max(events, 1), BATCH):
        values: dict[str, Array] = {}
        for layer in model.layers:
            if layer.kind == "InputLayer":
                batch = np.asarray(inputs[layer.name][start : start + BATCH], dtype=np.float32)
                values[layer.name] = batch.astype(np.float64)
            else:
                values[layer.name] = _checked(layer, [values[name] for name in layer.inputs])
        for name, part in parts.items():
            part.append(values[name])
    return {name: np.concatenate(part) for name, part in parts.items()}


def _checked(layer: Layer, given: list[Array]) -> Array:
    try:
        return _layer(layer, given)
    except MALFORMED as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:160]
        message = (
            f"layer {layer.name!r} ({layer.kind}): its settings, weights or inputs do not fit ({reason}); "
            "save the model again"
        )
        raise InputFileError(message) from error


def _layer(layer: Layer, given: list[Array]) -> Array:
    kind = layer.kind
    if "BatchNormalization" in kind:
        scale, offset = normalization(layer)
        return np.asarray(given[0] * scale + offset)
    if kind.startswith("QSeparable"):
        deep = _convolved(layer, given[0], _weights(layer, "0", "depthwise_quantizer"), depthwise=True)
        point = _weights(layer, "1", "pointwise_quantizer")
        return _activated(layer, deep @ point.reshape(point.shape[-2:]) + _bias(layer, "2"))
    if "Conv" in kind:
        depthwise = "Depthwise" in kind
        kernel = _weights(layer, "0", "depthwise_quantizer" if depthwise else "kernel_quantizer")
        if layer.config.get("mask") is not None:
            kernel = kernel * np.asarray(layer.config["mask"])
        return _activated(layer, _convolved(layer, given[0], kernel, depthwise=depthwise) + _bias(layer, "1"))
    if kind in ("Dense", "QDense", "QDenseBatchnorm"):
        return _activated(layer, given[0] @ _weights(layer, "0", "kernel_quantizer") + _bias(layer, "1"))
    if "Pooling" in kind:
        return _activated(layer, _pooled(layer, given[0]))
    function = _FUNCTIONS.get(kind)
    if function is None:
        message = f"layer {layer.name!r} is of {kind!r}, which is not supported; rebuild the model without it"
        raise UnsupportedLayerError(message)
    return function(layer, given)


def _activated(layer: Layer, x: Array) -> Array:
    activation = layer.config.get("activation")
    if isinstance(activation, dict) and activation.get("class_name") == "function":
        activation = activation["config"]
    if activation in (None, "linear"):
        return x
    if activation == "relu":
        return np.maximum(x, 0)
    q = parse(activation, f"layer {layer.name!r}")
    return x if q is None else quantized(q, x)


def _weights(layer: Layer, key: str, quantizer: str) -> Array:
    q = parse(layer.config.get(quantizer), f"layer {layer.name!r}")
    kernel = folded(layer)[0] if "batchnorm/0" in layer.weights else layer.weights[key]
    kernel = np.asarray(kernel, dtype=np.float32)
    return (kernel if q is None else quantized(as_kernel_quantizer(q), kernel)).astype(np.float64)


def _bias(layer: Layer, key: str) -> Array:
    if "batchnorm/0" in layer.weights:
        bias = folded(layer)[1]
    elif layer.config["use_bias"]:
        bias = layer.weights[key]
    else:
        return np.zeros(1)
    q = parse(layer.config.get("bias_quantizer"), f"layer {layer.name!r}")
    bias = np.asarray(bias, dtype=np.float32)
    return (bias if q is None else quantized(q, bias)).astype(np.float64)


def _windows(
    x: Array, size: tuple[int, ...], layer: Layer, strides: Any, dilation: Any, outside: float
) -> Array:
    """Shape (events, *positions, channels, *size)."""
    axes = len(size)
    strides, dilation = (
        (n,) * axes if isinstance(n, int) else tuple(n) for n in (strides or size, dilation or 1)
    )
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    if layer.config.get("padding", "valid") == "same":
        widths = [(0, 0)]
        for n, span, stride in zip(x.shape[1:-1], spans, strides, strict=True):
            missing = max((n - 1) // stride * stride + span - n, 0)
            widths.append((missing // 2, missing - missing // 2))
        x = np.pad(x, [*widths, (0, 0)], constant_values=outside)
    views = sliding_window_view(x, spans, axis=tuple(range(1, axes + 1)))
    taken = tuple(slice(None, None, s) for s in strides)
    return views[(slice(None), *taken, slice(None), *(slice(None, None, d) for d in dilation))]


def _convolved(layer: Layer, x: Array, kernel: Array, *, depthwise: bool = False) -> Array:
    size = kernel.shape[:-2]
    config = layer.config
    views = _windows(x, size, layer, config["strides"], config.get("dilation_rate"), 0.0)
    views = views.reshape(*views.shape[: 2 + len(size)], -1)  # (events, *positions, channels, places)
    kernel = kernel.reshape(-1, *kernel.shape[-2:])  # (places, channels, outputs)
    if depthwise:
        product = np.einsum("...cp,pcm->...cm", views, kernel)
        return np.asarray(product.reshape(*product.shape[:-2], -1))
    groups = views.shape[-2] // kernel.shape[1]
    parts = [
        np.tensordot(v, k, axes=([-2, -1], [1, 0]))
        for v, k in zip(np.split(views, groups, axis=-2), np.split(kernel, groups, axis=-1), strict=True)
    ]
    return np.concatenate(parts, axis=-1)


def _pooled(layer: Layer, x: Array) -> Array:
    config, axes = layer.config, tuple(range(1, x.ndim - 1))
    q = parse(config.get("average_quantizer"), f"layer {layer.name!r}")
    if layer.kind.startswith(("Global", "QGlobal")):
        keep = bool(config.get("keepdims"))
        if "Max" in layer.kind:
            return np.asarray(x.max(axis=axes, keepdims=keep))
        count = float(np.prod(x.shape[1:-1]))
        factor = 1 / count if q is None else float(quantized(q, np.array(1 / count, dtype=np.float32)))
        return np.asarray(x.sum(axis=axes, keepdims=keep) * factor)
    size = config["pool_size"]
    size = (size,) * len(axes) if isinstance(size, int) else tuple(size)
    last = tuple(range(-len(size), 0))
    if "Max" in layer.kind:
        return np.asarray(_windows(x, size, layer, config["strides"], None, -np.inf).max(axis=last))
    total = _windows(x, size, layer, config["strides"], None, 0.0).sum(axis=last)
    places = _windows(np.ones_like(x[:1]), size, layer, config["strides"], None, 0.0).sum(axis=last)
    if q is None:
        return np.asarray(total / places)
    area = float(np.prod(size))
    return np.asarray(total * area / places * float(quantized(q, np.array(1 / area, dtype=np.float32))))


def _repeated(layer: Layer, x: Array) -> Array:
    size = layer.config["size"]
    for axis in range(1, x.ndim - 1):
        x = np.repeat(x, size if isinstance(size, int) else size[axis - 1], axis)
    return x


def _padded(layer: Layer, x: Array) -> Array:
    pairs = layer.config["padding"]
    pairs = [pairs] if not isinstance(pairs[0], list | tuple) else pairs
    return np.pad(x, [(0, 0), *map(tuple, pairs), (0, 0)])


def _same(layer: Layer, given: list[Array]) -> Array:
    return given[0]


_FUNCTIONS: dict[str, Callable[[Layer, list[Array]], Array]] = {
    "Activation": lambda layer, given: _activated(layer, given[0]),
    "ActivityRegularization": _same,
    "Add": lambda _, given: np.sum(given, axis=0),
    "Average": lambda _, given: np.mean(given, axis=0),
    "Concatenate": lambda layer, given: np.concatenate(given, axis=layer.config["axis"]),
    "Dropout": _same,
    "Flatten": lambda _, given: given[0].reshape(len(given[0]), -1),
    "GaussianDropout": _same,
    "GaussianNoise": _same,
    "Maximum": lambda _, given: np.max(given, axis=0),
    "Minimum": lambda _, given: np.min(given, axis=0),
    "Multiply": lambda _, given: np.prod(given, axis=0),
    "Permute": lambda layer, given: given[0].transpose(0, *layer.config["dims"]),
    "QActivation": lambda layer, given: _activated(layer, given[0]),
    "ReLU": lambda _, given: np.maximum(given[0], 0),
    "Reshape": lambda layer, given: given[0].reshape(len(given[0]), *layer.config["target_shape"]),
    "SpatialDropout1D": _same,
    "SpatialDropout2D": _same,
    "Subtract": lambda _, given: given[0] - given[1],
    "UpSampling1D": lambda layer, given: _repeated(layer, given[0]),
    "UpSampling2D": lambda layer, given: _repeated(layer, given[0]),
    "ZeroPadding1D": lambda layer, given: _padded(layer, given[0]),
    "ZeroPadding2D": lambda layer, given: _padded(layer, given[0]),
}
