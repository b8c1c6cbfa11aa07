"""The picture of a Pareto front: resources against the time between events, with the latency as colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanosieve.compiler.hardware.pareto import Point
from nanosieve.report.style import INK, PALETTE, Drawing, Key, Margins, panel

__all__ = ["front_chart"]

_GROUPS = 4
"""Classes of latency."""


def front_chart(points: Sequence[Point], *, title: str, period_ns: float) -> Drawing:
    """LUTs and, where there are any, DSPs of the points, each a panel; the colours are classes of latency.

    Args:
        points: of the front.
        title: name of the network.
        period_ns: of the clock.
    """
    latencies = sorted(point.sketch.latency * period_ns for point in points)
    edges = [latencies[-(-len(latencies) * n // _GROUPS) - 1] for n in range(1, _GROUPS + 1)]
    edges = sorted(set(edges))

    def group(point: Point) -> int:
        return next(n for n, edge in enumerate(edges) if point.sketch.latency * period_ns <= edge)

    key = tuple(Key(f"latency up to {edge:,.4g} ns", PALETTE[n], "marker") for n, edge in enumerate(edges))

    def chart(kind: str, label: str) -> str:
        def draw(axes: Any) -> None:
            for n in range(len(edges)):
                chosen = [p for p in points if group(p) == n]
                axes.plot(
                    [p.sketch.interval * period_ns for p in chosen],
                    [getattr(p.sketch.cost, kind) for p in chosen],
                    linestyle="",
                    marker="o",
                    color=PALETTE[n],
                    markeredgecolor=INK,
                    markeredgewidth=0.4,
                )
            axes.set_xscale("log")
            if min(getattr(p.sketch.cost, kind) for p in points) > 0:
                axes.set_yscale("log")
            else:
                axes.set_yscale("symlog", linthresh=10)
            axes.set_xlabel("Time between events [ns]")
            axes.set_ylabel(f"{label} (estimated)")
            axes.set_title(f"{title}: {label}", loc="left", fontsize=10.5, fontweight="bold")

        return panel(draw, label=f"{label} against interval", margins=Margins(left=66))

    kinds = [("lut", "LUT"), ("dsp", "DSP")]
    used = [kind for kind in kinds if any(getattr(p.sketch.cost, kind[0]) for p in points)]
    return Drawing(tuple(chart(*kind) for kind in used or kinds[:1]), key=key)
