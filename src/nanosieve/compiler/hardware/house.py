"""The walk through the layers of a graph that builds each as the plan says, for real or as a sketch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from nanosieve.compiler.graph import Constant, Graph, Input, Node
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.inputs import input_elements
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.once import Settings, rewired
from nanosieve.compiler.hardware.packing import pack_columns
from nanosieve.compiler.hardware.plan import Copies, Fold, Plan
from nanosieve.compiler.hardware.rolling import slice_steps, split_steps
from nanosieve.compiler.hardware.slices import slice_layer, split_layer
from nanosieve.errors import FoldingError, GraphError
from nanosieve.progress import Progress, silent

__all__ = ["House", "Made", "Part", "layer_groups", "layer_output", "parts_of"]

Made = Mapping[str, Sequence[Element | None]]
"""Graph node → where its elements are; None for one that is not made."""


@dataclass(frozen=True)
class Part:
    """A piece of a layer that becomes one module.

    Attributes:
        name: of the module's layer.
        output: the node that others read, empty where these are several.
        nodes: in order.
        kernel: what it does in each of its slots; None where it works once.
    """

    name: str
    output: str
    nodes: tuple[Node, ...]
    kernel: Kernel | None = None


@dataclass
class House(ABC):
    """What is built so far.

    Attributes:
        graph: the network.
        settings: what holds for all layers.
        live: which elements anything depends on (`live_elements`).
        buses: node → its elements.
    """

    graph: Graph
    settings: Settings
    live: Mapping[str, NDArray[Any]]
    buses: dict[str, list[Element | None]]

    @abstractmethod
    def once(self, part: Part) -> Made:
        """Build a part that works once."""

    @abstractmethod
    def slots(self, part: Part, kernel: Kernel) -> Made:
        """Build a part that works in several slots."""

    @abstractmethod
    def collect(self, output: str, name: str) -> list[Element]:
        """The elements of an output of the design, at about the same time."""

    def build(self, plan: Plan, progress: Progress = silent) -> dict[str, list[Element]]:
        """Build every layer; output → its elements.

        Raises:
            BudgetError: a single operation does not fit into a clock cycle, or the slots of a layer do not
                fit between two events.
            UnsupportedLayerError: an op has no hardware.
            FoldingError: a layer cannot work in the slots that the plan gives it.
        """
        for name, elements in input_elements(self.graph, plan.beats).items():
            self.buses[name] = list(elements)
        groups = layer_groups(self.graph)
        for done, (name, nodes) in enumerate(groups.items()):
            progress("hardware", done, len(groups), name)
            self.layer(name, nodes, plan)
        progress("hardware", len(groups), len(groups))
        return {output: self.collect(output, name) for output, name in self.graph.outputs.items()}

    def layer(self, name: str, nodes: Sequence[Node], plan: Plan) -> None:
        """Build a layer."""
        for part in parts_of(self.graph, name, nodes, plan.layers.get(name), self.live):
            self.add(part)

    def add(self, part: Part) -> None:
        """Build a part."""
        for node in part.nodes:
            if not self.live[node.name].any():  # such as a step that no output depends on
                self.buses.setdefault(node.name, [None] * self.graph.types[node.name].size)
        made: Made | None
        if part.kernel is None and not self.live[part.output].any():
            return
        if part.kernel is not None:
            made = self.slots(part, part.kernel)
        else:
            made = rewired(self.graph, part.nodes, self.buses)  # needs no hardware
            made = self.once(part) if made is None else made
        for name, elements in made.items():
            known = self.buses.get(name, elements)  # what an earlier kernel made of the node stays
            self.buses[name] = [e or k for e, k in zip(elements, known, strict=True)]


def parts_of(
    graph: Graph,
    name: str,
    nodes: Sequence[Node],
    choice: Fold | Copies | None,
    live: Mapping[str, NDArray[Any]],
) -> list[Part]:
    """The modules of a layer that is built by a choice.

    Raises:
        FoldingError: the layer cannot work in the slots of the choice.
    """
    match choice:
        case Fold():
            return _folded(graph, name, nodes, choice, live)
        case Copies():
            return _repeated(graph, name, nodes, choice, live)
        case None:
            return [Part(name, layer_output(graph, name, nodes), tuple(nodes))]


def _folded(
    graph: Graph, name: str, nodes: Sequence[Node], fold: Fold, live: Mapping[str, NDArray[Any]]
) -> list[Part]:
    """The layer in slots; from a node on that differs between the slots, unrolled."""
    output = layer_output(graph, name, nodes)
    try:
        kernel = _kernel(graph, nodes, output, fold, live)
        return [Part(name, output, tuple(nodes), kernel)]
    except FoldingError as error:
        if not error.node:
            raise
        first, inner, rest = split_layer(graph, nodes, output, error.node)
    kernel = _kernel(graph, first, inner, fold, live)
    return [Part(f"{name}.slots", inner, tuple(first), kernel), Part(name, output, tuple(rest))]


def _kernel(
    graph: Graph, nodes: Sequence[Node], output: str, fold: Fold, live: Mapping[str, NDArray[Any]]
) -> Kernel:
    kernel = slice_layer(graph, nodes, output, fold, live[output])
    if not fold.packed:
        return kernel
    packed = pack_columns(kernel)
    if packed is None:
        message = f"layer {graph.by_name[output].layer!r}: no multiplier can make two of its products"
        raise FoldingError(message)
    return packed


def _repeated(
    graph: Graph, name: str, nodes: Sequence[Node], copies: Copies, live: Mapping[str, NDArray[Any]]
) -> list[Part]:
    """The steps of a recurrent layer on one cell or more; what stands before and behind, unrolled."""
    before, found, behind = split_steps(graph, nodes)
    if not found:
        message = f"layer {name!r}: no steps repeat in it"
        raise FoldingError(message)
    parts = _single(graph, f"{name}.before", before)
    for n, steps in enumerate(found):
        cell = f"{name}.{n}" if len(found) > 1 else name
        inside = tuple(node for step in steps.steps for node in step)
        kernels = slice_steps(graph, steps, min(copies.cells, len(steps.steps)), dict(live))
        parts += [
            Part(f"{cell}.{k}" if len(kernels) > 1 else cell, "", inside, kernel)
            for k, kernel in enumerate(kernels)
        ]
    return parts + _single(graph, f"{name}.behind", behind)


def _single(graph: Graph, name: str, nodes: Sequence[Node]) -> list[Part]:
    """Nodes that others may read, each as a part of its own."""
    parts = []
    for node in nodes:
        if not isinstance(node.op, Constant):
            own = [graph.by_name[g] for g in node.inputs if isinstance(graph.by_name[g].op, Constant)]
            parts.append(Part(f"{name}.{node.name}", node.name, (*own, node)))
    return parts


def layer_groups(graph: Graph) -> dict[str, list[Node]]:
    """Nodes by layer, in the order of the graph; constants go with their layer.

    Raises:
        GraphError: the nodes of a layer do not follow each other.
    """
    groups: dict[str, list[Node]] = {}
    last = ""
    for node in graph.nodes:
        if isinstance(node.op, Input):
            continue
        if node.layer in groups and node.layer != last:
            message = f"layer {node.layer!r}: node {node.name!r} stands behind nodes of layer {last!r}"
            raise GraphError(message)
        groups.setdefault(node.layer, []).append(node)
        last = node.layer
    return groups


def layer_output(graph: Graph, name: str, nodes: Sequence[Node]) -> str:
    """The node of the layer that others use.

    Raises:
        GraphError: there are several; a layer has one output bus.
    """
    inside = {node.name for node in nodes}
    used = []
    for node in nodes:
        result = node.name in graph.outputs.values()
        outside = any(user.name not in inside for user in graph.users[node.name])
        if result or (outside and not isinstance(node.op, Constant)):  # a constant is copied where it is used
            used.append(node.name)
    if len(used) > 1:
        message = f"layer {name!r}: other layers use {', '.join(used)}, but a layer has one output"
        raise GraphError(message)
    return used[0] if used else nodes[-1].name
