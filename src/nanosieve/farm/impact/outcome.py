"""One design on one set of weights: what is fired, lost and kept, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.impact.classes import CLASSES
from nanosieve.farm.impact.events import Crossings, ImpactEvents
from nanosieve.farm.impact.inputs import DesignInputs, Losses, error_of, forced_fraction, fraction
from nanosieve.farm.impact.tuning import Thresholds, high_level_scores, level1_fires, tune

__all__ = ["LossNumbers", "Outcome", "Weights", "numbers_of", "outcome"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LossNumbers:
    """`Losses` as fractions; of classes in the order of `CLASSES`."""

    live: float
    kept: Floats
    forced: Floats


def numbers_of(losses: Losses, draw: np.random.Generator | None = None) -> LossNumbers:
    """The values of `losses`, or with `draw` values within their errors."""
    live = {"live": losses.live}
    kept = np.array([fraction(losses.kept, name, "kept") for name in CLASSES])
    forced = np.array([forced_fraction(losses, name) for name in CLASSES])
    alive = fraction(live, "live", "live time")
    if draw is not None:
        alive += error_of(live, "live") * draw.standard_normal()
        kept += [error_of(losses.kept, name) for name in CLASSES] * draw.standard_normal(len(CLASSES))
        errors = [error_of(losses.forced, name) if name in losses.forced else 0.0 for name in CLASSES]
        forced += errors * draw.standard_normal(len(CLASSES))
    return LossNumbers(float(np.clip(alive, 0, 1)), np.clip(kept, 0, 1), np.clip(forced, 0, 1))


@dataclass(frozen=True, eq=False)
class Weights:
    """Of all crossings: those of the background in Hz, (N,); those of each signal in pb.

    Attributes:
        found: thresholds that were tuned with these weights, by the limits of a design.
    """

    background: Floats
    signals: Mapping[str, Floats]
    found: dict[tuple[float | None, float, bytes, bool], Thresholds] = field(default_factory=dict)

    @classmethod
    def of(cls, events: ImpactEvents, draw: np.random.Generator | None = None) -> Weights:
        """As they are, or with `draw` each times a Poisson number of mean 1: a bootstrap replica."""

        def drawn(weights: Floats) -> Floats:
            return weights if draw is None else weights * draw.poisson(1.0, len(weights))

        background = drawn(events.background.weights) * events.conditions.luminosity
        return cls(background, {name: drawn(each.weights) for name, each in events.signals.items()})


@dataclass(frozen=True, eq=False)
class Outcome:
    """S signals in a design, without the gains of its networks; fractions, not %.

    Attributes:
        accepted: (4,) shares of the classes in the background that Level 1 accepts.
        level1, high_level, kept: (S,) efficiencies, `high_level` of what Level 1 accepts.
        farm: (S,) stored over what both levels want; 0 where they want nothing.
        classes: (S, 4) shares of the classes in what Level 1 accepts.
        effective: (S,) effective events that are kept.
    """

    thresholds: Thresholds
    live: float
    accepted: Floats
    level1: Floats
    high_level: Floats
    farm: Floats
    kept: Floats
    classes: Floats
    effective: Floats


def outcome(
    design: DesignInputs, losses: LossNumbers, events: ImpactEvents, weights: Weights, *, strict: bool
) -> Outcome:
    """Tune the menu to the limits of `design`, and let the losses act on the classes of each signal.

    Raises:
        SettingsError, SampleError: as `tune`.
    """
    forced = losses.live * losses.forced
    key = design.level1_rate, design.output_rate, forced.tobytes(), strict
    if key not in weights.found:
        weights.found[key] = tune(
            events.background,
            weights.background,
            events.items,
            design.level1_rate,
            design.output_rate,
            forced=forced[events.background.classes],
            strict=strict,
        )
    thresholds = weights.found[key]
    fires = level1_fires(events.background, thresholds.level1)
    rows = [
        _signal(crossings, weights.signals[name], thresholds, losses, events)
        for name, crossings in events.signals.items()
    ]
    level1, high_level, farm, kept, effective = np.array([row[:5] for row in rows]).T
    return Outcome(
        thresholds,
        losses.live,
        _shares(events.background.classes[fires], weights.background[fires]),
        level1,
        high_level,
        farm,
        kept,
        np.array([row[5:] for row in rows]),
        effective,
    )


def _signal(
    crossings: Crossings, weights: Floats, thresholds: Thresholds, losses: LossNumbers, events: ImpactEvents
) -> list[float]:
    """Level 1, high-level trigger, farm, kept, effective events, and the shares of four classes."""
    total = float(weights.sum())
    fires = level1_fires(crossings, thresholds.level1)
    wanted = high_level_scores(crossings, thresholds.level1, events.items) > thresholds.high_level
    stored = (
        losses.live * fires * (losses.kept[crossings.classes] * wanted + losses.forced[crossings.classes])
    )
    accepted, both = float(weights[fires].sum()), float(weights[fires & wanted].sum())
    kept = weights * stored
    squares = float((kept**2).sum())
    return [
        _over(accepted, total),
        _over(both, accepted),
        _over(float(kept.sum()), losses.live * both),
        _over(float(kept.sum()), total),
        _over(float(kept.sum()) ** 2, squares),
        *_shares(crossings.classes[fires], weights[fires]),
    ]


def _shares(classes: NDArray[np.int64], weights: Floats) -> Floats:
    sums = np.bincount(classes, weights=weights, minlength=len(CLASSES))
    return np.asarray(sums / sums.sum() if sums.sum() > 0 else sums)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
