"""The ONNX graph while it is drawn, node by node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanosieve._require import require

__all__ = ["Drawing", "Value"]

LAST_TO_FIRST, FIRST_TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        name: in the graph.
        shape: of an event as Keras has it, channels last.
        first: whether the graph holds it with its channels in front, (events, channels, rows, columns).
    """

    name: str
    shape: tuple[int, ...]
    first: bool = False


class Drawing:
    """Nodes and weights.

    Attributes:
        nodes: in topological order.
        weights: tensors that are given.
    """

    def __init__(self) -> None:
        self._onnx = require("onnx", extra="onnx", purpose="writing an ONNX file")
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def weight(self, values: ArrayLike, *, kind: Any = np.float32) -> str:
        """The name of a given tensor."""
        name = f"w{len(self.weights)}"
        self.weights.append(self._onnx.numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(self, op: str, inputs: list[str], *, outputs: int = 1, **attributes: Any) -> str:
        """Add a node and give the name of its last output; the others are not used."""
        number = len(self.nodes)
        names = [""] * (outputs - 1) + [f"v{number}"]
        self.nodes.append(
            self._onnx.helper.make_node(op, inputs, names, name=f"{op.lower()}_{number}", **attributes)
        )
        return names[-1]

    def channels_first(self, value: Value) -> Value:
        """`value`, an image, with its channels in front."""
        if value.first:
            return value
        return Value(self.node("Transpose", [value.name], perm=LAST_TO_FIRST), value.shape, True)

    def channels_last(self, value: Value) -> Value:
        """`value` as Keras has it."""
        if not value.first:
            return value
        return Value(self.node("Transpose", [value.name], perm=FIRST_TO_LAST), value.shape)

    def scaled(self, value: Value, scale: NDArray[Any], shift: NDArray[Any] | None = None) -> Value:
        """`value` times a scale and plus a shift for each channel, or for each element of an event."""
        value = self.channels_last(value)
        name = self.node("Mul", [value.name, self.weight(scale)])
        if shift is not None:
            name = self.node("Add", [name, self.weight(shift)])
        return Value(name, value.shape)

    def model(self, inputs: list[tuple[str, tuple[int, ...]]], outputs: list[Value], name: str) -> Any:
        """The finished model; the number of events is free."""
        helper, number = self._onnx.helper, self._onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(each, number, ["events", *shape]) for each, shape in inputs],
            [helper.make_tensor_value_info(each.name, number, ["events", *each.shape]) for each in outputs],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        self._onnx.checker.check_model(model)
        return model
