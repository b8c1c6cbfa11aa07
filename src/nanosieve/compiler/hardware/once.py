"""A layer that works once per event: every operation has its own hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Constant, Gather, Graph, Integers, Node, Reshape, Scale, Windows
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.built import BuiltLayer, without_dead
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.feed import lane_of
from nanosieve.compiler.hardware.feed_plan import Reads
from nanosieve.compiler.hardware.lower import Lowering
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.schedule import Arrival, Schedule, place_registers
from nanosieve.compiler.hardware.slot_times import best_feed
from nanosieve.compiler.hardware.timing import DelayModel

__all__ = [
    "PATIENCE",
    "Settings",
    "SteadyWeights",
    "build_once",
    "collect",
    "leaves",
    "rewired",
    "used_ports",
]

PATIENCE = 8
"""Cycles that the elements of a layer may lie apart before it waits for them in a feed."""


@dataclass(frozen=True)
class Settings:
    """What holds for all layers.

    Attributes:
        model: the delays.
        period: of the clock, ns.
        interval: cycles between two events.
        extra_depth: see `multiply_matrix`.
        dsp: whether products may use DSP slices.
        chain: products that one chain of DSP slices adds; 0 for the best number.
    """

    model: DelayModel
    period: float
    interval: int = 1
    extra_depth: int = 0
    dsp: bool = True
    chain: int = 0

    def lowering(self, graph: Graph, layer: str) -> Lowering:
        """What lowers the nodes of a layer."""
        return Lowering(graph, layer, self.model, self.period, self.extra_depth, self.dsp, self.chain)


def rewired(
    graph: Graph, nodes: Sequence[Node], buses: Mapping[str, Sequence[Element | None]]
) -> dict[str, list[Element | None]] | None:
    """The elements of nodes that only read others in another way, which needs no module; else None."""
    made: dict[str, list[Element | None]] = {}
    for node in nodes:
        if isinstance(node.op, Constant):
            return None
        index = _index(graph, node)
        given = made.get(node.inputs[0], buses.get(node.inputs[0]))
        if index is None or given is None:
            return None
        type, old = graph.types[node.name], graph.types[node.inputs[0]]
        made[node.name] = [
            _read(given[n], int(type.exponent.flat[k]) - int(old.exponent.flat[n]))
            if n >= 0
            else Element("", 0, 0, 0, int(type.exponent.flat[k]), Arrival(-1, 0.0))
            for k, n in enumerate(index)
        ]
    return made


def _read(element: Element | None, shift: int) -> Element | None:
    return replace(element, exponent=element.exponent + shift) if element and shift else element


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


def build_once(
    graph: Graph,
    name: str,
    nodes: Sequence[Node],
    output: str,
    buses: Mapping[str, Sequence[Element | None]],
    live: NDArray[np.bool_],
    settings: Settings,
) -> BuiltLayer:
    """Build the layer with all its nodes side by side; `live` are the elements of `output` that are read.

    Where its elements come at about the same time it takes them as they come; else a feed gathers them.
    """
    inside = {node.name for node in nodes}
    outside = [given for node in nodes for given in node.inputs if given not in inside]
    found = [e for given in dict.fromkeys(outside) for e in buses.get(given, ()) if e and not e.constant]
    stages = [e.arrival.stage for e in found if not e.steady]
    gather = Gathered() if stages and max(stages) - min(stages) > PATIENCE else AsTheyCome()
    lowering, weights = settings.lowering(graph, name), SteadyWeights()
    for node in nodes:
        for given in node.inputs:
            if given in inside or given in lowering.values:
                continue
            source = graph.by_name[given]
            if isinstance(source.op, Constant):
                lowering.lower(source)
                continue
            ty = graph.types[given]
            ends = zip(buses[given], ty.low.flat, ty.high.flat, ty.exponent.flat, strict=True)
            lowering.values[given] = [
                weights.value(lowering, e)
                if e and e.steady
                else lowering.as_typed(gather.value(lowering, e), int(low), int(high), int(exponent))
                if e
                else Value(
                    lowering.netlist.constant(min(max(0, int(low)), int(high))), int(exponent)
                )  # not read
                for e, low, high, exponent in ends
            ]
            lowering.settle()
        lowering.lower(node)
    made = np.flatnonzero(live)
    values = [lowering.values[output][n] for n in made]
    lowering.netlist.outputs = [value.cell for value in values]
    netlist, arrivals = without_dead(lowering.netlist, lowering.arrivals)
    steady = weights.used(netlist)
    kinds = tuple(type(node.op).__name__ for node in nodes)
    layer = gather.finish(name, output, kinds, netlist, arrivals, [v.exponent for v in values], settings)
    elements: list[Element | None] = [None] * live.size
    for n, element in zip(made, layer.elements, strict=True):
        elements[n] = element
    return replace(layer, elements=tuple(elements), weights=steady)


class SteadyWeights:
    """The weights that a netlist reads without registers."""

    def __init__(self) -> None:
        self.places: dict[Element, int] = {}

    def value(self, lowering: Lowering, e: Element) -> Value:
        """The weight as a cell."""
        place = self.places.setdefault(e, len(self.places))
        return Value(lowering.give_steady(place, e.low, e.high), e.exponent)

    def used(self, netlist: Netlist) -> tuple[Element, ...]:
        """Those that are read; the netlist gets them numbered without holes."""
        used = sorted({cell.element for cell in netlist.cells if isinstance(cell, c.SteadyCell)})
        new = {old: place for place, old in enumerate(used)}
        netlist.cells = [
            replace(cell, element=new[cell.element]) if isinstance(cell, c.SteadyCell) else cell
            for cell in netlist.cells
        ]
        known = list(self.places)
        return tuple(known[n] for n in used)


class AsTheyCome:
    """A layer that reads every element on its lane in the cycle in which it is there."""

    def __init__(self) -> None:
        self.ports: list[str] = []

    def value(self, lowering: Lowering, e: Element) -> Value:
        """The element as an input of the netlist."""
        if e.constant:
            return Value(lowering.netlist.constant(e.low), e.exponent)
        if e.source not in self.ports:
            self.ports.append(e.source)
        cell = lowering.give_input(self.ports.index(e.source), e.index, e.low, e.high, e.arrival)
        return Value(cell, e.exponent)

    def finish(
        self,
        name: str,
        output: str,
        kinds: tuple[str, ...],
        netlist: Netlist,
        arrivals: list[Arrival],
        exponents: list[int],
        settings: Settings,
    ) -> BuiltLayer:
        """Place the registers."""
        schedule = place_registers(netlist, arrivals)
        elements = _elements(name, netlist, schedule, exponents, 0)
        return BuiltLayer(name, output, kinds, tuple(self.ports), netlist, schedule, elements)


class Gathered:
    """A layer that waits until all its elements are there, in a feed of one slot."""

    def __init__(self) -> None:
        self.places: dict[Element, int] = {}

    def value(self, lowering: Lowering, e: Element) -> Value:
        """The element as a port of the feed."""
        if e.constant:
            return Value(lowering.netlist.constant(e.low), e.exponent)
        port = self.places.setdefault(e, len(self.places))
        return Value(lowering.give_input(0, port, e.low, e.high, Arrival(0, 0.0)), e.exponent)

    def finish(
        self,
        name: str,
        output: str,
        kinds: tuple[str, ...],
        netlist: Netlist,
        arrivals: list[Arrival],
        exponents: list[int],
        settings: Settings,
    ) -> BuiltLayer:
        """Plan the feed of the elements that are used, and place the registers."""
        given = list(self.places)
        netlist, used = used_ports(netlist)
        read = [given[n] for n in used]
        lanes = list(dict.fromkeys(lane_of(e) for e in read))
        column = np.zeros((len(read), 1), dtype=np.int64)
        number = {lane: n for n, lane in enumerate(lanes)}
        reads = Reads(
            tuple(lanes),
            np.array([e.low for e in read]),
            np.array([e.high for e in read]),
            np.array([e.exponent for e in read]),
            column + np.array([[number[lane_of(e)]] for e in read], dtype=np.int64).reshape(-1, 1),
            column + np.array([[e.arrival.stage] for e in read], dtype=np.int64).reshape(-1, 1),
            column - 1,
            column,
            column.astype(bool),
        )
        feed = best_feed(reads, settings.interval)
        assert feed is not None  # one slot always fits
        schedule = place_registers(netlist, arrivals)
        elements = _elements(name, netlist, schedule, exponents, feed.start[0])
        sources = tuple(dict.fromkeys(lane.source for lane in feed.lanes))
        return BuiltLayer(name, output, kinds, sources, netlist, schedule, elements, feed)


def collect(name: str, output: str, elements: Sequence[Element], settings: Settings) -> BuiltLayer | None:
    """A layer that gathers the elements of an output that come at different times; None if they do not."""
    stages = [e.arrival.stage for e in elements if not e.constant]
    if not stages or max(stages) - min(stages) <= PATIENCE:
        return None
    gather, netlist = Gathered(), Netlist()
    for e in elements:
        if e.constant:
            netlist.outputs.append(netlist.constant(e.low))
        else:
            port = gather.places.setdefault(e, len(gather.places))
            netlist.outputs.append(netlist.input(0, port, e.low, e.high))
    arrivals = [
        Arrival(-1, 0.0) if isinstance(cell, c.ConstantCell) else Arrival(0, 0.0) for cell in netlist.cells
    ]
    exponents = [e.exponent for e in elements]
    return gather.finish(name, output, ("Collect",), netlist, arrivals, exponents, settings)


def used_ports(netlist: Netlist) -> tuple[Netlist, list[int]]:
    """The netlist with its input elements numbered without holes, and their numbers before."""
    used = sorted({cell.element for cell in netlist.cells if isinstance(cell, c.InputCell)})
    place = {old: new for new, old in enumerate(used)}
    netlist.cells = [
        replace(cell, element=place[cell.element]) if isinstance(cell, c.InputCell) else cell
        for cell in netlist.cells
    ]
    return netlist, used


def _elements(
    name: str, netlist: Netlist, schedule: Schedule, exponents: Sequence[int], start: int
) -> tuple[Element, ...]:
    """The elements on the output bus of a layer that works once, from cycle `start` on."""
    return tuple(
        Element(
            name,
            n,
            netlist.cells[cell].low,
            netlist.cells[cell].high,
            exponent,
            leaves(schedule, cell, start),
        )
        for n, (cell, exponent) in enumerate(zip(netlist.outputs, exponents, strict=True))
    )


def leaves(schedule: Schedule, cell: int, start: int) -> Arrival:
    """When an output cell is on the bus of its layer, for a slot that begins in cycle `start`."""
    arrival = schedule.arrivals[cell]
    time = arrival.time if arrival.stage == schedule.stage else 0.0
    return Arrival(start + schedule.stage, time)
