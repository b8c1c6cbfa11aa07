"""Which trigger lines fire together: a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.report.style import BACKGROUND, PALETTE, Drawing, Margins, headline, panel

__all__ = ["overlap_map"]

ROW = 12.0
"""Side of a cell in SVG units."""
LETTER = 4.9
"""Width of a letter of a label."""


def overlap_map(
    names: Sequence[str], overlap: NDArray[np.floating[Any]], *, title: str, conditions: str = ""
) -> Drawing:
    """A panel of cells: the part of the row's rate that the column keeps too.

    Args:
        names: of the lines.
        overlap: (M, M) fractions; rows of NaN, which have no rate, are left out together with their columns.
        title: bold headline.
        conditions: right end of the headline.
    """
    some = np.flatnonzero(~np.isnan(np.asarray(overlap)).all(axis=1)).tolist()
    labels = [names[n] for n in some]
    values = np.asarray(overlap, dtype=np.float64)[np.ix_(some, some)]
    names_end = 14 + LETTER * max((len(label) for label in labels), default=0)
    margins = Margins(left=names_end, bottom=names_end, right=52)
    side = max(ROW * len(labels), 120.0)
    size = (side + margins.left + margins.right, side + margins.bottom + margins.top)

    def draw(axes: Any) -> None:
        colours = _colours()
        edges = np.arange(len(labels) + 1) - 0.5
        mesh = axes.pcolormesh(edges, edges, 100 * values, cmap=colours, vmin=0, vmax=100, linewidth=0)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.tick_params(which="both", left=False, right=False, bottom=False, top=False)
        bar = axes.inset_axes((1.02, 0, 0.025, 1))
        axes.figure.colorbar(mesh, cax=bar)
        bar.tick_params(which="both", labelsize=8, length=2)
        bar.set_ylabel("also kept by the column [%]", fontsize=9, loc="center")
        headline(axes, title, conditions)

    return Drawing((panel(draw, label=f"{title}: {len(labels)} lines", size=size, margins=margins),))


def _colours() -> Any:
    """White to the first colour of the palette, by way of a light grey that a printer keeps."""
    colours = require("matplotlib.colors", extra="report", purpose="the report")
    return colours.LinearSegmentedColormap.from_list(
        "overlap", ["#ffffff", PALETTE[0], "#1f2f6b"]
    ).with_extremes(bad=BACKGROUND)
