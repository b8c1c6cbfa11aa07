"""A layer that works in several slots per event: its kernel, and the times of its slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph import Graph, Input, Node
from nanosieve.compiler.hardware.built import BuiltLayer, without_dead
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.feed import Feed, Lane, lane_of
from nanosieve.compiler.hardware.feed_plan import Reads
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.once import Settings, SteadyWeights, leaves, used_ports
from nanosieve.compiler.hardware.schedule import Arrival, place_registers
from nanosieve.compiler.hardware.slices import Kernel
from nanosieve.compiler.hardware.slot_times import best_feed
from nanosieve.errors import BudgetError, FoldingError

__all__ = [
    "MANY_SLOTS",
    "Buses",
    "OutLane",
    "build_slots",
    "elements_of",
    "feed_of",
    "lowered",
    "steady_ports",
]

MANY_SLOTS = 100_000
"""Slots of a layer at most."""

Buses = Mapping[str, Sequence[Element | None]]
"""Graph node → where its elements are; None for one that nothing reads."""


@dataclass(frozen=True)
class OutLane:
    """An output of a kernel: its type, and when it leaves, counted from the begin of the slot."""

    low: int
    high: int
    exponent: int
    leaves: Arrival


def build_slots(
    graph: Graph,
    name: str,
    output: str,
    nodes: Sequence[Node],
    kernel: Kernel,
    buses: Buses,
    settings: Settings,
) -> tuple[BuiltLayer, dict[str, list[Element | None]]]:
    """Build `kernel` once and schedule its slots.

    Returns:
        The layer, and node → its elements.

    Raises:
        BudgetError: the slots take longer than the interval between two events.
    """
    steady = steady_ports(kernel, buses)
    netlist, arrivals, exponents, used, weights = lowered(kernel, name, steady, settings)
    schedule = place_registers(netlist, arrivals)
    lanes = [
        OutLane(netlist.cells[n].low, netlist.cells[n].high, exponent, leaves(schedule, n, 0))
        for n, exponent in zip(netlist.outputs, exponents, strict=True)
    ]
    feed = feed_of(graph, name, kernel, used, lanes, buses, settings)
    made = elements_of(graph, name, kernel, lanes, feed.start)
    sources = tuple(dict.fromkeys(lane.source for lane in feed.lanes))
    kinds = tuple(type(node.op).__name__ for node in nodes)
    output = output or next(reversed(made))
    elements = tuple(made[output])
    return BuiltLayer(name, output, kinds, sources, netlist, schedule, elements, feed, weights), made


def steady_ports(kernel: Kernel, buses: Buses) -> dict[int, Element]:
    """The ports that read the same weight in all slots, so that it needs no table."""
    known = _weights_at(kernel, buses)
    if not known:
        return {}
    alike = (kernel.reads == kernel.reads[:, :1]).all(axis=1)
    return {int(p): known[a] for p in np.flatnonzero(alike) if (a := int(kernel.reads[p, 0])) in known}


def _weights_at(kernel: Kernel, buses: Buses) -> dict[int, Element]:
    """Address → the weight there."""
    return {
        base + n: e
        for name, base in kernel.base.items()
        for n, e in enumerate(buses.get(name, ()))
        if e and e.steady
    }


def lowered(
    kernel: Kernel, name: str, steady: Mapping[int, Element], settings: Settings
) -> tuple[Netlist, list[Arrival], list[int], list[int], tuple[Element, ...]]:
    """Netlist, arrivals, exponents of the lanes, the ports that are used, and the weights beside them."""
    graph = kernel.graph
    lowering, weights = settings.lowering(graph, name), SteadyWeights()
    for node in graph.nodes:
        if isinstance(node.op, Input):
            ty = graph.types[node.name]
            ends = zip(ty.low.flat, ty.high.flat, ty.exponent.flat, strict=True)
            lowering.values[node.name] = [
                weights.value(lowering, steady[p])
                if p in steady
                else Value(lowering.give_input(0, p, int(low), int(high), Arrival(0, 0.0)), int(exponent))
                for p, (low, high, exponent) in enumerate(ends)
            ]
        else:
            lowering.lower(node)
    (out,) = graph.outputs.values()
    lowering.netlist.outputs = [value.cell for value in lowering.values[out]]
    exponents = [value.exponent for value in lowering.values[out]]
    netlist, arrivals = without_dead(lowering.netlist, lowering.arrivals)
    netlist, used = used_ports(netlist)
    return netlist, arrivals, exponents, used, weights.used(netlist)


def feed_of(
    graph: Graph,
    name: str,
    kernel: Kernel,
    used: Sequence[int],
    lanes: Sequence[OutLane],
    buses: Buses,
    settings: Settings,
) -> Feed:
    """The cheapest feed of the ports `used` of a kernel, and with it the times of its slots.

    Raises:
        BudgetError: the slots take longer than the interval between two events.
    """
    feed = best_feed(_reads(graph, name, kernel, used, lanes, buses, settings), settings.interval)
    if feed is None:
        slots = kernel.reads.shape[1]
        message = (
            f"layer {name!r}: its {slots} slots do not fit into the {settings.interval} cycles of an event"
        )
        raise BudgetError(message)
    return feed


def _reads(
    graph: Graph,
    name: str,
    kernel: Kernel,
    used: Sequence[int],
    lanes: Sequence[OutLane],
    buses: Buses,
    settings: Settings,
) -> Reads:
    """What the ports in use read in every slot, as arrays."""
    size = max((base + graph.types[node].size for node, base in kernel.base.items()), default=1)
    fills = (-1, 0, -1, 0, 0, -1)
    lane, arrival, own, code, place, stored = (np.full(size, fill, dtype=np.int64) for fill in fills)
    weights: list[Element] = []
    late = np.zeros(size, dtype=bool)
    known: dict[Lane, int] = {}
    limit = settings.model.usable(settings.period) - 2 * settings.model.lut
    for node, base in kernel.base.items():
        for a, e in enumerate(buses.get(node, ()), start=base):
            if e is None:
                continue
            if e.constant:
                code[a], place[a] = e.low, e.exponent
                continue
            if e.steady:
                stored[a] = len(weights)
                weights.append(e)
                continue
            lane[a] = known.setdefault(lane_of(e), len(known))
            arrival[a], late[a] = e.arrival.stage, e.arrival.time > limit
    for n, out in enumerate(lanes):
        slots = np.flatnonzero(kernel.writes[n] >= 0)
        a = kernel.writes[n][slots]
        lane[a] = known.setdefault(Lane(name, n, out.low, out.high, out.exponent), len(known))
        arrival[a], own[a], late[a] = out.leaves.stage, slots, out.leaves.time > limit
    given = kernel.graph.types[next(iter(kernel.graph.inputs))]
    low, high, exponent = (array.ravel()[used] for array in (given.low, given.high, given.exponent))
    reads, constants = kernel.reads[used], kernel.constants[used]
    at = np.maximum(reads, 0)
    constant = (reads < 0) | (lane[at] < 0)
    which = np.where(reads < 0, -1, stored[at])
    if (mixed := (which >= 0).any(axis=1) & ~constant.all(axis=1)).any():
        message = f"layer {name!r}: port {int(np.argmax(mixed))} of its slots reads weights and other values"
        raise FoldingError(message)
    wired = code[at] << np.maximum(place[at] - exponent[:, np.newaxis], 0)
    return Reads(
        tuple(known),
        low,
        high,
        exponent,
        np.where(constant, -1, lane[at]),
        np.where(constant, 0, arrival[at]),
        np.where(constant, -1, own[at]),
        np.where(reads < 0, constants, np.where(constant, wired, 0)),
        ~constant & late[at],
        which if weights else None,
        tuple(weights),
    )


def elements_of(
    graph: Graph, name: str, kernel: Kernel, lanes: Sequence[OutLane], start: Sequence[int]
) -> dict[str, list[Element | None]]:
    """Node → its elements, the node that is complete last at the end."""
    own: dict[int, Element] = {}
    for n, out in enumerate(lanes):
        for a, begin in zip(kernel.writes[n].tolist(), start, strict=True):
            if a >= 0:
                leaving = Arrival(begin + out.leaves.stage, out.leaves.time)
                own[a] = Element(name, n, out.low, out.high, out.exponent, leaving)
    made: dict[str, list[Element | None]] = {}
    for node, base in sorted(kernel.base.items(), key=lambda item: item[1]):
        places = range(base, base + graph.types[node].size)
        if any(a in own for a in places):
            made[node] = [own.get(a) for a in places]
    last = {node: max(e.arrival.stage for e in found if e) for node, found in made.items()}
    return dict(sorted(made.items(), key=lambda item: last[item[0]]))
