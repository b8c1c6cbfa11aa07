"""Which assumption would change the ranking: the two best designs at both edges of every band.

Designs are ranked by physics over cost, and over power, all at one output rate. An assumption is moved to its
edges with all others in their middle, for both designs alike, and the ratio of the two is worked out again:
the ranking changes where that falls below 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nanosieve.farm.cost import Utilisation, bill, inputs
from nanosieve.farm.designs import Design
from nanosieve.farm.impact import ImpactEvents, physics_kept
from nanosieve.figure import Figure
from nanosieve.studies.farms.assumptions import ASSUMPTIONS, EDGE_NAMES, Assumption
from nanosieve.studies.farms.physics import Physics, merit, merit_band
from nanosieve.studies.farms.settings import COMPARED
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

    @property
    def width(self) -> float:
        """Of the logarithm; a ratio of 0 counts as 10⁻⁹."""
        return abs(math.log(max(self.low, 1e-9) / max(self.high, 1e-9)))


@dataclass(frozen=True)
class Ranking:
    """An order of designs.

    Attributes:
        per: ``cost`` or ``power``.
        order: names, the best first.
        values: name → physics over cost or power, that of the reference being 1.
        physics: of the best over the second best, with the statistical error of this ratio.
        ratio: best over second best in physics over cost or power; its error is that of the physics.
        swings: the widest first.
    """

    per: str
    order: tuple[str, ...]
    values: Mapping[str, float]
    physics: Figure
    ratio: Figure
    swings: tuple[Swing, ...]


def rank(
    designs: Mapping[str, Design],
    runs: Mapping[str, Runs],
    physics: Physics,
    events: ImpactEvents,
    per: str,
    *,
    seed: int,
    replicas: int,
) -> Ranking:
    """The order of `designs` by physics over `per`, ``cost`` or ``power``, and what would change it.

    Args:
        designs: at least two, the reference first.
        runs: of each.
        physics: of each.
        events: crossings, for the ratio of the two best on the same replicas.
        per: ``cost`` or ``power``.
        seed, replicas: of the bootstrap.

    Raises:
        SettingsError, SampleError: as `nanosieve.farm.impact.physics_kept`.
    """
    paid = {name: _paid(design, runs[name].planned.utilisation, per) for name, design in designs.items()}
    reference = next(iter(designs))
    values = {
        name: merit(physics.equal.designs[name]).value * paid[reference] / paid[name] for name in designs
    }
    order = tuple(sorted(designs, key=lambda name: -values[name]))
    first, second = order[:2]
    both = [replace(physics.inputs[name], edges={}) for name in (first, second)]  # gains make the bands
    over = {
        name: physics_kept(both, events, reference=name, seed=seed, replicas=replicas).designs
        for name in (first, second)
    }
    kept = merit(over[second][first])
    cheaper = paid[second] / paid[first]
    pair = {name: designs[name] for name in (first, second)}
    swings = [
        *_of_paid(pair, runs, per, kept.value),
        *_of_physics(first, second, physics, cheaper),
        *_of_simulations(pair, runs, physics, per),
    ]
    for name, other, sign in ((first, second, 1), (second, first, -1)):
        low, high = merit_band(over[other][name])
        if low > 0:
            ends = (cheaper * end**sign for end in (low, high))
            swings.append(Swing(f"gains of the networks of {COMPARED[name]}", *ends))
    ratio = Figure(kept.value * cheaper, "", kept.provenance, error=(kept.error or 0.0) * cheaper)
    moved = [swing for swing in swings if swing.width > 1e-3]
    return Ranking(per, order, values, kept, ratio, tuple(sorted(moved, key=lambda swing: -swing.width)))


def _of_paid(pair: Mapping[str, Design], runs: Mapping[str, Runs], per: str, kept: float) -> list[Swing]:
    """Every input of the cost."""
    found = []
    bands = {name: band for design in pair.values() for name, band in inputs(design).items()}
    for name, band in bands.items():
        ratios = []
        for edge in (band.low, band.high):
            up, down = (
                _paid(design, runs[of].planned.utilisation, per, {name: edge}) for of, design in pair.items()
            )
            ratios.append(kept * down / up)
        found.append(Swing(name, *ratios))
    return found


def _of_simulations(
    pair: Mapping[str, Design], runs: Mapping[str, Runs], physics: Physics, per: str
) -> list[Swing]:
    """What was simulated at both edges, with its physics and how busy the farms are there."""

    def worth(name: str, key: str | None) -> float:
        run = runs[name].planned if key is None else runs[name].assumptions[key]
        kept = merit(physics.equal.designs[name]).value if key is None else physics.assumptions[name][key]
        return kept / _paid(run.design, run.utilisation, per)

    found = []
    first, second = pair
    for what, assumption in ASSUMPTIONS.items():
        alone = {f"{what} of {COMPARED[name]}: {_counts(assumption, design)}": (name,)
                 for name, design in pair.items()}  # fmt: skip
        for title, moved in (alone if assumption.nodes else {what: (first, second)}).items():
            ratios = []
            for edge in EDGE_NAMES:
                up, down = (worth(name, f"{what}, {edge}" if name in moved else None) for name in pair)
                ratios.append(up / down if down else 0.0)
            found.append(Swing(title, *ratios))
    return found


def _counts(assumption: Assumption, design: Design) -> str:
    """Numbers of nodes at both edges, in words."""
    low, high = (assumption.at(edge, design)[0].nodes.count for edge in (0, 1))
    return f"{low} to {high}"


def _of_physics(first: str, second: str, physics: Physics, cheaper: float) -> list[Swing]:
    """The time-out, and whether all store the same rate."""
    found = []
    seconds = sorted(physics.time_outs[first])
    if len(seconds) > 1:
        ratios = []
        for each in (seconds[0], seconds[-1]):
            up, down = (merit(physics.time_outs[name][each]).value for name in (first, second))
            ratios.append(cheaper * up / down if down else 0.0)
        found.append(Swing(f"time-out: {seconds[0]:g} to {seconds[-1]:g} s", *ratios))
    ratios = []
    for impact in (physics.equal, physics.own):
        up, down = (merit(impact.designs[name]).value for name in (first, second))
        ratios.append(cheaper * up / down if down else 0.0)
    found.append(Swing("output rate: one for all, or own", *ratios))
    return found


def _paid(
    design: Design, utilisation: Utilisation, per: str, moved: Mapping[str, float] | None = None
) -> float:
    """USD or kW of a design with all inputs in their middle but those `moved`."""
    values = {name: np.array([band.middle]) for name, band in inputs(design).items()}
    values |= {name: np.array([value]) for name, value in (moved or {}).items()}
    found = bill(design, utilisation, values)
    return float((found.total if per == "cost" else found.power)[0])
