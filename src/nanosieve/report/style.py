"""The one look of all figures: mplhep's style at one size, a colour-blind-safe palette, SVG with real text.

Every figure is made of *panels* of the same size, so that a page can lay them side by side on a wide
window and below each other on a narrow one without scaling the text to nothing. Panels are transparent,
and their colours are CSS variables with a fallback: the page may redefine them for a dark theme.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._files import atomic_path
from nanosieve._require import require

__all__ = [
    "BACKGROUND",
    "FONT",
    "GRID",
    "INK",
    "PALETTE",
    "PANEL",
    "VARIABLES",
    "Drawing",
    "Key",
    "Margins",
    "colours",
    "css_variable",
    "headline",
    "panel",
    "series",
    "write_picture",
]

PALETTE = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#7a21dd", "#2f9e8f", "#a96b59", "#b9ac70", "#4fb3bf")
"""Colours of signals and networks, in order: arXiv:2107.02270, its grey kept for the background."""
BACKGROUND = "#9c9ca1"
"""Colour of the Standard Model background."""
INK = "#1c2127"
"""Axes and text."""
GRID = "#dfe3e8"
"""Guide lines."""
PANEL = (360.0, 270.0)
"""Width and height of a panel in SVG units (CSS pixels)."""
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
"""Line styles that go with `PALETTE`, so that a figure survives a grey printer."""

VARIABLES = {"ink": INK, "grid": GRID, "background": BACKGROUND} | {
    f"series-{n}": colour for n, colour in enumerate(PALETTE)
}
"""CSS variable of each colour; a page may redefine them for a dark theme."""

# The widths of TeX Gyre Heros, with which the layout is computed, are those of Helvetica and its likes.
FONT = "'TeX Gyre Heros', 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_CSS = f".panel *{{stroke-linejoin: round; stroke-linecap: butt}} .panel text{{font-family: {FONT}}}"


@dataclass(frozen=True)
class Key:
    """One entry of a legend that the page sets beside several panels.

    Attributes:
        label: what the reader sees.
        colour: ``#rrggbb``.
        style: ``"line"``, ``"dashed"``, ``"fill"``, ``"box"`` or ``"marker"``.
    """

    label: str
    colour: str
    style: str = "line"


@dataclass(frozen=True)
class Drawing:
    """SVG panels that belong together.

    Attributes:
        panels: SVG texts, each one panel.
        narrow: the same for windows narrower than two panels; empty if `panels` serve both.
        key: a legend common to all panels.
    """

    panels: tuple[str, ...]
    narrow: tuple[str, ...] = ()
    key: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Margins:
    """Room around the axes of a panel, in SVG units."""

    left: float = 54.0
    right: float = 12.0
    bottom: float = 40.0
    top: float = 22.0


def panel(
    draw: Callable[[Any], None],
    *,
    label: str,
    size: tuple[float, float] = PANEL,
    margins: Margins | None = None,
) -> str:
    """The SVG text of one panel.

    Args:
        draw: called with matplotlib axes; draws on them.
        label: what the picture shows, for readers who cannot see it (``aria-label``).
        size: width and height in SVG units; the default keeps panels alike.
        margins: room for tick labels.

    Raises:
        MissingDependencyError: matplotlib or mplhep is not installed.
    """
    text = io.StringIO()
    with _drawn([(draw, size)], margins or Margins()) as figure:
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _clean(text.getvalue(), label)


def write_picture(
    path: str | Path,
    panels: Sequence[tuple[Callable[[Any], None], tuple[float, float]]],
    *,
    margins: Margins | None = None,
) -> Path:
    """Several panels below each other in one file, on white, for a page or a talk; returns the path.

    Args:
        path: ends in ``.png`` (two pixels to the SVG unit) or ``.svg`` (text as outlines).
        panels: a function that draws on matplotlib axes, with width and height in SVG units, for each.
        margins: room for tick labels, in each panel.

    Raises:
        MissingDependencyError: matplotlib or mplhep is not installed.
        OutputError: the file cannot be written.
    """
    suffix = Path(path).suffix[1:]
    metadata = {"Date": None, "Creator": None} if suffix == "svg" else {"Software": None}
    outlines = {"svg.fonttype": "path"}
    with _drawn(panels, margins or Margins(), outlines) as figure, atomic_path(path) as part:
        figure.savefig(part, format=suffix, dpi=144, facecolor="white", metadata=metadata)
    return Path(path)


@contextmanager
def _drawn(
    panels: Sequence[tuple[Callable[[Any], None], tuple[float, float]]],
    room: Margins,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """A matplotlib figure of panels in the one look; it must be saved while this lasts."""
    matplotlib = require("matplotlib", extra="report", purpose="the report")
    mplhep = require("mplhep", extra="report", purpose="the report")
    figures = require("matplotlib.figure", extra="report", purpose="the report")
    whole = max(width for _, (width, _) in panels)
    depth = sum(height for _, (_, height) in panels)
    with matplotlib.rc_context({**mplhep.style.CMS, **_settings(), **(settings or {})}):
        figure = figures.Figure(figsize=(whole / 72, depth / 72), facecolor="none")
        below = depth
        for draw, (width, height) in panels:
            below -= height
            axes = figure.add_axes(
                (
                    room.left / whole,
                    (below + room.bottom) / depth,
                    (width - room.left - room.right) / whole,
                    (height - room.top - room.bottom) / depth,
                )
            )
            draw(axes)
            _label_decades(axes)
        yield figure


def _label_decades(axes: Any) -> None:
    """Logarithmic axes of less than two decades get labels at 1, 2 and 5, others at the decades alone.

    Axes whose ticks are set already stay as they are.
    """
    ticker = require("matplotlib.ticker", extra="report", purpose="the report")
    for axis in (axes.xaxis, axes.yaxis):
        if (
            axis.get_scale() != "log"
            or type(axis.get_minor_formatter()) is not ticker.LogFormatterSciNotation
        ):
            continue
        low, high = axis.get_view_interval()
        if 0 < low < high < 100 * low:
            axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axis.set_minor_formatter(ticker.NullFormatter())


def headline(axes: Any, left: str, right: str = "") -> None:
    """A line above the axes: what the panel shows in bold, and its conditions at the right end."""
    axes.set_title(left, loc="left", fontweight="bold", fontsize=10.5, pad=5)
    if right:
        axes.set_title(right, loc="right", fontsize=9.5, pad=5)


def band(axes: Any, x: Any, y: Any, error: Any, colour: str) -> None:
    """Shade `y` ± `error`; values at or below zero are cut, so that the axis may be logarithmic."""
    axes.fill_between(x, np.maximum(y - error, 1e-12), y + error, color=colour, alpha=0.22, linewidth=0)


def mark(axes: Any, value: float, name: str, *, line: int = 0, side: str = "left") -> None:
    """A dotted vertical line at `value`, its name at the top, `line` lines down, on one side of it."""
    axes.axvline(value, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.annotate(
        name,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if side == "left" else 3, -5 - 11 * line),
        textcoords="offset points",
        va="top",
        ha="right" if side == "left" else "left",
        fontsize=9,
    )


def series(number: int) -> dict[str, Any]:
    """Colour and line style of the `number`-th curve."""
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": LINES[number % len(LINES)]}


def css_variable(colour: str) -> str:
    """`colour` as a CSS variable with itself as the fallback.

    >>> css_variable("#5790fc")
    'var(--series-0, #5790fc)'
    """
    name = next((name for name, value in VARIABLES.items() if value == colour), None)
    return f"var(--{name}, {colour})" if name else colour


def colours(labels: Sequence[str], background: str | None = None) -> dict[str, str]:
    """A colour for each label, the background grey and the others from the palette in order."""
    others = [label for label in labels if label != background]
    chosen = {label: PALETTE[n % len(PALETTE)] for n, label in enumerate(others)}
    return {label: chosen.get(label, BACKGROUND) for label in labels}


def _settings() -> dict[str, Any]:
    """What differs from mplhep's style, which is made for a figure of 10 by 10 inches."""
    line = {"axes.linewidth": 0.8, "lines.linewidth": 1.4, "errorbar.capsize": 0, "lines.markersize": 4.5}
    ticks = {
        f"{axis}tick.{which}.{what}": value
        for axis in "xy"
        for which, what, value in [
            ("major", "size", 5.0),
            ("minor", "size", 2.5),
            ("major", "width", 0.8),
            ("minor", "width", 0.6),
            ("major", "pad", 4.0),
        ]
    }
    text = {
        "font.family": ["TeX Gyre Heros", "DejaVu Sans"],
        "font.size": 11,
        "axes.labelsize": 11,
        "axes.labelpad": 3,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "legend.fontsize": 9.5,
        "legend.handlelength": 1.8,
        "legend.labelspacing": 0.35,
        "legend.borderaxespad": 0.6,
        "mathtext.fallback": "stixsans",
        "axes.unicode_minus": True,
    }
    inked = (
        "text.color",
        "axes.edgecolor",
        "axes.labelcolor",
        "xtick.color",
        "ytick.color",
        "axes.titlecolor",
    )
    ink = dict.fromkeys(inked, INK)
    return {
        **line,
        **ticks,
        **text,
        **ink,
        "grid.color": GRID,
        "svg.fonttype": "none",
        "svg.hashsalt": "nanosieve",
    }


def _clean(svg: str, label: str) -> str:
    """Matplotlib's file as an element for inline use: scalable, smaller, coloured by CSS variables."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", svg)  # names of groups: nothing refers to them
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"-?\d+\.\d{4,}", _short, tag[0]), svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r"font: (bold |700 |italic )?([\d.]+px) [^;\"]*", _font_size, svg)
    svg = re.sub(r"<style.*?</style>", f"<style>{_CSS}</style>", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r">[^<]*_[^<]*<", _lowered_index, svg)
    head, body = svg.split(">", 1)
    head = re.sub(r' (?:width|height|version)="[^"]*"', "", head)
    title = html.escape(label)
    svg = head.replace("<svg", f'<svg class="panel" role="img" aria-label="{title}"', 1) + ">" + body
    for colour in VARIABLES.values():
        svg = re.sub(rf"(:\s*){colour}\b", rf"\1{css_variable(colour)}", svg)
    return re.sub(r"\s*\n\s*", "\n", svg).strip() + "\n"


def _lowered_index(text: re.Match[str]) -> str:
    """The words between two tags, with the index of symbols such as R_z and p_T lowered.

    Matplotlib's own way sets letter by letter, which no one can search or select.
    """
    down, up = '<tspan dy="2.6" style="font-size: 76%">', '<tspan dy="-2.6">'
    parts = re.split(r"\b([A-Za-z])_([A-Za-z])\b", text[0][1:-1])
    words = parts[0]
    for symbol, index, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        words += f"{symbol}{down}{index}</tspan>" + (f"{up}{rest}</tspan>" if rest else "")
    return f">{words}<"


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.3f}".rstrip("0").rstrip(".")


def _font_size(font: re.Match[str]) -> str:
    weight = {
        "bold ": "font-weight: bold; ",
        "700 ": "font-weight: bold; ",
        "italic ": "font-style: italic; ",
    }
    return f"{weight.get(font[1] or '', '')}font-size: {font[2]}"
