"""Latency distributions as the part of events that takes longer than a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.report.style import PALETTE, Drawing, Key, headline, panel, series

__all__ = ["latency_chart"]


def latency_chart(
    quantiles: Mapping[str, Mapping[float, Figure]], *, title: str, conditions: str = ""
) -> Drawing:
    """One panel: the part of the events of each design that takes longer than a time, with its errors.

    Args:
        quantiles: design → probability → time in s.
        title: bold headline.
        conditions: right end of the headline.

    Raises:
        SettingsError: no design has quantiles.
    """
    shown = {name: each for name, each in quantiles.items() if each}
    if not shown:
        message = "no design has a latency: an unstable farm has none"
        raise SettingsError(message)

    def draw(axes: Any) -> None:
        for number, each in enumerate(shown.values()):
            times = [figure.value for figure in each.values()]
            axes.errorbar(
                times, [1 - probability for probability in each],
                xerr=[min(figure.error or 0.0, 0.9 * figure.value) for figure in each.values()],
                marker="o", markersize=4, elinewidth=1.0, **series(number),
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("Time from arrival to decision [s]")
        axes.set_ylabel("Part of events that take longer")
        headline(axes, title, conditions)

    key = tuple(Key(name, PALETTE[n % len(PALETTE)], "line") for n, name in enumerate(shown))
    return Drawing((panel(draw, label=f"{title}: {', '.join(shown)}"),), key=key)
