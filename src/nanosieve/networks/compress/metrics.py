"""What a network is worth: a number with its error, from its outputs and the labels of the events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import (
    clopper_pearson,
    signal_efficiency,
    threshold_at_false_positive_rate,
    threshold_at_rate,
)

__all__ = ["Metric", "accuracy", "efficiency_at_false_positive_rate", "efficiency_at_rate", "paired_loss"]

Outputs = Mapping[str, NDArray[Any]]
Metric = Callable[[Outputs, NDArray[Any]], Figure]
"""Outputs by name, shape (events, …), and labels (events,), to a figure in %; more is better."""


def accuracy(outputs: Outputs, labels: NDArray[Any]) -> Figure:
    """Part of the events whose largest output is that of their class, in %, with its Clopper–Pearson error.

    Of equal outputs the first counts, as in hardware that looks for the largest one.

    Args:
        outputs: the first is (events, classes), or (events, 1) where two classes are told by the sign.
        labels: (events,) numbers of the classes.

    Raises:
        SampleError: events and labels differ in number, or there are none.
    """
    scores = _first(outputs, labels)
    chosen = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
    return _fraction(int((chosen == labels).sum()), len(labels))


def efficiency_at_false_positive_rate(rate: float) -> Metric:
    """The metric of a trigger: part of the signal that is kept where a part `rate` of the background is.

    The threshold is taken from the background of each sample it is applied to; the error holds the statistics
    of the signal and of the background that fixes the threshold, see `nanosieve.physics.efficiency`.
    Labels: 0 for background, 1 for signal. The first output is (events,) or (events, 1).

    Raises (when applied):
        SampleError: there is no signal, or too little background for the rate.
    """

    def efficiency(outputs: Outputs, labels: NDArray[Any]) -> Figure:
        scores = _first(outputs, labels)[:, 0]
        background, signal = _parts(scores, labels)
        return signal_efficiency(signal, threshold_at_false_positive_rate(background, rate))

    efficiency.__name__ = f"efficiency at a false-positive rate of {rate:g}"
    return efficiency


def efficiency_at_rate(rate: str, *, cross_section: float, luminosity: str) -> Metric:
    """Part of the signal that is kept where the background fires at a trigger rate.

    Args:
        rate: e.g. ``"10 kHz"``.
        cross_section: of the whole background sample, in pb; its events count the same.
        luminosity: e.g. ``"2e34 / cm**2 / s"``.

    Raises (when applied):
        SampleError: there is no signal, or too little background for the rate.
    """

    def efficiency(outputs: Outputs, labels: NDArray[Any]) -> Figure:
        background, signal = _parts(_first(outputs, labels)[:, 0], labels)
        weights = np.full(len(background), cross_section / len(background))
        point = threshold_at_rate(background, rate, weights=weights, luminosity=luminosity)
        return signal_efficiency(signal, point)

    efficiency.__name__ = f"efficiency at {rate}"
    return efficiency


def paired_loss(
    metric: Metric,
    reference: Outputs,
    outputs: Outputs,
    labels: NDArray[Any],
    *,
    resamples: int = 50,
    seed: int = 0,
) -> Figure:
    """By how much `outputs` are worse than `reference` on the same events.

    The error is the spread over samples drawn with replacement (bootstrap), the same for both, so that what
    both networks get right or wrong together does not count; each draw fixes its own threshold.

    Args:
        metric: of both.
        reference, outputs: (events, …) by name.
        labels: (events,).
        resamples: how many samples are drawn; at least 2.
        seed: of the draws.

    Raises:
        SampleError: as `metric`.
    """
    lost = metric(reference, labels).value - metric(outputs, labels).value
    spread = []
    for number in range(resamples):
        rows = np.random.default_rng((seed, number)).integers(0, len(labels), len(labels))
        first, second = (
            metric({name: np.asarray(array)[rows] for name, array in values.items()}, labels[rows]).value
            for values in (reference, outputs)
        )
        spread.append(first - second)
    return Figure(lost, "%", Provenance.SIMULATED, float(np.std(spread, ddof=1)), f"{len(labels):,} events")


def _first(outputs: Outputs, labels: NDArray[Any]) -> NDArray[Any]:
    scores = np.asarray(next(iter(outputs.values())))
    if not len(labels) or len(scores) != len(labels):
        message = f"{len(labels)} labels do not fit {len(scores)} events; give one for each, and some"
        raise SampleError(message)
    return scores.reshape(len(scores), -1)


def _parts(scores: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    kinds = set(np.unique(labels).tolist())
    if kinds != {0, 1}:
        message = f"labels of a trigger are 0 (background) and 1 (signal), both present, not {sorted(kinds)}"
        raise SampleError(message)
    return scores[labels == 0], scores[labels == 1]


def _fraction(passed: int, events: int) -> Figure:
    low, high = clopper_pearson(passed, events)
    return Figure(100 * passed / events, "%", Provenance.SIMULATED, 50 * (high - low), f"{events:,} events")
