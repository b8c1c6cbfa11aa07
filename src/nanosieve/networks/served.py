"""The networks of inference as a service, with random weights: a small dense one and one of ResNet-50's size.

Latency and throughput do not depend on what the weights are, but for zeros. The small one is FACILE of
arXiv:2010.08556: 18 inputs, batch normalisation, dense layers of 31, 11, 3 with ReLU, one output. The large
one is ResNet-50 (arXiv:1512.03385, Table 1) with batch normalisation folded into the convolutions;
arXiv:1904.08986 used it for images of 224 × 224.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path
from nanosieve._require import require
from nanosieve.errors import SettingsError

__all__ = ["FACILE", "facile_model", "write_resnet"]

FACILE = (31, 11, 3)
"""Hidden units of FACILE."""
RESNET_50 = (3, 4, 6, 3)
"""Blocks of each group of ResNet-50."""


def facile_model(seed: int = 1) -> Any:
    """FACILE as a Keras model with random weights; batch normalisation behind the first dense layer too.

    Raises:
        MissingDependencyError: Keras is not installed.
    """
    keras = require("keras", extra="train", purpose="the network FACILE")
    rng = np.random.default_rng(seed)
    layers = keras.layers
    stack = [keras.Input((18,), name="features"), layers.BatchNormalization(name="norm_in")]
    for n, units in enumerate(FACILE, start=1):
        stack.append(layers.Dense(units, kernel_initializer="zeros", name=f"dense_{n}"))
        if n == 1:
            stack.append(layers.BatchNormalization(name="norm_1"))
        stack.append(layers.ReLU(name=f"relu_{n}"))
    stack.append(layers.Dense(1, kernel_initializer="zeros", name="energy"))
    model = keras.Sequential(stack, name="facile")
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            shape = layer.kernel.shape
            scale = np.sqrt(2 / shape[0])
            layer.set_weights([rng.normal(0, scale, shape), rng.normal(0, 0.1, shape[1])])
    return model


class _Builder:
    """Nodes and weights of an ONNX graph."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.onnx: Any = require("onnx", extra="onnx", purpose="the network ResNet")
        self.rng = rng
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, array: NDArray[Any]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, x: str, channels: int, filters: int, size: int, stride: int) -> str:
        """With He's initialisation, which keeps the numbers of a ReLU network in range."""
        scale = np.sqrt(2 / (channels * size * size))
        kernel = self.rng.standard_normal((filters, channels, size, size), dtype=np.float32)
        bias = self.constant(np.zeros(filters, np.float32))
        weight = self.constant((kernel * scale).astype(np.float32))
        pads, strides = [size // 2] * 4, [stride] * 2
        return self.add("Conv", x, weight, bias, pads=pads, strides=strides, kernel_shape=[size] * 2)

    def block(self, x: str, channels: int, width: int, stride: int) -> str:
        """A bottleneck: 1 × 1, 3 × 3, 1 × 1 to four times the width, beside a shortcut."""
        y = self.add("Relu", self.convolution(x, channels, width, 1, 1))
        y = self.add("Relu", self.convolution(y, width, width, 3, stride))
        y = self.convolution(y, width, 4 * width, 1, 1)
        if channels != 4 * width or stride > 1:
            x = self.convolution(x, channels, 4 * width, 1, stride)
        half = self.constant(np.array(0.5, np.float32))  # instead of the batch normalisation that is folded
        return self.add("Relu", self.add("Mul", self.add("Add", x, y), half))


def write_resnet(
    path: str | Path,
    *,
    blocks: Sequence[int] = RESNET_50,
    width: int = 64,
    side: int = 224,
    classes: int = 1000,
    seed: int = 1,
) -> Path:
    """A residual network with random weights as an ONNX file; by default of ResNet-50's size.

    Args:
        path: of the ``.onnx`` file.
        blocks: of each group; the images shrink by two from group to group.
        width: channels of the first group's 3 × 3 convolutions; doubled from group to group.
        side: of the images, which have three channels.
        classes: outputs.
        seed: of the weights.

    Raises:
        SettingsError: images that are too small for so many groups.
        MissingDependencyError: onnx is not installed.
    """
    if side < 2 ** (len(blocks) + 1):
        least = 2 ** (len(blocks) + 1)
        message = f"images of {side} × {side} vanish in {len(blocks)} groups; give {least} or more"
        raise SettingsError(message)
    build = _Builder(np.random.default_rng(seed))
    x = build.add("Relu", build.convolution("image", 3, width, 7, 2))
    x = build.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = width
    for group, number in enumerate(blocks):
        for block in range(number):
            own = width << group
            x = build.block(x, channels, own, 2 if group and not block else 1)
            channels = 4 * own
    x = build.add("Flatten", build.add("GlobalAveragePool", x))
    scale = 1 / np.sqrt(channels)
    last = build.rng.standard_normal((channels, classes), dtype=np.float32) * np.float32(scale)
    x = build.add("MatMul", x, build.constant(last))
    build.nodes[-1].output[0] = "scores"
    helper, kind = build.onnx.helper, build.onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        build.nodes,
        "resnet",
        [helper.make_tensor_value_info("image", kind, ["events", 3, side, side])],
        [helper.make_tensor_value_info("scores", kind, ["events", classes])],
        build.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return Path(path)
