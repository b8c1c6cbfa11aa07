"""What the triggers buy: ROC curves, and efficiencies at a fixed false-positive rate and trigger rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure
from nanosieve.physics.efficiency import Roc, area_under_curve, roc, signal_efficiency, trigger_rate
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.l1_anomaly.triggers import Trigger, score

__all__ = ["Performance", "SignalPerformance", "measure"]


@dataclass(frozen=True)
class SignalPerformance:
    """One trigger on one signal.

    Attributes:
        at_rate: efficiency in crossings, of all collisions of the signal.
        at_false_positive_rate: efficiency of those with a lepton above 23 GeV, without pile-up.
    """

    roc: Roc
    auc: Figure
    at_rate: Figure
    at_false_positive_rate: Figure


@dataclass(frozen=True)
class Performance:
    """One trigger on all signals.

    Attributes:
        background: (scores, weights in pb) of the background that no training has seen.
        signal_scores: process → scores.
        signals: process → curves and efficiencies.
        rate: rate of the trigger bit of the hardware in kHz, in crossings with pile-up.
    """

    background: tuple[NDArray[np.float64], NDArray[np.float64]]
    signal_scores: dict[str, NDArray[np.float64]]
    signals: dict[str, SignalPerformance]
    rate: Figure


def measure(trigger: Trigger, samples: StudySamples, settings: Settings) -> Performance:
    """Scores from the graph, which is what the hardware computes; errors are statistical."""
    background, weights = score(trigger.graph, samples.test), samples.test.weights
    scores = {process: score(trigger.graph, events) for process, events in samples.signals.items()}
    signals: dict[str, SignalPerformance] = {}
    for process, values in scores.items():
        own, crossed = samples.signals[process].weights, samples.signal_crossings[process]
        signals[process] = SignalPerformance(
            roc(background, values, background_weights=weights, signal_weights=own),
            area_under_curve(background, values, background_weights=weights, signal_weights=own),
            signal_efficiency(score(trigger.graph, crossed), trigger.at_rate, weights=crossed.weights),
            signal_efficiency(values, trigger.at_false_positive_rate, weights=own),
        )
    crossings = samples.crossings
    rate = trigger_rate(
        score(trigger.graph, crossings),
        trigger.at_rate.threshold,
        weights=crossings.weights,
        luminosity=settings.luminosity,
    )
    return Performance((background, weights), scores, signals, rate)
