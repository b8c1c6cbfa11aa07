"""`BuiltLayer`: a layer as hardware."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.engine import Engine
from nanosieve.compiler.hardware.feed import Feed
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.schedule import Arrival, Schedule

__all__ = ["BuiltLayer", "without_dead"]


@dataclass(frozen=True)
class BuiltLayer:
    """A layer as hardware.

    Attributes:
        name: the user's layer, with a suffix where it is built in several parts.
        output: name of the graph node whose elements the bus carries.
        kinds: what its nodes do.
        ports: the sources (inputs or layers) of its input buses.
        netlist: what it computes, in one slot.
        schedule: the stages of the cells, counted from the first cycle of the event, or from the begin of
            the slot where there is a feed.
        elements: those of `output`; None for one that nothing reads and that is not made.
        feed: how the slots get their values; None for a layer that works once, as its inputs come.
        weights: those that its netlist reads as `SteadyCell`, in the order of their numbers.
        engine: of a layer that is one; netlist and schedule are those of its products.
    """

    name: str
    output: str
    kinds: tuple[str, ...]
    ports: tuple[str, ...]
    netlist: Netlist
    schedule: Schedule
    elements: tuple[Element | None, ...]
    feed: Feed | None = None
    weights: tuple[Element, ...] = ()
    engine: Engine | None = None

    @property
    def slots(self) -> tuple[int, ...]:
        """The cycles of the event in which the stage 0 of its slots is."""
        if self.engine is not None:
            return self.engine.working
        return self.feed.start if self.feed else (0,)

    @property
    def last_stage(self) -> int:
        """The cycle in which its last element is there."""
        if self.engine is not None:
            return max(e.arrival.stage for e in self.elements if e is not None)
        return self.slots[-1] + self.schedule.stage


def without_dead(netlist: Netlist, arrivals: list[Arrival]) -> tuple[Netlist, list[Arrival]]:
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
