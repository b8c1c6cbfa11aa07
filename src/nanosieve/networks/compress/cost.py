"""What a network costs under a budget, before anything is built."""

from __future__ import annotations

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget, DelayModel
from nanosieve.compiler.hardware.fit import worth_of
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.hardware.scheduler import find_plan, price
from nanosieve.compiler.hardware.sketch import Sketch, Sketcher
from nanosieve.compiler.passes import run_passes
from nanosieve.progress import Progress, silent

__all__ = ["size_in_luts", "sketched"]


def sketched(
    graph: Graph, budget: Budget, *, minimise: str = "lut", dsp: bool = True, progress: Progress = silent
) -> Sketch:
    """The cheapest plan found for `graph` under `budget`, by the analytic cost.

    Args:
        graph: from a front end.
        budget: time and room.
        minimise: which resource counts, see `nanosieve.compile`.
        dsp: whether products may use DSP slices.
        progress: told of every layer.

    Raises:
        BudgetError: no plan can be built.
    """
    settings = Settings(DelayModel(), budget.period_ns, budget.interval_cycles, dsp=dsp)
    sketcher = Sketcher(run_passes(graph), settings)
    if budget.interval_cycles == 1:
        return sketcher.sketch(Plan())
    return find_plan(sketcher, budget, prices=worth_of(minimise, budget.device), progress=progress).best


def size_in_luts(sketch: Sketch, budget: Budget, *, minimise: str = "lut") -> float:
    """All resources of a plan as LUTs, each as dear as `minimise` says."""
    return price(sketch.cost, worth_of(minimise, budget.device))
