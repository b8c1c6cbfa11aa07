"""What a network buys: decays kept at a fixed rate, by their place, at the first level and behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import (
    WorkingPoint,
    clopper_pearson,
    signal_efficiency,
    threshold_at_false_positive_rate,
)
from nanosieve.physics.menu.turn_on import TurnOn
from nanosieve.report import EfficiencyCurve
from nanosieve.studies.llp.networks import Networks, asked
from nanosieve.studies.llp.performance import Performance, backgrounds
from nanosieve.studies.llp.samples import SIGNAL, StudySamples
from nanosieve.studies.llp.settings import Settings

__all__ = ["HITS", "Chain", "FirstLevel", "Triggers", "triggers"]

HITS = "number of hits"
"""What a first level without a network can cut on."""
BINS = 7
Values = NDArray[np.float64]
Scores = Mapping[str, Values]


@dataclass(frozen=True)
class FirstLevel:
    """A decision for every image.

    Attributes:
        name: of the student, or `HITS`.
        point: threshold at the rate of the first level.
        rate: of it in the whole barrel, in kHz.
        kept: decays, in %.
        by_radius: part of the decays that is kept, in bins of L_r.
        against_rate: decays kept at other rates.
    """

    name: str
    point: WorkingPoint
    rate: Figure
    kept: Figure
    by_radius: TurnOn
    against_rate: EfficiencyCurve


@dataclass(frozen=True)
class Chain:
    """The published network as second level behind a first one.

    Attributes:
        first: name of the first level.
        rate: of both together, in kHz.
        kept: decays that both keep, in %.
        by_radius: the same in bins of L_r.
    """

    first: str
    rate: Figure
    kept: Figure
    by_radius: TurnOn


@dataclass(frozen=True)
class Triggers:
    """All of them.

    Attributes:
        first: the cut on hits, then each student.
        chains: the published network behind each.
        grain: rate in kHz that one image of noise stands for.
    """

    first: tuple[FirstLevel, ...]
    chains: tuple[Chain, ...]
    grain: Figure

    def gain(self, name: str) -> Figure:
        """Decays that both levels keep with a student at the first one, over those with the cut on hits."""
        kept = {chain.first: chain.kept for chain in self.chains}
        ours, theirs = kept[name], kept[HITS]
        ratio = ours.value / max(theirs.value, 1e-9)
        parts = [(figure.error or 0.0) / max(figure.value, 1e-9) for figure in (ours, theirs)]
        return Figure(ratio, "", Provenance.SIMULATED, ratio * math.hypot(*parts))


def triggers(
    settings: Settings, samples: StudySamples, networks: Networks, performance: Performance
) -> Triggers:
    """Every first level at the same rate, and the published network behind it.

    Raises:
        SampleError: the images are too few for the rates.
    """
    rates = {name: figure.value for name, figure in samples.rates.items()}
    total = sum(rates.values())
    hits = {name: asked(lambda x: x.sum(axis=(1, 2, 3)), images) for name, images in samples.test.items()}
    first, chains = [], []
    for name, scores in {HITS: hits, **performance.said}.items():
        values, weights = backgrounds(scores, rates)
        point = _point(values, weights, settings.rate, total)
        fired = {kind: found >= point.threshold for kind, found in scores.items()}
        curve = _against_rate(name, scores, values, weights, settings.rate, total)
        first.append(
            FirstLevel(
                name,
                point,
                _rate(point, total),
                signal_efficiency(scores[SIGNAL], point),
                _by_radius(name, samples, fired[SIGNAL]),
                curve,
            )
        )
        chains.append(_chain(name, fired, settings, samples, networks, performance, rates))
    noise = Figure(rates["noise"] / len(samples.test["noise"]), "kHz", Provenance.ESTIMATED)
    return Triggers(tuple(first), tuple(chains), noise)


def _chain(
    name: str,
    fired: Mapping[str, NDArray[np.bool_]],
    settings: Settings,
    samples: StudySamples,
    networks: Networks,
    performance: Performance,
    rates: Mapping[str, float],
) -> Chain:
    """What is not kept at the first level has a score below all others."""
    scores = {}
    for kind, passed in fired.items():
        known = performance.length[kind]
        found = np.full(len(passed), -1.0)
        if len(known) == len(passed):
            found[passed] = known[passed]
        elif passed.any():
            found[passed] = networks.length(samples.test[kind].only(passed))
        scores[kind] = found
    values, weights = backgrounds(scores, rates)
    total = sum(rates.values())
    point = _point(values, weights, settings.second, total)
    both = (scores[SIGNAL] >= point.threshold) & fired[SIGNAL]
    return Chain(
        name, _rate(point, total), signal_efficiency(scores[SIGNAL], point), _by_radius(name, samples, both)
    )


def _point(values: Values, weights: Values, rate: float, total: float) -> WorkingPoint:
    """The threshold for a rate in kHz; where the highest score alone is more often than that, the threshold
    at which only it fires.
    """
    highest = float(weights[values == values.max()].sum() / weights.sum())
    part = max(rate / total, highest * (1 + 1e-9))
    return threshold_at_false_positive_rate(values, part, weights=weights)


def _rate(point: WorkingPoint, total: float) -> Figure:
    part = point.false_positive_rate
    error = (part.error or 0.0) * total / 100
    source = f"{point.events} images that fire"
    return Figure(part.value * total / 100, "kHz", Provenance.ESTIMATED, error, source)


def _by_radius(name: str, samples: StudySamples, kept: NDArray[np.bool_]) -> TurnOn:
    edges = np.linspace(*samples.gun.radius, BINS + 1)
    place = np.clip(np.searchsorted(edges, samples.radius, side="right") - 1, 0, BINS - 1)
    seen, passed = np.bincount(place, minlength=BINS), np.bincount(place[kept], minlength=BINS)
    ends = [clopper_pearson(*pair) if pair[1] else (np.nan,) * 2 for pair in zip(passed, seen, strict=True)]
    low, high = np.array(ends).T
    part = np.where(seen > 0, passed / np.maximum(seen, 1), np.nan)
    return TurnOn(name, "L_r", (), edges, part, low, high, seen.astype(np.float64))


def _against_rate(
    name: str, scores: Scores, values: Values, weights: Values, middle: float, total: float
) -> EfficiencyCurve:
    """From the rate that the images allow to ten times that of the first level."""
    least = weights.max() / weights.sum() * total
    wanted = np.geomspace(min(max(least, middle / 10), middle), 10 * middle, 16)
    points = [_point(values, weights, rate, total) for rate in wanted]
    kept = [signal_efficiency(scores[SIGNAL], point) for point in points]
    return EfficiencyCurve(
        name, wanted, np.array([k.value for k in kept]), np.array([k.error or 0.0 for k in kept])
    )
