"""A layer that works in several slots per event: its kernel, and the times of its slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nanosieve.compiler.graph import Graph, Input, Integers, Node
from nanosieve.compiler.hardware.built import BuiltLayer, without_dead
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.feed import Lane, Reads, lane_of
from nanosieve.compiler.hardware.lower import Lowering
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.once import Settings, leaves, used_ports
from nanosieve.compiler.hardware.schedule import Arrival, Schedule, place_registers
from nanosieve.compiler.hardware.slices import Kernel
from nanosieve.compiler.hardware.slot_times import best_feed
from nanosieve.errors import BudgetError

__all__ = ["build_slots"]


def build_slots(
    graph: Graph,
    name: str,
    output: str,
    nodes: Sequence[Node],
    kernel: Kernel,
    buses: Mapping[str, Sequence[Element | None]],
    settings: Settings,
) -> tuple[BuiltLayer, dict[str, list[Element | None]]]:
    """Build `kernel` once and schedule its slots.

    Returns:
        The layer, and node → its elements; None for one that nothing reads.

    Raises:
        BudgetError: the slots take longer than the interval between two events.
    """
    netlist, arrivals, exponents, used = _lowered(kernel, name, settings)
    schedule = place_registers(netlist, arrivals)
    reads = _reads(graph, kernel, used, buses, netlist, schedule, exponents, settings, name)
    feed = best_feed(reads, settings.interval)
    if feed is None:
        slots = kernel.reads.shape[1]
        message = f"layer {name!r}: its {slots} slots do not fit into the {settings.interval} cycles of an event"
        raise BudgetError(message)
    made = _made(graph, kernel, name, netlist, schedule, exponents, feed.start)
    output = output or next(reversed(made))
    sources = tuple(dict.fromkeys(lane.source for lane in feed.lanes))
    kinds = tuple(type(node.op).__name__ for node in nodes)
    return BuiltLayer(name, output, kinds, sources, netlist, schedule, tuple(made[output]), feed), made


def _lowered(
    kernel: Kernel, name: str, settings: Settings
) -> tuple[Netlist, list[Arrival], list[int], list[int]]:
    """Netlist, arrivals, exponents of the lanes, and the ports that are used."""
    graph = kernel.graph
    lowering = Lowering(graph, name, settings.model, settings.period, settings.extra_depth)
    for node in graph.nodes:
        if isinstance(node.op, Input):
            type = graph.types[node.name]
            ends = zip(type.low.flat, type.high.flat, type.exponent.flat, strict=True)
            lowering.values[node.name] = [
                Value(lowering.give_input(0, p, int(low), int(high), Arrival(0, 0.0)), int(exponent))
                for p, (low, high, exponent) in enumerate(ends)
            ]
        else:
            lowering.lower(node)
    (out,) = graph.outputs.values()
    lowering.netlist.outputs = [value.cell for value in lowering.values[out]]
    exponents = [value.exponent for value in lowering.values[out]]
    netlist, arrivals = without_dead(lowering.netlist, lowering.arrivals)
    netlist, used = used_ports(netlist)
    return netlist, arrivals, exponents, used


def _reads(
    graph: Graph,
    kernel: Kernel,
    used: Sequence[int],
    buses: Mapping[str, Sequence[Element | None]],
    netlist: Netlist,
    schedule: Schedule,
    exponents: Sequence[int],
    settings: Settings,
    name: str,
) -> Reads:
    """What the ports in use read in every slot, as arrays."""
    size = max((base + graph.types[node].size for node, base in kernel.base.items()), default=0)
    lane, arrival, own, code, place = (np.full(size, fill, dtype=np.int64) for fill in (-1, 0, -1, 0, 0))
    late = np.zeros(size, dtype=bool)
    lanes: dict[Lane, int] = {}
    mux = 2 * settings.model.lut
    usable = settings.model.usable(settings.period)
    written = np.unique(kernel.writes[kernel.writes >= 0])
    mine = np.zeros(size, dtype=bool)
    mine[written] = True
    for node, base in kernel.base.items():
        elements = buses.get(node, ())
        for n, e in enumerate(elements):
            a = base + n
            if e is None or mine[a]:
                continue
            if e.constant:
                code[a], place[a] = e.low, e.exponent
                continue
            lane[a] = lanes.setdefault(lane_of(e), len(lanes))
            arrival[a], late[a] = e.arrival.stage, e.arrival.time + mux > usable
    for n, cell in enumerate(netlist.outputs):
        value = netlist.cells[cell]
        addresses, slots = kernel.writes[n][kernel.writes[n] >= 0], np.flatnonzero(kernel.writes[n] >= 0)
        key = Lane(name, n, value.low, value.high, exponents[n])
        lane[addresses] = lanes.setdefault(key, len(lanes))
        leaving = leaves(schedule, cell, 0)
        arrival[addresses], own[addresses] = leaving.stage, slots
        late[addresses] = leaving.time + mux > usable
    given = kernel.graph.types[next(iter(kernel.graph.inputs))]
    low, high, exponent = (array.ravel()[used] for array in (given.low, given.high, given.exponent))
    reads, constants = kernel.reads[used], kernel.constants[used]
    at = np.maximum(reads, 0)
    constant = (reads < 0) | (lane[at] < 0)
    from_wire = np.asarray(code[at] << np.maximum(place[at] - exponent[:, np.newaxis], 0))
    return Reads(
        tuple(lanes),
        low,
        high,
        exponent,
        np.where(constant, -1, lane[at]),
        np.where(constant, 0, arrival[at]),
        np.where(constant, -1, own[at]),
        np.where(reads < 0, constants, np.where(constant, from_wire, 0)),
        np.where(constant, False, late[at]),
    )


def _made(
    graph: Graph,
    kernel: Kernel,
    name: str,
    netlist: Netlist,
    schedule: Schedule,
    exponents: Sequence[int],
    start: Sequence[int],
) -> dict[str, list[Element | None]]:
    """Node → its elements, in the order of the slots that complete the nodes."""
    own: dict[int, Element] = {}
    for j, begin in enumerate(start):
        for n, cell in enumerate(netlist.outputs):
            if (address := int(kernel.writes[n, j])) >= 0:
                value = netlist.cells[cell]
                own[address] = Element(
                    name, n, value.low, value.high, exponents[n], leaves(schedule, cell, begin)
                )
    made: dict[str, list[Element | None]] = {}
    for node, base in sorted(kernel.base.items(), key=lambda item: item[1]):
        places = range(base, base + graph.types[node].size)
        if any(a in own for a in places):
            made[node] = [own.get(a) for a in places]
    last = {node: max(e.arrival.stage for e in found if e) for node, found in made.items()}
    return dict(sorted(made.items(), key=lambda item: last[item[0]]))
