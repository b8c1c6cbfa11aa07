"""Trigger menus and their rates as tables on the terminal and as JSON."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from nanosieve.cli._terminal import console, show_table
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.menu import Menu, MenuRates
from nanosieve.physics.menu.compare import Comparison, compare
from nanosieve.physics.menu.describe import describe

__all__ = ["rates_as_json", "show_efficiencies", "show_menu", "show_rates"]

_MARKS = {"published": "", "derived": "‡", "reported": "†", "recalled": "~"}
_LEGEND = (
    "‡ derived from published counts, † reported by another public source, ~ recalled and not checked; "
    "all others are published there"
)


def show_menu(menu: Menu) -> None:
    """Print `menu` with a table for each category."""
    console.print(f"[bold]{escape(menu.title or menu.name)}[/bold]; momenta and masses in GeV")
    if menu.source:
        console.print(f"{escape(menu.source)}; {escape(menu.luminosity)}", style="dim")
    marked = False
    for category in dict.fromkeys(line.category for line in menu.lines.values()):
        rows = []
        for name, line in menu.lines.items():
            if line.category != category:
                continue
            known = line.published
            cells = {
                "offline": describe(line.offline) if line.offline else "–",
                "l1": describe(menu.l1[line.l1]),
                "hlt": describe(line.hlt),
                "l1_khz": "–" if known.l1_khz is None else f"{known.l1_khz:g}",
                "hlt_hz": "–" if known.hlt_hz is None else f"{known.hlt_hz:g}",
            }
            marked |= bool(known.trust)
            rows.append([name, *(_trusted(text, known.trust_of(cell)) for cell, text in cells.items())])
        header = ["line", "offline", "Level 1", "high-level trigger", "L1 [kHz]", "HLT [Hz]"]
        show_table(category.replace("_", " "), header, rows, left=4)
    for total in menu.totals.values():
        console.print(f"{escape(total.title)}: {total.value:g} {total.unit} ({total.trust})")
    if marked:
        console.print(_LEGEND)
    if menu.definitions.note:
        console.print(escape(menu.definitions.note))


def _trusted(text: str, trust: str) -> str:
    """`text` as it is if it was published, else dimmed and with a mark."""
    return escape(text) if trust == "published" else f"[dim]{escape(text)} {_MARKS[trust]}[/dim]"


def show_rates(rates: MenuRates) -> None:
    """Print the lines beside the published rates, the items, and the totals."""
    where = rates.conditions
    weighted = f" (weighted from {where.sample_pileup:g})" if where.reweighted else ""
    title = (
        f"{rates.menu.name}: {where.luminosity_text}, {where.bunches:.0f} bunches, pile-up "
        f"{where.pileup:.4g}{weighted}; {rates.events:,} events, {rates.effective_events:,.0f} effective"
    )
    rows = []
    for line in compare(rates):
        l1 = [line.l1.rate.number(), *_reference(line.l1)]
        hlt = [line.hlt.rate.number(), *_reference(line.hlt)]
        rows.append([line.name, *l1, *hlt, rates.hlt.pure[line.name].number()])
    header = ["line", "L1 [kHz]", "reference", "ratio", "HLT [Hz]", "reference", "ratio", "pure [Hz]"]
    show_table(title, header, rows)
    table = rates.l1
    items = [
        [name, *(part[name].number() for part in (table.total, table.pure, table.proportional))]
        for name in rates.menu.l1
    ]
    show_table("Level 1, simulated", ["item", "rate [kHz]", "pure [kHz]", "share [kHz]"], items)
    console.print(f"Level 1 in total: {rates.l1.any.number()} kHz (simulated)")
    console.print(f"high-level trigger in total: {rates.hlt.any.number()} Hz (simulated)")
    for total in rates.menu.totals.values():
        console.print(f"{escape(total.title)}: {total.value:g} {total.unit} ({total.trust})", style="dim")
    console.print(
        "<: upper limit at 95 % CL where fewer than 10 effective events fire; our rates are simulated"
    )
    if any(line.published.trust for line in rates.menu.lines.values()):
        console.print(f"references: {escape(rates.menu.source)}; {_LEGEND}")


def _reference(found: Comparison) -> list[str]:
    """The number of the publication and our ratio to it; dimmed and marked if it was not read there."""
    if found.reference is None:
        return ["–", "–"]
    ratio = found.ratio
    known = _trusted(f"{found.reference:g}", found.trust)
    return [known, "–" if ratio is None else _trusted(ratio.number(), found.trust)]


def show_efficiencies(rates: MenuRates) -> None:
    """Print how much of each signal is kept, if any was asked for."""
    if not rates.efficiencies:
        return
    rows = []
    levels = (("L1", "l1", [*rates.menu.l1]), ("HLT", "hlt", [*rates.menu.lines]))
    for title, level, names in levels:
        for name in ("any", *names):
            cells = [rates.efficiencies[signal][level][name].number() for signal in rates.efficiencies]
            rows.append([f"{title} {name}", *cells])
    header = ["item or line", *(f"{signal} [%]" for signal in rates.efficiencies)]
    show_table("Efficiencies, simulated", header, rows)


def rates_as_json(rates: MenuRates) -> dict[str, Any]:
    """Everything that `show_rates` and `show_efficiencies` print."""
    where = rates.conditions
    events = Figure(rates.events, "", Provenance.SIMULATED)
    effective = Figure(rates.effective_events, "", Provenance.SIMULATED)
    return {
        "menu": rates.menu.name,
        "conditions": {
            "luminosity": where.luminosity_text,
            "bunches": where.bunches,
            "pileup": where.pileup,
            "sample_pileup": where.sample_pileup,
            "energy": {"value": where.energy, "unit": "GeV"},
        },
        "events": events.to_dict(),
        "effective_events": effective.to_dict(),
        "lines": {
            line.name: {
                "category": line.category,
                "item": line.item,
                "l1": line.l1.to_dict(),
                "hlt": line.hlt.to_dict(),
            }
            for line in compare(rates)
        },
        "l1": rates.l1.to_dict(),
        "hlt": rates.hlt.to_dict(),
        "totals": {name: total.model_dump() for name, total in rates.menu.totals.items()},
        "efficiencies": {
            signal: {
                level: {name: figure.to_dict() for name, figure in table.items()}
                for level, table in levels.items()
            }
            for signal, levels in rates.efficiencies.items()
        },
    }
