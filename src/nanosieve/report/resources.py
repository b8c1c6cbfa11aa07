"""Where the logic goes: resources of each layer, beside what the device offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nanosieve.figure import Provenance
from nanosieve.report.style import PALETTE, PANEL, Drawing, Margins, headline, panel

__all__ = ["LayerResources", "resource_bars"]


@dataclass(frozen=True)
class LayerResources:
    """Resources of one layer.

    Attributes:
        name: the user's layer name.
        counts: resource (``"LUT"``, ``"FF"``, ``"DSP"`` …) → how many.
    """

    name: str
    counts: Mapping[str, float] = field(default_factory=dict)


def resource_bars(
    layers: Sequence[LayerResources],
    capacity: Mapping[str, int],
    *,
    device: str,
    provenance: Provenance,
) -> Drawing:
    """A panel per resource of `capacity`, a bar per layer, with the share of the device beside the count.

    Args:
        layers: in topological order.
        capacity: resource → how many the device has; also chooses the panels.
        device: its name.
        provenance: where the counts come from; written in every headline.
    """
    return Drawing(
        tuple(
            _bars(layers, resource, total, PALETTE[n % len(PALETTE)], device, provenance)
            for n, (resource, total) in enumerate(capacity.items())
        )
    )


def _bars(
    layers: Sequence[LayerResources],
    resource: str,
    total: int,
    colour: str,
    device: str,
    provenance: Provenance,
) -> str:
    names = [layer.name for layer in layers]
    counts = [layer.counts.get(resource, 0) for layer in layers]
    used = sum(counts)
    longest = max(counts, default=0) or 1

    def draw(axes: Any) -> None:
        axes.barh(range(len(names)), counts, height=0.7, color=colour, linewidth=0)
        for row, count in enumerate(counts):
            share = f" ({100 * count / total:.2g} %)" if count else ""
            axes.annotate(
                f"{count:,.0f}{share}",
                (count, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes.set_xlim(0, 1.5 * longest)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_yticks(range(len(names)), names, fontsize=9.5)
        axes.minorticks_off()
        axes.tick_params(axis="y", which="both", length=0)
        axes.tick_params(axis="x", which="both", top=False)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(f"{resource} ({provenance})")
        headline(axes, resource, f"{used:,.0f} of {total:,} on {device}: {100 * used / total:.3g} %")

    widest = max((len(name) for name in names), default=0)
    height = max(PANEL[1], 62 + 14 * len(names))
    margins = Margins(left=min(12 + 4.9 * widest, 140))
    return panel(
        draw, label=f"{resource} of each layer on {device}", size=(PANEL[0], height), margins=margins
    )
