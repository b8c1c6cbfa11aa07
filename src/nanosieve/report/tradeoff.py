"""Designs by what they keep and what they take: boxes of errors in both directions, the Pareto front "
"marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.report.style import GRID, INK, PALETTE, Drawing, Key, headline, panel

__all__ = ["TradeoffPoint", "pareto_front", "tradeoff_chart"]

CORNERS = (
    (10, 6),
    (10, -15),
    (-10, 6),
    (-10, -15),
    (0, 9),
    (0, -18),
    (22, 6),
    (22, -15),
    (-22, 6),
    (-22, -15),
)
"""Where a letter stands beside its point, in points."""
PANEL = (250.0, 180.0)
"""Size of the part of the panel that the bands fill, in points."""
LETTER = 9.0
"""Least distance of a letter from others and from points, in points."""


@dataclass(frozen=True)
class TradeoffPoint:
    """A design.

    Attributes:
        letter: beside its point.
        label: in the legend.
        x: what it takes, with its band.
        y: what it keeps, with its band.
        error: statistical, of `y`.
    """

    letter: str
    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    error: float = 0.0


def pareto_front(points: Sequence[TradeoffPoint]) -> list[TradeoffPoint]:
    """Those that no other beats in both, by rising `x`."""
    best: list[TradeoffPoint] = []
    for point in sorted(points, key=lambda each: (each.x[1], -each.y[1])):
        if not best or point.y[1] > best[-1].y[1]:
            best.append(point)
    return best


def tradeoff_chart(
    points: Sequence[TradeoffPoint], *, title: str, x_label: str, y_label: str, conditions: str = ""
) -> Drawing:
    """One panel: a box for the bands of both, a bar for the statistical error, a line along the front.

    Raises:
        SettingsError: no points.
    """
    if not points:
        message = "a chart of trade-offs needs a design"
        raise SettingsError(message)
    front = pareto_front(points)

    def draw(axes: Any) -> None:
        axes.step(
            [p.x[1] for p in front], [p.y[1] for p in front], where="post", color=INK, linewidth=1.0,
            linestyle=(0, (4, 2)), zorder=1,
        )  # fmt: skip
        for number, point in enumerate(points):
            colour = PALETTE[number % len(PALETTE)]
            (left, x, right), (low, y, high) = point.x, point.y
            axes.fill_between([left, right], [low] * 2, [high] * 2, color=colour, alpha=0.18, linewidth=0)
            axes.plot([left, right], [y, y], color=colour, linewidth=1.2)
            axes.errorbar(
                [x], [y], yerr=[[min(point.error, y)], [point.error]], fmt="o", color=colour, elinewidth=1.2,
                markersize=7 if point in front else 5, markeredgecolor=INK if point in front else colour,
                markeredgewidth=1.2, zorder=3,
            )  # fmt: skip
        _letters(axes, points)
        ends = [end for p in points for end in (p.x[0], p.x[2])]
        axes.set_xlim(max(0.0, 0.9 * min(ends)), 1.08 * max(ends))
        tops = [max(p.y[2], p.y[1] + p.error) for p in points]
        lows = [min(p.y[0], p.y[1] - p.error) for p in points]
        room = 0.12 * (max(tops) - min(lows) or 1.0)
        axes.set_ylim(max(0.0, min(lows) - room), max(tops) + room)
        axes.axhline(1.0, color=GRID, linewidth=0.8, zorder=0)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        headline(axes, title, conditions)

    names = ", ".join(f"{p.letter} {p.label}" for p in points)
    key = [Key(f"{p.letter} {p.label}", PALETTE[n % len(PALETTE)], "marker") for n, p in enumerate(points)]
    key.append(Key("Pareto front (ringed)", INK, "dashed"))
    return Drawing((panel(draw, label=f"{y_label} against {x_label} of {names}"),), key=tuple(key))


def _letters(axes: Any, points: Sequence[TradeoffPoint]) -> None:
    """Letters around the points, clear of all points and of each other where there is a corner for them."""
    ends = [end for p in points for end in (p.x[0], p.x[2])]
    width = max(ends) - min(ends) or 1.0
    heights = [end for p in points for end in (p.y[0], p.y[2], p.y[1] - p.error, p.y[1] + p.error)]
    height = max(heights) - min(heights) or 1.0
    taken = [(PANEL[0] * p.x[1] / width, PANEL[1] * p.y[1] / height) for p in points]
    for number, (x, y) in enumerate(list(taken)):

        def clear(corner: tuple[float, float], x: float = x, y: float = y) -> float:
            return min(math.hypot(x + corner[0] - a, y + corner[1] + 4 - b) for a, b in taken)

        corner = next((each for each in CORNERS if clear(each) > LETTER), CORNERS[0])
        taken.append((x + corner[0], y + corner[1] + 4))
        axes.annotate(
            points[number].letter, (points[number].x[1], points[number].y[1]), xytext=corner,
            textcoords="offset points", ha="center", fontsize=11, fontweight="bold",
            color=PALETTE[number % len(PALETTE)],
        )  # fmt: skip
