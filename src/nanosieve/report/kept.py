"""What designs keep of several signals: dots with statistical errors, and bands of assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.report.style import GRID, PALETTE, Drawing, Key, Margins, headline, panel

__all__ = ["KeptEntry", "kept_chart"]

LINE = 11.0
"""Height of a design in SVG units."""


@dataclass(frozen=True)
class KeptEntry:
    """A design and a signal.

    Attributes:
        signal: row of the chart.
        design: colour of the dot.
        figure: with its statistical error.
        band: within the edges of assumptions; None for none.
    """

    signal: str
    design: str
    figure: Figure
    band: tuple[float, float] | None = None


def kept_chart(
    entries: Sequence[KeptEntry], *, title: str, label: str, conditions: str = "", logarithmic: bool = False
) -> Drawing:
    """One panel: a group of dots for each signal, one for each design.

    Raises:
        SettingsError: no entries.
    """
    if not entries:
        message = "a chart of what is kept needs an entry"
        raise SettingsError(message)
    signals = list(dict.fromkeys(entry.signal for entry in entries))
    designs = list(dict.fromkeys(entry.design for entry in entries))
    group = len(designs) + 1.2

    def draw(axes: Any) -> None:
        for number in range(1, len(signals)):
            axes.axhline(number * group - 1.1, color=GRID, linewidth=0.7, zorder=0)
        for entry in entries:
            number = designs.index(entry.design)
            row, colour = signals.index(entry.signal) * group + number, PALETTE[number % len(PALETTE)]
            value, error = entry.figure.value, entry.figure.error or 0.0
            if logarithmic and value <= 0:
                continue
            down = min(error, 0.95 * value) if logarithmic else error
            if entry.band is not None:
                axes.barh(
                    [row],
                    [entry.band[1] - entry.band[0]],
                    left=[entry.band[0]],
                    height=0.9,
                    color=colour,
                    alpha=0.25,
                    linewidth=0,
                )
            axes.errorbar(
                [value], [row], xerr=[[down], [error]], fmt="o", color=colour, elinewidth=1.1, markersize=3.6
            )
        if logarithmic:
            axes.set_xscale("log")
            axes.margins(x=0.05)
        else:
            axes.set_xlim(*_range(entries))
        middle = (len(designs) - 1) / 2
        axes.set_yticks([n * group + middle for n in range(len(signals))], signals)
        axes.tick_params(axis="y", which="both", left=False, right=False, labelsize=9.5)
        axes.set_ylim(len(signals) * group - 0.9, -1.1)
        axes.set_xlabel(label)
        headline(axes, title, conditions)

    margins = Margins(left=16 + 5.8 * max(len(signal) for signal in signals))
    size = (360.0, LINE * group * len(signals) + margins.top + margins.bottom)
    key = tuple(Key(name, PALETTE[n % len(PALETTE)], "marker") for n, name in enumerate(designs))
    text = f"{title}: {label} of {', '.join(signals)} in {', '.join(designs)}"
    return Drawing((panel(draw, label=text, size=size, margins=margins),), key=key)


def _range(entries: Sequence[KeptEntry]) -> tuple[float, float]:
    """Of a linear axis: with room around all dots, errors and bands; percentages far apart begin at zero."""
    lows = [min(e.figure.value - (e.figure.error or 0.0), *(e.band or (e.figure.value,))) for e in entries]
    highs = [max(e.figure.value + (e.figure.error or 0.0), *(e.band or (e.figure.value,))) for e in entries]
    low, high = min(lows), max(highs)
    room = 0.05 * (high - low or 1.0)
    return 0.0 if entries[0].figure.unit == "%" and 2 * low < high else low - room, high + room
