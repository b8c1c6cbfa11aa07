"""The picture of a clock: what was asked, and what the design may reach, with its error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report.style import INK, PALETTE, Drawing, Margins, panel

__all__ = ["clock_band"]


def clock_band(asked_mhz: float, reached: Sequence[tuple[str, Figure]]) -> Drawing:
    """Each clock as a point with one and two standard deviations, and the clock of the budget as a line.

    Args:
        asked_mhz: the clock of the budget.
        reached: what it is → the clock in MHz.
    """

    def draw(axes: Any) -> None:
        ends = [asked_mhz]
        for n, (name, figure) in enumerate(reached):
            error = figure.error or 0.0
            colour = PALETTE[n % len(PALETTE)]
            for width, alpha in ((2, 0.18), (1, 0.35)):
                left = max(figure.value - width * error, 0.0)
                axes.barh(
                    n, figure.value + width * error - left, left=left, height=0.6, color=colour, alpha=alpha,
                    linewidth=0,
                )  # fmt: skip
            axes.plot([figure.value], [n], marker="o", color=colour)
            axes.annotate(
                f"{name}: {figure.number()} MHz, {figure.provenance}",
                (figure.value, n),
                xytext=(0, 12),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
            )
            ends += [figure.value - 2 * error, figure.value + 2 * error]
        low, high = min(ends), max(ends)
        room = 0.25 * (high - low) + 20
        axes.axvline(asked_mhz, color=INK, linewidth=1.4)
        axes.set_xlim(max(low - room, 0), high + room)
        axes.set_ylim(len(reached) - 0.4, -0.9)
        axes.set_yticks([])
        axes.minorticks_off()
        axes.tick_params(axis="x", which="both", top=False)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_xlabel("Clock [MHz]")
        axes.set_title(f"asked: {asked_mhz:g} MHz (line)", loc="left", fontsize=10.5, fontweight="bold")

    height = 70.0 + 52.0 * max(len(reached), 1)
    return Drawing((panel(draw, label="Clock", size=(360.0, height), margins=Margins(20, 20, 40, 26)),))
