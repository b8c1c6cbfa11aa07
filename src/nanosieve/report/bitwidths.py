"""What the quantisation kept: the bit width of every weight and of every activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.report.style import GRID, INK, PANEL, Drawing, Margins, headline, panel

__all__ = ["LayerBits", "bit_width_map"]


@dataclass(frozen=True)
class LayerBits:
    """Bit widths of one layer.

    Attributes:
        name: the user's layer name.
        weights: bits of each weight, 0 where it is pruned, shape (inputs, outputs); None for a layer
            without weights.
        activations: bits of each output value, 0 where it is constant, shape (outputs,).
    """

    name: str
    weights: NDArray[np.integer[Any]] | None
    activations: NDArray[np.integer[Any]]


def bit_width_map(layers: Sequence[LayerBits]) -> Drawing:
    """A heat map of weight bits per layer, all on one colour scale, and the activation bits of all layers."""
    weighted = [(layer.name, layer.weights) for layer in layers if layer.weights is not None]
    most = max((int(weights.max(initial=0)) for _, weights in weighted), default=0)
    panels = [_weights(name, weights, max(most, 1)) for name, weights in weighted]
    return Drawing((*panels, _activations(layers)))


def _colours(most: int) -> tuple[Any, Any]:
    """A colour per number of bits, 1 … `most`; 0 bits stay transparent."""
    require("matplotlib", extra="report", purpose="the report")
    from matplotlib import colormaps
    from matplotlib.colors import BoundaryNorm, ListedColormap

    shades = colormaps["viridis_r"](np.linspace(0.08, 1, most))
    return ListedColormap(shades), BoundaryNorm(np.arange(0.5, most + 1), most)


def _weights(name: str, weights: NDArray[np.integer[Any]], most: int) -> str:
    inputs, outputs = weights.shape
    pruned = float((weights == 0).mean())
    mean = float(weights[weights > 0].mean()) if (weights > 0).any() else 0.0

    def draw(axes: Any) -> None:
        colours, norm = _colours(most)
        image = axes.imshow(
            np.ma.masked_equal(weights.T, 0), cmap=colours, norm=norm, interpolation="none", aspect="auto",
            extent=(-0.5, inputs - 0.5, outputs - 0.5, -0.5),
        )  # fmt: skip
        _quiet_ticks(axes)
        axes.set_xlabel("Input")
        axes.set_ylabel("Output")
        _colour_bar(axes, image, most, "Bits per weight")
        headline(axes, name, f"{mean:.1f} bits mean, {100 * pruned:.0f} % pruned")

    label = (
        f"Bits of the {inputs} × {outputs} weights of {name}: mean {mean:.1f}, {100 * pruned:.0f} % pruned"
    )
    return panel(draw, label=label, margins=Margins(left=42, right=50))


def _activations(layers: Sequence[LayerBits]) -> str:
    names = [layer.name for layer in layers]
    widest = max(len(layer.activations) for layer in layers)
    table = np.full((len(layers), widest), -1)
    for row, layer in enumerate(layers):
        table[row, : len(layer.activations)] = layer.activations
    most = max(int(table.max()), 1)

    def draw(axes: Any) -> None:
        colours, norm = _colours(most)
        image = axes.imshow(
            np.ma.masked_less_equal(table, 0), cmap=colours, norm=norm, interpolation="none", aspect="auto",
            extent=(-0.5, widest - 0.5, len(layers) - 0.5, -0.5),
        )  # fmt: skip
        for row, layer in enumerate(layers):
            axes.plot([-0.5, len(layer.activations) - 0.5], [row + 0.5] * 2, color=GRID, linewidth=0.6)
        _quiet_ticks(axes)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("Element")
        _colour_bar(axes, image, most, "Bits per value")
        headline(axes, "Activations")

    longest = max(len(name) for name in names)
    height = max(PANEL[1], 60 + 12 * len(names))
    margins = Margins(left=min(12 + 5.2 * longest, 140), right=50)
    return panel(
        draw, label="Bits of the activations of each layer", size=(PANEL[0], height), margins=margins
    )


def _quiet_ticks(axes: Any) -> None:
    axes.minorticks_off()
    axes.tick_params(which="both", length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def _colour_bar(axes: Any, image: Any, most: int, label: str) -> None:
    place = axes.inset_axes((1.03, 0, 0.035, 1))
    bar = axes.figure.colorbar(image, cax=place, ticks=range(1, most + 1, max(1, most // 8)))
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=0, labelsize=9, colors=INK)
    bar.set_label(label, fontsize=9.5, loc="center")
    bar.outline.set_linewidth(0.5)
