"""``nanosieve menu``: trigger menus, their rates, turn-ons and thresholds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np

from nanosieve._files import write_text
from nanosieve.cli._menu_tables import rates_as_json, show_efficiencies, show_menu, show_rates
from nanosieve.cli._networks import scorers_of
from nanosieve.cli._options import scale_out_options
from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress
from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.menu import (
    Menu,
    Scorer,
    fit_menu,
    known_menus,
    load_menu,
    menu_rates,
    threshold_for_rate,
    turn_on,
    write_menu,
)
from nanosieve.physics.menu.turn_on import TurnOn, usual_quantity
from nanosieve.progress import Progress

__all__ = ["command"]

Command = Callable[..., Any]

_menu = click.argument("menu")
_samples = click.argument("samples", metavar="SAMPLE...", nargs=-1, required=True)
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
_workers = scale_out_options("1: a process costs some seconds to start", default=1)


def _conditions(function: Command) -> Command:
    """``--luminosity``, ``--bunches``, ``--pileup`` and ``--reweight-pileup``."""
    options = [
        click.option("--luminosity", help="As '2e34 / cm**2 / s' [default: that of the menu]."),
        click.option("--bunches", type=float, help="Colliding bunches; checked against the pile-up."),
        click.option("--pileup", type=float, metavar="MU", help="Weight the events to this mean pile-up."),
        click.option(
            "--reweight-pileup", is_flag=True, help="Weight them to that of luminosity and bunches."
        ),
    ]
    return reduce(lambda done, option: option(done), reversed(options), function)


@click.group("menu")
def command() -> None:
    """Trigger menus: show, rates, turn-ons, thresholds.

    MENU is a name from 'menu list' or a YAML file. SAMPLE is a trigger sample made with
    'events make PROCESS --pileup MU'.
    """


@command.command("list")
@_json
def list_menus(as_json: bool) -> None:
    """List the menus that come with nanosieve.

    Example: nanosieve menu list
    """
    menus = [load_menu(name) for name in known_menus()]
    if as_json:
        echo_json({m.name: {"title": m.title, "lines": len(m.lines), "source": m.source} for m in menus})
        return
    rows = [[m.name, m.title, m.source, str(len(m.lines)), str(len(m.l1))] for m in menus]
    show_table("Trigger menus", ["name", "title", "source", "lines", "L1 items"], rows, left=3)


@command.command("show")
@_menu
@_json
def show(menu: str, as_json: bool) -> None:
    """Show a menu as a table: cuts offline, at Level 1 and in the high-level trigger, and published rates.

    Example: nanosieve menu show atlas-2018
    """
    loaded = load_menu(menu)
    if as_json:
        echo_json(loaded.model_dump(mode="json", exclude_defaults=True))
    else:
        show_menu(loaded)


@command.command("rates")
@_menu
@_samples
@_conditions
@_workers
@click.option(
    "--signal", "signals", multiple=True, help="Process whose efficiency is wanted; again for others."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.html with figures.")
@_json
def rates(
    menu: str,
    samples: tuple[str, ...],
    signals: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **conditions: Any,
) -> None:
    """Predict the rates of a menu, beside the published ones.

    The events of signals do not enter the rates. Less than ten effective events give an upper limit at
    95 % CL instead of a rate.

    Example: nanosieve menu rates atlas-2018 minbias.parquet --signal h0 --out out/menu
    """
    loaded = load_menu(menu)
    scorers = scorers_of(loaded, menu)
    with terminal_progress() as progress:
        found = menu_rates(loaded, samples, **conditions, signals=signals, scorers=scorers, progress=progress)
        scale_out = {name: conditions[name] for name in ("workers", "scheduler")}
        curves = _usual_turn_ons(loaded, samples, signals, scorers, scale_out, progress) if out else []
    if as_json:
        echo_json(rates_as_json(found))
    else:
        show_rates(found)
        show_efficiencies(found)
    if out is not None:
        from nanosieve.report.menu_report import menu_report

        path = menu_report(found, out, turn_ons=curves, samples=samples)
        click.echo(f"report written to {path}", err=as_json)


def _usual_turn_ons(
    menu: Menu,
    samples: tuple[str, ...],
    signals: tuple[str, ...],
    scorers: Mapping[str, Scorer],
    scale_out: Mapping[str, Any],
    progress: Progress,
) -> list[TurnOn]:
    """Those of the first line of a single object, for each kind of object, and of its item.

    On the signals if there are any: their leptons are real ones, where those of all events are mostly fakes.
    """
    first: dict[str, str] = {}
    for name, line in menu.lines.items():
        if len(line.hlt.legs) == 1 and line.hlt.legs[0].count == 1:
            first.setdefault(line.hlt.legs[0].object, name)
    curves = []
    for number, name in enumerate(first.values()):
        against, edges = usual_quantity(menu, name)
        # the sample has given rates, so that all that can be wrong with it is that it has no such object
        with contextlib.suppress(SampleError):
            curves += turn_on(
                menu,
                [menu.lines[name].l1, name],
                samples,
                against=against,
                edges=edges,
                processes=signals,
                scorers=scorers,
                **scale_out,
                progress=_part(progress, number, len(first)),
            )
    return curves


def _part(progress: Progress, number: int, parts: int) -> Progress:
    """The progress of one of several passes, as part of one stage."""

    def report(stage: str, done: float, total: float, note: str = "") -> None:
        progress("turn-ons", number * total + done, parts * total, note)

    return report


@command.command("turnon")
@_menu
@click.argument("names", metavar="NAME[,NAME...]")
@_samples
@click.option(
    "--against", help="As Jet_pt, Jet_pt[3], MET_pt [default: the offline object of the first leg]."
)
@click.option("--bins", help="Edges as 0,20,40, or LOW:HIGH:NUMBER [default: up to twice the threshold].")
@click.option("--process", "processes", multiple=True, help="Only this process; again for others.")
@click.option("--out", type=click.Path(path_type=Path), help="FILE.svg to draw.")
@_workers
@_json
def turnon(
    menu: str,
    names: str,
    samples: tuple[str, ...],
    against: str | None,
    bins: str | None,
    processes: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **scale_out: Any,
) -> None:
    """The efficiency of Level-1 items or lines against an offline quantity, before prescales.

    Example: nanosieve menu turnon atlas-2018 J100,jet_435 qcd.parquet --against Jet_pt --bins 0:600:30
    """
    loaded = load_menu(menu)
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    usual: tuple[str, Any] = ("", None)
    if not (against and bins):
        usual = usual_quantity(loaded, chosen[-1])
    if out is not None and out.suffix != ".svg":
        message = f"--out {str(out)!r} ends in {out.suffix!r}; accepted: .svg"
        raise SettingsError(message)
    with terminal_progress() as progress:
        curves = turn_on(
            loaded,
            chosen,
            samples,
            against=against or usual[0],
            edges=_edges(bins) if bins else usual[1],
            processes=processes,
            scorers=scorers_of(loaded, menu),
            **scale_out,
            progress=progress,
        )
    if out is not None:
        from nanosieve.report.turn_on import turn_on_chart

        chart = turn_on_chart(curves, title="Turn-on", axis=f"{curves[0].against} [GeV]")
        write_text(out, chart.panels[0])
    if as_json:
        echo_json({curve.name: _curve(curve) for curve in curves})
        return
    rows = []
    edges = curves[0].edges
    for b in range(len(edges) - 1):
        figures = [curve.figures()[b] for curve in curves]
        cells = ["–" if figure is None else figure.number() for figure in figures]
        rows.append([f"{edges[b]:g} – {edges[b + 1]:g}", f"{curves[0].effective_events[b]:,.0f}", *cells])
    header = [curves[0].against, "effective events", *(f"{curve.name} [%]" for curve in curves)]
    show_table("Efficiency, simulated", header, rows)


def _edges(text: str) -> list[float]:
    try:
        if ":" in text:
            low, high, number = text.split(":")
            return [float(x) for x in np.linspace(float(low), float(high), int(number) + 1)]
        return [float(part) for part in text.split(",")]
    except (ValueError, MemoryError) as error:
        message = f"--bins {text!r} is neither edges as 0,20,40 nor LOW:HIGH:NUMBER as 0:600:30"
        raise SettingsError(message) from error


def _curve(curve: TurnOn) -> dict[str, Any]:
    figures = [None if figure is None else figure.to_dict() for figure in curve.figures()]
    return {
        "against": curve.against,
        "edges": curve.edges.tolist(),
        "efficiency": figures,
        "effective_events": curve.effective_events.tolist(),
    }


@command.command("threshold")
@_menu
@click.argument("name")
@_samples
@click.option("--rate", required=True, help="Wanted, as '15 kHz', after prescales.")
@click.option("--leg", type=int, default=0, show_default=True, help="Number of the leg whose pT is set.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="FILE.yaml for the menu with it.")
@_conditions
@_workers
@_json
def threshold(
    menu: str,
    name: str,
    samples: tuple[str, ...],
    rate: str,
    leg: int,
    out: Path | None,
    as_json: bool,
    **conditions: Any,
) -> None:
    """The lowest pT threshold of a leg at which an item or a line fires at most at a wanted rate.

    Example: nanosieve menu threshold atlas-2018 MU20 minbias.parquet --rate '10 kHz'
    """
    loaded = load_menu(menu)
    with terminal_progress() as progress:
        found = threshold_for_rate(
            loaded,
            name,
            samples,
            rate,
            leg=leg,
            **conditions,
            scorers=scorers_of(loaded, menu),
            progress=progress,
        )
    if out is not None:
        write_menu(found.menu, out)
    if as_json:
        figures = {"threshold": found.threshold.to_dict(), "rate": found.rate.to_dict()}
        echo_json({"name": name, "leg": leg, **figures})
        return
    console.print(f"{name}, leg {leg}: pT > {found.threshold}")
    console.print(f"rate: {found.rate}")
    if out is not None:
        console.print(f"menu written to {out}", soft_wrap=True)


@command.command("fit")
@_menu
@_samples
@click.option("--rate", required=True, help="Of all lines together, as '1.5 kHz'.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="FILE.yaml to write.")
@click.option("--level", type=click.Choice(["l1", "hlt"]), default="hlt", show_default=True)
@click.option(
    "--by",
    type=click.Choice(["thresholds", "prescales"]),
    default="thresholds",
    show_default=True,
    help="What is multiplied by one factor.",
)
@click.option("--only", multiple=True, help="Line, item or category to change; again for others.")
@click.option("--step", type=float, default=0.1, show_default=True, help="GeV to round thresholds up to.")
@_conditions
@_workers
@_json
def fit(
    menu: str,
    samples: tuple[str, ...],
    rate: str,
    out: Path,
    level: Literal["l1", "hlt"],
    by: Literal["thresholds", "prescales"],
    only: tuple[str, ...],
    step: float,
    as_json: bool,
    **conditions: Any,
) -> None:
    """Scale the thresholds of a menu until all its lines together fit into a total rate.

    Example: nanosieve menu fit atlas-2018 minbias.parquet --rate '1 kHz' -o tighter.yaml
    """
    loaded = load_menu(menu)
    with terminal_progress() as progress:
        found = fit_menu(
            loaded,
            samples,
            rate,
            level=level,
            by=by,
            only=only,
            step=step,
            **conditions,
            scorers=scorers_of(loaded, menu),
            progress=progress,
        )
    write_menu(found.menu, out)
    if as_json:
        before, after = found.before.to_dict(), found.after.to_dict()
        echo_json({"factor": found.factor, "by": by, "before": before, "after": after, "menu": str(out)})
        return
    unit = found.before.figure.unit
    console.print(f"{by} × {found.factor:.4g}; total {found.before.number()} → {found.after.number()} {unit}")
    console.print(f"menu written to {out}", soft_wrap=True)
