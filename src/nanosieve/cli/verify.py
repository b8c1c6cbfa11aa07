"""``nanosieve verify``: proof that framework, graph, RTL and netlist of a design agree."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._input_file import read_arrays, read_events
from nanosieve.cli._options import by_layer, sample_options
from nanosieve.cli._terminal import echo_json, show_table, terminal_progress
from nanosieve.compiler.design import load
from nanosieve.compiler.graph import load_graph
from nanosieve.compiler.synthesis import netlist_design
from nanosieve.compiler.verification import read_design, verify

__all__ = ["command"]


@click.command("verify", short_help="prove that framework, graph and RTL agree, value by value")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--vectors",
    type=click.IntRange(0),
    show_default="20,000 over the interval in cycles, 200 or more",
    help="Number of random vectors.",
)
@click.option(
    "--input",
    "events",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Events: X.npy of the model's input, X.npz by input name, or a sample (.parquet).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random vectors.")
@click.option("--netlist", is_flag=True, help="Synthesise the design and simulate its netlist as well.")
@click.option(
    "--weights",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="Load the weights of this network, of the same shape, into a design compiled with --reloadable.",
)
@sample_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    folder: Path,
    vectors: int | None,
    events: Path | None,
    seed: int,
    netlist: bool,
    weights: Path | None,
    calibrate: Path | None,
    precision: tuple[str, ...],
    per_channel: bool,
    as_json: bool,
) -> None:
    """Compare the trained model, the fixed-point graph and the simulated Verilog of a compiled design.

    Every value of every vector must agree, and every vector must come out after exactly the stated
    latency, back to back as well as with gaps in `valid` and resets. With --netlist the same holds for
    what Yosys makes of the Verilog (a second for 100 LUTs, once). A design compiled with --axi is also sent
    vectors through its AXI4-Stream wrapper, with stalls on both sides. The first difference ends the
    command with code 1 and names layer, element, event and both values. Golden vectors and a Verilog
    test bench are left in DIR/golden.

    \b
    Example:
      nanosieve verify out/tagger
      nanosieve verify out/tagger --input sample.parquet --vectors 100000
      nanosieve verify out/tagger --netlist
      nanosieve verify out/tagger --weights retrained.keras
    """
    design = read_design(folder)
    inputs = read_events(events, load_graph(design.path / "graph.json")) if events else None
    with terminal_progress() as progress:
        also = (netlist_design(folder, progress=progress),) if netlist else ()
        other = None
        if weights is not None:
            sample = None if calibrate is None else read_arrays(calibrate, "calibration sample")
            types = by_layer(precision) or None
            other = load(weights, calibrate=sample, precision=types, per_channel=per_channel)
        result = verify(
            folder, inputs, random=vectors, seed=seed, also=also, weights=other, progress=progress
        )
    if as_json:
        echo_json({"design": design.name, "verification": result.to_dict(), "golden": str(result.golden)})
        return
    stages = " = ".join({"rtl": "RTL", "axi": "AXI4-Stream"}.get(stage, stage) for stage in result.stages)
    show_table(
        f"{design.name}: {stages}",
        ["vectors", "compared", "differences"],
        [
            *([kind, f"{count:,}", "0"] for kind, count in result.vectors.items()),
            *([f"again {how}", f"{count:,}", "0"] for how, count in result.again.items()),
        ],
    )
    for output, figures in result.measured.items():
        how = ", ".join(f"{kind} {figure.number()}" for kind, figure in figures.items())
        click.echo(f"{output}: difference from the trained model {how} ({figures['rms'].source})")
    if "framework" not in result.stages and not result.measured:
        click.echo("DIR holds no model file: the framework was not compared")
    if events is None:
        click.echo("no --input: random and corner vectors only, no events")
    click.echo(f"latency {design.latency_cycles} cycles on every vector; golden vectors in {result.golden}")
