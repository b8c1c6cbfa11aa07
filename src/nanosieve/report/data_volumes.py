"""Data rates and yearly volumes of a trigger beside those of others, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.data_volumes import DataVolume, LiveTime, Reference, yearly_volume
from nanosieve.report.style import (
    BACKGROUND,
    INK,
    PALETTE,
    Drawing,
    Margins,
    headline,
    panel,
    write_picture,
)

__all__ = ["data_volume_chart", "write_data_volume_chart"]

_WIDTH = 560.0
_MARGINS = Margins(left=208.0, right=14.0, bottom=42.0, top=26.0)
_ROW = 23.0
_LEGEND = 50.0

Draw = Callable[[Any], None]


@dataclass(frozen=True)
class _Kind:
    label: str
    colour: str
    hatch: str = ""


_OURS = _Kind("estimated: event size × rate", PALETTE[0])
_RATE = _Kind("published rate", PALETTE[1])
_YEAR = _Kind("published rate × live time (estimated)", "#fbc881")
_GIVEN = _Kind("published volume", PALETTE[5])
_DERIVED = _Kind("derived from other numbers", PALETTE[3])
_RECALLED = _Kind("recalled, NOT verified", "#ffffff", "////")


@dataclass(frozen=True)
class _Bar:
    name: str
    value: float
    unit: str
    kind: _Kind
    source: str = ""


def data_volume_chart(
    volumes: Sequence[DataVolume],
    references: Sequence[Reference],
    *,
    live_time: LiveTime,
    conditions: str = "",
) -> Drawing:
    """Two panels: data rates in TB/s, and volumes in EB per year, each sorted by size.

    Args:
        volumes: of the trigger.
        references: of others; a rate also makes a yearly volume where it is one of proton collisions.
        live_time: turns rates into yearly volumes.
        conditions: right end of the first headline.
    """
    return Drawing(tuple(
        panel(draw, label=label, size=size, margins=_MARGINS)
        for draw, size, label in _panels(volumes, references, live_time, conditions)
    ))  # fmt: skip


def write_data_volume_chart(
    folder: Path,
    volumes: Sequence[DataVolume],
    references: Sequence[Reference],
    *,
    live_time: LiveTime,
    conditions: str = "",
) -> tuple[Path, Path]:
    """``data_volumes.png`` and ``data_volumes.svg`` in `folder`: the same panels in one picture.

    Raises:
        MissingDependencyError: matplotlib or mplhep is not installed.
        OutputError: the files cannot be written.
    """
    panels = [(draw, size) for draw, size, _ in _panels(volumes, references, live_time, conditions)]
    files = (folder / f"data_volumes.{suffix}" for suffix in ("png", "svg"))
    png, svg = (write_picture(file, panels, margins=_MARGINS) for file in files)
    return png, svg


def _panels(
    volumes: Sequence[DataVolume], references: Sequence[Reference], live_time: LiveTime, conditions: str
) -> list[tuple[Draw, tuple[float, float], str]]:
    rates = [_Bar(volume.name, volume.flow.value, "TB/s", _OURS) for volume in volumes]
    years = [_Bar(volume.name, volume.volume.value, "EB/year", _OURS) for volume in volumes]
    for reference in references:
        figure = reference.figure
        if figure.unit == "TB/s":
            kind = _kind(reference, _RATE)
            rates.append(_Bar(reference.name, figure.value, "TB/s", kind, figure.source))
            if reference.yearly:
                kind = _kind(reference, _YEAR)
                volume = yearly_volume(figure.value, live_time)
                years.append(_Bar(reference.name, volume, "EB/year", kind, figure.source))
        else:
            years.append(
                _Bar(reference.name, figure.value, figure.unit, _kind(reference, _GIVEN), figure.source)
            )
    live = str(live_time).replace("duty factor ", "")
    return [
        _chart(rates, "Data rate while beams collide", conditions, "Data rate [TB/s]"),
        _chart(years, "Data volume", live, "Data volume [EB/year; stocks: EB]"),
    ]


def _kind(reference: Reference, verified: _Kind) -> _Kind:
    if not reference.verified:
        return _RECALLED
    return verified if reference.figure.provenance is Provenance.PUBLISHED else _DERIVED


def _chart(
    bars: Sequence[_Bar], title: str, conditions: str, label: str
) -> tuple[Draw, tuple[float, float], str]:
    bars = sorted(bars, key=lambda bar: bar.value, reverse=True)
    low = bars[-1].value / 4

    def draw(axes: Any) -> None:
        shown: dict[str, Any] = {}
        for row, bar in enumerate(bars):
            drawn = axes.barh(
                row,
                bar.value,
                height=0.68,
                color=bar.kind.colour,
                hatch=bar.kind.hatch,
                edgecolor=BACKGROUND if bar.kind.hatch else INK,
                linewidth=0.6 if bar.kind.hatch else 0,
            )
            shown.setdefault(bar.kind.label, drawn)
            _note(axes, row, bar)
        axes.set_xscale("log")
        axes.set_xlim(low, _end(bars, low))
        rows = len(bars) + _LEGEND / _ROW
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize=9.5)
        axes.tick_params(axis="y", which="both", length=0)
        axes.tick_params(axis="x", which="both", top=False)
        axes.tick_params(axis="x", which="minor", bottom=False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(label)
        axes.legend(list(shown.values()), list(shown), loc="lower right", frameon=False, fontsize=9)
        headline(axes, title, conditions)

    height = _MARGINS.top + _MARGINS.bottom + _LEGEND + _ROW * len(bars)
    return draw, (_WIDTH, height), f"{title} of the trigger and of others, logarithmic"


def _end(bars: Sequence[_Bar], low: float) -> float:
    """Where the axis must end so that the words behind every bar have room."""
    width = _WIDTH - _MARGINS.left - _MARGINS.right
    decades = 0.0
    for bar in bars:
        words = min(18 + 5.0 * len(_value(bar)) + 3.9 * len(_source(bar)), 0.8 * width)
        decades = max(decades, math.log10(bar.value / low) * width / (width - words))
    return float(low * 10.0**decades)


def _value(bar: _Bar) -> str:
    return f"{Figure(bar.value, bar.unit, Provenance.ESTIMATED).number()} {bar.unit}"


def _source(bar: _Bar) -> str:
    return bar.source.removeprefix("recalled: ").removeprefix("derived: ")


def _note(axes: Any, row: int, bar: _Bar) -> None:
    """Value with its unit behind the bar, and the source in smaller letters behind that."""
    text = axes.annotate(
        _value(bar),
        (bar.value, row),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )
    if bar.source:
        axes.annotate(
            _source(bar),
            (1, 0.5),
            xycoords=text,
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color="#5d6670",
        )
