"""Register placement: which pipeline stage each cell works in."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.errors import BudgetError

__all__ = ["Arrival", "Schedule", "place_registers"]


@dataclass(frozen=True, order=True)
class Arrival:
    """A value is there `time` ns after the clock edge that begins `stage` (0 is the input's)."""

    stage: int
    time: float


@dataclass(frozen=True)
class Schedule:
    """Where the cells of a module work.

    Attributes:
        arrivals: one for each cell; constants arrive at stage -1.
        last_use: the last stage in which a cell's value is read; registers carry it there.
        stage: the stage at which all outputs of the module are aligned.
    """

    arrivals: tuple[Arrival, ...]
    last_use: tuple[int, ...]
    stage: int


CONSTANT = Arrival(-1, 0.0)


def arrival_of(
    netlist: Netlist, cell: c.Cell, known: list[Arrival], model: DelayModel, period: float, layer: str
) -> Arrival:
    """Earliest arrival of `cell`, in the next stage if the time left in this one is too short.

    Raises:
        BudgetError: the cell alone is slower than the clock.
    """
    delay, usable = model.of(netlist, cell), model.usable(period)
    if delay > usable:
        kind = type(cell).__name__.removesuffix("Cell").lower()
        message = (
            f"layer {layer!r}: one {kind} of {cell.width} bits takes {delay:.2f} ns, but a clock of "
            f"{1e3 / period:.0f} MHz leaves {usable:.2f} ns; a clock of "
            f"{int(1e3 / model.needed(delay))} MHz or slower would do"
        )
        raise BudgetError(message)
    moving = [known[a] for a in cell.args if known[a] != CONSTANT]
    latest = max(moving, default=Arrival(0, 0.0))
    if latest.time + delay > usable:
        return Arrival(latest.stage + 1, delay)
    return Arrival(latest.stage, latest.time + delay)


def place_registers(netlist: Netlist, arrivals: list[Arrival]) -> Schedule:
    """Close the schedule of a module whose cells have the given arrivals.

    A value made in stage s and read in stage t goes through t - s registers. All outputs are brought to
    one stage, so that a layer's bus holds one event at a time.
    """
    stage = max((arrivals[n].stage for n in netlist.outputs), default=0)
    stage = max(stage, 0)
    last_use = [a.stage for a in arrivals]
    for n, cell in enumerate(netlist.cells):
        for a in cell.args:
            last_use[a] = max(last_use[a], arrivals[n].stage)
    for n in netlist.outputs:
        last_use[n] = stage
    for n, arrival in enumerate(arrivals):
        if arrival == CONSTANT:
            last_use[n] = -1
    return Schedule(tuple(arrivals), tuple(last_use), stage)
