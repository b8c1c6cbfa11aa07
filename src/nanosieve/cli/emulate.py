"""``nanosieve emulate``: the outputs of a compiled network for a sample of events."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import click
import numpy as np

from nanosieve._files import atomic_path
from nanosieve.cli._input_file import read_events
from nanosieve.cli._terminal import echo_json, terminal_progress
from nanosieve.compiler.emulate import Emulator
from nanosieve.compiler.graph import load_graph
from nanosieve.compiler.verification import read_design
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance

__all__ = ["command"]


@click.command("emulate", short_help="run a compiled network on events, bit for bit as the hardware")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("events", metavar="X", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    metavar="Y",
    required=True,
    type=click.Path(path_type=Path),
    help="Written: Y.npy of the only output, or Y.npz by output name; float64, in the units of the network.",
)
@click.option("--threads", type=click.IntRange(1), help="Default: one for each core.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(folder: Path, events: Path, out: Path, threads: int | None, as_json: bool) -> None:
    """Compute the outputs of a compiled design for a sample, with exactly the bits of its hardware.

    X holds the events: X.npy of the only input, X.npz by input name, or a sample (.parquet), in the units the
    network was trained in. NaN and infinity are refused.

    \b
    Example:
      nanosieve emulate out/tagger events.npy -o scores.npy
    """
    design = read_design(folder)
    graph = load_graph(design.path / "graph.json")
    accepted = (".npy", ".npz") if len(graph.outputs) == 1 else (".npz",)
    if out.suffix not in accepted:
        message = (
            f"--out {str(out)!r} ends in {out.suffix!r}; {len(graph.outputs)} outputs "
            f"({', '.join(graph.outputs)}) are written as {' or '.join(accepted)}"
        )
        raise SettingsError(message)
    inputs = read_events(events, graph)
    start = time.perf_counter()
    with terminal_progress() as progress:
        outputs = Emulator(graph, threads=threads)(inputs, progress=progress)
    seconds = time.perf_counter() - start
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        if out.suffix == ".npz":
            np.savez(file, **outputs)  # type: ignore[arg-type]  # its flags are no output names
        else:
            np.save(file, next(iter(outputs.values())))
    count = len(next(iter(outputs.values())))
    machine = platform.processor() or platform.machine()
    rate = Figure(count / seconds, "events/s", Provenance.MEASURED, source=machine)
    if as_json:
        shapes = {name: list(array.shape) for name, array in outputs.items()}
        echo_json(
            {
                "design": design.name,
                "events": count,
                "outputs": shapes,
                "file": str(out),
                "rate": rate.to_dict(),
            }
        )
        return
    click.echo(f"{design.name}: {count:,} events at {rate}, start-up included; {out}")
