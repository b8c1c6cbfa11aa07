"""Designs under several conditions: groups of dots, one panel for each quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.report.style import PALETTE, Drawing, Key, headline, panel

__all__ = ["scenario_chart"]


def scenario_chart(
    quantities: Mapping[str, Mapping[str, Mapping[str, Figure]]], *, title: str, conditions: str = ""
) -> Drawing:
    """A panel for each quantity: conditions along the axis, a dot with its error for each design.

    Args:
        quantities: label of the vertical axis, with unit → condition → design → figure.
        title: bold headline.
        conditions: right end of the headline.

    Raises:
        SettingsError: nothing to show.
    """
    if not quantities or not all(quantities.values()):
        message = "a chart of scenarios needs a quantity with conditions"
        raise SettingsError(message)
    designs = list(dict.fromkeys(d for each in quantities.values() for one in each.values() for d in one))

    def chart(label: str, found: Mapping[str, Mapping[str, Figure]]) -> str:
        def draw(axes: Any) -> None:
            for number, design in enumerate(designs):
                shift = (number - (len(designs) - 1) / 2) * 0.13
                places = [n + shift for n, one in enumerate(found.values()) if design in one]
                figures = [one[design] for one in found.values() if design in one]
                axes.errorbar(
                    places, [figure.value for figure in figures],
                    yerr=[figure.error or 0.0 for figure in figures],
                    fmt="o", color=PALETTE[number % len(PALETTE)], elinewidth=1.1, markersize=4,
                )  # fmt: skip
            axes.set_xticks(range(len(found)), list(found))
            axes.tick_params(axis="x", which="minor", bottom=False, top=False)
            axes.tick_params(axis="x", labelsize=9)
            axes.set_xlim(-0.5, len(found) - 0.5)
            axes.set_ylim(bottom=0)
            axes.set_ylabel(label)
            headline(axes, title, conditions)

        return panel(draw, label=f"{title}: {label} for {', '.join(found)} of {', '.join(designs)}")

    key = tuple(Key(name, PALETTE[n % len(PALETTE)], "marker") for n, name in enumerate(designs))
    return Drawing(tuple(chart(label, found) for label, found in quantities.items()), key=key)
