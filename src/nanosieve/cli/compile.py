"""``nanosieve compile``: model file → Verilog design."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nanosieve.cli._input_file import read_arrays
from nanosieve.cli._options import budget_options, by_layer, by_name, counts, plan_options, sample_options
from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress

__all__ = ["command"]

AUTO = "auto"
"""In place of a type of weights."""

SHOWN = 3
"""Quantisers that can overflow which are listed on the terminal."""


@click.command(name="compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Folder of the design [default: out/NAME]."
)
@budget_options(every="25 ns")
@sample_options
@plan_options
@click.option(
    "--refine",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Synthesise so many of the cheapest plans with Yosys and take the smallest.",
)
@click.option("--axi", is_flag=True, help="Also write an AXI4-Stream wrapper with back-pressure, into axi/.")
@click.option("--vhdl", is_flag=True, help="Also write a VHDL component and an instance of it, into vhdl/.")
@click.option(
    "--vendor",
    is_flag=True,
    help="Also write Vivado and Vitis scripts, untested here, into vendor/, and what --axi writes.",
)
@click.option(
    "--reloadable",
    metavar="[LAYER=]TYPE",
    multiple=True,
    help="Keep kernels and biases where a write port can replace them, in fixed<W,I>, or with `auto` in "
    "the narrowest that holds those of each layer; again for single layers, as dense_1.kernel=fixed<8,2>.",
)
@click.option("--print-graph", is_flag=True, help="Print the fixed-point graph.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    model: Path,
    out: Path | None,
    every: str,
    latency: str,
    clock: str,
    device: str,
    share: float,
    calibrate: Path | None,
    precision: tuple[str, ...],
    per_channel: bool,
    layers: tuple[str, ...],
    beats: tuple[str, ...],
    minimise: str,
    refine: int,
    no_dsp: bool,
    axi: bool,
    vhdl: bool,
    vendor: bool,
    reloadable: tuple[str, ...],
    print_graph: bool,
    as_json: bool,
) -> None:
    """Turn MODEL into a fixed-point graph, a Verilog design and a C++ header.

    MODEL states its types (Keras with HGQ2 or QKeras, QONNX), takes them from a sample of events (float Keras
    and ONNX), or is a forest of decision trees (XGBoost .json or .ubj, LightGBM .txt, scikit-learn .skops).

    \b
    Example:
      nanosieve compile tagger.keras -o out/tagger --latency 100ns --device xcvu9p --share 0.25
      nanosieve compile float.keras --calibrate x.npy --precision "fixed<16,6>" --precision "out=fixed<8,3>"
      nanosieve compile trees.json --precision "fixed<12,6>"
    """
    from nanosieve.compiler.design import compile, load
    from nanosieve.compiler.graph import Overflow, overflows
    from nanosieve.compiler.hardware import Budget
    from nanosieve.compiler.hardware.plan import text_of

    chosen = {"axi": axi, "vhdl": vhdl, "vendor": vendor}
    integration = [kind for kind, wanted in chosen.items() if wanted]
    budget = Budget(every=every, latency=latency, clock=clock, device=device, share=share)
    with terminal_progress() as progress:
        sample = None if calibrate is None else read_arrays(calibrate, "calibration sample")
        graph = load(model, calibrate=sample, precision=by_layer(precision) or None, per_channel=per_channel)
        design = compile(
            graph,
            budget,
            out=out,
            layers=by_name("--layer", layers),
            beats=counts("--beats", beats),
            minimise=minimise,
            dsp=not no_dsp,
            refine=refine,
            integration=integration,
            reloadable=_weight_types(reloadable),
            progress=progress,
        )
    if print_graph and not as_json:
        console.print(str(design.graph), markup=False, highlight=False)
    figures = {"timing": design.timing, "resources": design.hardware.estimate}
    wraps = overflows(design.graph, Overflow.WRAP)
    if as_json:
        rows = {kind: {k: f.to_dict() for k, f in row.items()} for kind, row in figures.items()}
        warnings = {"overflow": [str(excess) for excess in wraps], "exact": design.graph.exact}
        echo_json(
            {
                "design": str(design.folder),
                "budget": asdict(budget),
                "plan": design.hardware.plan.to_dict(),
                **rows,
                **warnings,
            }
        )
        return
    table = [[name, str(figure)] for row in figures.values() for name, figure in row.items()]
    show_table(f"{design.graph.name} on {device}", ["", "figure"], table)
    shared = [[name, text_of(choice)] for name, choice in design.hardware.plan.layers.items()]
    if shared:
        show_table("shared in time", ["layer", "built as"], shared)
    for excess in wraps[:SHOWN]:
        click.echo(f"overflow: {excess}")
    if len(wraps) > SHOWN:
        click.echo(f"overflow: {len(wraps) - SHOWN} more quantisers can wrap; --json lists all")
    console.print(
        f"design written to {design.folder}; next: nanosieve verify {design.folder}", soft_wrap=True
    )


def _weight_types(options: tuple[str, ...]) -> bool | str | dict[str, str]:
    """What `compile` takes for the options ``--reloadable``; ``auto`` states no type."""
    if not options:
        return False
    given = by_layer(options)
    if isinstance(given, str):
        return True if given == AUTO else given
    return {name: text for name, text in given.items() if text != AUTO} or True
