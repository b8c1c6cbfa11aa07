"""``nanosieve compile``: model file → Verilog design."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nanosieve.cli._input_file import read_arrays
from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress
from nanosieve.errors import SettingsError

__all__ = ["command"]

SHOWN = 3
"""Quantisers that can overflow which are listed on the terminal."""


@click.command(name="compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Folder of the design [default: out/NAME]."
)
@click.option("--every", default="25 ns", show_default=True, help="Time between two events.")
@click.option("--latency", default="1 us", show_default=True, help="Time from input to decision.")
@click.option("--clock", default="200 MHz", show_default=True, help="Clock of the design.")
@click.option("--device", default="xcvu9p", show_default=True, help="FPGA or card; see `nanosieve devices`.")
@click.option("--share", default=1.0, show_default=True, help="Part of the usable resources, 0 to 1.")
@click.option(
    "--calibrate",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="For a float model: a sample of events, X.npy, or X.npz by input name.",
)
@click.option(
    "--precision",
    metavar="[LAYER=]TYPE",
    multiple=True,
    help="For a float model: fixed<W,I>, or fixed<W> to choose I from the sample [default: fixed<16,6>]; "
    "again for single layers, as dense_1=fixed<8,3> or dense_1.kernel=fixed<6,1>.",
)
@click.option("--per-channel", is_flag=True, help="Choose the binary points of kernels by output channel.")
@click.option(
    "--layer",
    "layers",
    metavar="NAME=HOW",
    multiple=True,
    help="How to build a layer: unrolled, slots:P,Q,R (P positions, one of Q parts of the columns and "
    "one of R parts of the inputs at a time; R may be left out), slots:P,Q,R,packed (two products in a DSP "
    "slice), cells:N,Q (copies of a recurrent cell, parts of its state); again for "
    "other layers.",
)
@click.option(
    "--beats",
    metavar="INPUT=P",
    multiple=True,
    help="Positions of an input that enter in a cycle, 0 for all [default: what the interval allows for "
    "inputs of many bits].",
)
@click.option(
    "--minimise",
    type=click.Choice(["balanced", "lut", "dsp"]),
    default="balanced",
    show_default=True,
    help="Which resource counts most; balanced: each as scarce as on the device.",
)
@click.option(
    "--refine",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Synthesise so many of the cheapest plans with Yosys and take the smallest.",
)
@click.option("--no-dsp", is_flag=True, help="Build all products from LUTs.")
@click.option("--axi", is_flag=True, help="Also write an AXI4-Stream wrapper with back-pressure, into axi/.")
@click.option("--vhdl", is_flag=True, help="Also write a VHDL component and an instance of it, into vhdl/.")
@click.option(
    "--vendor",
    is_flag=True,
    help="Also write Vivado and Vitis scripts, untested here, into vendor/, and what --axi writes.",
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
        graph = load(model, calibrate=sample, precision=_by_layer(precision) or None, per_channel=per_channel)
        design = compile(
            graph,
            budget,
            out=out,
            layers=_pairs("--layer", layers),
            beats={name: _count(text) for name, text in _pairs("--beats", beats).items()},
            minimise=minimise,
            dsp=not no_dsp,
            refine=refine,
            integration=integration,
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


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE``, again and again."""
    pairs = [text.rpartition("=") for text in given]
    for (name, _, _), text in zip(pairs, given, strict=True):
        if not name:
            message = f"{option} takes NAME=VALUE, not {text!r}"
            raise SettingsError(message)
    return {name: value for name, _, value in pairs}


def _count(text: str) -> int:
    if not text.isdecimal():
        message = f"--beats takes INPUT=P with a whole number P, not {text!r}"
        raise SettingsError(message)
    return int(text)


def _by_layer(options: tuple[str, ...]) -> str | dict[str, str]:
    """``TYPE`` alone, or with ``LAYER=TYPE`` as a mapping."""
    pairs = [option.rpartition("=") for option in options]
    if len(pairs) == 1 and not pairs[0][0]:
        return pairs[0][2]
    return {layer or "default": text for layer, _, text in pairs}
