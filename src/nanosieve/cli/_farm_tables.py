"""Farm designs and their costs as tables on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from pydantic import BaseModel
from rich.markup import escape

from nanosieve.cli._terminal import console, show_table
from nanosieve.cli.devices import MARKS
from nanosieve.devices import Trust
from nanosieve.farm.cost import GROUPS, Cost, relative_cost
from nanosieve.farm.designs import Design, demand

__all__ = ["cost_as_json", "show_costs", "show_design"]

_LINES = {**GROUPS, "replacement": "replacement", "racks": "racks", "electricity": "electricity"}
_PREFIXES = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
)
_UNITS = {
    "input": "Hz",
    "accept": "Hz",
    "rate": "Hz",
    "latency": "s",
    "wait": "s",
    "overhead": "s",
    "time": "s",
    "mtbf": "s",
    "mttr": "s",
    "bandwidth": "B/s",
    "buffer": "B",
    "size": "B",
    "request": "B",
    "response": "B",
}
_PURE = {"hardware_trigger.buffer": "BX", "accelerators.batch.size": "events"}
_LARGEST_SHARES = 8


def show_design(design: Design) -> None:
    """Print `design` part by part with the trust of each number, and its load."""
    console.print(f"[bold]{escape(design.title)}[/bold] ({escape(design.name)})")
    if design.source:
        console.print(escape(design.source), style="dim")
    rows = []
    for key, text in _flat(design):
        origin = design.origin(key) if _is_number(text) else None
        mark = MARKS[origin.trust] if origin else ""
        source = escape(origin.source) if origin and origin.trust is not Trust.ASSUMED else ""
        rows.append([escape(key), escape(f"{mark}{text}"), source])
    show_table("Design", ["key", "value", "source"], rows, left=3)
    asked = demand(design)
    loads = {"nodes": asked.nodes, "accelerators": asked.accelerators, "network of the pool": asked.network}
    loads |= {"event building": asked.event_building, "output": asked.output}
    rows = [
        [name, f"{load:.1%}", "more than it can do" if load > 1 else ""]
        for name, load in loads.items()
        if load
    ]
    show_table("Mean load, estimated", ["resource", "load", ""], rows)
    click.echo("without mark: published    * measured    ~ recalled    = derived    ? assumed")


def _flat(part: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Dotted key and text of every value that is set."""
    fields = (
        {name: getattr(part, name) for name in type(part).model_fields}
        if isinstance(part, BaseModel)
        else part
    )
    for name, value in fields.items():
        key = f"{before}{name}"
        if name in ("format", "name", "title", "source", "sources") or value is None:
            continue
        if isinstance(value, BaseModel | Mapping):
            yield from _flat(value, f"{key}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, entry in enumerate(value):
                yield from _flat(entry, f"{key}.{getattr(entry, 'name', number)}.")
        elif isinstance(value, tuple):
            if value:
                yield key, " – ".join(f"{edge:g}" for edge in value)
        else:
            yield key, _written(key, value)


def _written(key: str, value: Any) -> str:
    """A number with unit and prefix, as a user would write it."""
    if key in _PURE:
        return f"{value:,} {_PURE[key]}"
    unit = _UNITS.get(key.rpartition(".")[2])
    if not isinstance(value, float | int) or isinstance(value, bool):
        return str(value)
    if unit is None or "buckets" in key:
        return f"{value:,.10g}"
    factor, prefix = next((pair for pair in _PREFIXES if value >= pair[0]), (1.0, ""))
    if unit == "s" and value >= 3600:
        return f"{value / 3600:,.4g} h"
    if unit == "s" and value >= 1:
        factor, prefix = 1.0, ""
    return f"{value / factor:,.4g} {prefix}{unit}"


def _is_number(text: str) -> bool:
    return text[:1].isdigit()


def show_costs(designs: list[Design], costs: list[Cost]) -> None:
    """Print costs side by side, and what makes the spread of each."""
    header = ["million USD", *(f"{cost.design}, {cost.years:g} years" for cost in costs)]
    rows = [
        [title, *("–" if cost.lines[line].value == 0 else cost.lines[line].number() for cost in costs)]
        for line, title in _LINES.items()
    ]
    rows.append(["[bold]total[/bold]", *(f"[bold]{cost.total.number()}[/bold]" for cost in costs)])
    if len(costs) > 1:
        rows.append([f"over {costs[0].design}", *(relative_cost(cost, costs[0]).number() for cost in costs)])
    show_table("Total cost of ownership, estimated", header, rows)
    rows = [
        ["power [kW]", *(cost.power.number() for cost in costs)],
        ["energy per event in [J]", *(cost.energy_per_event.number() for cost in costs)],
        ["energy of the period [GWh]", *(cost.energy.number() for cost in costs)],
        ["racks", *(cost.racks.number() for cost in costs)],
        ["busy nodes", *(f"{cost.utilisation.nodes:.0%}" for cost in costs)],
        ["busy accelerators", *(_busy(design, cost) for design, cost in zip(designs, costs, strict=True))],
    ]
    rows = [[escape(cell) for cell in row] for row in rows]
    show_table("Power and place, estimated", ["", *(cost.design for cost in costs)], rows)
    for cost in costs:
        rows = [
            [
                influence.name,
                f"{MARKS[influence.band.origin.trust]}{influence.band.low:,g} – {influence.band.high:,g}",
                influence.band.unit,
                f"{influence.low / 1e6:.4g} – {influence.high / 1e6:.4g}",
                f"{influence.share:.1%}",
            ]
            for influence in cost.influences[:_LARGEST_SHARES]
        ]
        title = f"What makes the spread of {cost.design}"
        show_table(title, ["input", "band", "unit", "total [MUSD]", "share"], rows)
    for cost in costs:
        asked = {"nodes": cost.demand.nodes, "accelerators": cost.demand.accelerators}
        for name, load in asked.items():
            if load > 1:
                excess = f"{name} are asked for {load:.0%} of what they can do; this farm loses events"
                console.print(escape(f"{cost.design}: {excess}"), style="bold", soft_wrap=True)
    click.echo("median [central 90 %] of bands drawn log-uniform; total: with this input at its edges")


def _busy(design: Design, cost: Cost) -> str:
    return f"{cost.utilisation.accelerators:.0%}" if design.accelerators else "–"


def cost_as_json(cost: Cost, reference: Cost) -> dict[str, Any]:
    """Everything that `show_costs` prints, and all influences."""
    return {
        "years": cost.years,
        "utilisation": {"nodes": cost.utilisation.nodes, "accelerators": cost.utilisation.accelerators},
        "demand": {"nodes": cost.demand.nodes, "accelerators": cost.demand.accelerators},
        "total": cost.total.to_dict(),
        "relative": relative_cost(cost, reference).to_dict(),
        "lines": {line: figure.to_dict() for line, figure in cost.lines.items()},
        "power": cost.power.to_dict(),
        "energy": cost.energy.to_dict(),
        "energy_per_event": cost.energy_per_event.to_dict(),
        "racks": cost.racks.to_dict(),
        "influences": {
            influence.name: {
                "band": influence.band.figure.to_dict(),
                "low": influence.low / 1e6,
                "high": influence.high / 1e6,
                "unit": "MUSD",
                "share": influence.share,
            }
            for influence in cost.influences
        },
    }
