r"""What a trigger buys: ROC curve, working points at a false-positive rate or a trigger rate, signal
efficiency.

Samples are arrays of scores (higher = more anomalous) with optional event weights. With weights w, the
fraction of events at or above a threshold t is ``sum_{s>=t} w / sum w``.

Errors (one standard deviation):

- *A fraction* f of a weighted sample: ``sigma_f² = [sum_pass w² (1-f)² + sum_fail w² f²] / (sum w)²``;
  without weights this is the binomial f (1-f) / n.
- *A signal efficiency* at a given threshold: half the 68.27 % Clopper–Pearson interval (Biometrika 26 (1934)
  404) of n = (sum w)² / sum w² effective trials. It does not vanish at 0 and 1.
- *The threshold* is itself measured on a finite background: the false-positive rate f is known to ± sigma_f,
  which moves the efficiency e by ``de/df sigma_f``. The slope is that of the ROC curve between the nearest
  possible thresholds at or beyond f + sigma_f and f - sigma_f. This is added in quadrature.
- *AUC*: DeLong's variance with weights (Biometrics 44 (1988) 837),
  ``sum_i w_i² (V_i - AUC)² / (sum w)²`` over signal plus the same over background, V_i being the weighted
  fraction of the other sample that event i ranks correctly (ties count one half).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError, SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.units import magnitude

__all__ = [
    "Roc",
    "WorkingPoint",
    "area_ratio",
    "area_under_curve",
    "clopper_pearson",
    "roc",
    "signal_efficiency",
    "threshold_at_false_positive_rate",
    "threshold_at_rate",
    "trigger_rate",
]

Floats = NDArray[np.float64]

_ONE_SIGMA = math.erf(1 / math.sqrt(2))  # 68.27 %


@dataclass(frozen=True)
class WorkingPoint:
    """A threshold measured on a background sample.

    Attributes:
        threshold: the trigger fires where score >= threshold.
        loose: highest threshold where the false-positive rate is at least one standard deviation higher.
        tight: lowest threshold where it is at least one standard deviation lower.
        leverage: standard deviation of the false-positive rate divided by its difference between `loose` and
            `tight`; 1/2 where the scores are dense.
        false_positive_rate: fraction of the background that fires, in %.
        rate: trigger rate in kHz; None where the background has no absolute weights.
        events: background events that fire, unweighted: what the working point rests on.
    """

    threshold: float
    loose: float
    tight: float
    leverage: float
    false_positive_rate: Figure
    rate: Figure | None
    events: int


@dataclass(frozen=True)
class Roc:
    """A ROC curve with its statistical band, at chosen false-positive rates.

    Attributes:
        false_positive_rate: (K,) fractions, ascending.
        true_positive_rate: (K,) fractions.
        error: (K,) standard deviation of the true-positive rate, the background's statistics included.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    error: Floats


class _Sample:
    """Scores sorted once, so that tail sums are look-ups."""

    def __init__(self, scores: NDArray[Any], weights: NDArray[Any] | None, name: str) -> None:
        scores = np.asarray(scores, dtype=np.float64)
        w = np.ones(scores.shape) if weights is None else np.asarray(weights, dtype=np.float64)
        if scores.ndim != 1 or w.shape != scores.shape or not len(scores):
            message = (
                f"{name} scores have shape {scores.shape}, weights {w.shape}; accepted: (N,) both, N > 0"
            )
            raise SampleError(message)
        if not np.isfinite(scores).all():
            event = int(np.argmin(np.isfinite(scores)))
            message = f"{name} event {event} has a score that is not finite; remove it"
            raise SampleError(message)
        if not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
            message = f"{name} weights must be finite, none negative and not all zero"
            raise SampleError(message)
        self.unsorted, self.given = scores, w
        order = np.argsort(scores, kind="stable")
        self.scores, self.weights = scores[order], w[order]
        self._sum = np.append(np.cumsum(self.weights[::-1])[::-1], 0.0)
        self._squares = np.append(np.cumsum(self.weights[::-1] ** 2)[::-1], 0.0)
        self.total = float(self._sum[0])
        self.values, first = np.unique(self.scores, return_index=True)
        self._fractions = self._sum[first] / self.total  # at or above each distinct value, falling

    def first_passing(self, threshold: float | Floats) -> NDArray[np.intp]:
        """Index of the first event at or above the threshold."""
        return np.asarray(np.searchsorted(self.scores, threshold, side="left"))

    def fraction(self, threshold: float | Floats) -> Floats:
        """Weighted fraction at or above the threshold."""
        return np.asarray(self._sum[self.first_passing(threshold)] / self.total)

    def fraction_error(self, threshold: float | Floats) -> Floats:
        """Standard deviation of `fraction` (formula in the module)."""
        f = self.fraction(threshold)
        passing = self._squares[self.first_passing(threshold)]
        variance = passing * (1 - f) ** 2 + (self._squares[0] - passing) * f**2
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)) / self.total)

    def rate_error(self, threshold: float) -> float:
        """Poisson error of the passing weight sum."""
        return float(np.sqrt(self._squares[self.first_passing(threshold)]))

    def threshold(self, fraction: float | Floats) -> Floats:
        """Lowest score at which no more than `fraction` passes; above all scores where nothing may pass."""
        index = np.searchsorted(-self._fractions, -np.asarray(fraction) * (1 + 1e-12), side="left")
        above = np.append(self.values, np.nextafter(self.values[-1], np.inf))
        return np.asarray(above[index])

    def loose_threshold(self, fraction: float | Floats) -> Floats:
        """Highest score at which no less than `fraction` passes."""
        index = np.searchsorted(-self._fractions, -np.asarray(fraction) * (1 - 1e-12), side="right") - 1
        return np.asarray(self.values[np.maximum(index, 0)])

    def neighbours(self, threshold: float | Floats) -> tuple[Floats, Floats, Floats]:
        """Loose threshold, tight threshold and leverage (see `WorkingPoint`)."""
        found, spread = self.fraction(threshold), self.fraction_error(threshold)
        loose = self.loose_threshold(np.minimum(found + spread, 1.0))
        tight = self.threshold(np.maximum(found - spread, 0.0))
        distance = self.fraction(loose) - self.fraction(tight)
        return loose, tight, np.where(distance > 0, spread / np.where(distance > 0, distance, 1.0), 0.0)

    @property
    def effective_events(self) -> float:
        """``(sum w)² / sum w²``."""
        return self.total**2 / float(self._squares[0])


def clopper_pearson(passed: float, trials: float) -> tuple[float, float]:
    """The central 68.27 % Clopper–Pearson interval of an efficiency; `passed` and `trials` may be effective
    counts.

    >>> low, high = clopper_pearson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.1681)
    """
    inverse = require("scipy.special", extra="train", purpose="an efficiency error").betaincinv
    tail = (1 - _ONE_SIGMA) / 2
    passed = min(max(passed, 0.0), trials)
    # An effective count below one event would make the upper limit of zero vanish; rounding noise counts as
    # zero.
    failed = trials - passed
    low = 0.0 if passed < 1e-9 else float(inverse(passed, failed + 1, tail))
    high = 1.0 if failed < 1e-9 else float(inverse(passed + 1, failed, 1 - tail))
    return low, high


def threshold_at_false_positive_rate(
    scores: NDArray[Any], rate: float, *, weights: NDArray[Any] | None = None
) -> WorkingPoint:
    """The lowest threshold at which at most the fraction `rate` of the background fires.

    Args:
        scores: (N,) background scores, of events that were not trained on.
        rate: fraction, 0 < rate < 1.
        weights: (N,) event weights.

    Raises:
        SettingsError: `rate` out of its domain.
        SampleError: the sample cannot be used, or is so small that no event may fire.
    """
    if not 0 < rate < 1:
        message = f"false-positive rate {rate!r} is not a fraction between 0 and 1; write for example 1e-4"
        raise SettingsError(message)
    sample = _Sample(scores, weights, "background")
    return _working_point(sample, rate, f"a false-positive rate of {rate:.3g}", per_weight=None)


def threshold_at_rate(
    scores: NDArray[Any], rate: str | float, *, weights: NDArray[Any], luminosity: str = "2e34 / cm**2 / s"
) -> WorkingPoint:
    """The lowest threshold at which the background fires at most at `rate`.

    Args:
        scores: (N,) background scores.
        rate: e.g. ``"10 kHz"``, or a number in kHz.
        weights: (N,) event weights in pb: their sum is the cross section of the sample, so that the rate is
            ``luminosity * sum of the weights that fire``.
        luminosity: instantaneous luminosity.

    Raises:
        SettingsError: a quantity of the wrong dimension, or not positive.
        SampleError: the sample cannot be used, or is so small that no event may fire.
    """
    per_weight = _kilohertz_per_picobarn(luminosity)
    wanted = magnitude(rate, "kHz", name="trigger rate")
    if wanted <= 0:
        message = f"trigger rate {rate!r} is not positive; write for example '10 kHz'"
        raise SettingsError(message)
    sample = _Sample(scores, weights, "background")
    fraction = min(wanted / (sample.total * per_weight), 1.0)
    return _working_point(sample, fraction, f"a trigger rate of {wanted:.4g} kHz", per_weight=per_weight)


def trigger_rate(
    scores: NDArray[Any], threshold: float, *, weights: NDArray[Any], luminosity: str = "2e34 / cm**2 / s"
) -> Figure:
    """Rate in kHz of events with score >= threshold; weights in pb, error ``luminosity * sqrt(sum w²)``."""
    sample = _Sample(scores, weights, "background")
    return _rate(sample, threshold, _kilohertz_per_picobarn(luminosity))


def signal_efficiency(
    scores: NDArray[Any], point: WorkingPoint, *, weights: NDArray[Any] | None = None
) -> Figure:
    """Fraction of the signal that fires at the working point, in %, with both statistical errors combined.

    Raises:
        SampleError: the sample cannot be used.
    """
    sample = _Sample(scores, weights, "signal")
    trials = sample.effective_events
    efficiency = float(sample.fraction(point.threshold))
    low, high = clopper_pearson(efficiency * trials, trials)
    moved = point.leverage * float(sample.fraction(point.loose) - sample.fraction(point.tight))
    error = math.hypot((high - low) / 2, moved)
    return Figure(100 * efficiency, "%", Provenance.SIMULATED, error=100 * error)


def roc(
    background: NDArray[Any],
    signal: NDArray[Any],
    *,
    background_weights: NDArray[Any] | None = None,
    signal_weights: NDArray[Any] | None = None,
    points: int = 120,
) -> Roc:
    """The ROC curve at `points` false-positive rates, equally spaced in their logarithm.

    The first is that of three effective background events, below which no curve can be told.

    Raises:
        SampleError: a sample that cannot be used, or fewer than 10 effective background events.
    """
    negatives = _Sample(background, background_weights, "background")
    positives = _Sample(signal, signal_weights, "signal")
    if negatives.effective_events < 10:
        message = f"{negatives.effective_events:.1f} effective background events make no ROC curve; make more"
        raise SampleError(message)
    rates = np.geomspace(3 / negatives.effective_events, 1.0, points)
    thresholds = negatives.threshold(rates)
    efficiency = positives.fraction(thresholds)
    loose, tight, leverage = negatives.neighbours(thresholds)
    moved = leverage * (positives.fraction(loose) - positives.fraction(tight))
    error = np.hypot(positives.fraction_error(thresholds), moved)
    return Roc(rates, efficiency, error)


def area_under_curve(
    background: NDArray[Any],
    signal: NDArray[Any],
    *,
    background_weights: NDArray[Any] | None = None,
    signal_weights: NDArray[Any] | None = None,
) -> Figure:
    """Probability in % that a signal event scores higher than a background event, ties counting one half.

    Raises:
        SampleError: a sample that cannot be used.
    """
    samples = _samples((background, signal), (background_weights, signal_weights))
    area, placements = _placements(samples)
    variance = sum(
        float(np.sum((sample.given * (placed - area)) ** 2)) / sample.total**2
        for sample, placed in zip(samples, placements, strict=True)
    )
    return Figure(100 * area, "%", Provenance.SIMULATED, error=100 * math.sqrt(variance))


def area_ratio(
    scores: tuple[NDArray[Any], NDArray[Any]],
    reference: tuple[NDArray[Any], NDArray[Any]],
    *,
    weights: tuple[NDArray[Any] | None, NDArray[Any] | None] = (None, None),
) -> Figure:
    """AUC of one score over that of another on the same events: what quantisation leaves of it.

    The error is DeLong's of the pair: what both scores share drops out.

    Args:
        scores: (N,) of the background and (M,) of the signal.
        reference: the other score, of the same events.
        weights: of the background and of the signal.

    Raises:
        SampleError: a sample that cannot be used.
    """
    ours, theirs = _samples(scores, weights), _samples(reference, weights)
    (area, placed), (other, placed_before) = _placements(ours), _placements(theirs)
    ratio = area / other
    variance = sum(
        float(np.sum((sample.given * ((now - area) - ratio * (before - other))) ** 2)) / sample.total**2
        for sample, now, before in zip(ours, placed, placed_before, strict=True)
    )
    return Figure(ratio, "", Provenance.SIMULATED, error=math.sqrt(variance) / other)


def _samples(
    scores: tuple[NDArray[Any], NDArray[Any]], weights: tuple[NDArray[Any] | None, NDArray[Any] | None]
) -> tuple[_Sample, _Sample]:
    return _Sample(scores[0], weights[0], "background"), _Sample(scores[1], weights[1], "signal")


def _placements(samples: tuple[_Sample, _Sample]) -> tuple[float, tuple[Floats, Floats]]:
    """AUC, and the part of the other sample that each event, in the order given, is ranked right against."""
    negatives, positives = samples
    above = _midrank(positives, negatives.unsorted)
    below = 1 - _midrank(negatives, positives.unsorted)
    return float(np.average(below, weights=positives.given)), (above, below)


def _midrank(sample: _Sample, scores: Floats) -> Floats:
    """Fraction of `sample` above each score, ties counting one half."""
    at_or_above = sample.fraction(scores)
    above = sample.fraction(np.nextafter(scores, np.inf))
    return (at_or_above + above) / 2


def _kilohertz_per_picobarn(luminosity: str) -> float:
    value = magnitude(luminosity, "1/pb/s", name="luminosity")
    if value <= 0:
        message = f"luminosity {luminosity!r} is not positive; write for example '2e34 / cm**2 / s'"
        raise SettingsError(message)
    return value / 1000


def _rate(sample: _Sample, threshold: float, per_weight: float) -> Figure:
    value = float(sample.fraction(threshold)) * sample.total * per_weight
    return Figure(value, "kHz", Provenance.SIMULATED, error=sample.rate_error(threshold) * per_weight)


def _working_point(sample: _Sample, fraction: float, wanted: str, per_weight: float | None) -> WorkingPoint:
    threshold = float(sample.threshold(fraction))
    events = len(sample.scores) - int(sample.first_passing(threshold))
    if not events:
        message = (
            f"{len(sample.scores)} background events ({sample.effective_events:.0f} effective) "
            f"cannot fix a threshold for {wanted}: not one may fire; make more background or allow more"
        )
        raise SampleError(message)
    loose, tight, leverage = (float(value) for value in sample.neighbours(threshold))
    return WorkingPoint(
        threshold=threshold,
        loose=loose,
        tight=tight,
        leverage=leverage,
        false_positive_rate=Figure(
            100 * float(sample.fraction(threshold)),
            "%",
            Provenance.SIMULATED,
            error=100 * float(sample.fraction_error(threshold)),
        ),
        rate=None if per_weight is None else _rate(sample, threshold, per_weight),
        events=events,
    )
