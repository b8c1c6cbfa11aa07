"""``nanosieve farm measure``: a file of the user's as a workload, networks of the studies as a profile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape

from nanosieve._files import write_text
from nanosieve.cli._terminal import console, show_table, terminal_progress
from nanosieve.errors import SettingsError
from nanosieve.farm.measurement import (
    COLUMNS,
    Cell,
    DeviceProfile,
    Subject,
    measure_networks,
    profile_text,
    published_cells,
    table_cells,
    time_of_design,
    times_of_onnx,
    workload_text,
)

__all__ = ["measure_all", "measure_one", "show_profile"]

TABLE_OF = "llp-cnn"
"""The network whose times the table was published for."""


def measure_one(
    model: Path, out: Path, designs: Sequence[str], name: str | None, batch: int, repeats: int
) -> None:
    """An ONNX file or a compiled design, as a workload."""
    if len(designs) > 1:
        message = f"--design is given {len(designs)} times; {model.name!r} takes one folder"
        raise SettingsError(message)
    found = []
    if model.is_dir():
        found += time_of_design(model, batch=batch, repeats=repeats)
    else:
        found += times_of_onnx(model, batch=batch, repeats=repeats)
    if designs:
        of_design = time_of_design(designs[0], emulate=False)
        found = [*(each for each in found if each.device != "fpga"), *of_design]
    own = re.sub(r"[^a-z0-9]+", "-", (name or model.stem).lower()).strip("-")
    write_text(out, workload_text(own, found))
    rows = [[each.device, f"{each.mean * 1e6:,.4g}", str(each.trust), escape(each.source)] for each in found]
    show_table(f"Time of an event, {own}", ["device", "mean [us]", "", "source"], rows, left=1)
    click.echo(f"written: {out}")


def measure_all(
    names: str,
    out: Path,
    designs: Sequence[str],
    name: str,
    threads: str | None,
    batches: str,
    minutes: float,
) -> None:
    """Networks of the studies, as a device profile."""
    from nanosieve.networks.onnx_export import to_onnx
    from nanosieve.studies.timed_networks import TIMED_NETWORKS, find_timed_network, parameters

    wanted = [*TIMED_NETWORKS] if names == "all" else [each.strip() for each in names.split(",")]
    found = {each: find_timed_network(each) for each in wanted}
    pairs = [tuple(text.split("=", 1)) for text in designs]
    for pair, text in zip(pairs, designs, strict=True):
        if len(pair) != 2:
            message = f"--design {text!r}: for networks of the studies write NETWORK=FOLDER"
            raise SettingsError(message)
    subjects = {}
    with terminal_progress() as progress:
        for done, (each, network) in enumerate(found.items()):
            progress("networks", done, len(found), each)
            model = network.build()
            subjects[each] = Subject(network.title, network.reference, to_onnx(model), parameters(model))
        progress("networks", len(found), len(found), "built, with random weights")
        profile = measure_networks(
            subjects,
            name=name,
            designs=[(pair[0], pair[1]) for pair in pairs],
            threads=_numbers("--threads", threads) if threads else (),
            batches=_numbers("--batches", batches),
            minutes=minutes,
            progress=progress,
        )
    write_text(out, profile_text(profile))
    show_profile(profile)
    click.echo(f"written: {out}")


def show_profile(profile: DeviceProfile) -> None:
    """The table, inference time and throughput with their errors, and what was not measured."""
    machine = profile.machine
    title = f"{profile.name}: {machine.processor}, {machine.cores} cores, GPU: {machine.gpu or 'none'}"
    rows: list[list[str]] = []
    reasons: dict[str, None] = {}
    for network, times in profile.networks.items():
        cells = table_cells(times)
        rows += _rows(network, cells)
        if network == TABLE_OF:
            rows += _rows("  published, arXiv:2307.05152", published_cells())
        for column in COLUMNS:
            if cells[column].time is None:
                reasons[f"{column}: {cells[column].how}"] = None
    show_table(title, ["network", "", *COLUMNS], rows, left=2)
    console.print(
        f"{profile.date}; time: of one event, with its standard deviation; throughput: the best of all "
        "batches, threads and precisions; CPU and GPU measured, the GPU with its transfers, FPGA estimated "
        f"from cycles and clock; load of the machine {machine.load_before:g} … {machine.load_after:g}",
        style="dim",
    )
    for reason in reasons:
        console.print(escape(f"– {reason}"), style="dim")


def _rows(name: str, cells: dict[str, Cell]) -> list[list[str]]:
    times = ["–" if cells[c].time is None else cells[c].time.number() for c in COLUMNS]  # type: ignore[union-attr]
    rates = [
        "–" if cells[c].throughput is None else cells[c].throughput.number()  # type: ignore[union-attr]
        for c in COLUMNS
    ]
    return [[name, "time [ms]", *times], ["", "throughput [1/s]", *rates]]


def _numbers(option: str, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        message = f"{option} takes whole numbers as 1,2,4, not {text!r}"
        raise SettingsError(message)
    return [int(part) for part in parts]
