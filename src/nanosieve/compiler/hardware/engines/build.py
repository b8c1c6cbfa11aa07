"""An engine built, or only sketched."""

from __future__ import annotations

from collections.abc import Sequence

from nanosieve.compiler.graph import bit_width
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.engine import Engine, Pipeline, Planned, planned_engine
from nanosieve.compiler.hardware.engines.work import EngineWork
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.schedule import place_registers
from nanosieve.compiler.hardware.slots import lowered

__all__ = ["build_engine", "coefficient_bits", "sketched_engine"]


def build_engine(
    name: str, work: EngineWork, source: Sequence[Element | None], settings: Settings
) -> tuple[Engine, list[Element | None]]:
    """The engine, and the elements that it makes.

    Args:
        name: of the layer.
        work: what it does.
        source: the elements that it reads, flat.
        settings: clock, interval and delays.

    Raises:
        BudgetError: it needs more cycles than there are between two events, or an operation a longer one.
        FoldingError: it finds no order in which to read.
    """
    plan = planned_engine(work, source, settings.interval)
    behind = plan.arithmetic.behind
    engine = Engine(
        plan,
        _pipeline(plan.arithmetic.products, name, settings),
        None if behind is None else _pipeline(behind, name, settings),
    )
    time = 0.0
    if plan.program.window == 1:
        last = engine.behind or engine.products
        at = [last.schedule.arrivals[n] for n in last.netlist.outputs]
        time = max(a.time if a.stage == last.schedule.stage else 0.0 for a in at)
    return engine, plan.elements(name, engine.lanes, engine.latency, time)


def sketched_engine(
    name: str, work: EngineWork, source: Sequence[Element | None], interval: int, stages: int
) -> tuple[Planned, list[Element | None]]:
    """Program and memory, and the elements that will be made after pipelines of so many stages.

    Raises:
        BudgetError, FoldingError: as `build_engine`.
    """
    plan = planned_engine(work, source, interval)
    type = plan.output
    low, high, exponent = int(type.low.min()), int(type.high.max()), int(type.exponent.min())
    lanes = [(low, high, exponent)] * (plan.layer.columns // plan.program.columns)
    return plan, plan.elements(name, lanes, plan.latency(stages, 0), 0.0)


def coefficient_bits(work: EngineWork) -> int:
    """Bits of the coefficients of a step that differ from step to step."""
    kernel = work.arithmetic.products
    type = kernel.graph.types["in"]
    varies = (kernel.constants != kernel.constants[:, :1]).any(axis=1)
    return sum(bit_width(int(type.low[p]), int(type.high[p])) for p in varies.nonzero()[0])


def _pipeline(kernel: Kernel, name: str, settings: Settings) -> Pipeline:
    netlist, arrivals, exponents, used, _ = lowered(kernel, name, {}, settings)
    return Pipeline(kernel, netlist, place_registers(netlist, arrivals), tuple(used), tuple(exponents))
