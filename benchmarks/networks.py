"""The networks that are timed: random weights, every width stated, so that all tools compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hgq.layers as q
import keras
import numpy as np
from hgq.quantizer import QuantizerConfig

BITS = 8


def _bits(place: str, bits: int = BITS, integer: int = 2) -> QuantizerConfig:
    """`bits` in all, the sign counted, `integer` before the point; nothing is learned."""
    state = {"k0": True, "b0": bits - 1, "i0": integer - 1}
    return QuantizerConfig("kbi", place, **state, round_mode="RND", overflow_mode="SAT", trainable=False)


def _stated(name: str, integer: int = 4) -> dict[str, Any]:
    return {
        "kq_conf": _bits("weight", integer=1),
        "bq_conf": _bits("bias", integer=2),
        "iq_conf": _bits("datalane", integer=integer),
        "name": name,
    }


def _randomise(model: Any, seed: int) -> Any:
    random = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name == "kernel":
                fan_in = int(np.prod(variable.shape[:-1]))
                variable.assign(random.normal(0, (2 / fan_in) ** 0.5, variable.shape))
            elif variable.name == "bias":
                variable.assign(random.normal(0, 0.2, variable.shape))
    return model


def tagger() -> Any:
    """The dense 16-64-32-32-5 jet tagger of arXiv:1804.06913, 8 bits everywhere."""
    x = inputs = keras.Input((16,), name="features")
    for n, width in enumerate((64, 32, 32), start=1):
        x = q.QDense(width, activation="relu", **_stated(f"dense_{n}"))(x)
    return _randomise(keras.Model(inputs, q.QDense(5, **_stated("output"))(x), name="tagger"), 1)


def cnn(size: int = 32) -> Any:
    """The convolutional network of arXiv:2101.05108 (SVHN), 8 bits everywhere, the softmax left out."""
    x = inputs = keras.Input((size, size, 3), name="image")
    for n, filters in enumerate((16, 16, 24), start=1):
        x = q.QConv2D(filters, 3, activation="relu", **_stated(f"conv_{n}"))(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{n}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for n, width in enumerate((42, 64), start=1):
        x = q.QDense(width, activation="relu", **_stated(f"dense_{n}"))(x)
    return _randomise(keras.Model(inputs, q.QDense(10, **_stated("output"))(x), name="cnn"), 2)


def saved(model: Any, folder: Path) -> Path:
    """The model as a file."""
    path = folder / f"{model.name}.keras"
    model.save(path)
    return path


def float_cnn_onnx(folder: Path, size: int = 32) -> str:
    """The layers of `cnn` in float32 as an ONNX file, channels first as ONNX has them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(2)
    nodes, weights = [], []

    def weight(name: str, *shape: int) -> str:
        array = random.normal(0, 0.1, shape).astype(np.float32)
        weights.append(numpy_helper.from_array(array, name))
        return name

    value, channels, side = "image", 3, size
    for n, filters in enumerate((16, 16, 24)):
        given = [value, weight(f"w{n}", filters, channels, 3, 3), weight(f"b{n}", filters)]
        nodes.append(helper.make_node("Conv", given, [f"c{n}"], kernel_shape=[3, 3]))
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"r{n}"]))
        nodes.append(helper.make_node("MaxPool", [f"r{n}"], [f"p{n}"], kernel_shape=[2, 2], strides=[2, 2]))
        value, channels, side = f"p{n}", filters, (side - 2) // 2
    nodes.append(helper.make_node("Flatten", [value], ["flat"]))
    value, inputs = "flat", channels * side * side
    for n, width in enumerate((42, 64, 10), start=3):
        given = [value, weight(f"w{n}", inputs, width), weight(f"b{n}", width)]
        nodes.append(helper.make_node("Gemm", given, [f"d{n}"]))
        value, inputs = f"d{n}", width
        if width != 10:
            nodes.append(helper.make_node("Relu", [value], [f"r{n}"]))
            value = f"r{n}"
    graph = helper.make_graph(
        nodes,
        "cnn",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["batch", 10])],
        weights,
    )
    path = folder / "cnn.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)
