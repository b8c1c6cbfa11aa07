"""Latency against throughput of a service under load: median as a line, to the 99th percentile as a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.farm.service.load import LoadRun
from nanosieve.report.style import PALETTE, Drawing, Key, Margins, headline, panel, series

__all__ = ["LoadPoint", "latency_throughput_chart", "parts_chart", "points_of"]


@dataclass(frozen=True)
class LoadPoint:
    """One load.

    Attributes:
        throughput: events a second.
        median: s.
        highest: s, the 99th percentile.
    """

    throughput: float
    median: float
    highest: float


def points_of(runs: Sequence[LoadRun]) -> dict[str, list[LoadPoint]]:
    """Loads as points: closed ones by batch size, open ones by kind."""
    curves: dict[str, list[LoadPoint]] = {}
    for run in runs:
        if run.answered:
            name = f"{run.loop} loop" if run.loop == "closed" else f"open, {run.loop}"
            quantiles = run.quantiles.values
            point = LoadPoint(run.throughput, quantiles[0.5][0], quantiles[0.99][0])
            curves.setdefault(f"{name}, batch {run.batch:,}", []).append(point)
    return curves


def latency_throughput_chart(
    curves: Mapping[str, Sequence[LoadPoint]], *, title: str, conditions: str = ""
) -> Drawing:
    """One panel: a curve for each kind of load; it turns upwards where the service saturates.

    Raises:
        SettingsError: no curve has a point.
    """
    shown = {name: points for name, points in curves.items() if points}
    if not shown:
        message = "a chart of latency against throughput needs a load that was answered"
        raise SettingsError(message)

    def draw(axes: Any) -> None:
        for number, points in enumerate(shown.values()):
            x, y = [p.throughput for p in points], [1e3 * p.median for p in points]
            up = [1e3 * max(p.highest - p.median, 0.0) for p in points]
            axes.errorbar(
                x, y, yerr=[[0.0] * len(up), up], marker="o", markersize=4, elinewidth=0.9, **series(number)
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("Events / s")
        axes.set_ylabel("Latency [ms]: median, bar to 99 %")
        headline(axes, title, conditions)

    key = tuple(Key(name, PALETTE[n % len(PALETTE)], "line") for n, name in enumerate(shown))
    return Drawing((panel(draw, label=f"{title}: {', '.join(shown)}"),), key=key)


def parts_chart(parts: Mapping[str, Mapping[str, float]], *, title: str, conditions: str = "") -> Drawing:
    """One panel: the mean time of a request in its parts, a bar for each load.

    Args:
        parts: load → part → s.
        title, conditions: of the headline.

    Raises:
        SettingsError: no load has parts.
    """
    shown = {name: each for name, each in parts.items() if each}
    if not shown:
        message = "no load has parts: the server does not say its times"
        raise SettingsError(message)
    kinds = list(dict.fromkeys(kind for each in shown.values() for kind in each))

    def draw(axes: Any) -> None:
        left = [0.0] * len(shown)
        for number, kind in enumerate(kinds):
            widths = [1e3 * each.get(kind, 0.0) for each in shown.values()]
            axes.barh(range(len(shown)), widths, left=left, color=PALETTE[number % len(PALETTE)], height=0.7)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.set_yticks(range(len(shown)), list(shown))
        axes.invert_yaxis()
        axes.set_xlabel("Mean time of a request [ms]")
        headline(axes, title, conditions)

    key = tuple(Key(kind, PALETTE[n % len(PALETTE)], "fill") for n, kind in enumerate(kinds))
    return Drawing((panel(draw, label=f"{title}: {', '.join(kinds)}", margins=_wide(shown)),), key=key)


def _wide(shown: Mapping[str, Any]) -> Margins:
    return Margins(left=16 + 5.8 * max(len(name) for name in shown))
