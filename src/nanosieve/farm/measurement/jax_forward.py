"""An ONNX model as a JAX function, in the arithmetic of a GPU: float32, TF32, bfloat16, float16 or int8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.errors import UnsupportedLayerError
from nanosieve.farm.measurement.jax_recurrent import gru, lstm

__all__ = ["PRECISIONS", "Forward", "forward_of"]

PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "int8")
"""``tf32``: products of float32 with 10-bit mantissas, the default of some GPUs; ``int8``: products of 8-bit
integers, activations scaled by their largest value in each call, all else in float32."""

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Forward:
    """The function and its weights.

    Attributes:
        function: of weights and one input (events, …); gives all outputs.
        weights: by name, in the type of the precision; those of int8 products as (integers, scale).
        dtype: of inputs and outputs.
        products: how float32 is multiplied, for ``jax.default_matmul_precision``.
    """

    function: Callable[[Mapping[str, Any], Any], tuple[Any, ...]]
    weights: Mapping[str, Any]
    dtype: Any
    products: str


def forward_of(model: Any, precision: str = "fp32") -> Forward:
    """The network of an ``onnx.ModelProto`` with one input.

    Raises:
        UnsupportedLayerError: an op that is not known here, or a recurrent one in int8.
        MissingDependencyError: JAX or onnx is not installed.
    """
    onnx = require("onnx", extra="onnx", purpose="reading an ONNX file")
    jax = require("jax", extra="train", purpose="measuring on a GPU")
    ml_types = {"bf16": jax.numpy.bfloat16, "fp16": np.float16}
    dtype = ml_types.get(precision, np.float32)
    graph = model.graph
    known = set(_OPS)
    for node in graph.node:
        if node.op_type not in known:
            message = f"{node.op_type} is not run on a GPU; accepted: {', '.join(sorted(known))}"
            raise UnsupportedLayerError(message)
        if node.op_type in ("LSTM", "GRU") and len(node.output) != 2:
            message = f"{node.op_type} that gives all its steps is not run on a GPU; the last state is"
            raise UnsupportedLayerError(message)
        if precision == "int8" and node.op_type in ("LSTM", "GRU"):
            message = f"{node.op_type} has no products of 8-bit integers"
            raise UnsupportedLayerError(message)
    given = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    fixed = {name: values for name, values in given.items() if values.dtype.kind == "i"}
    fixed |= {name: given[name] for name in _shapes(graph) if name in given}
    weights = {name: values.astype(dtype) for name, values in given.items() if name not in fixed}
    if precision == "int8":
        for node in graph.node:
            if node.op_type in ("Gemm", "MatMul", "Conv") and node.input[1] in weights:
                weights[node.input[1]] = _quantised(given[node.input[1]])
    steps = [
        (node.op_type, list(node.input), node.output[-1], _attributes(onnx, node)) for node in graph.node
    ]
    entry, outputs = graph.input[0].name, [each.name for each in graph.output]

    def function(weights: Mapping[str, Any], x: Any) -> tuple[Any, ...]:
        values: dict[str, Any] = {**weights, entry: x, "": None}
        for op, inputs, output, attributes in steps:
            arguments = [fixed[name] if name in fixed else values[name] for name in inputs]
            values[output] = _OPS[op](attributes, *arguments)
        return tuple(values[name] for name in outputs)

    products = {"tf32": "tensorfloat32"}.get(precision, "highest")
    return Forward(function, weights, dtype, products)


def _shapes(graph: Any) -> set[str]:
    """Inputs that say how, not what: scales of Resize."""
    return {node.input[2] for node in graph.node if node.op_type == "Resize"}


def _attributes(onnx: Any, node: Any) -> dict[str, Any]:
    values = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


def _quantised(values: Any) -> tuple[Any, Any]:
    scale = np.float32(max(float(np.abs(values).max()), 1e-30) / 127)
    return np.clip(np.rint(values / scale), -127, 127).astype(np.int8), scale


def _integers(x: Any) -> tuple[Any, Any]:
    """Activations as 8-bit integers and their scale."""
    import jax.numpy as jnp

    scale = jnp.maximum(jnp.abs(x).max(), 1e-30) / 127
    return jnp.clip(jnp.rint(x / scale), -127, 127).astype(jnp.int8), scale


def _product(x: Any, kernel: Any) -> Any:
    import jax.numpy as jnp

    if isinstance(kernel, tuple):
        (codes, scale), (weights, step) = _integers(x), kernel
        return jnp.matmul(codes, weights, preferred_element_type=jnp.int32) * (scale * step)
    return x @ kernel


def _gemm(attributes: Attributes, x: Any, kernel: Any, bias: Any = None) -> Any:
    y = _product(
        x.T if attributes.get("transA") else x, _turned(kernel) if attributes.get("transB") else kernel
    )
    y = y * attributes["alpha"] if attributes.get("alpha", 1.0) != 1.0 else y
    return y if bias is None else y + bias * attributes.get("beta", 1.0)


def _turned(kernel: Any) -> Any:
    return (kernel[0].T, kernel[1]) if isinstance(kernel, tuple) else kernel.T


def _conv(attributes: Attributes, x: Any, kernel: Any, bias: Any = None) -> Any:
    from jax import lax
    from jax import numpy as jnp

    how = {
        "window_strides": attributes.get("strides") or [1] * (x.ndim - 2),
        "padding": _padding(attributes, x.ndim - 2),
        "rhs_dilation": attributes.get("dilations"),
        "feature_group_count": attributes.get("group", 1),
    }
    if isinstance(kernel, tuple):
        (codes, scale), (weights, step) = _integers(x), kernel
        y = lax.conv_general_dilated(codes, weights, preferred_element_type=jnp.int32, **how) * (scale * step)
    else:
        y = lax.conv_general_dilated(x, kernel, **how)
    return y if bias is None else y + bias.reshape(1, -1, *[1] * (x.ndim - 2))


def _padding(attributes: Attributes, axes: int) -> Any:
    if attributes.get("auto_pad", "NOTSET") != "NOTSET":
        return {"SAME_UPPER": "SAME", "SAME_LOWER": "SAME_LOWER", "VALID": "VALID"}[attributes["auto_pad"]]
    pads = attributes.get("pads") or [0] * (2 * axes)
    return [(pads[n], pads[n + axes]) for n in range(axes)]


def _pooled(attributes: Attributes, x: Any, start: Any, combine: Any) -> Any:
    from jax import lax

    window, strides = attributes["kernel_shape"], attributes.get("strides") or attributes["kernel_shape"]
    padding = _padding(attributes, len(window))
    if not isinstance(padding, str):
        padding = [(0, 0), (0, 0), *padding]
    return lax.reduce_window(x, start, combine, (1, 1, *window), (1, 1, *strides), padding)


def _max_pool(attributes: Attributes, x: Any) -> Any:
    from jax import lax

    return _pooled(attributes, x, np.asarray(-np.inf, x.dtype), lax.max)


def _average_pool(attributes: Attributes, x: Any) -> Any:
    from jax import lax

    return _pooled(attributes, x, np.asarray(0, x.dtype), lax.add) / int(np.prod(attributes["kernel_shape"]))


def _batch_norm(attributes: Attributes, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
    from jax import lax

    shape = (1, -1, *[1] * (x.ndim - 2))
    factor = gamma * lax.rsqrt(variance + np.asarray(attributes.get("epsilon", 1e-5), variance.dtype))
    return x * factor.reshape(shape) + (beta - mean * factor).reshape(shape)


def _resize(attributes: Attributes, x: Any, _: Any, scales: Any) -> Any:
    for axis, scale in enumerate(np.asarray(scales)):
        if scale != 1:
            x = x.repeat(int(scale), axis)
    return x


def _pad(attributes: Attributes, x: Any, pads: Any, value: Any = 0) -> Any:
    import jax.numpy as jnp

    pairs = [(int(pads[n]), int(pads[n + x.ndim])) for n in range(x.ndim)]
    return jnp.pad(x, pairs, constant_values=value)


def _softmax(attributes: Attributes, x: Any) -> Any:
    import jax

    return jax.nn.softmax(x, axis=attributes.get("axis", -1))


def _leaky_relu(attributes: Attributes, x: Any) -> Any:
    import jax

    return jax.nn.leaky_relu(x, attributes.get("alpha", 0.01))


def _sigmoid(_: Attributes, x: Any) -> Any:
    import jax

    return jax.nn.sigmoid(x)


def _tanh(_: Attributes, x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.tanh(x)


def _concat(attributes: Attributes, *parts: Any) -> Any:
    import jax.numpy as jnp

    return jnp.concatenate(parts, axis=attributes["axis"])


def _reduce_sum(attributes: Attributes, x: Any, axes: Any) -> Any:
    return x.sum(tuple(int(n) for n in axes), keepdims=bool(attributes.get("keepdims", 1)))


def _reduce_mean(attributes: Attributes, x: Any) -> Any:
    return x.mean(tuple(attributes["axes"]), keepdims=bool(attributes.get("keepdims", 1)))


_OPS: Mapping[str, Callable[..., Any]] = {
    "Add": lambda _, a, b: a + b,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Concat": _concat,
    "Conv": _conv,
    "GRU": gru,
    "Gemm": _gemm,
    "Identity": lambda _, x: x,
    "LSTM": lstm,
    "LeakyRelu": _leaky_relu,
    "MatMul": lambda _, x, kernel: _product(x, kernel),
    "MaxPool": _max_pool,
    "Mul": lambda _, a, b: a * b,
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "ReduceSum": _reduce_sum,
    "Relu": lambda _, x: x.clip(0),
    "Reshape": lambda _, x, shape: x.reshape(tuple(int(n) for n in shape)),
    "Resize": _resize,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "Squeeze": lambda _, x, axes: x.squeeze(tuple(int(n) for n in axes)),
    "Tanh": _tanh,
    "Transpose": lambda attributes, x: x.transpose(attributes["perm"]),
}
