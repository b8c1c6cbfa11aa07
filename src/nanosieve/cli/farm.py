"""``nanosieve farm``: designs of trigger farms, what they ask for and what they cost."""

from __future__ import annotations

from typing import Any

import click
from rich.markup import escape

from nanosieve.cli._farm_tables import cost_as_json, show_costs, show_design
from nanosieve.cli._terminal import echo_json, show_table
from nanosieve.errors import SettingsError
from nanosieve.farm.cost import Utilisation, farm_cost
from nanosieve.farm.designs import demand, design_text, known_designs, load_design

__all__ = ["command"]

_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group("farm")
def command() -> None:
    """Designs of trigger farms: list, show, cost.

    A DESIGN is a name from 'farm list' or a YAML file. To make your own, copy one
    ('farm show NAME --yaml > mine.yaml') and change what differs.
    """


@command.command("list")
@_json
def list_designs(as_json: bool) -> None:
    """List the designs that come with nanosieve.

    Example: nanosieve farm list
    """
    designs = [load_design(name) for name in known_designs()]
    if as_json:
        echo_json({design.name: {"title": design.title, "source": design.source} for design in designs})
        return
    rows = []
    for design in designs:
        asked = demand(design)
        accelerators = (
            f"{design.accelerators.kind}, {design.accelerators.attached}" if design.accelerators else "–"
        )
        rate = f"{asked.input_rate / 1e3:,.0f}"
        row = [design.name, design.title, accelerators, rate, f"{design.nodes.count:,}", f"{asked.nodes:.0%}"]
        rows.append([escape(cell) for cell in row])
    header = ["name", "title", "accelerators", "in [kHz]", "nodes", "CPU load"]
    show_table("Farm designs", header, rows, left=3)


@command.command("show")
@click.argument("design")
@click.option(
    "--yaml", "as_yaml", is_flag=True, help="Print the YAML of a design of nanosieve, to be copied."
)
@_json
def show(design: str, as_yaml: bool, as_json: bool) -> None:
    """Show a design: its parts with the trust of each number, and the load that it puts on them.

    \b
    Example:
      nanosieve farm show gpu-in-node
      nanosieve farm show gpu-in-node --yaml > mine.yaml
    """
    if as_yaml:
        click.echo(design_text(design), nl=False)
        return
    loaded = load_design(design)
    if as_json:
        echo_json(loaded.model_dump(mode="json"))
    else:
        show_design(loaded)


@command.command("cost")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@click.option("--utilisation", type=float, help="Busy part of nodes and accelerators [default: mean demand].")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the draws within the bands.")
@_json
def cost(designs: tuple[str, ...], utilisation: float | None, seed: int, as_json: bool) -> None:
    """Total cost of ownership, power and energy, with the bands of all inputs carried through.

    Costs are in million USD over the run period of each design: the median, and the interval of the
    central 90 %. The last table says which inputs make the spread.

    \b
    Example:
      nanosieve farm cost cpu-2018 gpu-in-node
      nanosieve farm cost mine.yaml --json
    """
    if seed < 0:
        message = f"--seed {seed} is negative; write for example 1"
        raise SettingsError(message)
    given = None if utilisation is None else Utilisation(utilisation, utilisation)
    loaded = [load_design(name) for name in designs]
    costs = [farm_cost(design, utilisation=given, seed=seed) for design in loaded]
    if as_json:
        document: dict[str, Any] = {found.design: cost_as_json(found, costs[0]) for found in costs}
        echo_json({"designs": document, "reference": costs[0].design, "seed": seed})
        return
    show_costs(loaded, costs)
