"""How much of a farm is simulated, and for how long: enough to be settled, and no more events than needed."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.farm.designs import Design, demand, workload_of
from nanosieve.farm.simulation.scenario import Scenario
from nanosieve.farm.simulation.stages import mean_time
from nanosieve.farm.simulation.translate import nodes_left

__all__ = ["EVENTS", "Extent", "extent"]

EVENTS = 500_000
"""Arrivals of a run where nothing else asks for more."""
LEAST_SLOTS = 2048
"""Slots of a part of a farm: with fewer, waiting for a slot is no longer that of the whole."""
LEAST_POOL = 5
"""Accelerators of a part of a pool."""
SETTLING = 3.0
"""Mean times of the slowest class of events that a farm is given to fill up."""
BATCH_FILL = 0.5
"""Of the longest wait of a batch, the time in which the part of a farm fills it."""


@dataclass(frozen=True)
class Extent:
    """What is simulated.

    Attributes:
        nodes: how many of them.
        seconds: of arrivals.
        warm_up: part of them that is not measured.
        settled: whether the warm-up is long enough.
    """

    nodes: int
    seconds: float
    warm_up: float
    settled: bool


def extent(design: Design, scenario: Scenario, seconds: float | None = None, events: int = EVENTS) -> Extent:
    """Nodes and seconds for `design`.

    The warm-up is `SETTLING` mean times of the slowest class, and a run three times that. A whole farm is
    simulated if no more than `events` arrive, and else as large a part as that gives, but never fewer than
    `LEAST_SLOTS`, or `LEAST_POOL` accelerators of a pool, or so small a part that batches do not fill.

    Args:
        design: the farm.
        scenario: its conditions.
        seconds: of arrivals, if given.
        events: that should arrive.
    """
    slowest = max(mean_time(design, scenario, name) for name in workload_of(design).classes)
    settling = SETTLING * slowest
    length = 3 * settling if seconds is None else seconds
    rate = demand(design, rate=scenario.rate).input_rate
    left = nodes_left(design, scenario)
    share = max(events / (rate * length), LEAST_SLOTS / (left * design.nodes.slots))
    pool = design.accelerators if design.accelerators and design.accelerators.attached == "pool" else None
    if pool is not None:
        share = max(share, LEAST_POOL / pool.count)
        if pool.batch.wait:
            share = max(share, pool.batch.size / (BATCH_FILL * pool.batch.wait * rate))
    nodes = min(left, max(1, round(left * share)))
    if pool is not None and nodes < left:
        most = min(left, nodes + nodes // 4)
        nodes = min(range(nodes, most + 1), key=lambda n: _remainder(pool.count * n / left))
    return Extent(nodes, length, min(settling / length, 0.5), settling <= 0.5 * length)


def _remainder(accelerators: float) -> float:
    """How far the share of the pool is from a whole number of accelerators, relative to it."""
    return abs(accelerators - round(accelerators)) / accelerators
