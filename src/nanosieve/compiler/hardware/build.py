"""From a graph and a plan to built layers: every layer by the architecture that the plan gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nanosieve.compiler.graph import Constant, Graph, Input, Node
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.once import Settings, build_once, collect, rewired
from nanosieve.compiler.hardware.rolling import slice_steps, split_steps
from nanosieve.compiler.hardware.schedule import Arrival
from nanosieve.compiler.hardware.slices import Fold, Kernel, live_elements, slice_layer, split_layer
from nanosieve.compiler.hardware.slots import build_slots
from nanosieve.errors import FoldingError, GraphError
from nanosieve.progress import Progress, silent

__all__ = ["Choice", "Copies", "Plan", "build_layers", "input_elements"]


@dataclass(frozen=True)
class Copies:
    """A recurrent layer as so many cells, each of which does an equal share of the time steps."""

    cells: int = 1


Choice = Fold | Copies
"""How a layer works in several slots per event; without a choice it is unrolled."""


@dataclass(frozen=True)
class Plan:
    """How every layer is built.

    Attributes:
        layers: layer → its choice; those not named are unrolled.
        beats: input → positions that enter in a cycle; those not named enter in one cycle.
        interval: cycles between two events.
    """

    layers: Mapping[str, Choice] = field(default_factory=dict)
    beats: Mapping[str, int] = field(default_factory=dict)
    interval: int = 1


def build_layers(
    graph: Graph, plan: Plan, settings: Settings, *, progress: Progress = silent
) -> tuple[list[BuiltLayer], dict[str, list[Element]]]:
    """Lower and schedule every layer.

    Returns:
        The layers in topological order, and graph output → its elements.

    Raises:
        BudgetError: a single operation does not fit into a clock cycle, or the slots of a layer do not fit
            between two events.
        UnsupportedLayerError: an op has no hardware in this architecture.
        FoldingError: a layer cannot work in the slots that the plan gives it.
    """
    house = _House(graph, settings, {}, live_elements(graph))
    house.buses.update((name, list(e)) for name, e in input_elements(graph, plan.beats).items())
    groups = layer_groups(graph)
    for done, (name, nodes) in enumerate(groups.items()):
        progress("hardware", done, len(groups), name)
        match plan.layers.get(name):
            case Fold() as fold:
                house.fold(name, nodes, fold)
            case Copies() as copies:
                house.repeat(name, nodes, copies)
            case None:
                house.once(name, nodes, layer_output(graph, name, nodes))
    progress("hardware", len(groups), len(groups))
    outputs = {output: house.collected(output, name) for output, name in graph.outputs.items()}
    return house.layers, outputs


@dataclass
class _House:
    """What is built so far: the layers, and node → its elements."""

    graph: Graph
    settings: Settings
    buses: dict[str, list[Element | None]]
    live: Mapping[str, np.typing.NDArray[np.bool_]]
    layers: list[BuiltLayer] = field(default_factory=list)

    def once(self, name: str, nodes: Sequence[Node], output: str) -> None:
        """All nodes side by side, or nothing at all where they only read others in another way."""
        made = rewired(self.graph, nodes, self.buses)
        if made is not None:
            self.buses.update(made)
            return
        layer = build_once(self.graph, name, nodes, output, self.buses, self.live[output], self.settings)
        self.layers.append(layer)
        self.buses[output] = list(layer.elements)

    def slots(self, name: str, output: str, nodes: Sequence[Node], kernel: Kernel) -> None:
        """One kernel in several slots; elements of a node that another kernel made stay."""
        layer, made = build_slots(self.graph, name, output, nodes, kernel, self.buses, self.settings)
        self.layers.append(layer)
        for node, elements in made.items():
            known = self.buses.get(node, elements)
            self.buses[node] = [e or k for e, k in zip(elements, known, strict=True)]

    def fold(self, name: str, nodes: Sequence[Node], fold: Fold) -> None:
        """The layer in slots; from a node on that differs between the slots, unrolled."""
        output = layer_output(self.graph, name, nodes)
        try:
            kernel = slice_layer(self.graph, nodes, output, fold, self.live[output])
        except FoldingError as error:
            if not error.node:
                raise
            first, inner, rest = split_layer(self.graph, nodes, output, error.node)
            kernel = slice_layer(self.graph, first, inner, fold, self.live[inner])
            self.slots(f"{name}.slots", inner, first, kernel)
            self.once(name, rest, output)
            return
        self.slots(name, output, nodes, kernel)

    def repeat(self, name: str, nodes: Sequence[Node], copies: Copies) -> None:
        """The steps of a recurrent layer on one cell or more; what stands before and behind, unrolled."""
        before, found, behind = split_steps(self.graph, nodes)
        self._around(f"{name}.before", before)
        for n, steps in enumerate(found):
            cells = f"{name}.{n}" if len(found) > 1 else name
            kernels = slice_steps(self.graph, steps, min(copies.cells, len(steps.steps)), dict(self.live))
            for k, kernel in enumerate(kernels):
                inside = [node for step in steps.steps for node in step]
                self.slots(f"{cells}.{k}" if len(kernels) > 1 else cells, "", inside, kernel)
        self._around(f"{name}.behind", behind)

    def _around(self, name: str, nodes: Sequence[Node]) -> None:
        """Nodes before or behind the steps; each that others read is a layer of its own."""
        for node in nodes:
            if not isinstance(node.op, Constant):
                constants = [self.graph.by_name[g] for g in node.inputs]
                own = [g for g in constants if isinstance(g.op, Constant)]
                part = name if node.name == nodes[-1].name else f"{name}.{node.name}"
                self.once(part, [*own, node], node.name)

    def collected(self, output: str, name: str) -> list[Element]:
        """The elements of an output of the design, at about the same time."""
        elements = [e for e in self.buses[name] if e is not None]
        collector = collect(f"{output}.collect", name, elements, self.settings)
        if collector is None:
            return elements
        self.layers.append(collector)
        return [e for e in collector.elements if e is not None]


def input_elements(graph: Graph, beats: Mapping[str, int]) -> dict[str, list[Element]]:
    """Input name → the elements of its port.

    Args:
        graph: the network.
        beats: input → positions (rows of the last axis, neighbours along the axis before it) in a cycle.
    """
    found = {}
    for name, type in graph.inputs.items():
        beat, lane = beats_of(type.shape, beats.get(name, 0))
        low, high = (np.zeros(lane.max(initial=0) + 1, dtype=np.int64) for _ in range(2))
        np.minimum.at(low, lane, type.low.ravel())
        np.maximum.at(high, lane, type.high.ravel())
        if not beat.any():
            low, high = type.low.ravel(), type.high.ravel()
        found[name] = [
            Element(name, int(n), int(low[n]), int(high[n]), int(exponent), Arrival(int(cycle), 0.0))
            for n, cycle, exponent in zip(lane, beat, type.exponent.flat, strict=True)
        ]
    return found


def beats_of(shape: tuple[int, ...], positions: int) -> tuple[np.typing.NDArray[np.int64], ...]:
    """Beat and lane of every element of an input, flat; 0 positions in a beat means all of them."""
    size = int(np.prod(shape, dtype=np.int64))
    if positions < 1 or len(shape) < 2:
        return np.zeros(size, dtype=np.int64), np.arange(size)
    length, channels = shape[-2:]
    per_row = -(-length // positions)
    row, along, channel = np.unravel_index(np.arange(size), (size // (length * channels), length, channels))
    return row * per_row + along // positions, (along % positions) * channels + channel


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
