"""The walk through the layers of a graph that builds each as the plan says, for real or as a sketch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from nanosieve.compiler.graph import Constant, Graph, Input, Node, Weights
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.positions import positions_of
from nanosieve.compiler.hardware.engines.work import EngineWork
from nanosieve.compiler.hardware.inputs import input_elements, weight_elements
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.once import Settings, rewired
from nanosieve.compiler.hardware.packing import pack_columns
from nanosieve.compiler.hardware.partial_sums import partial_sums
from nanosieve.compiler.hardware.plan import Choice, Copies, EngineParts, Fold, Plan
from nanosieve.compiler.hardware.rolling import slice_steps, slice_sums, split_steps
from nanosieve.compiler.hardware.slices import slice_layer, split_layer
from nanosieve.errors import FoldingError, GraphError
from nanosieve.progress import Progress, silent

__all__ = ["House", "Made", "Part", "covered_by", "layer_groups", "layer_output", "parts_of"]

Made = Mapping[str, Sequence[Element | None]]
"""Graph node → where its elements are; None for one that is not made."""


@dataclass(frozen=True)
class Part:
    """A piece of a layer that becomes one module.

    Attributes:
        name: of the module's layer.
        output: the node that others read, empty where these are several.
        nodes: in order.
        graph: that they are of, the network or a form of one layer of it.
        live: which elements anything depends on.
        kernel: what it does in each of its slots; None where it works once.
        engine: what it does as an engine, with all nodes of the layers that this takes in; else None.
    """

    name: str
    output: str
    nodes: tuple[Node, ...]
    graph: Graph
    live: Mapping[str, NDArray[Any]]
    kernel: Kernel | None = None
    engine: EngineWork | None = None

    @property
    def layer(self) -> str:
        """The user's layer, of an engine the one with the products."""
        return self.engine.layer.layers[0] if self.engine is not None else self.nodes[-1].layer

    @property
    def slots(self) -> int:
        """How often it works for each event."""
        if self.engine is not None:
            return self.engine.steps
        return self.kernel.slots if self.kernel is not None else 1


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
    def engine(self, part: Part, work: EngineWork) -> Made:
        """Build a part that is an engine."""

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
        given = input_elements(self.graph, plan.beats) | weight_elements(self.graph)
        for name, elements in given.items():
            self.buses[name] = list(elements)
        groups = layer_groups(self.graph)
        covered = covered_by(self.parts(name, groups[name], plan) for name in plan.layers if name in groups)
        for done, (name, nodes) in enumerate(groups.items()):
            progress("hardware", done, len(groups), name)
            if name not in covered:
                self.layer(name, nodes, plan)
        progress("hardware", len(groups), len(groups))
        return {output: self.collect(output, name) for output, name in self.graph.outputs.items()}

    def layer(self, name: str, nodes: Sequence[Node], plan: Plan) -> None:
        """Build a layer."""
        for part in self.parts(name, nodes, plan):
            self.add(part)

    def parts(self, name: str, nodes: Sequence[Node], plan: Plan) -> Sequence[Part]:
        """The modules of a layer."""
        return parts_of(self.graph, name, nodes, plan.layers.get(name), self.live)

    def add(self, part: Part) -> None:
        """Build a part."""
        for node in part.nodes:
            if not part.live[node.name].any():  # such as a step that no output depends on
                self.buses.setdefault(node.name, [None] * part.graph.types[node.name].size)
        made: Made | None
        if part.kernel is None and not part.live[part.output].any():
            return
        if part.engine is not None:
            made = self.engine(part, part.engine)
        elif part.kernel is not None:
            made = self.slots(part, part.kernel)
        else:
            made = rewired(part.graph, part.nodes, self.buses)  # needs no hardware
            made = self.once(part) if made is None else made
        for name, elements in made.items():
            known = self.buses.get(name, elements)  # what an earlier kernel made of the node stays
            self.buses[name] = [e or k for e, k in zip(elements, known, strict=True)]


def parts_of(
    graph: Graph,
    name: str,
    nodes: Sequence[Node],
    choice: Choice | None,
    live: Mapping[str, NDArray[Any]],
) -> list[Part]:
    """The modules of a layer that is built by a choice.

    Raises:
        FoldingError: the layer cannot work in the slots of the choice.
    """
    match choice:
        case EngineParts():
            return [_engine(graph, name, choice, live)]
        case Fold() if choice.inputs > 1:
            return _summed(graph, name, nodes, choice, live)
        case Fold():
            return _Cut(graph, live).folded(name, layer_output(graph, name, nodes), nodes, choice)
        case Copies():
            return _Cut(graph, live).repeated(name, nodes, choice)
        case None:
            return [_Cut(graph, live).part(name, layer_output(graph, name, nodes), nodes)]


def covered_by(parts: Iterable[Sequence[Part]]) -> set[str]:
    """The layers that stand behind others in an engine."""
    engines = (part.engine for own in parts for part in own if part.engine is not None)
    return {behind for work in engines for behind in work.layer.layers[1:]}


def _engine(graph: Graph, name: str, choice: EngineParts, live: Mapping[str, NDArray[Any]]) -> Part:
    groups = layer_groups(graph)
    layer = positions_of(graph, groups, name)
    work = EngineWork(graph, layer, choice)
    nodes = tuple(node for one in layer.layers for node in groups[one])
    return Part(name, layer.output, nodes, graph, live, engine=work)


def _summed(
    graph: Graph, name: str, nodes: Sequence[Node], fold: Fold, live: Mapping[str, NDArray[Any]]
) -> list[Part]:
    """The product of a layer in slots that each add a part of the inputs; the rest in slots of its own."""
    output = layer_output(graph, name, nodes)
    alone = partial_sums(layer_alone(graph, nodes, output), name, fold.inputs)
    cut = _Cut(alone, live_elements(alone, {output: live[output]}))
    own = [node for node in alone.nodes if node.layer == name and not isinstance(node.op, Weights)]
    before, found, behind = split_steps(alone, own)
    (steps,) = found
    last = steps.steps[-1][-1].name
    kernel = cut.packed(slice_sums(alone, steps, fold, cut.live[last]), fold, name)
    sums = cut.part(f"{name}.sums", last, [node for step in steps.steps for node in step], kernel)
    parts = [*cut.single(f"{name}.before", before), sums]
    if any(not isinstance(node.op, Constant) for node in behind):
        parts += cut.folded(name, output, behind, replace(fold, inputs=1, packed=False), or_once=True)
    return parts


@dataclass(frozen=True)
class _Cut:
    """Cuts a layer into parts.

    Attributes:
        graph: that the nodes are of.
        live: which elements anything depends on.
    """

    graph: Graph
    live: Mapping[str, NDArray[Any]]

    def part(self, name: str, output: str, nodes: Sequence[Node], kernel: Kernel | None = None) -> Part:
        """A part with one output, or with several that its kernel names."""
        return Part(name, output, tuple(nodes), self.graph, self.live, kernel)

    def folded(
        self, name: str, output: str, nodes: Sequence[Node], fold: Fold, *, or_once: bool = False
    ) -> list[Part]:
        """The nodes in slots; from a node on that differs between the slots, unrolled."""
        try:
            return [self.part(name, output, nodes, self._kernel(nodes, output, fold))]
        except FoldingError as error:
            if or_once:
                return [self.part(name, output, nodes)]
            if not error.node:
                raise
            first, inner, rest = split_layer(self.graph, nodes, output, error.node)
        kernel = self._kernel(first, inner, fold)
        return [self.part(f"{name}.slots", inner, first, kernel), self.part(name, output, rest)]

    def _kernel(self, nodes: Sequence[Node], output: str, fold: Fold) -> Kernel:
        kernel = slice_layer(self.graph, nodes, output, fold, self.live[output])
        return self.packed(kernel, fold, self.graph.by_name[output].layer)

    @staticmethod
    def packed(kernel: Kernel, fold: Fold, name: str) -> Kernel:
        """The kernel with two products in a multiplier, if the fold says so."""
        if not fold.packed:
            return kernel
        packed = pack_columns(kernel)
        if packed is None:
            message = f"layer {name!r}: no multiplier can make two of its products"
            raise FoldingError(message)
        return packed

    def repeated(self, name: str, nodes: Sequence[Node], copies: Copies) -> list[Part]:
        """The steps of a recurrent layer on one cell or more; what stands before and behind, unrolled."""
        before, found, behind = split_steps(self.graph, nodes)
        if not found:
            message = f"layer {name!r}: no steps repeat in it"
            raise FoldingError(message)
        parts = self.single(f"{name}.before", before)
        for n, steps in enumerate(found):
            cell = f"{name}.{n}" if len(found) > 1 else name
            inside = tuple(node for step in steps.steps for node in step)
            count = min(copies.cells, len(steps.steps))
            kernels = slice_steps(self.graph, steps, count, self.live, columns=copies.columns)
            parts += [
                self.part(f"{cell}.{k}" if len(kernels) > 1 else cell, "", inside, kernel)
                for k, kernel in enumerate(kernels)
            ]
        return parts + self.single(f"{name}.behind", behind)

    def single(self, name: str, nodes: Sequence[Node]) -> list[Part]:
        """Nodes that others may read, each as a part of its own."""
        parts = []
        for node in nodes:
            if not isinstance(node.op, Constant):
                given = [self.graph.by_name[n] for n in node.inputs]
                own = [n for n in given if isinstance(n.op, Constant)]
                parts.append(self.part(f"{name}.{node.name}", node.name, (*own, node)))
        return parts


def layer_alone(graph: Graph, nodes: Sequence[Node], output: str) -> Graph:
    """A layer as a graph; what it reads of others are inputs and copies of constants."""
    inside = {node.name for node in nodes}
    given = dict.fromkeys(name for node in nodes for name in node.inputs if name not in inside)
    read = [graph.by_name[name] for name in given]
    outside = [
        n if isinstance(n.op, Constant | Weights) else Node(n.name, Input(graph.types[n.name]), (), n.layer)
        for n in read
    ]
    return Graph((*outside, *nodes), {output: output}, graph.name)


def layer_groups(graph: Graph) -> dict[str, list[Node]]:
    """Nodes by layer, in the order of the graph; constants go with their layer.

    Raises:
        GraphError: the nodes of a layer do not follow each other.
    """
    groups: dict[str, list[Node]] = {}
    last = ""
    for node in graph.nodes:
        if isinstance(node.op, Input | Weights):
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
