"""What the report says about efficiencies and rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nanosieve.report import (
    Cell,
    Drawing,
    EfficiencyCurve,
    EfficiencyPoint,
    Picture,
    RocCurve,
    Section,
    Table,
    Text,
    efficiency_curves,
    efficiency_points,
    roc_curves,
    score_distribution,
)
from nanosieve.report.style import Key, series
from nanosieve.studies.l1_anomaly.comparison import Built
from nanosieve.studies.l1_anomaly.performance import Performance
from nanosieve.studies.l1_anomaly.settings import EVENT_SIZE, SIGNALS, Settings
from nanosieve.units import magnitude, power_of_ten

__all__ = ["BACKGROUND", "luminosity", "physics_section"]

BACKGROUND = "Standard Model"
SCORES = {"reconstruction": "reconstruction error", "rz": "R_z", "kl": "KL"}
HIGHEST_RATE = 1000.0
"""kHz: of the curves."""


def luminosity(settings: Settings) -> str:
    """For people: ``2 × 10³⁴ cm⁻² s⁻¹``."""
    value = magnitude(settings.luminosity, "1 / cm**2 / s", name="luminosity")
    power = int(np.floor(np.log10(value)))
    return f"{value / 10.0**power:g} × {power_of_ten(power)} cm⁻² s⁻¹"


def physics_section(settings: Settings, built: Sequence[Built]) -> Section:
    """Efficiencies at fixed rates and against the rate, for all scores of all networks."""
    every = [performance for each in built for performance in each.performances]
    shown = [each.performance for each in built]
    fixed = f"False-positive rate {settings.false_positive_rate:g}"
    rate = f"Trigger rate {settings.rate}"
    conditions = f"L = {luminosity(settings)}"
    at_rate, at_fixed = [], []
    for performance in shown:
        title = performance.trigger.settings.title
        for process, signal in performance.signals.items():
            at_rate.append(EfficiencyPoint(SIGNALS[process], title, signal.at_rate))
            at_fixed.append(EfficiencyPoint(SIGNALS[process], title, signal.at_false_positive_rate))
    points = (
        efficiency_points(at_rate, title=rate, conditions=conditions),
        efficiency_points(at_fixed, title=fixed),
    )
    columns = ("Network and score", "Signal", "AUC", "AUC over float", rate, "Float, same rate", fixed)
    return Section(
        "What does it buy?",
        (
            Text((_counting(settings), _firing(every))),
            Picture(
                points,
                "Scores of the hardware. Errors are statistical: Clopper–Pearson for the signal, combined "
                "with how far the threshold moves with the background events that fix it.",
            ),
            Picture(
                (_against_rate(shown),),
                f"Efficiency (simulated) against the bandwidth that it costs: events of {EVENT_SIZE:g} MB, "
                f"assumed, about those of CMS in Run 3, make {8 * EVENT_SIZE:g} Gb/s of one kHz.",
            ),
            Table(columns, tuple(_rows(every)), f"Efficiencies of the signals; {conditions}."),
            Picture(
                tuple(_roc(performance, settings) for performance in every),
                "ROC curves of the scores as hardware computes them, with statistical bands.",
            ),
            Picture(
                tuple(_scores(performance) for performance in shown),
                "Scores as the hardware gives them; last bins hold what lies beyond.",
            ),
        ),
    )


def _counting(settings: Settings) -> str:
    return (
        f"Rates count bunch crossings with a mean pile-up of {settings.pileup:g}: minimum bias, hard QCD, W, "
        "Z and tt̄, with the objects of Level 1; efficiencies at a rate are those of all collisions of a "
        "signal. The fixed false-positive rate, as in arXiv:2108.03986, refers to collisions without pile-up "
        "that have a lepton above 23 GeV. AUC over float is that of the hardware's bits over that of the "
        "network in floating point with all its weights, on the same events."
    )


def _firing(every: Sequence[Performance]) -> str:
    crossings = [performance.scored.fixed.at_rate.events for performance in every]
    events = [performance.scored.fixed.at_false_positive_rate.events for performance in every]
    return (
        f"The thresholds rest on {min(crossings)} to {max(crossings)} crossings that fire at the fixed rate, "
        f"and on {min(events)} to {max(events)} background events at the fixed false-positive rate."
    )


def _name(performance: Performance) -> str:
    return f"{performance.trigger.settings.title}, {SCORES[performance.scored.score]}"


def _rows(every: Sequence[Performance]) -> list[tuple[Cell, ...]]:
    return [
        (
            _name(performance),
            SIGNALS[process],
            signal.auc,
            signal.kept,
            signal.at_rate,
            signal.float_at_rate,
            signal.at_false_positive_rate,
        )
        for performance in every
        for process, signal in performance.signals.items()
    ]


def _against_rate(shown: Sequence[Performance]) -> Drawing:
    """For each signal the efficiency of each network against the trigger rate in crossings."""
    panels: list[str] = []
    for process, title in SIGNALS.items():
        curves = []
        for performance in shown:
            curve = performance.signals[process].in_crossings
            rates = curve.false_positive_rate * performance.all_crossings
            kept = rates <= HIGHEST_RATE
            efficiency, error = 100 * curve.true_positive_rate[kept], 100 * curve.error[kept]
            curves.append(EfficiencyCurve(performance.trigger.settings.title, rates[kept], efficiency, error))
        axis = f"Trigger rate [kHz] = bandwidth [{8 * EVENT_SIZE:g} Gb/s]"
        panels += efficiency_curves(curves, title=title, axis=axis, legend="").panels
    names = [performance.trigger.settings.title for performance in shown]
    return Drawing(tuple(panels), key=tuple(Key(name, series(n)["color"]) for n, name in enumerate(names)))


def _roc(performance: Performance, settings: Settings) -> Drawing:
    curves = [
        RocCurve(
            SIGNALS[process],
            signal.roc.false_positive_rate,
            signal.roc.true_positive_rate,
            signal.roc.error,
            signal.auc,
        )
        for process, signal in performance.signals.items()
    ]
    lowest = min(float(curve.false_positive_rate[0]) for curve in curves)
    point = settings.false_positive_rate
    return roc_curves(
        curves,
        title=_name(performance),
        working_points=((point, f"{point:g}"),),
        lowest=10 ** np.floor(np.log10(lowest)),
    )


def _scores(performance: Performance) -> Drawing:
    samples = {BACKGROUND: performance.background}
    for process, scores in performance.signal_scores.items():
        samples[SIGNALS[process]] = (scores, np.ones(len(scores)))
    return score_distribution(
        samples,
        background=BACKGROUND,
        title=_name(performance),
        thresholds={"trigger": performance.scored.fixed.at_rate.threshold},
    )
