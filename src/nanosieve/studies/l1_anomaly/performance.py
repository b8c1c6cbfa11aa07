"""What the triggers buy: ROC curves, and efficiencies at a fixed false-positive rate and trigger rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure
from nanosieve.physics.efficiency import (
    Roc,
    area_ratio,
    area_under_curve,
    roc,
    signal_efficiency,
    trigger_rate,
)
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.l1_anomaly.triggers import Cut, Scored, Trigger

__all__ = ["Performance", "SignalPerformance", "measure"]


@dataclass(frozen=True)
class SignalPerformance:
    """One score on one signal.

    Attributes:
        roc: of collisions with a lepton above 23 GeV, without pile-up.
        in_crossings: of all collisions of the signal, in crossings with pile-up; its false-positive rate
            times the rate of all crossings is a trigger rate.
        auc: area under `roc`.
        kept: that area over the one of the float network on the same events.
        at_rate: efficiency in crossings, of all collisions of the signal.
        float_at_rate: the same of the float network.
        at_false_positive_rate: efficiency of those with a lepton above 23 GeV, without pile-up.
    """

    roc: Roc
    in_crossings: Roc
    auc: Figure
    kept: Figure
    at_rate: Figure
    float_at_rate: Figure
    at_false_positive_rate: Figure


@dataclass(frozen=True)
class Performance:
    """One network with one score on all signals.

    Attributes:
        trigger, scored: which.
        background: (scores, weights in pb) of the background that no training has seen.
        signal_scores: process → scores.
        signals: process → curves and efficiencies.
        rate: rate of the trigger bit in kHz, in crossings with pile-up.
        all_crossings: rate of all of them in kHz.
    """

    trigger: Trigger
    scored: Scored
    background: tuple[NDArray[np.float64], NDArray[np.float64]]
    signal_scores: dict[str, NDArray[np.float64]]
    signals: dict[str, SignalPerformance]
    rate: Figure
    all_crossings: float

    @property
    def in_hardware(self) -> bool:
        """Whether this score is the one of the hardware."""
        return self.scored is self.trigger.scored[0]


def measure(trigger: Trigger, samples: StudySamples, settings: Settings) -> tuple[Performance, ...]:
    """Every score of the trigger, as the hardware computes it; errors are statistical."""
    return tuple(_measure(trigger, scored, samples, settings) for scored in trigger.scored)


def _measure(trigger: Trigger, scored: Scored, samples: StudySamples, settings: Settings) -> Performance:
    fixed, crossings = scored.fixed, samples.crossings
    in_crossings = fixed.score(crossings)

    def rate(threshold: float) -> Figure:
        return trigger_rate(
            in_crossings, threshold, weights=crossings.weights, luminosity=settings.luminosity
        )

    return Performance(
        trigger,
        scored,
        (fixed.score(samples.test), samples.test.weights),
        {process: fixed.score(events) for process, events in samples.signals.items()},
        {process: _signal(process, scored, samples) for process in samples.signals},
        rate(fixed.at_rate.threshold),
        rate(float(in_crossings.min())).value,
    )


def _signal(process: str, scored: Scored, samples: StudySamples) -> SignalPerformance:
    fixed, floating = scored.fixed, scored.floating
    events, crossed = samples.signals[process], samples.signal_crossings[process]
    weights = samples.test.weights, events.weights

    def pair(cut: Cut) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return cut.score(samples.test), cut.score(events)

    return SignalPerformance(
        roc(*pair(fixed), background_weights=weights[0], signal_weights=weights[1]),
        roc(
            fixed.score(samples.crossings),
            fixed.score(crossed),
            background_weights=samples.crossings.weights,
            signal_weights=crossed.weights,
        ),
        area_under_curve(*pair(fixed), background_weights=weights[0], signal_weights=weights[1]),
        area_ratio(pair(fixed), pair(floating), weights=weights),
        signal_efficiency(fixed.score(crossed), fixed.at_rate, weights=crossed.weights),
        signal_efficiency(floating.score(crossed), floating.at_rate, weights=crossed.weights),
        signal_efficiency(fixed.score(events), fixed.at_false_positive_rate, weights=events.weights),
    )
