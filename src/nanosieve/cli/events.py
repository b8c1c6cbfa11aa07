"""``nanosieve events``: make, list, convert and show collision samples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.physics.events.adc2021 import convert_adc2021
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.make import MakeResult, make_sample
from nanosieve.physics.events.merge import merge_sample
from nanosieve.physics.events.recipe import COCKTAILS, known_processes, load_recipe
from nanosieve.physics.events.sample import Sample, read_sample
from nanosieve.physics.events.trigger_sample import TriggerSample, is_trigger_sample, open_trigger_sample
from nanosieve.units import magnitude

__all__ = ["command"]


@click.group("events")
def command() -> None:
    """Make or convert collision samples."""


@command.command("make")
@click.argument("processes", metavar="PROCESS[,PROCESS...]")
@click.option("-n", "--events", type=int, required=True, help="Events after the lepton filter, per process.")
@click.option("--energy", default="13TeV", show_default=True, help="Centre-of-mass energy.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="FILE.parquet to write.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same events.")
@click.option("--pileup", type=float, metavar="MU", help="Bunch crossings with this mean pile-up, no filter.")
@click.option("--detector", default="cms", show_default=True, help="With --pileup: cms or atlas.")
@click.option(
    "--pileup-mode",
    default="objects",
    show_default=True,
    type=click.Choice(["objects", "overlay"]),
    help="With --pileup: what the high-level trigger sees of it; Level-1 always sees all of it.",
)
@click.option(
    "--filling",
    default="lhc-2544-48b",
    show_default=True,
    help="With --pileup: scheme of the filled bunches.",
)
@click.option(
    "--pool", type=int, default=20_000, show_default=True, help="Minimum-bias collisions to draw from."
)
@click.option("--workers", type=int, help="Local processes; default one per core.")
@click.option("--scheduler", metavar="ADDR", help="Dask scheduler to use instead, tcp://host:8786.")
@click.option("--shard", metavar="I/N", help="Make only the I-th of N parts; 'events merge' follows.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def make(
    processes: str,
    events: int,
    energy: str,
    out: Path,
    pileup: float | None,
    detector: str,
    pileup_mode: str,
    filling: str,
    pool: int,
    seed: int,
    workers: int | None,
    scheduler: str | None,
    shard: str | None,
    as_json: bool,
) -> None:
    """Generate collisions with Pythia 8 and write them as one sample.

    PROCESS is a name from 'events list', a cocktail, or the path of a recipe in YAML; PROCESS:NUMBER has
    its own number of events. A cocktail splits -n over its processes. An interrupted run is continued by
    the same command.

    With --pileup the events are bunch crossings with the objects of both trigger levels, for 'menu rates'.

    \b
    Examples: nanosieve events make sm,h0 -n 10000 -o sm.parquet
              nanosieve events make trigger -n 50000 --pileup 52 -o crossings.parquet
    """
    common: dict[str, Any] = {
        "energy": magnitude(energy, "GeV", name="energy"),
        "seed": seed,
        "workers": workers,
        "scheduler": scheduler,
        "shard": _shard(shard),
    }
    with terminal_progress() as progress:
        if pileup is None:
            result = make_sample(processes, events, out, **common, progress=progress)
        else:
            crossings: dict[str, Any] = {
                "pileup": pileup,
                "detector": detector,
                "mode": pileup_mode,
                "filling": filling,
                "pool": pool,
            }
            result = make_trigger_sample(processes, events, out, **crossings, **common, progress=progress)
    if not result.complete:
        _show_partial(result, as_json)
        return
    _show_complete(result, as_json)
    if result.reused and not as_json:
        console.print(f"{result.path} is there already, made with the same settings: re-used")
    elif result.shards_found and not as_json:
        console.print(f"{result.shards_found} finished shards of an earlier run were re-used")


@command.command("merge")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def merge(file: Path, as_json: bool) -> None:
    """Merge the shards that jobs with --shard have made into the sample FILE.

    FILE is the -o of those jobs. Nothing is generated: where shards are missing, the jobs to run again are
    named. The sample is the same, to the last byte, as one made in one go.

    \b
    Example:
      nanosieve events make sm -n 10000 -o sm.parquet --shard 1/2
      nanosieve events make sm -n 10000 -o sm.parquet --shard 2/2
      nanosieve events merge sm.parquet
    """
    with terminal_progress() as progress:
        result = merge_sample(file, progress=progress)
    _show_complete(result, as_json)
    if result.reused and not as_json:
        console.print(f"{result.path} is complete already")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_processes(as_json: bool) -> None:
    """List the processes and cocktails.

    Example: nanosieve events list
    """
    recipes = [load_recipe(name) for name in known_processes()]
    if as_json:
        cocktails = {name: dict(parts) for name, parts in COCKTAILS.items()}
        echo_json({"processes": {r.name: r.model_dump(mode="json") for r in recipes}, "cocktails": cocktails})
        return
    show_table("Processes", ["name", "process"], [[r.name, r.title] for r in recipes])
    for name, parts in COCKTAILS.items():
        mixture = ", ".join(f"{process} {100 * fraction:.1f} %" for process, fraction in parts.items())
        source = " (published, arXiv:2107.02157)" if name == "sm" else ""
        console.print(f"cocktail {name}: {mixture}{source}")


@command.command("convert")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="FILE.parquet to write.")
@click.option("--process", help="Name for the events; default is the name of the file.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def convert(file: Path, out: Path, process: str | None, as_json: bool) -> None:
    """Convert a published ADC2021 file (HDF5) to a sample.

    Example: nanosieve events convert Ato4l_lepFilter_13TeV.h5 -o a4l.parquet
    """
    sample = convert_adc2021(file, out, process=process)
    if as_json:
        echo_json(_as_json(sample, out))
    else:
        _show(sample, out)


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(file: Path, as_json: bool) -> None:
    """Show the processes of a sample: events, cross sections, efficiencies, weights.

    Example: nanosieve events show sm.parquet
    """
    sample = _open(file)
    if as_json:
        echo_json(_as_json(sample, file))
    else:
        _show(sample, file)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if match is None:
        message = f"--shard {text!r} is not of the form i/n; give for example 1/4"
        raise SettingsError(message)
    return int(match[1]), int(match[2])


def _show_partial(result: MakeResult, as_json: bool) -> None:
    if as_json:
        echo_json(
            {
                "path": str(result.path),
                "complete": False,
                "shards_made": result.shards_made,
                "shards_found": result.shards_found,
                "shards_missing": result.shards_missing,
            }
        )
        return
    console.print(
        f"{result.shards_made} shards made, {result.shards_found} found; "
        f"{result.shards_missing} still missing. "
        f"When none is missing: nanosieve events merge {result.path}",
        soft_wrap=True,
    )


def _show_complete(result: MakeResult, as_json: bool) -> None:
    sample = _open(result.path)
    if as_json:
        echo_json(_as_json(sample, result.path) | {"reused": result.reused})
    else:
        _show(sample, result.path)


def _open(path: Path) -> Sample | TriggerSample:
    return open_trigger_sample(path) if is_trigger_sample(path) else read_sample(path)


def _as_json(sample: Sample | TriggerSample, path: Path) -> dict[str, Any]:
    crossings = {}
    if isinstance(sample, TriggerSample):
        crossings = {"pileup": sample.pileup, "pileup_mode": sample.pileup_mode, "detector": sample.detector}
    return crossings | {
        "path": str(path),
        "complete": True,
        "events": len(sample),
        "energy": {"value": sample.energy, "unit": "GeV"},
        "seed": sample.seed,
        "versions": sample.versions,
        "processes": {
            name: {figure: value.to_dict() for figure, value in summary.figures().items()}
            for name, summary in sample.processes.items()
        },
    }


def _show(sample: Sample | TriggerSample, path: Path) -> None:
    def text(figure: Figure | None) -> str:
        return figure.number() if figure is not None else "not stated"

    columns = {"events": "events", "effective_events": "effective", "cross_section": "σ [pb]"}
    title = f"{path}: {sample.energy / 1000:g} TeV, seed {sample.seed}, simulated"
    if isinstance(sample, TriggerSample):
        columns |= {"weight_sum": "Σ weights [pb]"}
        title += f", pile-up {sample.pileup:g} ({sample.pileup_mode}), detector {sample.detector}"
    else:
        columns |= {"filter_efficiency": "filter [%]", "weight_sum": "after filter [pb]"}
    rows = []
    for name, summary in sample.processes.items():
        figures = summary.figures()
        rows.append([name, *(text(figures.get(column)) for column in columns)])
    show_table(title, ["process", *columns.values()], rows)
