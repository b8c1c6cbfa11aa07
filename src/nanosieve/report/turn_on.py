"""Turn-ons: trigger efficiency against an offline quantity, with asymmetric intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nanosieve.physics.menu.turn_on import TurnOn
from nanosieve.report.style import INK, PALETTE, Drawing, headline, panel

__all__ = ["turn_on_chart"]

_MARKERS = "osD^vP"


def turn_on_chart(curves: Sequence[TurnOn], *, title: str, axis: str, conditions: str = "") -> Drawing:
    """One panel: efficiency in each bin, horizontal bars for the bins, vertical ones for the intervals.

    Args:
        curves: of the same quantity.
        title: bold headline.
        axis: label of the horizontal axis, with unit.
        conditions: right end of the headline.
    """

    def draw(axes: Any) -> None:
        axes.axhline(100, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        for number, curve in enumerate(curves):
            some = ~np.isnan(curve.efficiency)
            middle = (curve.edges[1:] + curve.edges[:-1])[some] / 2
            width = np.diff(curve.edges)[some] / 2
            value, low, high = (
                100 * part[some] for part in (curve.efficiency, curve.low, curve.high)
            )  # fmt: skip
            bars = [np.maximum(value - low, 0), np.maximum(high - value, 0)]
            axes.errorbar(
                middle,
                value,
                xerr=width,
                yerr=bars,
                fmt=_MARKERS[number % len(_MARKERS)],
                color=PALETTE[number % len(PALETTE)],
                elinewidth=1.0,
                markersize=3.6,
                label=curve.name,
            )
        axes.set_xlim(curves[0].edges[0], curves[0].edges[-1])
        axes.set_yticks(range(0, 101, 20))
        axes.set_xlabel(axis)
        axes.set_ylabel("Efficiency [%]")
        columns = 3 if sum(len(curve.name) for curve in curves) < 60 else 2
        axes.set_ylim(0, 116 + 8 * -(-len(curves) // columns))
        axes.legend(loc="upper left", ncols=min(len(curves), columns), columnspacing=1.0, handletextpad=0.3)
        headline(axes, title, conditions)

    return Drawing((panel(draw, label=f"{title}: efficiency against {axis}"),))
