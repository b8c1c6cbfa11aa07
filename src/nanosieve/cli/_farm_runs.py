"""Simulated farms as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.markup import escape

from nanosieve.cli._terminal import console, show_table
from nanosieve.farm.simulation import CAUSES, DesignRun
from nanosieve.figure import Figure

__all__ = ["show_runs"]

_RESOURCES = {
    "builder": "event building",
    "slots": "slots of nodes",
    "accelerators": "accelerators",
    "output": "output",
}


def show_runs(runs: Sequence[DesignRun]) -> None:
    """Print simulated designs side by side: losses by cause, latency, occupancy, cost and power."""
    several = len({run.design.name for run in runs}) > 1
    titles = [
        f"{run.design.name}, {run.scenario.title}" if several else run.scenario.title.capitalize()
        for run in runs
    ]
    rows = [[cause, *(_percent(run.losses[cause]) for run in runs)] for cause in CAUSES]
    rows.append(["[bold]all losses[/bold]", *(f"[bold]{_percent(run.lost)}[/bold]" for run in runs)])
    rows.append(["stored undecided", *(_percent(run.undecided) for run in runs)])
    title = "Losses in % of the input" if several else f"Losses of {runs[0].design.name} in % of the input"
    show_table(title, ["cause", *titles], rows)
    classes = list(dict.fromkeys(name for run in runs for name in run.processed))
    rows = [[name, *(_percent(run.processed.get(name)) for run in runs)] for name in classes]
    show_table("Decided in % of the events behind dead time", ["class", *titles], rows)
    shown = list(dict.fromkeys(p for run in runs for p in run.latency.get("all", {})))
    rows = [[f"{p:.1%}", *(_number(run.latency.get("all", {}).get(p)) for run in runs)] for p in shown]
    if rows:
        show_table("Latency in s, from arrival at the farm to decision", ["quantile", *titles], rows)
    rows = []
    for name, resource in _RESOURCES.items():
        found = [run.run.resources.get(name) for run in runs]
        rows.append([resource, *(_percent(each.occupancy if each else None) for each in found)])
    show_table("Busy in %", ["resource", *titles], rows)
    rows = [
        ["input [kHz]", *(f"{run.input_rate / 1e3:,.0f}" for run in runs)],
        ["output [kHz]", *(_number(_kilo(run.output_rate)) for run in runs)],
        ["power [kW]", *(run.cost.power.number() for run in runs)],
        ["energy per event [J]", *(run.energy_per_event.number() for run in runs)],
        ["cost [MUSD]", *(run.cost.total.number() for run in runs)],
        ["period [years]", *(f"{run.design.run.years:g}" for run in runs)],
    ]
    rows = [[escape(cell) for cell in row] for row in rows]
    show_table("Rates, power and cost of the period", ["", *titles], rows)
    for run, name in zip(runs, titles, strict=True):
        style = None if run.verdict() == "stable" else "bold"
        console.print(escape(f"{name}: {run.verdict()}"), style=style, soft_wrap=True)
        for remark in run.remarks():
            console.print(escape(f"  {remark}"), style="dim", soft_wrap=True)
    click.echo("power and cost: median [central 90 %] of bands, estimated; all else simulated")


def _kilo(figure: Figure) -> Figure:
    error = None if figure.error is None else figure.error / 1e3
    return Figure(figure.value / 1e3, "kHz", figure.provenance, error=error)


def _number(figure: Figure | None) -> str:
    return "–" if figure is None else figure.number()


def _percent(figure: Figure | None) -> str:
    """A loss; below what is seen of it, its limit."""
    if figure is None:
        return "–"
    if figure.value == 0:
        return f"< {figure.error:.1g}" if figure.error else "0"
    if figure.error is None and figure.value < 1e-3:
        return "< 0.001"
    return figure.number()
