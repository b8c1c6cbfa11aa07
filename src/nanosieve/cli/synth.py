"""``nanosieve synth``: the resources of a design, synthesised with Yosys."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._terminal import echo_json, show_table, terminal_progress
from nanosieve.compiler.synthesis import Resources, Synthesis, synthesize
from nanosieve.devices import RESOURCES, UNITS

__all__ = ["command"]


@click.command("synth", short_help="synthesise a compiled design with Yosys and count its resources")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--device", help="FPGA or card, see 'nanosieve devices'; default that of the design.")
@click.option("--workers", type=click.IntRange(1), help="Yosys processes at a time; default one per core.")
@click.option(
    "--time-limit", type=float, default=3600.0, show_default=True, help="Seconds for one Yosys process."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(folder: Path, device: str | None, workers: int | None, time_limit: float, as_json: bool) -> None:
    """Synthesise a compiled design with Yosys and count what its netlist holds, layer by layer.

    Every layer is synthesised for itself; results are kept in DIR/synth, so that an interrupted run goes
    on where it was and an unchanged layer costs nothing. Yosys counts, but does not place and route.

    \b
    Example:
      nanosieve synth out/tagger
      nanosieve synth out/tagger --device alveo-u50 --json
    """
    with terminal_progress() as progress:
        result = synthesize(folder, device=device, workers=workers, time_limit=time_limit, progress=progress)
    if as_json:
        echo_json(result.to_dict())
        return
    _show(result)


def _show(result: Synthesis) -> None:
    header = ["layer", *(UNITS[resource] for resource in RESOURCES), "CARRY4", "levels"]
    rows = [
        [
            "between layers" if module.name == result.design else module.name,
            *_numbers(module.resources),
            module.logic_levels.number(),
        ]
        for module in result.modules
    ]
    rows.append(["total", *_numbers(result.resources), ""])
    for title, percent in (
        (f"% of {result.device.name}", result.percent_of_device),
        ("% of the usable share", result.percent_of_usable),
    ):
        rows.append([title, *(percent(resource).number() for resource in RESOURCES), "", ""])
    source = result.resources.lut.source
    show_table(f"{result.design} on {result.device.name}: synthesised with {source}", header, rows)
    if result.device.architecture == "Versal":
        click.echo("Yosys knows no Versal: the counts are those of an UltraScale+ netlist")
    fits = "fits" if result.fits else "does not fit"
    click.echo(
        f"{fits} into {100 * result.share:g} % of the usable part of {result.device.name} "
        "(levels: LUTs and carry chains on the longest path inside a layer)"
    )


def _numbers(resources: Resources) -> list[str]:
    return [getattr(resources, name).number() for name in (*RESOURCES, "carry4")]
