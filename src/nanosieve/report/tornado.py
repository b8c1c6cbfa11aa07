"""A tornado: by how much each assumption moves a number, the strongest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.report.style import GRID, INK, PALETTE, Drawing, Key, Margins, headline, panel

__all__ = ["tornado_chart"]

ROW = 17.0


def tornado_chart(
    swings: Sequence[tuple[str, float, float]],
    *,
    middle: float,
    title: str,
    label: str,
    conditions: str = "",
    turn: float = 1.0,
) -> Drawing:
    """One panel: a bar from the number at the lower to that at the upper edge of each assumption.

    Bars that reach beyond `turn` are those that would change the decision.

    Args:
        swings: name, number at the lower edge, number at the upper edge.
        middle: the number with everything in its middle.
        title: bold headline.
        label: of the horizontal axis.
        conditions: right end of the headline.
        turn: where the decision changes.

    Raises:
        SettingsError: no swings.
    """
    if not swings:
        message = "a tornado needs an assumption"
        raise SettingsError(message)

    def draw(axes: Any) -> None:
        for row, (_, low, high) in enumerate(swings):
            for end, colour in ((low, PALETTE[0]), (high, PALETTE[1])):
                axes.barh([row], [end - middle], left=[middle], height=0.6, color=colour, linewidth=0)
        axes.axvline(middle, color=INK, linewidth=0.9)
        axes.axvline(turn, color=PALETTE[2], linewidth=1.2, linestyle=(0, (3, 2)))
        ends = [turn, middle, *(end for _, *both in swings for end in both)]
        room = 0.06 * (max(ends) - min(ends) or 1.0)
        axes.set_xlim(min(ends) - room, max(ends) + room)
        axes.set_yticks(range(len(swings)), [name for name, _, _ in swings])
        axes.tick_params(axis="y", which="both", left=False, right=False, labelsize=9)
        axes.set_ylim(len(swings) - 0.4, -0.6)
        axes.grid(axis="x", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        headline(axes, title, conditions)

    margins = Margins(left=14 + 5.0 * max(len(name) for name, _, _ in swings))
    size = (360.0, ROW * len(swings) + margins.top + margins.bottom + 8)
    key = (
        Key("at the lower edge", PALETTE[0], "box"),
        Key("at the upper edge", PALETTE[1], "box"),
        Key("here the order of the two changes", PALETTE[2], "dashed"),
    )
    text = f"{title}: {', '.join(name for name, _, _ in swings)}"
    return Drawing((panel(draw, label=text, size=size, margins=margins),), key=key)
