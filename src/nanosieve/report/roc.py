"""ROC curves down to the false-positive rates at which a trigger works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure
from nanosieve.report.style import BACKGROUND, Drawing, band, headline, mark, panel, series

__all__ = ["RocCurve", "roc_curves"]

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class RocCurve:
    """One signal against the background.

    Attributes:
        label: the signal.
        false_positive_rate: shape (points,), ascending.
        true_positive_rate: shape (points,).
        error: one standard deviation of the true-positive rate, shape (points,).
        auc: area under the curve, as a fraction or in percent, with its error.
    """

    label: str
    false_positive_rate: Values
    true_positive_rate: Values
    error: Values
    auc: Figure


def roc_curves(
    curves: Sequence[RocCurve],
    *,
    title: str,
    conditions: str = "",
    working_points: Sequence[tuple[float, str]] = ((1e-5, "10⁻⁵"),),
    lowest: float = 1e-6,
) -> Drawing:
    """One panel, logarithmic in both rates: the working points of a trigger are at 1e-5, not at 0.1.

    Args:
        curves: one per signal.
        title: model and score.
        conditions: right end of the headline.
        working_points: false-positive rates to mark, each with its label; those left of the axis are not.
        lowest: left end of the axis.
    """

    shown = [(rate, name) for rate, name in working_points if rate >= lowest]

    def draw(axes: Any) -> None:
        axes.plot([lowest, 1], [lowest, 1], color=BACKGROUND, linewidth=0.8, linestyle=(0, (2, 2)))
        floor = 1.0
        for number, curve in enumerate(curves):
            points = _thinned(curve, lowest)
            x, y = curve.false_positive_rate[points], curve.true_positive_rate[points]
            style = series(number)
            band(axes, x, y, curve.error[points], style["color"])
            axes.plot(x, y, label=f"{curve.label}, AUC {curve.auc.number()}", **style)
            for rate, _ in shown:
                found = float(np.interp(rate, x, y)) if len(x) else np.nan
                if found > 0:
                    axes.plot([rate], [found], "o", color=style["color"], markersize=3.6)
                    floor = min(floor, found)
        for rate, name in shown:
            mark(axes, rate, name, side="right")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(lowest, 1)
        axes.set_ylim(max(floor / 20, lowest), 1.5)
        axes.set_xlabel("False-positive rate")
        axes.set_ylabel("True-positive rate")
        axes.legend(loc="lower right")
        headline(axes, title, conditions)

    return Drawing((panel(draw, label=f"ROC curves of {title} for {', '.join(c.label for c in curves)}"),))


def _thinned(curve: RocCurve, lowest: float, count: int = 160) -> NDArray[np.intp]:
    """Indices of at most `count` points, evenly spread in the logarithm of the false-positive rate."""
    rates = curve.false_positive_rate
    wanted = np.searchsorted(rates, np.geomspace(lowest, 1, count), side="left")
    chosen: NDArray[np.intp] = np.unique(np.clip(wanted, 0, len(rates) - 1))
    return chosen[rates[chosen] > 0]
