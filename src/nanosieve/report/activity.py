"""The picture of a schedule: which layer works when, from the first input of an event to its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.report.style import GRID, INK, PALETTE, Drawing, Key, Margins, panel

__all__ = ["Activity", "activity_chart"]

_COLOURS = {
    "unrolled": PALETTE[0],
    "slots": PALETTE[1],
    "one cell for several steps": PALETTE[5],
    "gathers elements": PALETTE[7],
}


@dataclass(frozen=True)
class Activity:
    """When a layer works.

    Attributes:
        name: the user's layer.
        how: a key of the picture: ``unrolled``, ``slots``, ``one cell for several steps`` or ``gathers
            elements``.
        starts: cycles of the event in which a slot begins.
        depth: cycles from there to its outputs.
    """

    name: str
    how: str
    starts: Sequence[int]
    depth: int

    @property
    def spans(self) -> list[tuple[float, float]]:
        """(begin, length) of the times of work, in cycles; slots that overlap are joined."""
        found: list[tuple[float, float]] = []
        for start in self.starts:
            if found and start <= found[-1][0] + found[-1][1]:
                found[-1] = (found[-1][0], start + self.depth + 1 - found[-1][0])
            else:
                found.append((start, self.depth + 1))
        return found


def activity_chart(
    rows: Sequence[Activity], *, title: str, clock_mhz: float, latency: int, interval: int
) -> Drawing:
    """Rows are layers, the axis is time; the next event may begin at the dashed line.

    Drawn twice, for wide and for narrow windows.

    Args:
        rows: in topological order.
        title: name of the design.
        clock_mhz: of the design.
        latency, interval: in cycles.
    """
    used = dict.fromkeys(row.how for row in rows)
    key = tuple(Key(how, colour, "box") for how, colour in _COLOURS.items() if how in used)
    key += (Key("outputs are there", INK, "line"), Key("the next event may begin", PALETTE[2], "dashed"))
    charts = [_chart(rows, title, clock_mhz, latency, interval, width) for width in (720.0, 360.0)]
    return Drawing((charts[0],), narrow=(charts[1],), key=key)


def _chart(
    rows: Sequence[Activity], title: str, clock_mhz: float, latency: int, interval: int, width: float
) -> str:
    period = 1e3 / clock_mhz
    end = max(latency, interval) * 1.02
    unit, scale = ("ns", period) if end * period < 5000 else ("µs", period / 1e3)

    def draw(axes: Any) -> None:
        for n, row in enumerate(rows):
            axes.plot([0, end * scale], [n, n], color=GRID, linewidth=0.5, zorder=0)
            spans = [(begin * scale, length * scale) for begin, length in row.spans]
            axes.broken_barh(spans, (n - 0.36, 0.72), color=_COLOURS[row.how], linewidth=0)
            if len(row.starts) > 1:
                at = max(begin + length for begin, length in spans)
                left = at > 0.72 * end * scale
                inside = left and spans[0][0] < (0.12 if width > 500 else 0.3) * end * scale
                axes.annotate(
                    f"{len(row.starts)} slots",
                    (spans[0][0] if left else at, n),
                    xytext=(-4 if left and not inside else 4, 0),
                    textcoords="offset points",
                    ha="right" if left and not inside else "left",
                    va="center",
                    fontsize=8.5,
                    bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.8},
                )
        axes.axvline(latency * scale, color=INK, linewidth=1.4)
        if interval > 1:
            axes.axvline(interval * scale, color=PALETTE[2], linewidth=1.2, linestyle=(0, (4, 2)))
        axes.set_xlim(0, end * scale)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.minorticks_off()
        axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=9.5)
        axes.tick_params(axis="y", which="both", length=0)
        axes.tick_params(axis="x", which="both", top=False)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_xlabel(f"Time after the first input [{unit}]")
        axes.annotate(
            title, (0, 1), xycoords="axes fraction", xytext=(0, 20), textcoords="offset points",
            fontsize=10.5, fontweight="bold",
        )  # fmt: skip
        cycles = f"latency {latency} cycles = {latency * period:,.5g} ns, interval {interval}"
        axes.annotate(
            cycles, (0, 1), xycoords="axes fraction", xytext=(0, 7), textcoords="offset points", fontsize=9
        )

    longest = max((len(row.name) for row in rows), default=0)
    margins = Margins(left=min(12 + 4.9 * longest, 0.36 * width), right=12, bottom=40, top=42)
    height = margins.top + margins.bottom + 17 * max(len(rows), 1)
    label = f"Schedule of {title}: {len(rows)} layers in {latency} cycles"
    return panel(draw, label=label, size=(width, height), margins=margins)
