"""Distributions of the anomaly score, and where the threshold cuts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.report.spectra import histogram, outline
from nanosieve.report.style import Drawing, Key, colours, headline, mark, panel

__all__ = ["score_distribution"]

Values = NDArray[np.floating[Any]]


def score_distribution(
    samples: Mapping[str, tuple[Values, Values]],
    *,
    background: str,
    title: str,
    thresholds: Mapping[str, float],
    label: str = "Anomaly score",
    conditions: str = "",
    bins: int | None = None,
) -> Drawing:
    """One panel: score of the background (filled) and the signals (outlined), unit area, and thresholds.

    Args:
        samples: process → (scores, weights), each of shape (events,).
        background: the process that is drawn filled.
        title: model and score.
        thresholds: what they are called → score above which an event is kept.
        label: axis label, with unit if there is one.
        conditions: right end of the headline.
        bins: number of bins; default by the smallest sample. They are logarithmic when the scores span more
            than two decades.

    Raises:
        SampleError: see `nanosieve.report.spectra.histogram`.
    """
    colour = colours(list(samples), background)
    every = [scores for scores, _ in samples.values()]
    smallest = min(len(scores) for scores in every)
    count = bins or int(np.clip(1.5 * smallest**0.5, 12, 50))
    edges, logarithmic = _edges(every, list(thresholds.values()), count)

    def draw(axes: Any) -> None:
        lowest, highest = 1.0, 0.0
        for process, (scores, weights) in samples.items():
            inside = np.clip(scores, edges[0], edges[-1])
            contents, errors = histogram(inside, weights, tuple(edges))
            filled = process == background
            outline(axes, edges, contents, errors, colour[process], filled=filled, logarithmic=logarithmic)
            lowest = min(lowest, contents[contents > 0].min(initial=1.0))
            highest = max(highest, contents.max())
        for n, (name, value) in enumerate(sorted(thresholds.items(), key=lambda item: item[1])):
            mark(axes, value, name, line=n)
        if logarithmic:
            axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(max(0.5 * lowest, 2e-7), 8 * highest)
        axes.set_xlabel(label)
        axes.set_ylabel("Fraction of events / bin")
        headline(axes, title, conditions)

    key = tuple(Key(name, colour[name], "fill" if name == background else "line") for name in samples)
    return Drawing((panel(draw, label=f"Score of {title} for {', '.join(samples)}"),), key=key)


def _edges(scores: list[Values], thresholds: list[float], bins: int) -> tuple[Values, bool]:
    """Bin edges over all scores, logarithmic where they span more than two decades."""
    every = np.concatenate([*scores, np.asarray(thresholds, float)])
    low, high = float(np.quantile(every, 0.0005)), float(every.max())
    positive = every[every > 0]
    if len(positive) > 0.5 * len(every) and high > 100 * (middle := float(np.quantile(positive, 0.01))) > 0:
        return np.geomspace(middle, high * 1.1, bins + 1), True
    return np.linspace(low, high + 0.02 * (high - low or 1.0), bins + 1), False
