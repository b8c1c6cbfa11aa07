"""Rates of many trigger lines, ours beside the published ones, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report.rows import ARROW, limit_in_row, value_in_row
from nanosieve.report.style import BACKGROUND, GRID, INK, PALETTE, Drawing, Key, Margins, headline, panel

__all__ = ["RateEntry", "rate_chart"]

ROW = 13.0
"""Height of a line in SVG units."""
LETTER = 5.2
"""Width of a letter of a label."""


@dataclass(frozen=True)
class RateEntry:
    """One line of the chart.

    Attributes:
        label: name of the line.
        rate: ours, with its error; an upper limit if `limit` is set.
        limit: whether `rate` is an upper limit.
        published: read in a publication; None if there is no such number.
        other: a reference that was not read there, in the same unit; drawn grey.
    """

    label: str
    rate: Figure
    limit: bool = False
    published: Figure | None = None
    other: float | None = None


def rate_chart(
    entries: Sequence[RateEntry], *, title: str, axis: str, conditions: str = "", columns: int = 2
) -> Drawing:
    """Panels of rows: a dot with its error for our rate, a ring for the published one.

    Upper limits are arrows that start at the limit.

    Args:
        entries: the lines, from top to bottom, split into `columns` panels of one range.
        title: bold headline.
        axis: label of the horizontal axis, with unit.
        conditions: right end of the headline.
        columns: panels side by side.
    """
    length = math.ceil(len(entries) / columns)
    parts = [entries[n : n + length] for n in range(0, len(entries), length)]
    ends = _range(entries)
    panels = []
    for number, part in enumerate(parts):

        def draw(axes: Any, part: Sequence[RateEntry] = part, number: int = number) -> None:
            _rows(axes, part, ends)
            axes.set_ylim(length - 0.5, -0.5)
            axes.set_xlabel(axis)
            headline(axes, title if number == 0 else "", conditions if number == len(parts) - 1 else "")

        label = f"{title}: {', '.join(entry.label for entry in part)}"
        margins = Margins(left=14 + LETTER * max(len(entry.label) for entry in entries))
        panels.append(
            panel(
                draw, label=label, size=(360.0, ROW * length + margins.top + margins.bottom), margins=margins
            )
        )
    key = [Key("this sample", PALETTE[0], "marker")]
    key += [Key("published (ring)", INK, "marker")] if any(entry.published for entry in entries) else []
    known = any(entry.other is not None for entry in entries)
    key += [Key("derived, reported or recalled (ring)", BACKGROUND, "marker")] if known else []
    return Drawing(tuple(panels), key=tuple(key))


def _rows(axes: Any, entries: Sequence[RateEntry], ends: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*ends)
    for row, entry in enumerate(entries):
        axes.axhline(row, color=GRID, linewidth=0.7, zorder=0)
        for value, colour in ((entry.published and entry.published.value, INK), (entry.other, BACKGROUND)):
            if value:
                axes.plot(
                    [value],
                    [row],
                    "o",
                    color=colour,
                    markersize=6,
                    markerfacecolor="none",
                    markeredgewidth=1.1,
                )
        value, error = entry.rate.value, entry.rate.error or 0.0
        if entry.limit:
            limit_in_row(axes, row, value, PALETTE[0])
        elif value > 0:
            value_in_row(axes, row, value, error, PALETTE[0])
    axes.set_yticks(range(len(entries)), [entry.label for entry in entries])
    axes.tick_params(axis="y", which="both", left=False, right=False, labelsize=8.5)


def _range(entries: Sequence[RateEntry]) -> tuple[float, float]:
    """Whole decades that hold all values."""
    values = [value for entry in entries for value in _values(entry) if value > 0] or [1.0]
    low, high = math.floor(math.log10(0.8 * min(values))), math.ceil(math.log10(1.2 * max(values)))
    return 10.0**low, 10.0 ** max(high, low + 1)


def _values(entry: RateEntry) -> list[float]:
    known = [entry.published.value] if entry.published else []
    known += [entry.other] if entry.other is not None else []
    return [entry.rate.value / ARROW if entry.limit else entry.rate.value, *known]
