"""The page of `rates.py`: ratios to published rates with their targets, and rates against pile-up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rate_rows import MENUS, RULES, Row, SampleRates

from nanosieve.physics.events import TriggerSample
from nanosieve.physics.menu import load_menu, menu_rates
from nanosieve.report.page import Block, Picture, Section, Table, Text, write_report
from nanosieve.report.rows import limit_in_row, value_in_row
from nanosieve.report.style import (
    GRID,
    INK,
    PALETTE,
    Drawing,
    Key,
    Margins,
    headline,
    panel,
)
from nanosieve.units import magnitude

ROW, LETTER = 15.0, 5.3
"""Height of a row, width of a letter; SVG units."""
ENDS = (0.03, 30.0)
"""Of the axis of ratios."""


def write_rates_report(folder: Path, found: Sequence[SampleRates], samples: Sequence[TriggerSample]) -> Path:
    """Write ``folder/report.html``; `found` are menus on samples, `samples` all of them."""
    sections = [Section(entry.rates.menu.title or entry.rates.menu.name, _section(entry)) for entry in found]
    curves = rates_by_pileup(samples)
    if curves:
        caption = (
            "Level-1 rates of one detector, Poisson pile-up, 2544 colliding bunches. At 23 the published "
            "slices scatter by 3.4 times their statistical errors, which are stretched by that; the scan at "
            "52 was taken in another fill, with a common uncertainty of 15 to 20 %."
        )
        sections.append(Section("Rate against pile-up", (Picture((_pileup_chart(curves),), caption),)))
    conditions = [
        (f"sample {number}", f"{s.path.name}: {s.detector}, pile-up {s.pileup:g}, {len(s)} crossings")
        for number, s in enumerate(samples, start=1)
    ]
    return write_report(folder, "Trigger rates beside published ones", sections, conditions=conditions)


def _section(found: SampleRates) -> tuple[Block, ...]:
    detector = found.sample.detector
    beyond = [row for row in found.rows if row.verdict == "BEYOND"]
    fitted = dict.fromkeys(row.line for row in found.rows if row.fitted)
    text = [
        f"Fitted to these rates: {', '.join(fitted) or 'none'}. "
        f"Set by eye: {RULES['fitted'][detector]['by_eye']}",
        f"{found.totals}.",
    ]
    text += [
        f"{row.line} ({row.level}): {RULES['reasons'].get(row.line, 'no reason known.')}" for row in beyond
    ]
    picture = Picture(
        (_ratio_chart(found.rows),),
        "Our rate over the published one, with statistical errors; arrows are upper limits at 95 % CL. Grey: "
        "the target. Rings: the settings were fitted to this rate.",
    )
    return Text(tuple(text)), picture, _table(found.rows)


def _table(rows: Sequence[Row]) -> Table:
    cells = tuple(
        (
            f"{row.line} ({row.level})",
            row.comparison.rate.figure
            if row.comparison.rate.limit is None
            else f"< {row.comparison.rate.limit.number()} {row.comparison.rate.limit.unit}",
            row.comparison.published
            or f"{row.comparison.reference:g} {row.comparison.rate.figure.unit} ({row.comparison.trust})",
            row.comparison.ratio,
            f"× {row.target:g}",
            row.verdict.lower() + (", fitted" if row.fitted else ""),
        )
        for row in rows
    )
    return Table(("rate", "ours", "reference", "ratio", "target", "verdict"), cells, "Every ratio")


def _ratio_chart(rows: Sequence[Row]) -> Drawing:
    panels = [
        chart
        for level in ("L1", "HLT")
        for chart in _ratio_panels([row for row in rows if row.level == level], level)
    ]
    key = [Key("prediction", PALETTE[0], "marker")]
    key += [Key("fitted (ring)", PALETTE[0], "marker")] if any(row.fitted for row in rows) else []
    return Drawing(tuple(panels), key=(*key, Key("target", GRID, "box")))


def _ratio_panels(rows: Sequence[Row], level: str) -> Iterator[str]:
    if not rows:
        return
    columns = 2 if len(rows) > 24 else 1
    length = math.ceil(len(rows) / columns)
    margins = Margins(left=14 + LETTER * max(len(row.line) for row in rows), top=24)
    size = (360.0, ROW * length + margins.top + margins.bottom)
    for first in range(0, len(rows), length):
        part = rows[first : first + length]
        title = level if first == 0 else ""
        label = f"{level}: ratio of {', '.join(row.line for row in part)}"
        yield panel(partial(_ratios, part, length, title), label=label, size=size, margins=margins)


def _ratios(rows: Sequence[Row], length: int, title: str, axes: Any) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*ENDS)
    axes.set_ylim(length - 0.5, -0.5)
    axes.axvline(1, color=INK, linewidth=0.8)
    for place, row in enumerate(rows):
        axes.fill_betweenx([place - 0.4, place + 0.4], 1 / row.target, row.target, color=GRID, linewidth=0)
        ratio, reference, limit = row.comparison.ratio, row.comparison.reference, row.comparison.rate.limit
        if limit is not None and reference:
            limit_in_row(axes, place, limit.value / reference, PALETTE[0])
        elif ratio is not None and ratio.value > 0:
            value_in_row(axes, place, ratio.value, ratio.error or 0.0, PALETTE[0], filled=not row.fitted)
    axes.set_yticks(range(len(rows)), [row.line for row in rows])
    axes.tick_params(axis="y", which="both", left=False, right=False, labelsize=8.5)
    axes.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.set_xlabel("ours / published")
    headline(axes, title)


Points = Mapping[float, tuple[float, float]]
"""Pile-up → rate and its error in kHz."""
Curves = Mapping[str, tuple[Points, Points]]
"""Seed → our rates, those that are no limits, and those derived from published counts."""


def rates_by_pileup(samples: Sequence[TriggerSample]) -> Curves:
    """Rates of the seeds in `rates.yaml` in all CMS samples; empty for fewer than two different pile-ups."""
    mine = [sample for sample in samples if sample.detector == "cms"]
    if len({sample.pileup for sample in mine}) < 2:
        return {}
    rules = RULES["pileup"]
    menu = load_menu(rules["menu"])
    at = magnitude(menu.luminosity, "1/pb/s", name="luminosity")
    own = MENUS["cms"][menu.name]
    ours = {
        sample.pileup: menu_rates(menu, [sample], luminosity=f"{at * sample.pileup / own} / pb / s").l1.total
        for sample in sorted(mine, key=lambda sample: sample.pileup)
    }
    lines = {line.l1: line.published for line in menu.lines.values()}
    curves = {}
    for seed in next(iter(rules["published"].values())):
        line = lines[seed]
        assert line is not None
        known = {own: (line.l1_khz, line.l1_khz_error)}
        known |= {mu: tuple(table[seed]) for mu, table in rules["published"].items()}
        rates = {mu: table[seed] for mu, table in ours.items() if table[seed].limit is None}
        simulated = {mu: (rate.figure.value, rate.figure.error) for mu, rate in rates.items()}
        curves[seed] = (simulated, dict(sorted(known.items())))
    return curves


def _pileup_chart(curves: Curves) -> Drawing:
    panels = [
        panel(partial(_pileup, seed, *rates), label=f"rate of {seed} against pile-up", size=(270.0, 220.0))
        for seed, rates in curves.items()
    ]
    key = (
        Key("simulated", PALETTE[0], "marker"),
        Key("CMS 2018, derived from counts (ring)", INK, "marker"),
    )
    return Drawing(tuple(panels), key=key)


def _pileup(seed: str, simulated: Points, known: Points, axes: Any) -> None:
    for points, form, colour, face in ((known, "o", INK, "none"), (simulated, "o-", PALETTE[0], PALETTE[0])):
        values, errors = zip(*points.values(), strict=True) if points else ((), ())
        axes.errorbar(
            list(points),
            values,
            yerr=errors,
            fmt=form,
            color=colour,
            markerfacecolor=face,
            linewidth=1.0,
            elinewidth=1.1,
            markersize=5,
        )
    axes.set_xlim(0, 60)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("mean pile-up")
    axes.set_ylabel("rate [kHz]")
    headline(axes, seed)
