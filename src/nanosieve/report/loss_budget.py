"""What each design loses, by cause, as stacked bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.report.style import BACKGROUND, GRID, INK, PALETTE, Drawing, Key, Margins, headline, panel

__all__ = ["loss_budget_chart"]

ROW = 24.0
LEAST_ROOM = 0.12
"""of the axis, for the totals"""


def loss_budget_chart(
    losses: Mapping[str, Mapping[str, float]],
    *,
    title: str,
    notes: Mapping[str, str] | None = None,
    conditions: str = "",
) -> Drawing:
    """One panel with a bar for each design: losses in % of the input, stacked by cause, with their sum.

    Args:
        losses: design → cause → %.
        title: bold headline.
        notes: design → what to write instead of the total, as a growth rate.
        conditions: right end of the headline.

    Raises:
        SettingsError: no designs.
    """
    if not losses:
        message = "a loss budget needs a design"
        raise SettingsError(message)
    causes = list(dict.fromkeys(cause for each in losses.values() for cause in each))
    shown = [cause for cause in causes if any(each.get(cause, 0.0) > 0 for each in losses.values())]
    tint = {cause: (*PALETTE, BACKGROUND)[n % (len(PALETTE) + 1)] for n, cause in enumerate(causes)}
    largest = max((sum(each.values()) for each in losses.values()), default=0.0) or 1.0

    def draw(axes: Any) -> None:
        for row, (name, each) in enumerate(losses.items()):
            at = 0.0
            for cause in shown:
                part = each.get(cause, 0.0)
                axes.barh([row], [part], left=[at], height=0.62, color=tint[cause], linewidth=0)
                at += part
            note = (notes or {}).get(name) or f"{at:.2g} %"
            inside = at > 0.6 * largest and name in (notes or {})
            axes.annotate(
                note, (at, row), xytext=(-4 if inside else 4, 0), textcoords="offset points", va="center",
                ha="right" if inside else "left", fontsize=9, color="white" if inside else INK,
            )  # fmt: skip
        axes.set_yticks(range(len(losses)), list(losses))
        axes.tick_params(axis="y", which="both", left=False, right=False)
        axes.set_ylim(len(losses) - 0.4, -0.6)
        axes.set_xlim(0, largest * (1 + LEAST_ROOM))
        axes.grid(axis="x", color=GRID, linewidth=0.7, zorder=-1)
        axes.set_axisbelow(True)
        axes.set_xlabel("Lost events [% of the input]")
        headline(axes, title, conditions)

    margins = Margins(left=16 + 6.2 * max(len(name) for name in losses))
    size = (360.0, ROW * len(losses) + margins.top + margins.bottom + 10)
    key = tuple(Key(cause, tint[cause], "box") for cause in shown)
    text = "; ".join(f"{name}: {sum(each.values()):.3g} %" for name, each in losses.items())
    return Drawing((panel(draw, label=f"{title}: {text}", size=size, margins=margins),), key=key)
