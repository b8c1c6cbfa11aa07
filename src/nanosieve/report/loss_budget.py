"""What each design loses, by cause, as stacked bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.report.style import BACKGROUND, GRID, PALETTE, Drawing, Key, Margins, headline, panel

__all__ = ["LossBudget", "loss_budget_chart"]

ROW = 24.0
"""Height of a bar in SVG units."""
LETTER = 6.2
"""Width of a letter of a label."""
SMALLEST = 0.01
"""Of the causes shown, the loss in % of one design at least."""


@dataclass(frozen=True)
class LossBudget:
    """Designs under one condition.

    Attributes:
        title: the condition.
        losses: design → cause → % of its input.
        notes: design → what to write instead of the sum of its losses, as a growth rate.
    """

    title: str
    losses: Mapping[str, Mapping[str, float]]
    notes: Mapping[str, str] = field(default_factory=dict)


def loss_budget_chart(budgets: list[LossBudget]) -> Drawing:
    """A panel for each condition, with a bar for each design: its losses stacked by cause, and their sum.

    Raises:
        SettingsError: a condition without designs, or none at all.
    """
    if not budgets or not all(budget.losses for budget in budgets):
        message = "a loss budget needs a design"
        raise SettingsError(message)
    every = [each for budget in budgets for each in budget.losses.values()]
    causes = list(dict.fromkeys(cause for each in every for cause in each))
    tint = {cause: (*PALETTE, BACKGROUND)[n % (len(PALETTE) + 1)] for n, cause in enumerate(causes)}
    shown = [cause for cause in causes if any(each.get(cause, 0.0) >= SMALLEST for each in every)]
    tint = {cause: tint[cause] for cause in shown}
    key = tuple(Key(cause, colour, "box") for cause, colour in tint.items())
    return Drawing(tuple(_panel(budget, tint) for budget in budgets), key=key)


def _panel(budget: LossBudget, tint: Mapping[str, str]) -> str:
    sums = {name: sum(each.values()) for name, each in budget.losses.items()}
    largest = max(sums.values()) or 1.0
    notes = {name: budget.notes.get(name) or _percent(total) for name, total in sums.items()}

    def draw(axes: Any) -> None:
        for row, (name, each) in enumerate(budget.losses.items()):
            at = 0.0
            for cause, colour in tint.items():
                part = each.get(cause, 0.0)
                axes.barh([row], [part], left=[at], height=0.62, color=colour, linewidth=0)
                at += part
            axes.annotate(
                notes[name], (at, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
            )
        axes.set_yticks(range(len(sums)), list(sums))
        axes.tick_params(axis="y", which="both", left=False, right=False)
        axes.set_ylim(len(sums) - 0.4, -0.6)
        room = min(0.02 * max(len(note) for note in notes.values()), 0.5)
        axes.set_xlim(0, largest / (1 - room - 0.02))
        axes.grid(axis="x", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_xlabel("Lost events [% of the input]")
        headline(axes, budget.title)

    margins = Margins(left=16 + LETTER * max(len(name) for name in sums))
    size = (360.0, ROW * len(sums) + margins.top + margins.bottom + 10)
    text = "; ".join(f"{name}: {notes[name]}" for name in sums)
    return panel(draw, label=f"Losses, {budget.title}: {text}", size=size, margins=margins)


def _percent(total: float) -> str:
    """A sum of losses in words.

    >>> _percent(2e-8), _percent(1.391)
    ('< 0.001 %', '1.4 %')
    """
    return "< 0.001 %" if total < 1e-3 else f"{total:.2g} %"
