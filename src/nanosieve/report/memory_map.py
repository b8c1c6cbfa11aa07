"""The picture of what a design stores: bits of each layer, by the kind of store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nanosieve.report.style import PALETTE, Drawing, Key, Margins, panel

__all__ = ["STORES", "memory_map"]

STORES = {
    "pipeline registers": PALETTE[0],
    "captured elements": PALETTE[1],
    "delay lines": PALETTE[5],
    "tables of constants": PALETTE[3],
    "LUT memory": PALETTE[7],
    "block memory": PALETTE[2],
    "ultra memory": PALETTE[4],
}
"""Kind of store → colour."""


def memory_map(layers: Sequence[tuple[str, Mapping[str, int]]], *, title: str) -> Drawing:
    """A bar per layer, made of the bits in each kind of store.

    Args:
        layers: name, and kind of `STORES` → bits; in topological order.
        title: name of the design.
    """
    used = {kind for _, bits in layers for kind, number in bits.items() if number}
    key = tuple(Key(kind, colour, "box") for kind, colour in STORES.items() if kind in used)
    charts = [_chart(layers, title, width) for width in (720.0, 360.0)]
    return Drawing((charts[0],), narrow=(charts[1],), key=key)


def _chart(layers: Sequence[tuple[str, Mapping[str, int]]], title: str, width: float) -> str:
    totals = [sum(bits.values()) for _, bits in layers]
    longest = max(totals, default=0) or 1

    def draw(axes: Any) -> None:
        for n, (_, bits) in enumerate(layers):
            at = 0
            for kind, colour in STORES.items():
                number = bits.get(kind, 0)
                axes.barh(n, number / 1e3, left=at / 1e3, height=0.7, color=colour, linewidth=0)
                at += number
            axes.annotate(
                f"{at / 1e3:,.3g}",
                (at / 1e3, n),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes.set_xlim(0, 1.15 * longest / 1e3)
        axes.set_ylim(len(layers) - 0.4, -0.6)
        axes.set_yticks(range(len(layers)), [name for name, _ in layers], fontsize=9.5)
        axes.minorticks_off()
        axes.tick_params(axis="y", which="both", length=0)
        axes.tick_params(axis="x", which="both", top=False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("Stored [kbit]")
        axes.set_title(
            f"{title}: {sum(totals) / 1e3:,.4g} kbit", loc="left", fontsize=10.5, fontweight="bold"
        )

    widest = max((len(name) for name, _ in layers), default=0)
    margins = Margins(left=min(12 + 4.9 * widest, 0.36 * width), right=12, bottom=40, top=26)
    height = margins.top + margins.bottom + 17 * max(len(layers), 1)
    return panel(draw, label=f"Memory of {title}", size=(width, height), margins=margins)
