"""`menu_report`: the page of a trigger menu on a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.menu.compare import Comparison, LineComparison, compare
from nanosieve.physics.menu.describe import describe
from nanosieve.physics.menu.rate import Rate
from nanosieve.physics.menu.rates import MenuRates, RateTable
from nanosieve.physics.menu.turn_on import TurnOn
from nanosieve.report.overlap import overlap_map
from nanosieve.report.page import Block, Cell, Numbers, Picture, Section, Table, Text, write_report
from nanosieve.report.rate_chart import RateEntry, rate_chart
from nanosieve.report.turn_on import turn_on_chart

__all__ = ["menu_report"]

LIMIT = "95 % CL"


def menu_report(
    rates: MenuRates, folder: str | Path, *, turn_ons: Sequence[TurnOn] = (), samples: Sequence[str] = ()
) -> Path:
    """Write ``folder/report.html``: rates beside the published ones, overlaps, efficiencies, turn-ons.

    Args:
        rates: of the menu.
        folder: made if it does not exist.
        turn_ons: drawn together if they are of the same quantity and bins.
        samples: names of the samples, for the conditions.

    Raises:
        OutputError: the folder cannot be written to.
        MissingDependencyError: matplotlib, mplhep or jinja2 is not installed.
    """
    menu, where = rates.menu, rates.conditions
    lines = Figure(len(menu.lines), "", Provenance.SIMULATED)
    headline: tuple[Block, ...] = (
        Numbers((
            (_named("Level 1, all items", rates.l1.any), rates.l1.any.shown),
            (_named("high-level trigger, all lines", rates.hlt.any), rates.hlt.any.shown),
            ("lines", lines),
            ("effective events", Figure(rates.effective_events, "", Provenance.SIMULATED)),
        )),
        Text(tuple(_remarks(rates))),
    )  # fmt: skip
    sections = [
        Section("In short", headline),
        Section("High-level trigger", (_chart(rates, "hlt"), _lines(rates))),
        Section("Level 1", (_chart(rates, "l1"), _items(rates))),
        Section("Overlaps", (_overlap(rates),)),
    ]
    if rates.efficiencies:
        sections.append(Section("Efficiencies", (_efficiencies(rates),)))
    if turn_ons:
        sections.append(Section("Turn-ons", (_turn_ons(turn_ons),)))
    sections.append(Section("The menu", (_cuts(rates),)))
    conditions = [
        ("menu", menu.name),
        ("luminosity", where.luminosity_text),
        ("colliding bunches", f"{where.bunches:.0f}"),
        ("pile-up", _pileup(rates)),
        ("energy", f"{where.energy / 1000:g} TeV"),
        ("detector", where.detector),
        *((f"sample {n}", name) for n, name in enumerate(samples, start=1)),
    ]
    title = menu.title or menu.name
    return write_report(folder, f"Trigger menu: {title}", sections, conditions=conditions)


def _pileup(rates: MenuRates) -> str:
    where = rates.conditions
    source = f", weighted from {where.sample_pileup:g}" if where.reweighted else ""
    return f"{where.pileup:.4g}{source}"


def _remarks(rates: MenuRates) -> list[str]:
    text = [
        "Rates are expectations after prescales with their statistical errors. Where fewer than ten "
        f"effective events fire, the upper limit at {LIMIT} is given instead. Pure: no other line keeps the "
        "event. Share: every event is split between the lines that keep it, so that the shares add up to the "
        "rate of the menu."
    ]
    known = [
        f"{total.title} {total.value:g} {total.unit} ({total.trust})" for total in rates.menu.totals.values()
    ]
    if known:
        text.append(
            f"Totals in {rates.menu.source}: {'; '.join(known)}. They hold lines that are not listed."
        )
    if rates.menu.definitions.note:
        text.append(rates.menu.definitions.note)
    return text


def _named(title: str, rate: Rate) -> str:
    return title if rate.limit is None else f"{title}: upper limit"


def _cell(rate: Rate) -> Cell:
    return rate.figure if rate.limit is None else f"< {rate.limit.number()} {rate.limit.unit} ({LIMIT})"


def _reference(found: Comparison) -> Cell:
    if found.reference is None:
        return None
    return found.published or f"{found.reference:g} {found.rate.figure.unit} ({found.trust})"


def _ratio(found: Comparison) -> Cell:
    """A ratio to a number that was not published says so."""
    value = found.ratio
    if value is None or found.trust == "published":
        return value
    return f"{value.number()} (to {found.trust})"


def _chart(rates: MenuRates, level: str) -> Picture:
    table: RateTable = getattr(rates, level)
    entries = []
    done = set()
    for line in compare(rates):
        found, name = (line.hlt, line.name) if level == "hlt" else (line.l1, line.item)
        if name in done:
            continue
        done.add(name)
        other = found.reference if found.published is None else None
        rate = table.total[name]
        entries.append(RateEntry(name, rate.shown, rate.limit is not None, found.published, other))
    for name, rate in table.total.items():  # items that no line uses
        if name not in done:
            entries.append(RateEntry(name, rate.shown, rate.limit is not None))
    unit, title = ("Hz", "High-level trigger") if level == "hlt" else ("kHz", "Level 1")
    chart = rate_chart(
        entries,
        title=title,
        axis=f"Rate [{unit}]",
        conditions=f"{rates.conditions.energy / 1000:g} TeV, μ = {rates.conditions.pileup:.3g}",
    )
    first = (
        " An item that several lines share is shown with the number of the first." if level == "l1" else ""
    )
    return Picture((chart,), f"Rates with statistical errors; arrows are upper limits at {LIMIT}.{first}")


def _lines(rates: MenuRates) -> Table:
    rows = tuple(
        (
            line.name,
            _cell(line.hlt.rate),
            _reference(line.hlt),
            _ratio(line.hlt),
            _cell(rates.hlt.pure[line.name]),
            _cell(rates.hlt.proportional[line.name]),
        )
        for line in compare(rates)
    )
    columns = ("line", "rate", "reference", "ratio", "pure", "share")
    return Table(columns, rows, "Lines of the high-level trigger")


def _items(rates: MenuRates) -> Table:
    """Lines of one item may print different rates: a row for each of them."""
    starts: dict[tuple[str, float | None, str], list[LineComparison]] = {}
    for line in compare(rates):
        starts.setdefault((line.item, line.l1.reference, line.l1.trust), []).append(line)
    rows = tuple(
        (
            lines[0].item,
            _cell(lines[0].l1.rate),
            _reference(lines[0].l1),
            _ratio(lines[0].l1),
            _cell(rates.l1.pure[lines[0].item]),
            ", ".join(line.name for line in lines),
        )
        for lines in sorted(starts.values(), key=lambda lines: list(rates.menu.l1).index(lines[0].item))
    )
    used = {line.l1 for line in rates.menu.lines.values()}
    free: tuple[tuple[Cell, ...], ...] = tuple(
        (name, _cell(rate), None, None, _cell(rates.l1.pure[name]), None)
        for name, rate in rates.l1.total.items()
        if name not in used
    )
    columns = ("item", "rate", "reference", "ratio", "pure", "lines that start from it")
    return Table(
        columns, rows + free, "Level-1 items; where lines print different rates, one row for each of them"
    )


def _overlap(rates: MenuRates) -> Picture:
    tables = (("Level 1", rates.menu.l1, rates.l1), ("High-level trigger", rates.menu.lines, rates.hlt))
    drawings = tuple(
        overlap_map(list(names), table.overlap, title=title)
        for title, names, table in tables
        if not np.isnan(table.overlap).all()
    )
    return Picture(
        drawings, "Part of the rate of a row that the column keeps too. Lines without events are left out."
    )


def _efficiencies(rates: MenuRates) -> Table:
    names = list(rates.efficiencies)
    rows: list[tuple[Cell, ...]] = []
    for title, level, members in (
        ("Level 1", "l1", rates.menu.l1),
        ("high-level trigger", "hlt", rates.menu.lines),
    ):
        rows.append((f"{title}, any", *(rates.efficiencies[name][level]["any"] for name in names)))
        rows += [(member, *(rates.efficiencies[name][level][member] for name in names)) for member in members]
    return Table(
        ("item or line", *names), tuple(rows), "Events kept after prescales, with Clopper-Pearson errors"
    )


def _turn_ons(curves: Sequence[TurnOn]) -> Picture:
    groups: dict[tuple[str, tuple[float, ...]], list[TurnOn]] = {}
    for curve in curves:
        groups.setdefault((curve.against, tuple(curve.edges.tolist())), []).append(curve)
    charts = tuple(
        turn_on_chart(mine, title="Turn-on", axis=f"{against} [GeV]", conditions=", ".join(mine[0].processes))
        for (against, _), mine in groups.items()
    )
    return Picture(charts, "Before prescales; Clopper-Pearson intervals of 68 % on effective events.")


def _cuts(rates: MenuRates) -> Table:
    menu = rates.menu
    rows = tuple(
        (name, describe(line.offline) if line.offline else None, f"{line.l1}: {describe(menu.l1[line.l1])}",
         describe(line.hlt), line.note or None)
        for name, line in menu.lines.items()
    )  # fmt: skip
    return Table(("line", "offline", "Level 1", "high-level trigger", "note"), rows, "Cuts in GeV")
