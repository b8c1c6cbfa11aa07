"""The fixed-point graph: an immutable list of nodes in topological order, each value assigned once."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph.fixed import Overflow, Rounding, TensorType
from nanosieve.compiler.graph.op import Op
from nanosieve.compiler.graph.structure import Constant, Input
from nanosieve.errors import GraphError

__all__ = ["Builder", "Graph", "Node"]


@dataclass(frozen=True)
class Node:
    """One value.

    Attributes:
        name: unique in the graph; the last value of a layer carries the layer's own name.
        op: what computes it.
        inputs: names of earlier nodes.
        layer: the user's layer it belongs to; hardware makes one module per layer.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    layer: str


@dataclass(frozen=True)
class Graph:
    """A network with one exact meaning.

    Attributes:
        nodes: in topological order, inputs and constants among them.
        outputs: output name → node name.
        source: the model file it was made from, if there is one.
        exact: whether it equals the model on every input; False after quantisation from a sample, where the
            difference is measured instead.
    """

    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    name: str = "network"
    source: Path | None = field(default=None, compare=False)
    exact: bool = True

    @cached_property
    def types(self) -> Mapping[str, TensorType]:
        """Proven type of every node.

        Raises:
            GraphError: the graph breaks a rule; the message names the node.
        """
        types: dict[str, TensorType] = {}
        for node in self.nodes:
            if node.name in types:
                message = f"node {node.name!r} is assigned twice"
                raise GraphError(message)
            missing = [name for name in node.inputs if name not in types]
            if missing:
                message = f"node {node.name!r} uses {missing[0]!r}, which is not defined before it"
                raise GraphError(message)
            if node.op.operands is not None and node.op.operands != len(node.inputs):
                message = (
                    f"node {node.name!r}: {type(node.op).__name__} takes {node.op.operands} inputs, "
                    f"not {len(node.inputs)}"
                )
                raise GraphError(message)
            try:
                types[node.name] = node.op.result(*(types[name] for name in node.inputs))
            except GraphError as error:
                message = f"node {node.name!r} of layer {node.layer!r}: {error}"
                raise GraphError(message) from error
        return types

    def __str__(self) -> str:
        from nanosieve.compiler.graph.text import to_text

        return to_text(self)

    def verify(self) -> Graph:
        """Check every rule and return the graph.

        Raises:
            GraphError: a value is used before it is defined or assigned twice, a type does not fit, or
                an output does not exist.
        """
        types = self.types
        for output, name in self.outputs.items():
            if name not in types:
                message = f"output {output!r} is the node {name!r}, which does not exist"
                raise GraphError(message)
        if not self.outputs:
            message = "a graph has at least one output"
            raise GraphError(message)
        return self

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """Node name → node."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def users(self) -> Mapping[str, tuple[Node, ...]]:
        """Node name → the nodes that use it."""
        users: dict[str, list[Node]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                users[name].append(node)
        return {name: tuple(nodes) for name, nodes in users.items()}

    @property
    def inputs(self) -> Mapping[str, TensorType]:
        """Input name → type."""
        return {name: op.type for name, op in self.ports.items()}

    @property
    def ports(self) -> Mapping[str, Input]:
        """Input name → op, which also says how numbers become codes."""
        return {node.name: node.op for node in self.nodes if isinstance(node.op, Input)}

    def emulate(self, x: Mapping[str, NDArray[Any]] | NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """Real values to real values, bit for bit, at the speed of `compiler.emulate.Emulator`.

        Args:
            x: input name → numbers (events, *shape), or the numbers of the only input.

        Returns:
            Output name → float64 (events, *shape).

        Raises:
            SampleError: NaN or infinity, or a shape that does not fit.
            UnknownNameError: an input is unknown.
        """
        results: dict[str, NDArray[np.float64]] = self._emulator(x)
        return results

    @cached_property
    def _emulator(self) -> Any:
        # found by name when it is asked for: the emulator builds on the graph, not the other way round
        return importlib.import_module("nanosieve.compiler.emulate").Emulator(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_emulator"}

    def rewrite(self, rule: Callable[[Node], Node | str | None]) -> Graph:
        """A new graph from `rule`: a node replaces the node, a name stands in for it, None keeps it."""
        renamed: dict[str, str] = {}
        nodes: list[Node] = []
        for node in self.nodes:
            inputs = tuple(renamed.get(name, name) for name in node.inputs)
            node = Node(node.name, node.op, inputs, node.layer)
            outcome = rule(node)
            if isinstance(outcome, str):
                renamed[node.name] = renamed.get(outcome, outcome)
            else:
                nodes.append(outcome or node)
        outputs = {output: renamed.get(name, name) for output, name in self.outputs.items()}
        return replace(self, nodes=tuple(nodes), outputs=outputs)


@dataclass
class Builder:
    """Grows a graph node by node; front ends use it.

    >>> from nanosieve.compiler.graph import Builder, Fixed, Relu, TensorType
    >>> builder = Builder("toy")
    >>> x = builder.input("x", TensorType.of(Fixed(8, 4), (2,)))
    >>> y = builder.add(Relu(), x, layer="relu")
    >>> print(builder.finish({"y": y}))
    graph toy
      x = Input()  # 2 fixed<8,4>
      relu = Relu(x)  # 2 ufixed<7,3>
      output y = relu
    """

    name: str = "network"
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)

    def _append(self, op: Op, inputs: tuple[str, ...], layer: str, name: str) -> str:
        if name in self.types:
            message = f"node {name!r} is assigned twice"
            raise GraphError(message)
        try:
            self.types[name] = op.result(*(self.types[i] for i in inputs))
        except GraphError as error:
            message = f"layer {layer!r}, node {name!r}: {error}"
            raise GraphError(message) from error
        self.nodes.append(Node(name, op, inputs, layer))
        return name

    def input(
        self,
        name: str,
        type: TensorType,
        rounding: Rounding = Rounding.RND,
        overflow: Overflow = Overflow.SAT,
        *,
        stated: bool = True,
    ) -> str:
        """Add an input port (see `Input`) and return its name."""
        return self._append(Input(type, rounding, overflow, stated), (), name, name)

    def constant(self, op: Constant, *, layer: str, part: str) -> str:
        """Add a constant named ``layer.part``."""
        return self._append(op, (), layer, f"{layer}.{part}")

    def add(self, op: Op, *inputs: str, layer: str, part: str = "") -> str:
        """Add a node named ``layer`` (its final value) or ``layer.part`` and return the name."""
        return self._append(op, inputs, layer, f"{layer}.{part}" if part else layer)

    def finish(self, outputs: Mapping[str, str]) -> Graph:
        """The verified graph."""
        return Graph(tuple(self.nodes), dict(outputs), self.name).verify()
