"""Efficiency of each signal: at fixed working points, and against the trigger rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure
from nanosieve.report.rows import ARROW, limit_in_row, value_in_row
from nanosieve.report.style import (
    GRID,
    PALETTE,
    Drawing,
    Key,
    Margins,
    band,
    headline,
    mark,
    panel,
    series,
)

__all__ = ["EfficiencyCurve", "EfficiencyPoint", "efficiency_curves", "efficiency_points"]

Values = NDArray[np.floating[Any]]
_MARKERS = "osD^vP"


@dataclass(frozen=True)
class EfficiencyPoint:
    """Efficiency of one signal for one trigger.

    Attributes:
        signal: the process.
        trigger: model and score.
        efficiency: in percent, with its error.
    """

    signal: str
    trigger: str
    efficiency: Figure


@dataclass(frozen=True)
class EfficiencyCurve:
    """Efficiency against something: trigger rate in kHz, or the pT of a turn-on.

    Attributes:
        label: the signal or the trigger.
        x: shape (points,), ascending.
        efficiency: in percent, shape (points,).
        error: one standard deviation, in percent, shape (points,).
    """

    label: str
    x: Values
    efficiency: Values
    error: Values


def efficiency_points(points: Sequence[EfficiencyPoint], *, title: str, conditions: str = "") -> Drawing:
    """One panel: a row per signal, a marker per trigger, the error as a bar, on a logarithmic axis.

    An efficiency of zero is shown as an arrow that starts at its error.

    Args:
        points: any number of signals and triggers, all at the same working point.
        title: the working point, e.g. ``"False-positive rate 10⁻⁵"``.
        conditions: right end of the headline.
    """
    signals = list(dict.fromkeys(point.signal for point in points))
    triggers = list(dict.fromkeys(point.trigger for point in points))

    def draw(axes: Any) -> None:
        _efficiency_range(axes, [point.efficiency for point in points])
        for row in range(1, len(signals)):
            axes.axhline(row - 0.5, color=GRID, linewidth=0.8)
        for point in points:
            number = triggers.index(point.trigger)
            offset = (number + 0.5) / len(triggers) - 0.5
            _point(axes, point.efficiency, signals.index(point.signal) + 0.72 * offset, number)
        axes.set_ylim(len(signals) - 0.5, -0.5)
        axes.set_yticks(range(len(signals)), signals)
        axes.tick_params(axis="y", which="both", left=False, right=False)
        axes.set_xlabel("Signal efficiency [%]")
        headline(axes, title, conditions)

    label = f"Efficiency of {', '.join(signals)} for {', '.join(triggers)}: {title}"
    key = tuple(Key(name, PALETTE[n % len(PALETTE)], "marker") for n, name in enumerate(triggers))
    return Drawing((panel(draw, label=label, margins=Margins(left=70)),), key=key)


def _point(axes: Any, efficiency: Figure, row: float, number: int) -> None:
    value, error = efficiency.value, efficiency.error or 0.0
    colour = PALETTE[number % len(PALETTE)]
    if value > 0:
        value_in_row(axes, row, value, error, colour, marker=_MARKERS[number % len(_MARKERS)])
    elif error > 0:
        limit_in_row(axes, row, error, colour)


def _efficiency_range(axes: Any, efficiencies: Sequence[Figure]) -> None:
    """Whole decades that hold all values, and the arrows of those that are zero."""
    ends = [(f.value - min(f.error or 0, 0.7 * f.value), f.value + (f.error or 0)) for f in efficiencies]
    low = min((low or high / ARROW for low, high in ends if high > 0), default=1.0)
    high = max((high for _, high in ends if high > 0), default=10.0)
    axes.set_xscale("log")
    axes.set_xlim(10 ** math.floor(math.log10(0.9 * low)), 10 ** math.ceil(math.log10(1.1 * high)))


def efficiency_curves(
    curves: Sequence[EfficiencyCurve],
    *,
    title: str,
    axis: str = "Trigger rate [kHz]",
    marks: Sequence[tuple[float, str]] = (),
    logarithmic: bool = True,
    conditions: str = "",
    legend: str = "lower right",
) -> Drawing:
    """One panel of efficiency against rate (or, as a turn-on, against pT), with statistical bands.

    Args:
        curves: one per signal or trigger.
        title: bold headline.
        axis: label of the horizontal axis, with unit.
        marks: values to mark with a line, each with its label.
        logarithmic: both axes; a turn-on is drawn with linear ones.
        conditions: right end of the headline.
        legend: the corner in which it stands; empty for a legend that several panels share.
    """

    def draw(axes: Any) -> None:
        for number, curve in enumerate(curves):
            style = series(number)
            band(axes, curve.x, curve.efficiency, curve.error, style["color"])
            axes.plot(curve.x, curve.efficiency, label=curve.label, **style)
        for value, name in marks:
            mark(axes, value, name)
        axes.set_xlim(min(c.x[0] for c in curves), max(c.x[-1] for c in curves))
        if logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
            least = min(
                (float(c.efficiency[c.efficiency > 0].min(initial=100.0)) for c in curves), default=1e-3
            )
            axes.set_ylim(least / 2, 200)
        else:
            axes.set_ylim(0, 118)
        axes.set_xlabel(axis)
        axes.set_ylabel("Signal efficiency [%]")
        if legend:
            axes.legend(loc=legend)
        headline(axes, title, conditions)

    return Drawing((panel(draw, label=f"{title}: efficiency against {axis}"),))
