"""``nanosieve pareto``: what a network costs at which interval and latency, before anything is built."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._input_file import read_arrays
from nanosieve.cli._options import (
    budget_options,
    by_layer,
    by_name,
    counts,
    plan_options,
    sample_options,
    scale_out_options,
)
from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress

__all__ = ["command"]


@click.command("pareto", short_help="resources, latency and interval of a network, of which none is better")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the page [default: out/NAME].")
@budget_options(every="100 ns")
@sample_options
@plan_options
@scale_out_options("1: a process costs some seconds to start", default=1)
@click.option("--json", "as_json", is_flag=True, help="Print the points as JSON.")
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
    no_dsp: bool,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Search plans for MODEL at several intervals and show those of which no other is better in everything.

    The intervals are --every and shorter and longer ones. Costs are the analytic estimate; ``nanosieve
    compile`` builds the plan that you choose with --every and --latency.

    \b
    Example:
      nanosieve pareto tagger.keras --every 100ns --device xcvu9p
    """
    from nanosieve.compiler.design import load
    from nanosieve.compiler.hardware import Budget, DelayModel
    from nanosieve.compiler.hardware.fit import worth_of
    from nanosieve.compiler.hardware.once import Settings
    from nanosieve.compiler.hardware.pareto import pareto_front
    from nanosieve.compiler.hardware.plan import choice_of, text_of
    from nanosieve.compiler.passes import run_passes
    from nanosieve.report.front import front_chart
    from nanosieve.report.page import Picture, Section, write_report

    budget = Budget(every=every, latency=latency, clock=clock, device=device, share=share)
    settings = Settings(DelayModel(), budget.period_ns, dsp=not no_dsp)
    with terminal_progress() as progress:
        sample = None if calibrate is None else read_arrays(calibrate, "calibration sample")
        graph = load(model, calibrate=sample, precision=by_layer(precision) or None, per_channel=per_channel)
        graph = run_passes(graph)
        points = pareto_front(
            graph,
            budget,
            settings,
            fixed={name: choice_of(text) for name, text in by_name("--layer", layers).items()},
            beats=counts("--beats", beats),
            prices=worth_of(minimise, device),
            workers=workers,
            scheduler=scheduler,
            progress=progress,
        )
    rows = []
    for point in points:
        sketch, period = point.sketch, budget.period_ns
        figures = sketch.cost.figures()
        rows.append(
            {
                "interval_ns": sketch.interval * period,
                "latency_ns": sketch.latency * period,
                **{kind: figure.to_dict() for kind, figure in figures.items()},
                "plan": {name: text_of(choice) for name, choice in sketch.plan.layers.items()},
            }
        )
    if as_json:
        echo_json({"model": str(model), "device": device, "clock_mhz": budget.clock_mhz, "points": rows})
        return
    table = [
        [
            f"{point.sketch.interval * budget.period_ns:g}",
            f"{point.sketch.latency * budget.period_ns:g}",
            *(point.sketch.cost.figures()[kind].number() for kind in ("lut", "dsp")),
            f"{100 * point.share:.2g}",
            str(len(point.sketch.plan.layers)),
        ]
        for point in points
    ]
    columns = ["every [ns]", "latency [ns]", "LUT", "DSP", f"% of {device}", "layers shared"]
    show_table(f"{graph.name}, estimated; --json lists the plans", columns, table)
    folder = out if out is not None else Path("out") / graph.name
    chart = front_chart(points, title=graph.name, period_ns=budget.period_ns)
    caption = "Plans of which no other is better in resources, latency and interval together; estimated."
    page = write_report(folder / "pareto", f"{graph.name}: what it costs", [
        Section("The front", (Picture((chart,), caption),))
    ])  # fmt: skip
    console.print(f"figure written to {page}", soft_wrap=True)
