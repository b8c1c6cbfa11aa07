"""Which assumption would change the ranking: the two best designs at both edges of every band.

Designs are ranked by physics over cost, and over power, all at one output rate. An assumption is moved to its
edges with all others in their middle, for both designs alike, and the ratio of the two is worked out again:
the ranking changes where that falls below 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from nanosieve.farm.cost import Utilisation, bill, inputs
from nanosieve.farm.designs import Design
from nanosieve.studies.farms.physics import Physics, merit, merit_band
from nanosieve.studies.farms.simulation import Runs

__all__ = ["Ranking", "Swing", "rank"]


@dataclass(frozen=True)
class Swing:
    """Best over second best with one assumption at its edges.

    Attributes:
        name: of the assumption.
        low, high: the ratio with it at the lower and the upper edge.
    """

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Ranking:
    """An order of designs.

    Attributes:
        per: ``cost`` or ``power``.
        order: names, the best first.
        values: name → physics over cost or power, that of the reference being 1.
        ratio: best over second best.
        ratio_error: statistical, of the physics.
        swings: the widest first.
    """

    per: str
    order: tuple[str, ...]
    values: Mapping[str, float]
    ratio: float
    ratio_error: float
    swings: tuple[Swing, ...]


def rank(designs: Mapping[str, Design], runs: Mapping[str, Runs], physics: Physics, per: str) -> Ranking:
    """The order of `designs` by physics over `per`, ``cost`` or ``power``, and what would change it."""
    reference = next(iter(designs))
    kept = {name: merit(physics.equal.designs[name]).value for name in designs}

    def paid(name: str, run: str = "planned", moved: Mapping[str, float] | None = None) -> float:
        of = runs[name]
        found = of.planned if run == "planned" else of.edges[run]
        return _paid(designs[name], found.utilisation, per, moved or {})

    values = {name: kept[name] / paid(name) * paid(reference) for name in designs}
    order = sorted(designs, key=lambda name: -values[name])
    first, second = order[0], order[1]

    def ratio(up: Callable[[str], float], down: Callable[[str], float]) -> float:
        return up(first) / up(second) * down(second) / down(first)

    swings = []
    bands = {**inputs(designs[first]), **inputs(designs[second])}
    for name, band in bands.items():
        at = [
            ratio(kept.__getitem__, lambda design, name=name, edge=edge: paid(design, moved={name: edge}))  # type: ignore[misc]
            for edge in (band.low, band.high)
        ]
        swings.append(Swing(name, *at))
    swings += _of_physics(first, second, kept, paid, physics)
    widest = sorted(swings, key=lambda swing: -abs(np.log(max(swing.low, 1e-9) / max(swing.high, 1e-9))))
    errors = [merit(physics.equal.designs[name]) for name in (first, second)]
    relative = math.hypot(*((each.error or 0.0) / each.value if each.value else 0.0 for each in errors))
    best = values[first] / values[second] if values[second] else np.inf
    return Ranking(per, tuple(order), values, best, best * relative, tuple(widest))


def _of_physics(
    first: str,
    second: str,
    kept: Mapping[str, float],
    paid: Callable[..., float],
    physics: Physics,
) -> list[Swing]:
    """Gains of networks and losses at the edges, service times in the power, time-outs, own output rates."""
    over = paid(second) / paid(first)

    def physics_ratio(up: float, down: float) -> float:
        return over * up / down if down else np.inf

    found = []
    for design in (first, second):
        low, high = merit_band(physics.equal.designs[design])
        if high > low * (1 + 1e-9):
            ratios = [
                physics_ratio(edge, kept[second]) if design == first else physics_ratio(kept[first], edge)
                for edge in (low, high)
            ]
            found.append(Swing(f"gains and losses of {design}", *ratios))
    at = [kept[first] / kept[second] * paid(second, run) / paid(first, run) for run in ("fast", "slow")]
    found.append(Swing("service times: work of the farm", *at))
    scans = [physics.time_outs[name] for name in (first, second)]
    if all(scans):
        ends = min(scans[0]), max(scans[0])
        merits = [[merit(scan[seconds]).value for scan in scans] for seconds in ends]
        found.append(Swing(f"time-out: {ends[0]:g} s or {ends[1]:g} s", *(physics_ratio(*m) for m in merits)))
    own = [merit(physics.own.designs[name]).value for name in (first, second)]
    found.append(
        Swing("output rate: one for all, or own", over * kept[first] / kept[second], physics_ratio(*own))
    )
    return found


def _paid(design: Design, utilisation: Utilisation, per: str, moved: Mapping[str, float]) -> float:
    """USD or kW of a design with all inputs in their middle but those `moved`."""
    values = {name: np.array([moved.get(name, band.middle)]) for name, band in inputs(design).items()}
    found = bill(design, utilisation, values)
    return float((found.total if per == "cost" else found.power)[0])
