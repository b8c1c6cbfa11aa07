"""Networks for one task by accuracy, size and latency: our own, and published ones beside them."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.report.style import BACKGROUND, INK, PALETTE, Drawing, Key, headline, panel

__all__ = ["LadderPoint", "ladder_chart"]

_CORNERS = ((8, 5), (-8, -12), (8, -12), (-8, 5))
"""Where a letter stands beside its point."""


@dataclass(frozen=True)
class LadderPoint:
    """A network as hardware.

    Attributes:
        label: in the legend.
        accuracy: in %.
        lut: LUTs.
        latency: ns.
        published: whether it is somebody else's number; drawn open, for its accuracy is of another sample.
    """

    label: str
    accuracy: Figure
    lut: Figure
    latency: Figure
    published: bool = False


def ladder_chart(
    points: Sequence[LadderPoint], *, reference: Figure | None = None, conditions: str = ""
) -> Drawing:
    """Two panels: accuracy against LUTs and against latency, both logarithmic; letters name the networks.

    Args:
        points: ours are lettered in this order, published ones numbered.
        reference: accuracy of the network in floating point, a line.
        conditions: right end of the headline.

    Raises:
        SettingsError: no points.
    """
    if not points:
        message = "a ladder needs a network"
        raise SettingsError(message)
    ticker = require("matplotlib.ticker", extra="report", purpose="drawing figures")
    names = _names(points)

    def chart(of: Callable[[LadderPoint], Figure], label: str, title: str) -> str:
        def draw(axes: Any) -> None:
            if reference is not None:
                axes.axhline(reference.value, color=INK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
            for number, (name, point) in enumerate(zip(names, points, strict=True)):
                colour = BACKGROUND if point.published else PALETTE[number % len(PALETTE)]
                axes.errorbar(
                    [of(point).value], [point.accuracy.value], yerr=[point.accuracy.error or 0.0],
                    fmt="s" if point.published else "o", color=colour, elinewidth=1.2, markersize=5.5,
                    markerfacecolor="none" if point.published else colour, zorder=2 if point.published else 3,
                )  # fmt: skip
                axes.annotate(
                    name, (of(point).value, point.accuracy.value), xytext=_CORNERS[number % len(_CORNERS)],
                    textcoords="offset points", ha="center", fontsize=9.5, fontweight="bold", color=colour,
                )  # fmt: skip
            axes.set_xscale("log")
            axes.xaxis.set_minor_locator(ticker.LogLocator(subs=(2.0, 5.0)))
            for which in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
                which(lambda value, _: f"{value:,.0f}")
            values = [of(point).value for point in points]
            axes.set_xlim(0.6 * min(values), 1.7 * max(values))
            axes.margins(y=0.1)
            axes.set_xlabel(label)
            axes.set_ylabel("Accuracy [%]")
            headline(axes, title, conditions)

        return panel(draw, label=f"Accuracy against {label} of {', '.join(p.label for p in points)}")

    panels = (
        chart(lambda point: point.lut, "LUT", "Size"),
        chart(lambda point: point.latency, "Latency [ns]", "Latency"),
    )
    key = [
        Key(f"{name} {point.label}", BACKGROUND if point.published else PALETTE[n % len(PALETTE)], "marker")
        for n, (name, point) in enumerate(zip(names, points, strict=True))
    ]
    if reference is not None:
        key.append(Key("floating point", INK, "dashed"))
    return Drawing(panels, key=tuple(key))


def _names(points: Sequence[LadderPoint]) -> list[str]:
    """Letters for ours, numbers for the published."""
    letters, numbers = iter(string.ascii_uppercase), iter(range(1, len(points) + 1))
    return [str(next(numbers)) if point.published else next(letters) for point in points]
