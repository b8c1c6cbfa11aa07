"""Register placement: which pipeline stage each cell works in."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.errors import ClockError

__all__ = ["ANY_STAGE", "CONSTANT", "Arrival", "Schedule", "arrival_of", "longest_path", "place_registers"]


@dataclass(frozen=True, order=True)
class Arrival:
    """A value is there `time` ns after the clock edge that begins `stage` (0 is the input's)."""

    stage: int
    time: float


@dataclass(frozen=True)
class Schedule:
    """Where the cells of a module work.

    Attributes:
        arrivals: when each cell's value is there; constants arrive at stage -1.
        last_use: the last stage in which a cell's value is read; registers carry it there.
        stage: the stage at which all outputs of the module are aligned.
    """

    arrivals: tuple[Arrival, ...]
    last_use: tuple[int, ...]
    stage: int

    def reads_at(self, cell: c.Cell, n: int) -> int:
        """The stage in which `cell`, number `n`, reads its arguments."""
        return self.arrivals[n].stage - cell.latency


CONSTANT = Arrival(-1, 0.0)
ANY_STAGE = CONSTANT
"""Arrival of an input that can be had at the begin of any stage, as a memory of constants gives it.

`place_registers` gives it the stage in which it is first read, which `Schedule.arrivals` then says.
"""


def arrival_of(
    netlist: Netlist, cell: c.Cell, known: list[Arrival], model: DelayModel, period: float, layer: str
) -> Arrival:
    """Earliest arrival of `cell`, in the next stage if the time left in this one is too short.

    Raises:
        ClockError: the cell alone is slower than the clock.
    """
    delay, usable = model.of(netlist, cell), model.usable(period)
    if delay > usable:
        kind = type(cell).__name__.removesuffix("Cell").lower()
        message = (
            f"layer {layer!r}: one {kind} of {cell.width} bits takes {delay:.2f} ns, but a clock of "
            f"{1e3 / period:.0f} MHz leaves {usable:.2f} ns; a clock of "
            f"{int(1e3 / model.needed(delay))} MHz or slower would do"
        )
        raise ClockError(message)
    if isinstance(cell, c.MacCell):
        return Arrival(1 + _read_by_mac(cell, known, model, usable), model.dsp_out)
    moving = [known[a] for a in cell.args if known[a] != CONSTANT]
    latest = max(moving, default=Arrival(0, 0.0))
    if latest.time + delay > usable:
        return Arrival(latest.stage + 1, delay)
    return Arrival(latest.stage, latest.time + delay)


def _read_by_mac(cell: c.MacCell, known: list[Arrival], model: DelayModel, usable: float) -> int:
    """The first stage in which all operands come early enough."""
    delays = zip(cell.args, (model.block, model.block, model.block_sum), strict=False)
    return max(0, *(known[a].stage + (known[a].time + delay > usable) for a, delay in delays))


def longest_path(netlist: Netlist, schedule: Schedule, model: DelayModel) -> float:
    """ns between two registers, from the begin of a stage to the slowest value in it."""
    longest = max((arrival.time for arrival in schedule.arrivals), default=0.0)
    for n, cell in enumerate(netlist.cells):
        if isinstance(cell, c.MacCell):
            stage = schedule.reads_at(cell, n)
            for a, delay in zip(cell.args, (model.block, model.block, model.block_sum), strict=False):
                given = schedule.arrivals[a]
                longest = max(longest, delay + (given.time if given.stage == stage else 0.0))
    return longest


def place_registers(netlist: Netlist, arrivals: list[Arrival]) -> Schedule:
    """Close the schedule of a module whose cells have the given arrivals.

    A value made in stage s and read in stage t goes through t - s registers. All outputs are brought to
    one stage, so that a layer's bus holds one event at a time. Inputs at `ANY_STAGE` get the stage in which
    they are first read.
    """
    stage = max((arrivals[n].stage for n in netlist.outputs), default=0)
    stage = max(stage, 0)
    reads: list[set[int]] = [set() for _ in arrivals]
    for n, cell in enumerate(netlist.cells):
        for a in cell.args:
            reads[a].add(arrivals[n].stage - cell.latency)
    for n in netlist.outputs:
        reads[n].add(stage)
    arrivals = list(arrivals)
    last_use = []
    for n, cell in enumerate(netlist.cells):
        if isinstance(cell, c.InputCell) and arrivals[n] == ANY_STAGE:
            arrivals[n] = Arrival(min(reads[n], default=0), 0.0)
        constant = arrivals[n] == CONSTANT
        last_use.append(-1 if constant else max(reads[n], default=arrivals[n].stage))
    return Schedule(tuple(arrivals), tuple(last_use), stage)
