"""The picture of a pipeline: which layer works in which clock cycle, and what is registered between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report.style import GRID, INK, PALETTE, Drawing, Key, Margins, panel

__all__ = ["Pipeline", "PipelineLayer", "pipeline_chart"]

_COMPARED = PALETTE[2]
_STEPS = [factor * 10**power for power in range(7) for factor in (1, 2, 5)]
_KINDS = tuple(colour for colour in PALETTE if colour != _COMPARED)


@dataclass(frozen=True)
class PipelineLayer:
    """One layer on the time axis.

    Attributes:
        name: the user's layer name.
        start: when its work begins, in clock cycles after the input is presented.
        stop: when its output is ready; a layer that fits into its cycle stops at most one cycle later.
        kind: e.g. ``"dense"``; layers of one kind share a colour.
    """

    name: str
    start: float
    stop: float
    kind: str = ""


@dataclass(frozen=True)
class Pipeline:
    """A statically scheduled design.

    Attributes:
        title: name of the design.
        clock_mhz: clock frequency.
        latency_cycles: clock edges from input to output.
        layers: in topological order.
        registers: bits stored at each clock edge 1 … `latency_cycles`.
        compare: latencies to mark, in ns, each with its label; the provenance is written beside it.
    """

    title: str
    clock_mhz: float
    latency_cycles: int
    layers: Sequence[PipelineLayer]
    registers: Sequence[int] = ()
    compare: Sequence[tuple[str, Figure]] = ()


def pipeline_chart(pipeline: Pipeline) -> Drawing:
    """Rows are layers, columns clock cycles; the numbers along the top are register bits at each edge.

    Drawn twice, for wide and for narrow windows.
    """
    kinds = dict.fromkeys(layer.kind for layer in pipeline.layers if layer.kind)
    key = tuple(Key(kind, _colour(kind, list(kinds)), "box") for kind in kinds)
    return Drawing((_chart(pipeline, 720.0),), narrow=(_chart(pipeline, 360.0),), key=key)


def _colour(kind: str, kinds: Sequence[str]) -> str:
    return _KINDS[kinds.index(kind) % len(_KINDS)] if kind in kinds else _KINDS[0]


def _chart(pipeline: Pipeline, width: float) -> str:
    period = 1000.0 / pipeline.clock_mhz
    rows, cycles = len(pipeline.layers), pipeline.latency_cycles
    last = max([float(cycles), *(figure.value / period for _, figure in pipeline.compare)]) + 0.4
    narrow = width < 500
    row_height = 16.0 if narrow else 18.0
    longest = max((len(layer.name) for layer in pipeline.layers), default=0)
    margins = Margins(
        left=min(12 + 4.7 * longest, 0.36 * width), right=12, bottom=38, top=64 if narrow else 48
    )
    space = (width - margins.left - margins.right) / last  # SVG units per cycle
    foot = 0.9 + 1.1 * len(pipeline.compare)

    def draw(axes: Any) -> None:
        _rows(axes, pipeline, space)
        _registers(axes, pipeline.registers, space)
        axes.plot([cycles, cycles], [-0.6, rows + 0.5], color=INK, linewidth=1.4)
        _label(axes, cycles, rows + 0.1, f"{cycles * period:.4g} ns, {cycles} cycles", last, bold=True)
        for n, (label, figure) in enumerate(pipeline.compare):
            at, row = figure.value / period, rows + 1.15 + 1.1 * n
            axes.plot([at, at], [-0.6, row + 0.4], color=_COMPARED, linewidth=1.2, linestyle=(0, (4, 2)))
            text = f"{label}: {figure.number()} {figure.unit}, {figure.provenance}"
            _label(axes, at, row, text, last, colour=_COMPARED)
        _frame(axes, pipeline, last, rows + foot, narrow=narrow, space=space)

    height = margins.top + margins.bottom + row_height * (rows + foot + 0.6)
    label = f"Pipeline of {pipeline.title}: {rows} layers in {cycles} cycles of {period:.4g} ns"
    return panel(draw, label=label, size=(width, height), margins=margins)


def _rows(axes: Any, pipeline: Pipeline, space: float) -> None:
    """The grid of layers and cycles, and a box where a layer works."""
    rows, cycles = len(pipeline.layers), pipeline.latency_cycles
    kinds = list(dict.fromkeys(layer.kind for layer in pipeline.layers if layer.kind))
    for cycle in range(0, cycles + 1, next(n for n in _STEPS if n * space > 4)):
        axes.plot([cycle, cycle], [-0.6, rows - 0.4], color=GRID, linewidth=0.8, zorder=0)
    for row, layer in enumerate(pipeline.layers):
        axes.plot([0, cycles], [row, row], color=GRID, linewidth=0.5, zorder=0)
        axes.barh(
            row,
            max(layer.stop - layer.start, 0.12),
            left=layer.start,
            height=0.72,
            linewidth=0,
            color=_colour(layer.kind, kinds),
        )


def _registers(axes: Any, registers: Sequence[int], space: float) -> None:
    """Bits at each clock edge, or at some where cycles are narrow, above the rows; turned upright there."""
    widest = max((len(f"{bits:,}") for bits in registers), default=0)
    upright = space < 5.2 * widest
    step = next(n for n in _STEPS if n * space > 9)
    for edge in range(1, len(registers) + 1, step):
        axes.annotate(
            f"{registers[edge - 1]:,}",
            (edge, -0.6),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            rotation=90 if upright else 0,
            annotation_clip=False,
        )


def _label(
    axes: Any, at: float, row: float, text: str, last: float, *, colour: str = INK, bold: bool = False
) -> None:
    """Words beside the line at `at`, on the side where there is more room."""
    left = at > 0.5 * last
    axes.annotate(
        text,
        (at, row),
        xytext=(-4 if left else 4, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=9,
        color=colour,
        fontweight="bold" if bold else "normal",
    )


def _frame(axes: Any, pipeline: Pipeline, last: float, bottom: float, *, narrow: bool, space: float) -> None:
    period = 1000.0 / pipeline.clock_mhz
    axes.set_xlim(0, last)
    axes.set_ylim(bottom, -0.6)
    axes.minorticks_off()
    axes.set_yticks(range(len(pipeline.layers)), [layer.name for layer in pipeline.layers], fontsize=9.5)
    longest = len(f"{last * period:.4g}")
    step = next(n for n in _STEPS if n * space > 8 + 6 * longest)
    edges = range(0, int(last) + 1, step)
    axes.set_xticks(edges, [f"{edge * period:.4g}" for edge in edges])
    axes.tick_params(axis="y", which="both", length=0)
    axes.tick_params(axis="x", which="both", top=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    column = f"a clock cycle is {period:.4g} ns"
    axes.set_xlabel(f"Time after input [ns]; {column}" + ("" if narrow else f" ({pipeline.clock_mhz:g} MHz)"))
    heading = [(pipeline.title, 10.5, "bold")]
    if pipeline.registers:
        heading.append((f"register bits at each clock edge, {sum(pipeline.registers):,} in all", 9, "normal"))
    for n, (words, size, weight) in enumerate(heading):
        right = n == 1 and not narrow
        axes.annotate(
            words,
            (1 if right else 0, 1),
            xycoords="axes fraction",
            xytext=(0, 32 if right or not narrow else 46 - 14 * n),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=size,
            fontweight=weight,
            annotation_clip=False,
        )
