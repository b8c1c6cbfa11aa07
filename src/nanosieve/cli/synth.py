"""``nanosieve synth``: the resources of a design, synthesised with Yosys."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._terminal import echo_json, show_table, terminal_progress
from nanosieve.compiler.synthesis import Resources, Route, Synthesis, prove_equivalent, route, synthesize
from nanosieve.devices import RESOURCES, UNITS
from nanosieve.errors import VerificationError
from nanosieve.progress import Progress

__all__ = ["command"]

LARGEST_PROOF, PROOF_SECONDS = 300, 20
"""LUTs of a module beyond which --prove does not try, and its time for one module."""


@click.command("synth", short_help="synthesise a compiled design with Yosys and count its resources")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--device", help="FPGA or card, see 'nanosieve devices'; default that of the design.")
@click.option("--workers", type=click.IntRange(1), help="Yosys processes at a time; default one per core.")
@click.option(
    "--time-limit", type=float, default=3600.0, show_default=True, help="Seconds for one Yosys process."
)
@click.option("--prove", is_flag=True, help="Prove RTL = netlist, for all inputs, of every small module.")
@click.option(
    "--route",
    "family",
    type=click.Choice(["ecp5"]),
    help="Place and route as well, on another family: a cross-check of the clock.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    folder: Path,
    device: str | None,
    workers: int | None,
    time_limit: float,
    prove: bool,
    family: str | None,
    as_json: bool,
) -> None:
    """Synthesise a compiled design with Yosys and count what its netlist holds, layer by layer.

    Every layer is synthesised for itself; results are kept in DIR/synth, so that an interrupted run goes
    on where it was and an unchanged layer costs nothing. Yosys counts, but does not place and route.

    With --prove a SAT solver compares each module of up to 300 LUTs with its netlist, 20 s at most for each:
    proven, undecided in that time, or different, which ends the command with code 1.

    With --route ecp5 the design is also synthesised in one piece for Lattice's ECP5, placed and routed with
    nextpnr. Its clock is that of an older family with smaller LUTs: it compares designs, no more.

    \b
    Example:
      nanosieve synth out/tagger
      nanosieve synth out/tagger --device alveo-u50 --json
      nanosieve synth out/tagger --prove
      nanosieve synth out/tagger --route ecp5
    """
    with terminal_progress() as progress:
        result = synthesize(folder, device=device, workers=workers, time_limit=time_limit, progress=progress)
        proofs = _prove(folder, result, progress) if prove else {}
        routed = route(folder, time_limit=time_limit, progress=progress) if family else None
    if as_json:
        document = result.to_dict()
        if prove:
            document["equivalence"] = proofs
        if routed:
            document["route"] = routed.to_dict()
        echo_json(document)
        return
    _show(result, proofs)
    if routed:
        _show_route(routed)


def _prove(folder: Path, result: Synthesis, progress: Progress) -> dict[str, str]:
    """Module → proven, undecided or too large.

    Raises:
        VerificationError: RTL and netlist of a module differ.
    """
    outcomes: dict[str, str] = {}
    for module in result.modules:
        progress("prove", len(outcomes), len(result.modules), module.name)
        if module.resources.lut.value > LARGEST_PROOF:
            outcomes[module.module] = "too large"
            continue
        proof = prove_equivalent(folder, module.module, device=result.device.name, time_limit=PROOF_SECONDS)
        if proof.outcome == "different":
            values = ", ".join(f"{name} {value[-1]}" for name, value in proof.counterexample.items())
            message = f"RTL and netlist of module {module.module!r} differ, for example at {values}"
            raise VerificationError(message)
        outcomes[module.module] = proof.outcome
    progress("prove", len(outcomes), len(result.modules))
    return outcomes


def _show(result: Synthesis, proofs: dict[str, str]) -> None:
    header = ["layer", *(UNITS[resource] for resource in RESOURCES), "CARRY4", "levels"]
    header += ["RTL = netlist"] if proofs else []
    rows = [
        [
            "between layers" if module.name == result.design else module.name,
            *_numbers(module.resources),
            module.logic_levels.number(),
            *([proofs[module.module]] if proofs else []),
        ]
        for module in result.modules
    ]
    empty = [""] if proofs else []
    rows.append(["total", *_numbers(result.resources), "", *empty])
    for title, percent in (
        (f"% of {result.device.name}", result.percent_of_device),
        ("% of the usable share", result.percent_of_usable),
    ):
        rows.append([title, *(percent(resource).number() for resource in RESOURCES), "", "", *empty])
    source = result.resources.lut.source
    show_table(f"{result.design} on {result.device.name}: synthesised with {source}", header, rows)
    if result.device.architecture == "Versal":
        click.echo("Yosys knows no Versal: the counts are those of an UltraScale+ netlist")
    fits = "fits" if result.fits else "does not fit"
    click.echo(
        f"{fits} into {100 * result.share:g} % of the usable part of {result.device.name} "
        "(levels: LUTs and carry chains on the longest path inside a layer)"
    )


def _show_route(routed: Route) -> None:
    cells = ", ".join(f"{figure.number()} {figure.unit}" for figure in routed.cells.values())
    click.echo(
        f"routed on {routed.device} ({routed.fmax_mhz.source}): {routed.fmax_mhz.number()} MHz with {cells}"
    )


def _numbers(resources: Resources) -> list[str]:
    return [getattr(resources, name).number() for name in (*RESOURCES, "carry4")]
