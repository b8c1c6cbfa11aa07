"""Figures of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.efficiency import area_under_curve, roc
from nanosieve.physics.menu.turn_on import TurnOn
from nanosieve.report import Drawing, RocCurve, efficiency_curves, roc_curves
from nanosieve.report.kept import KeptEntry, kept_chart
from nanosieve.report.style import band, headline, panel, series
from nanosieve.report.turn_on import turn_on_chart
from nanosieve.studies.llp.comparison import published_rows
from nanosieve.studies.llp.hardware import Card
from nanosieve.studies.llp.performance import Performance, backgrounds
from nanosieve.studies.llp.samples import SIGNAL, StudySamples
from nanosieve.studies.llp.settings import LENGTH
from nanosieve.studies.llp.triggers import Triggers

__all__ = ["area_chart", "error_chart", "kept_by_radius", "kept_by_rate", "throughput_chart"]

POINTS = 10
RADIUS = "Radius of the decay [m]"
Values = NDArray[np.float64]


def area_chart(performance: Performance, said: str) -> Drawing:
    """ROC curves of decays against background, of a teacher and its students."""
    teacher = performance.length if said == LENGTH else performance.anomaly
    shown = {"published network" if said == LENGTH else "autoencoder": teacher}
    for measured in performance.students:
        if measured.student.settings.says == said:
            title = measured.student.settings.title
            own = performance.said[title]
            shown[title] = {name: own[name][: len(values)] for name, values in teacher.items()}
    curves = [_roc(name, scores) for name, scores in shown.items()]
    return roc_curves(
        curves, title=f"Decays against background: {said}", working_points=((1e-2, "10⁻²"),), lowest=2e-3
    )


def _roc(name: str, scores: Mapping[str, Values]) -> RocCurve:
    values, weights = backgrounds(scores)
    found = roc(values, scores[SIGNAL], background_weights=weights)
    area = area_under_curve(values, scores[SIGNAL], background_weights=weights)
    return RocCurve(name, found.false_positive_rate, found.true_positive_rate, found.error, area)


def error_chart(performance: Performance, samples: StudySamples) -> Drawing:
    """Mean absolute error in bins of the true radius, with its standard error."""
    edges = np.linspace(*samples.gun.radius, POINTS + 1)
    place = np.clip(np.searchsorted(edges, samples.radius, side="right") - 1, 0, POINTS - 1)
    shown = {"published network": performance.length[SIGNAL]}
    for measured in performance.students:
        if measured.errors is not None:
            title = measured.student.settings.title
            shown[title] = performance.said[title][SIGNAL]

    def draw(axes: Any) -> None:
        for number, (name, values) in enumerate(shown.items()):
            off = np.abs(values - samples.radius)
            parts = [off[place == n] for n in range(POINTS)]
            mean = np.array([part.mean() if len(part) else np.nan for part in parts])
            error = np.array([part.std() / np.sqrt(len(part)) if len(part) else np.nan for part in parts])
            style = series(number)
            middles = (edges[1:] + edges[:-1]) / 2
            band(axes, middles, mean, error, style["color"])
            axes.plot(middles, mean, label=name, **style)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_xlabel(RADIUS)
        axes.set_ylabel("Mean absolute error [m]")
        axes.legend(loc="upper center")
        headline(axes, "Decay length")

    return Drawing((panel(draw, label="Mean absolute error against the radius of the decay"),))


def kept_by_radius(curves: Sequence[TurnOn], title: str) -> Drawing:
    """Part of the decays that is kept, by their radius."""
    return turn_on_chart(curves, title=title, axis=RADIUS)


def kept_by_rate(found: Triggers, rate: float) -> Drawing:
    """Decays that each first level keeps, against its rate."""
    curves = [first.against_rate for first in found.first]
    return efficiency_curves(curves, title="First level", marks=((rate, f"{rate:g} kHz"),))


def throughput_chart(cards: Sequence[Card]) -> Drawing:
    """Images in a second: ours beside the published ones, on a logarithmic axis."""
    entries = [KeptEntry(card.settings.title, "nanosieve", card.throughput) for card in cards]
    entries += [KeptEntry(row.model, "published", row.figures["throughput"]) for row in published_rows()]
    return kept_chart(entries, title="Throughput", label="Images in a second", logarithmic=True)
