"""``nanosieve compile``: model file → Verilog design."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress

__all__ = ["command"]


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
    print_graph: bool,
    as_json: bool,
) -> None:
    """Turn MODEL (.keras, HGQ2) into a fixed-point graph and a Verilog design.

    Example: nanosieve compile tagger.keras -o out/tagger --latency 100ns --device xcvu9p --share 0.25
    """
    from nanosieve.compiler.design import compile, load
    from nanosieve.compiler.hardware import Budget

    budget = Budget(every=every, latency=latency, clock=clock, device=device, share=share)
    with terminal_progress() as progress:
        design = compile(load(model), budget, out=out, progress=progress)
    if print_graph and not as_json:
        console.print(str(design.graph), markup=False, highlight=False)
    figures = {"timing": design.timing, "resources": design.hardware.estimate}
    if as_json:
        rows = {kind: {k: f.to_dict() for k, f in row.items()} for kind, row in figures.items()}
        echo_json({"design": str(design.folder), "budget": asdict(budget), **rows})
        return
    table = [[name, str(figure)] for row in figures.values() for name, figure in row.items()]
    show_table(f"{design.graph.name} on {device}", ["", "figure"], table)
    console.print(
        f"design written to {design.folder}; next: nanosieve verify {design.folder}", soft_wrap=True
    )
