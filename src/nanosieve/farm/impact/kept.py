"""The physics that farm designs keep of benchmark signals, each with the thresholds that its rates allow.

For a crossing of the class c, ``kept = Level 1 × live × (kept(c) × high-level trigger + forced(c))``: what a
farm loses, it loses of the classes that take long, and so of the signals that fill them.

Statistical errors are those of a bootstrap: in every replica, the weight of each crossing of background and
signal is multiplied by a Poisson number of mean 1, thresholds are tuned anew, and losses are drawn within
their errors. All designs see the same replicas, so that in the ratio of two designs cancels what they share:
the crossings, and the losses where they are equal. Assumptions make no error but a band, by evaluation at
their edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve._quantities import middle
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.impact.classes import CLASSES
from nanosieve.farm.impact.events import ImpactEvents
from nanosieve.farm.impact.inputs import DesignInputs, Losses, check_inputs
from nanosieve.farm.impact.outcome import LossNumbers, Outcome, Weights, numbers_of, outcome
from nanosieve.farm.impact.result import DesignImpact, Impact, Kept
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import clopper_pearson
from nanosieve.units import magnitude

__all__ = ["FILL", "physics_kept"]

FILL = "0.5 / fb"
"""Integrated luminosity of a fill of half a day in 2018; an assumption that all designs share."""

ROUNDING = 1e-12
ONE_SIGMA = (0.1587, 0.8413)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Versions:
    """A design: as it is, in R replicas, and at the edges of assumptions."""

    inputs: DesignInputs
    nominal: Outcome
    replicas: Sequence[Outcome]
    edges: Mapping[str, Outcome]

    def kept(self, version: Outcome, gains: Floats) -> Floats:
        """(S,) fraction kept, with the gains (S,) of the hardware trigger; its efficiency ends at 1."""
        return version.kept * self.gain(version, gains)

    def gain(self, version: Outcome, gains: Floats) -> Floats:
        """(S,) by what the efficiency of Level 1 is multiplied."""
        at_most = 1 / np.where(version.level1 > 0, version.level1, 1.0)
        return np.asarray(np.minimum(gains, at_most))


def physics_kept(
    designs: Sequence[DesignInputs],
    events: ImpactEvents,
    *,
    reference: str | None = None,
    fill: str = FILL,
    seed: int = 1,
    replicas: int = 100,
) -> Impact:
    """What each design keeps of each signal, also relative to a reference design.

    Args:
        designs: at least one, all for the conditions of the crossings.
        events: crossings of background and signals.
        reference: name of a design [default: the first].
        fill: integrated luminosity of a fill.
        seed: of the bootstrap; the same seed gives the same errors.
        replicas: of the bootstrap; errors are known to ``1 / √(2 replicas)`` of themselves.

    Raises:
        SettingsError: impossible designs or settings; a class of which the losses say nothing; a rate that no
            threshold reaches.
        UnknownNameError: no such reference; losses of a class without a rule.
        SampleError: too few crossings for a rate.
    """
    check_inputs(designs, events.conditions.pileup)
    names = [design.name for design in designs]
    if not names or replicas < 2:
        message = f"{len(names)} designs and {replicas} replicas; accepted: 1 design and 2 replicas, or more"
        raise SettingsError(message)
    chosen = names[0] if reference is None else reference
    if chosen not in names:
        raise UnknownNameError.among("design", chosen, names)
    luminosity = magnitude(fill, "1/pb", name="fill")
    if not 0 < luminosity < np.inf:
        message = f"a fill of {fill!r} holds no collisions; write for example {FILL!r}"
        raise SettingsError(message)
    plain = Weights.of(events)
    draw = np.random.default_rng(seed)
    drawn = [_replica(designs, events, draw) for _ in range(replicas)]
    versions = {
        design.name: _Versions(
            design,
            outcome(design, numbers_of(design.losses), events, plain, strict=True),
            [replica[number] for replica in drawn],
            {
                name: outcome(design, numbers_of(edge), events, plain, strict=False)
                for name, edge in design.edges.items()
            },
        )
        for number, design in enumerate(designs)
    }
    return Impact(
        chosen,
        events.menu.name,
        events.conditions.luminosity_text,
        events.conditions.pileup,
        luminosity,
        {name: _design(each, versions[chosen], events, luminosity) for name, each in versions.items()},
    )


def _replica(
    designs: Sequence[DesignInputs], events: ImpactEvents, draw: np.random.Generator
) -> list[Outcome]:
    """All designs on the same weights; equal losses are the same simulation and are drawn once."""
    weights = Weights.of(events, draw)
    known: list[tuple[Losses, LossNumbers]] = []
    found = []
    for design in designs:
        numbers = next((numbers for losses, numbers in known if losses == design.losses), None)
        if numbers is None:
            numbers = numbers_of(design.losses, draw)
            known.append((design.losses, numbers))
        found.append(outcome(design, numbers, events, weights, strict=False))
    return found


def _design(each: _Versions, reference: _Versions, events: ImpactEvents, fill: float) -> DesignImpact:
    def figure(name: str, unit: str, scale: float = 1.0) -> Figure:
        return _figure(
            scale * getattr(each.nominal.thresholds, name),
            [scale * getattr(replica.thresholds, name) for replica in each.replicas],
            unit,
        )

    return DesignImpact(
        figure("level1_rate", "kHz", 1e-3),
        figure("output_rate", "Hz"),
        figure("forced_rate", "Hz"),
        None if each.inputs.level1_rate is None else figure("level1", ""),
        figure("high_level", ""),
        _classes(each.nominal.accepted, [replica.accepted for replica in each.replicas]),
        {
            name: _signal(number, name, each, reference, events, fill)
            for number, name in enumerate(events.signals)
        },
    )


def _signal(
    number: int, name: str, each: _Versions, reference: _Versions, events: ImpactEvents, fill: float
) -> Kept:
    gains, others = _gains(each.inputs, events, middle), _gains(reference.inputs, events, middle)
    every = (each.nominal, *each.replicas)
    kept = np.array([each.kept(version, gains)[number] for version in every])
    base = np.array([reference.kept(v, others)[number] for v in (reference.nominal, *reference.replicas)])

    def percent(values: Sequence[float] | Floats) -> Figure:
        return _figure(100 * float(values[0]), [100 * float(value) for value in values[1:]], "%")

    figure = percent(kept)
    if not kept[0] > 0:  # no replica can hold what the sample does not
        weights = events.signals[name].weights
        trials = float(weights.sum() ** 2 / (weights**2).sum())
        figure = Figure(0.0, "%", Provenance.SIMULATED, error=100 * clopper_pearson(0.0, trials)[1])
    events_per_percent = events.known[name].cross_section * fill / 100
    band, relative = _bands(number, each, reference, events)
    return Kept(
        level1=percent([v.level1[number] * each.gain(v, gains)[number] for v in every]),
        live=percent([v.live for v in every]),
        farm=percent([v.farm[number] for v in every]),
        high_level=percent([v.high_level[number] for v in every]),
        kept=figure,
        per_fill=Figure(
            figure.value * events_per_percent,
            "events",
            Provenance.SIMULATED,
            error=(figure.error or 0.0) * events_per_percent,
        ),
        relative=_ratio(kept, base),
        classes=_classes(each.nominal.classes[number], [v.classes[number] for v in each.replicas]),
        effective_events=float(each.nominal.effective[number]),
        kept_band=(100 * band[0], 100 * band[1]),
        relative_band=relative,
    )


def _bands(
    number: int, each: _Versions, reference: _Versions, events: ImpactEvents
) -> tuple[tuple[float, float], tuple[float, float] | None]:
    """Lowest and highest fraction kept, and the same over that of the reference at the same edge."""
    own, ratios = [], []
    others = _gains(reference.inputs, events, middle)
    for edge, version in {"": each.nominal, **each.edges}.items():
        base = float(reference.kept(reference.edges.get(edge, reference.nominal), others)[number])
        for choice in (min, middle, max):
            kept = float(each.kept(version, _gains(each.inputs, events, choice))[number])
            own.append(kept)
            ratios.append(1.0 if each is reference else kept / base if base > 0 else np.nan)
    relative = None if np.isnan(ratios).any() else (float(min(ratios)), float(max(ratios)))
    return (min(own), max(own)), relative


def _gains(
    inputs: DesignInputs, events: ImpactEvents, choice: Callable[[tuple[float, float]], float]
) -> Floats:
    """(S,) one value of each band of gains; 1 where the design promises none."""
    return np.array([choice(inputs.gains.get(name, (1.0, 1.0))) for name in events.signals])


def _ratio(kept: Floats, base: Floats) -> Figure | None:
    """Of the first values, with the spread of the others; None where there is nothing to divide by."""
    if not base[0] > 0:
        return None
    some = base[1:] > 0
    return _figure(float(kept[0] / base[0]), (kept[1:][some] / base[1:][some]).tolist(), "")


def _classes(nominal: Floats, replicas: Sequence[Floats]) -> dict[str, Figure]:
    return {
        name: _figure(100 * float(nominal[k]), [100 * float(replica[k]) for replica in replicas], "%")
        for k, name in enumerate(CLASSES)
    }


def _figure(value: float, replicas: Sequence[float], unit: str) -> Figure:
    """`value` with half the central 68.27 % of its replicas, which a few extreme ones do not change."""
    error = None
    if len(replicas) > 1:
        low, high = np.quantile(replicas, ONE_SIGMA)
        error = float(high - low) / 2
    if error is not None and error < ROUNDING * abs(value):
        error = 0.0  # what cancels does so exactly
    return Figure(value, unit, Provenance.SIMULATED, error=error)
