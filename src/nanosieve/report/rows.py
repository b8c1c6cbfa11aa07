"""Values in rows on a logarithmic axis: points with errors, and upper limits as arrows."""

from __future__ import annotations

from typing import Any

__all__ = ["ARROW", "limit_in_row", "value_in_row"]

ARROW = 3.0
"""An arrow goes from a limit down to this part of it."""


def value_in_row(
    axes: Any, row: float, value: float, error: float, colour: str, *, marker: str = "o", filled: bool = True
) -> None:
    """A point at `value` ± `error`, above zero; on a logarithmic axis the error ends before zero."""
    axes.errorbar(
        [value],
        [row],
        xerr=[[min(error, 0.999 * value)], [error]],
        fmt=marker,
        color=colour,
        markerfacecolor=colour if filled else "none",
        elinewidth=1.1,
        markersize=4.0,
    )


def limit_in_row(axes: Any, row: float, limit: float, colour: str) -> None:
    """A tick at an upper limit, above zero, and an arrow down from it; both stay within the axis."""
    low, high = axes.get_xlim()
    start = min(max(limit, 1.5 * low), high)
    arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    axes.plot([start], [row], "|", color=colour, markersize=5)
    axes.annotate("", (max(start / ARROW, low), row), (start, row), arrowprops=arrow)
