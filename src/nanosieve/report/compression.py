"""Compressed networks: what they are worth against what they cost."""

from __future__ import annotations

from typing import Any

from nanosieve.networks.compress.front import Front
from nanosieve.report.style import INK, PALETTE, Drawing, headline, panel

__all__ = ["compression_chart"]

_MARKERS = {"after training": "s", "aware": "o", "learned": "D"}
_NAMES = {
    "after training": "rounded after training",
    "aware": "trained with its bits",
    "learned": "learned bits",
}


def compression_chart(front: Front, *, title: str, conditions: str = "") -> Drawing:
    """One panel: the metric against LUTs, all networks of a search, a line through those none other beats.

    Filled marks are pruned networks. Errors of the metric are statistical, those of the LUTs of the estimate.

    Args:
        front: of a search.
        title: of the panel.
        conditions: right end of the headline.
    """

    def draw(axes: Any) -> None:
        value, error = front.reference.value, front.reference.error or 0.0
        axes.axhspan(value - error, value + error, color=INK, alpha=0.12, linewidth=0)
        axes.axhline(value, color=INK, linewidth=0.8, linestyle=(0, (2, 2)), label="float network")
        for number, (how, marker) in enumerate(_MARKERS.items()):
            for pruned in (False, True):
                chosen = [
                    c for c in front.candidates if c.recipe.how == how and bool(c.recipe.sparsity) == pruned
                ]
                if chosen:
                    axes.errorbar(
                        [c.resources["lut"].value for c in chosen],
                        [c.value.value for c in chosen],
                        xerr=[c.resources["lut"].error or 0.0 for c in chosen],
                        yerr=[c.value.error or 0.0 for c in chosen],
                        linestyle="", marker=marker, markersize=4.6, elinewidth=0.9, color=PALETTE[number],
                        markerfacecolor=PALETTE[number] if pruned else "none",
                        label=f"{_NAMES[how]}, pruned" if pruned else _NAMES[how],
                    )  # fmt: skip
        points = front.points
        axes.plot(
            [c.resources["lut"].value for c in points],
            [c.value.value for c in points],
            color=INK, linewidth=0.8, alpha=0.6, zorder=1,
        )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlabel("LUT (estimated)")
        axes.set_ylabel(f"{front.metric[:1].upper()}{front.metric[1:]} [%]")
        axes.legend(loc="lower right", fontsize=8)
        headline(axes, title, conditions)

    return Drawing((panel(draw, label=f"{front.metric} of compressed networks against LUTs"),))
