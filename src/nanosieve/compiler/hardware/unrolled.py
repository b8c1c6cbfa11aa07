"""The `unrolled` architecture: every operation has its own hardware, a new event enters every cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nanosieve.compiler.graph import Constant, Gather, Graph, Input, Integers, Node, Reshape, Scale, Windows
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.lower import Lowering
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.schedule import Arrival, Schedule, place_registers
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.errors import GraphError
from nanosieve.progress import Progress, silent

__all__ = ["BuiltLayer", "Element", "build_layers", "input_elements"]


@dataclass(frozen=True)
class Element:
    """One element of a layer's (or input's) bus, as its consumers see it."""

    source: str
    index: int
    low: int
    high: int
    exponent: int
    arrival: Arrival


@dataclass(frozen=True)
class BuiltLayer:
    """A layer as hardware.

    Attributes:
        name: the user's layer.
        output: name of the graph node whose elements the bus carries.
        ports: the sources (inputs or layers) of its input buses.
        elements: the elements of its output bus.
    """

    name: str
    output: str
    kinds: tuple[str, ...]
    ports: tuple[str, ...]
    netlist: Netlist
    schedule: Schedule
    elements: tuple[Element, ...]


def build_layers(
    graph: Graph, model: DelayModel, period: float, *, extra_depth: int, progress: Progress = silent
) -> tuple[list[BuiltLayer], dict[str, list[Element]]]:
    """Lower and schedule every layer.

    Returns:
        The layers in topological order, and graph output → its elements.

    Raises:
        BudgetError: a single operation does not fit into a clock cycle.
        UnsupportedLayerError: an op has no hardware in this architecture.
    """
    buses = input_elements(graph)
    layers: list[BuiltLayer] = []
    groups = _groups(graph)
    for done, (name, nodes) in enumerate(groups.items()):
        progress("hardware", done, len(groups), name)
        if all(_is_wiring(graph, node) for node in nodes):
            for node in nodes:
                buses[node.name] = _rewired(graph, node, buses)
            continue
        layer = _build(graph, name, nodes, buses, model, period, extra_depth)
        layers.append(layer)
        buses[layer.output] = list(layer.elements)
    progress("hardware", len(groups), len(groups))
    return layers, {output: buses[name] for output, name in graph.outputs.items()}


def input_elements(graph: Graph) -> dict[str, list[Element]]:
    """Input name → the elements of its port, which are there when stage 0 begins."""
    return {
        name: [
            Element(name, n, int(low), int(high), int(exponent), Arrival(0, 0.0))
            for n, (low, high, exponent) in enumerate(
                zip(type.low.flat, type.high.flat, type.exponent.flat, strict=True)
            )
        ]
        for name, type in graph.inputs.items()
    }


def _groups(graph: Graph) -> dict[str, list[Node]]:
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


def _is_wiring(graph: Graph, node: Node) -> bool:
    """Whether the node only reads elements of ports in another way."""
    if any(isinstance(graph.by_name[name].op, Constant) for name in node.inputs):
        return False
    index = _index(graph, node)
    return index is not None and bool(np.all(index >= 0))


def _index(graph: Graph, node: Node) -> Integers | None:
    """Which elements of its input a rewiring op reads, flat; None for other ops."""
    given = graph.types[node.inputs[0]] if node.inputs else None
    match node.op:
        case Reshape() | Scale() if given is not None:
            return np.arange(given.size)
        case Gather():
            return node.op.index.ravel()
        case Windows() if given is not None:
            return node.op.index(given.shape).ravel()
        case _:
            return None


def _rewired(graph: Graph, node: Node, buses: Mapping[str, list[Element]]) -> list[Element]:
    """A layer that only reads its input in another way needs no module."""
    index = _index(graph, node)
    exponents = graph.types[node.name].exponent.flat
    elements = buses[node.inputs[0]]
    return [
        replace(elements[n], exponent=int(exponent))
        for n, exponent in zip(() if index is None else index, exponents, strict=True)
    ]


def _build(
    graph: Graph,
    name: str,
    nodes: list[Node],
    buses: Mapping[str, list[Element]],
    model: DelayModel,
    period: float,
    extra_depth: int,
) -> BuiltLayer:
    lowering = Lowering(graph, name, model, period, extra_depth)
    inside = {node.name for node in nodes}
    ports: list[str] = []
    for node in nodes:
        for given in node.inputs:
            if given in inside or given in lowering.values:
                continue
            source = graph.by_name[given]
            if isinstance(source.op, Constant):
                lowering.lower(source)
                continue
            lowering.values[given] = []
            for e in buses[given]:
                if e.source not in ports:
                    ports.append(e.source)
                cell = lowering.give_input(ports.index(e.source), e.index, e.low, e.high, e.arrival)
                lowering.values[given].append(Value(cell, e.exponent))
        lowering.lower(node)
    output = _output(graph, name, nodes)
    lowering.netlist.outputs = [value.cell for value in lowering.values[output]]
    netlist, arrivals = _without_dead(lowering.netlist, lowering.arrivals)
    schedule = place_registers(netlist, arrivals)
    elements = tuple(
        _element(name, n, netlist.cells[cell], value.exponent, schedule, cell)
        for n, (cell, value) in enumerate(zip(netlist.outputs, lowering.values[output], strict=True))
    )
    kinds = tuple(type(node.op).__name__ for node in nodes)
    return BuiltLayer(name, output, kinds, tuple(ports), netlist, schedule, elements)


def _output(graph: Graph, name: str, nodes: list[Node]) -> str:
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


def _element(name: str, n: int, cell: c.Cell, exponent: int, schedule: Schedule, index: int) -> Element:
    arrival = schedule.arrivals[index]
    time = arrival.time if arrival.stage == schedule.stage else 0.0
    return Element(name, n, cell.low, cell.high, exponent, Arrival(schedule.stage, time))


def _without_dead(netlist: Netlist, arrivals: list[Arrival]) -> tuple[Netlist, list[Arrival]]:
    """Only the cells that the outputs depend on."""
    live = set(netlist.outputs)
    for n in reversed(range(len(netlist.cells))):
        if n in live:
            live.update(netlist.cells[n].args)
    order = sorted(live)
    place = {old: new for new, old in enumerate(order)}
    kept = Netlist()
    for old in order:
        cell = netlist.cells[old]
        kept.cells.append(replace(cell, args=tuple(place[a] for a in cell.args)))
    kept.outputs = [place[n] for n in netlist.outputs]
    return kept, [arrivals[n] for n in order]
