"""The Pareto front of a network: resources, latency and interval of which none can be had for less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Choice
from nanosieve.compiler.hardware.scheduler import find_plan, price, scarcity
from nanosieve.compiler.hardware.sketch import Sketch, Sketcher
from nanosieve.devices import RESOURCES, find_device
from nanosieve.errors import BudgetError
from nanosieve.executor import run_tasks
from nanosieve.progress import Progress, silent

__all__ = ["Point", "pareto_front"]

MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Intervals that are tried, in units of that of the budget, and an event every cycle."""
PATIENCE = 1000
"""Cycles of latency that are allowed in the search, in units of the interval and beyond it."""


@dataclass(frozen=True)
class Point:
    """One plan of the front.

    Attributes:
        sketch: the plan with its analytic cost.
        price: its resources in LUTs, each as scarce as on the device.
        share: the largest part of the usable resources of the device that one of them takes.
    """

    sketch: Sketch
    price: float
    share: float

    @property
    def merits(self) -> tuple[float, int, int]:
        """What is compared: price, latency and interval, the less the better."""
        return self.price, self.sketch.latency, self.sketch.interval


def pareto_front(
    graph: Graph,
    budget: Budget,
    settings: Settings,
    *,
    fixed: Mapping[str, Choice | None] | None = None,
    beats: Mapping[str, int] | None = None,
    prices: Mapping[str, float] | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> list[Point]:
    """All plans tried on the way, at some intervals, of which no other is better in everything.

    Args:
        graph: the network.
        budget: its clock and device count; its interval is the middle of those that are tried.
        settings: what holds for all layers.
        fixed, beats, prices, progress: see `find_plan`.
        workers, scheduler: as in `nanosieve.executor.run_tasks`, an interval each; the front does not depend
            on them.

    Returns:
        The points by interval, then latency.

    Raises:
        BudgetError: nothing can be built at any of the intervals.
        FoldingError: a layer cannot be built as `fixed` says.
        UnknownNameError: no such device, layer or input.
    """
    device = find_device(budget.device)
    worth = scarcity(device) if prices is None else prices
    intervals = sorted({1, *(max(1, round(n * budget.interval_cycles)) for n in MULTIPLES)})
    here = scheduler is None and workers == 1
    search = _Search(graph, budget, settings, fixed, beats, prices, progress if here else silent)
    results: dict[int, _Found] = {}
    for place, result in run_tasks(_tried, intervals, shared=search, workers=workers, scheduler=scheduler):
        results[place] = result
        if not here:
            progress("schedule", len(results), len(intervals), "intervals")
    ordered = [results[n] for n in range(len(intervals))]
    found = [sketch for result in ordered for sketch in result.sketches]
    problems = [result.problem for result in ordered if result.problem is not None]
    if problems and not found:
        raise problems[-1]
    different = {str(sketch.plan.to_dict()): sketch for sketch in found}
    points = [_point(sketch, worth, device.usable_count) for sketch in different.values()]
    return best_of(points)


@dataclass
class _Search:
    """What is searched at all intervals; as the arguments of `pareto_front`."""

    graph: Graph
    budget: Budget
    settings: Settings
    fixed: Mapping[str, Choice | None] | None
    beats: Mapping[str, int] | None
    prices: Mapping[str, float] | None
    progress: Progress

    @cached_property
    def sketcher(self) -> Sketcher:
        """One for all intervals that a process looks at: what it knows is not computed again."""
        return Sketcher(self.graph, self.settings)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "sketcher"}


@dataclass(frozen=True)
class _Found:
    sketches: tuple[Sketch, ...]
    problem: BudgetError | None


def _tried(search: _Search, interval: int) -> _Found:
    """All sketches tried at an interval, for the latency of the budget and for any."""
    budget, problem = search.budget, None
    found: list[Sketch] = []
    every = interval * budget.period_ns
    for latency in (budget.latency_ns, every + PATIENCE * budget.period_ns):
        wanted = replace(budget, every=f"{every!r} ns", latency=f"{latency!r} ns")
        try:
            schedule = find_plan(
                search.sketcher, wanted, fixed=search.fixed, beats=search.beats, prices=search.prices,
                progress=search.progress,
            )  # fmt: skip
        except BudgetError as error:
            problem = error
            continue
        found += schedule.tried
    return _Found(tuple(found), problem)


def best_of(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats or equals in everything, by interval, then latency."""
    ordered = sorted(points, key=lambda p: (p.sketch.interval, p.sketch.latency, p.price))
    front: list[Point] = []
    for point in ordered:
        if not any(all(a <= b for a, b in zip(other.merits, point.merits, strict=True)) for other in front):
            front.append(point)
    return front


def _point(sketch: Sketch, worth: Mapping[str, float], usable: Callable[[str], float]) -> Point:
    cost = sketch.cost
    shares = [getattr(cost, kind) / usable(kind) if usable(kind) else 0.0 for kind in RESOURCES]
    return Point(sketch, price(cost, worth), max(shares))
