"""`Engine`: a layer of products as a memory, a program and a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nanosieve.compiler.graph import TensorType
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.arithmetic import Arithmetic
from nanosieve.compiler.hardware.engines.intake import Intake, beat_of, intake_of
from nanosieve.compiler.hardware.engines.positions import Positions
from nanosieve.compiler.hardware.engines.program import Program
from nanosieve.compiler.hardware.engines.work import EngineWork, ends_of
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.plan import EngineParts
from nanosieve.compiler.hardware.schedule import Arrival, Schedule
from nanosieve.errors import BudgetError

__all__ = ["FETCH", "Engine", "Pipeline", "Planned", "planned_engine"]

FETCH = 4
"""Cycles from a step to its operands: counters, table, memory, registers, taps."""


@dataclass(frozen=True, eq=False)
class Planned:
    """An engine before its pipelines are built.

    Attributes:
        layer: what it computes.
        parts: how it was cut.
        program, intake, arithmetic: its pieces.
        ends: low, high and exponent of each lane that leaves.
        output: type of the node that it makes.
    """

    layer: Positions
    parts: EngineParts
    program: Program
    intake: Intake
    arithmetic: Arithmetic
    output: TensorType

    @property
    def accumulates(self) -> bool:
        """Whether a sum takes several steps."""
        return self.program.inputs > 1

    @property
    def needed_interval(self) -> int:
        """Cycles between two events that it needs."""
        return self.intake.interval

    def latency(self, products: int, behind: int) -> int:
        """Cycles from the last step of an output until it is there, for pipelines of so many stages."""
        return FETCH + products + self.accumulates + behind + (self.program.window > 1)

    def elements(
        self, name: str, lanes: Sequence[tuple[int, int, int]], latency: int, time: float
    ) -> list[Element | None]:
        """Where and when the elements of the output are.

        Args:
            name: of the layer.
            lanes: low, high, exponent of each.
            latency: see `latency`.
            time: ns in the last cycle.
        """
        done = self.intake.start + self.program.finished() + latency
        columns = self.layer.columns
        made: list[Element | None] = [None] * (len(self.layer.windows) * columns)
        each = len(lanes)
        arrivals = [[Arrival(int(cycle), time) for cycle in row] for row in done]
        for n, output in enumerate(self.program.order.tolist()):
            if output < 0:
                continue
            for part, arrival in enumerate(arrivals[n]):
                first = output * columns + part * each
                for lane, (low, high, exponent) in enumerate(lanes):
                    made[first + lane] = Element(name, lane, low, high, exponent, arrival)
        return made


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A kernel as cells.

    Attributes:
        kernel: what it computes.
        netlist, schedule: how.
        used: the ports of the kernel that its inputs are.
        exponents: of its outputs.
    """

    kernel: Kernel
    netlist: Netlist
    schedule: Schedule
    used: tuple[int, ...]
    exponents: tuple[int, ...]

    @property
    def lanes(self) -> list[tuple[int, int, int]]:
        """Low, high and exponent of each output."""
        cells = [self.netlist.cells[n] for n in self.netlist.outputs]
        return [(c.low, c.high, e) for c, e in zip(cells, self.exponents, strict=True)]


@dataclass(frozen=True, eq=False)
class Engine:
    """A layer of products as hardware.

    Attributes:
        plan: program, memory and kernels.
        products, behind: the pipelines; `behind` is None where nothing is done to the sums.
    """

    plan: Planned
    products: Pipeline
    behind: Pipeline | None

    @property
    def sum_cycle(self) -> int:
        """Cycles from a step to the sum that it completes."""
        return FETCH + self.products.schedule.stage + self.plan.accumulates

    @property
    def result_cycle(self) -> int:
        """Cycles from a step to what is done to its sum."""
        return self.sum_cycle + (self.behind.schedule.stage if self.behind else 0)

    @property
    def latency(self) -> int:
        """Cycles from the last step of an output until it is there."""
        return self.result_cycle + (self.plan.program.window > 1)

    @property
    def start(self) -> int:
        """The cycle of the event in which the first step is."""
        return self.plan.intake.start

    @cached_property
    def lanes(self) -> list[tuple[int, int, int]]:
        """Low, high and exponent of what leaves."""
        if self.behind is not None:
            return self.behind.lanes
        low, high = self.plan.arithmetic.sums
        each = self.plan.layer.columns // self.plan.program.columns
        return [(low, high, self.plan.arithmetic.exponent)] * each

    @property
    def working(self) -> tuple[int, ...]:
        """The cycles of the event in which the work on each output begins."""
        blocks = len(self.plan.program.order) * self.plan.program.columns
        return tuple((self.start + self.plan.program.block * np.arange(blocks)).tolist())


def planned_engine(work: EngineWork, elements: Sequence[Element | None], interval: int) -> Planned:
    """Program, memory and kernels of a layer.

    Args:
        work: what it does.
        elements: of the source.
        interval: cycles between two events.

    Raises:
        FoldingError: the layer cannot be cut so.
        BudgetError: it needs more cycles than there are between two events.
    """
    layer = work.layer
    program = work.program(beat_of(elements))
    ends = ends_of(work.graph.types[layer.source])
    intake = intake_of(layer.layers[0], elements, ends, program, work.read, interval)
    if intake.interval > interval:
        message = (
            f"layer {layer.layers[0]!r}: its engine takes {intake.interval} cycles, and there are {interval} "
            "between two events"
        )
        raise BudgetError(message)
    return Planned(layer, work.parts, program, intake, work.arithmetic, work.graph.types[layer.output])
