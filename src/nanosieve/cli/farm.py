"""``nanosieve farm``: designs of trigger farms, what they cost and lose, and how long a network takes."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from nanosieve._files import write_text
from nanosieve._yaml import SUFFIXES
from nanosieve.cli._farm_measure import measure_all, measure_one, show_profile
from nanosieve.cli._farm_runs import show_runs
from nanosieve.cli._farm_tables import cost_as_json, show_costs, show_design
from nanosieve.cli._terminal import echo_json, show_table, terminal_progress
from nanosieve.errors import SettingsError
from nanosieve.farm.cost import Utilisation, farm_cost
from nanosieve.farm.designs import demand, design_text, known_designs, load_design
from nanosieve.farm.measurement import known_profiles, load_profile, times_of_profile, workload_text
from nanosieve.farm.simulation import EVENTS, Scenario, simulate_designs
from nanosieve.units import magnitude

__all__ = ["command"]

_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group("farm")
def command() -> None:
    """Designs of trigger farms: list, show, cost, simulate, measure.

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


@command.command("simulate")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@click.option(
    "--rate", "rates", type=float, multiple=True, help="Input over the planned one; again for more."
)
@click.option("--nodes-lost", type=float, default=0.0, help="Fraction of the nodes that are gone, as 0.1.")
@click.option("--pileup", type=float, help="Collisions in a crossing, for the service times.")
@click.option(
    "--time-out", "time_outs", multiple=True, help='As "30 s", instead of the design\'s; again for more.'
)
@click.option(
    "--times", type=float, default=0.5, help="Place within the bands of service times: 0 lower, 1 upper edge."
)
@click.option("--seconds", type=float, help="Simulated [default: until the slowest events are settled].")
@click.option(
    "--events", type=int, default=EVENTS, show_default=True, help="A part of the farm gets so many."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed meets the same events.")
@click.option("--workers", type=click.IntRange(1), help="Processes [default: one per core].")
@click.option("--scheduler", help="Address of a Dask scheduler to use instead.")
@_json
def simulate(
    designs: tuple[str, ...],
    rates: tuple[float, ...],
    nodes_lost: float,
    pileup: float | None,
    time_outs: tuple[str, ...],
    times: float,
    seconds: float | None,
    events: int,
    seed: int,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Simulate designs event by event, side by side: losses by cause, latency, occupancy, power, cost.

    Every design meets every --rate and every --time-out. A farm too large for that many events is
    simulated in part, and the output says so. A farm that cannot keep up is named with its growth.

    \b
    Example:
      nanosieve farm simulate cpu-2018 gpu-in-node service
      nanosieve farm simulate gpu-in-node --rate 1 --rate 1.5 --rate 2
      nanosieve farm simulate mine.yaml --nodes-lost 0.1 --json
    """
    loaded = [load_design(name) for name in designs]
    limits = [
        None if text is None else magnitude(text, "s", name="--time-out") for text in time_outs or (None,)
    ]
    tasks = [
        (design, Scenario(rate, nodes_lost, pileup, limit, times))
        for design, rate, limit in product(loaded, rates or (1.0,), limits)
    ]
    with terminal_progress() as progress:
        found = dict(
            simulate_designs(
                tasks,
                seconds=seconds,
                seed=seed,
                events=events,
                workers=workers,
                scheduler=scheduler,
                progress=progress,
            )
        )
    runs = [found[place] for place in sorted(found)]
    if as_json:
        echo_json({"runs": [{"design": run.design.name, **run.to_dict()} for run in runs], "seed": seed})
        return
    show_runs(runs)


@command.command("measure")
@click.argument("model", metavar="MODEL|NETWORK[,NETWORK...]|all")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Written, YAML.")
@click.option(
    "--design",
    "designs",
    metavar="[NETWORK=]FOLDER",
    multiple=True,
    help="Compiled from it, for the FPGA time; again for other networks or devices.",
)
@click.option("--name", help="Of the workload or profile [default: that of the file, or of the machine].")
@click.option("--batch", type=int, default=1, show_default=True, help="Of a MODEL: events of a call.")
@click.option("--repeats", type=int, default=1000, show_default=True, help="Of a MODEL: calls that count.")
@click.option("--threads", help="Of networks: as 1,2,4 [default: 1, 2, 4 … and all cores].")
@click.option("--batches", default="1,4,64,1024", show_default=True, help="Of networks: events of a call.")
@click.option(
    "--budget-minutes", type=float, default=8.0, show_default=True, help="Of networks: for all calls."
)
def measure(
    model: str,
    out: Path,
    designs: tuple[str, ...],
    name: str | None,
    batch: int,
    repeats: int,
    threads: str | None,
    batches: str,
    budget_minutes: float,
) -> None:
    """Measure how long networks take: one of your own, as a workload, or those of the studies, as a profile.

    MODEL is an ONNX file, timed in ONNX Runtime on one thread of this CPU and on a GPU where one is
    present; or the folder of a compiled design, whose emulator is timed. The time on an FPGA follows from
    the cycles and the clock of a compiled design. Written is a workload.

    NETWORK is one of the studies' ('farm networks' lists them), with random weights; 'all' means every one.
    They are timed on the CPU with several threads and batches, on a GPU that JAX sees in several precisions,
    and on FPGAs from their designs. Written is a device profile for 'farm profile'. It asks nothing and ends
    in about --budget-minutes.

    \b
    Example:
      nanosieve farm measure tagger.onnx --design out/tagger -o tagger.yaml
      nanosieve farm measure all -o this-machine.yaml
    """
    if out.suffix not in SUFFIXES:
        message = f"--out {str(out)!r} ends in {out.suffix!r}; a workload or profile is written as .yaml"
        raise SettingsError(message)
    if Path(model).suffix == ".onnx" or Path(model).exists():
        measure_one(Path(model), out, designs, name, batch, repeats)
    else:
        measure_all(model, out, designs, name or "", threads, batches, budget_minutes)


@command.command("networks")
@_json
def networks(as_json: bool) -> None:
    """List the networks of the studies that 'farm measure' knows.

    Example: nanosieve farm networks
    """
    from nanosieve.studies.timed_networks import TIMED_NETWORKS

    if as_json:
        echo_json({n: {"title": t.title, "reference": t.reference} for n, t in TIMED_NETWORKS.items()})
        return
    rows = [[name, network.title, network.reference] for name, network in TIMED_NETWORKS.items()]
    show_table("Networks of the studies", ["name", "network", "reference"], rows, left=3)


@command.command("profile")
@click.argument("profile", required=False)
@click.option("--network", "network", help="Of the profile, with --workload.")
@click.option("--batch", type=int, default=1, show_default=True, help="Events of a call, with --workload.")
@click.option("--workload", type=click.Path(path_type=Path), help="Write the times of --network, YAML.")
@_json
def profile(
    profile: str | None, network: str | None, batch: int, workload: Path | None, as_json: bool
) -> None:
    """Show a device profile as the table of arXiv:2307.05152, CPU, GPU and FPGA cards side by side.

    PROFILE is a name, or a file of 'farm measure'; without one the profiles of nanosieve are listed. With
    --network and --workload the times are written as a workload for a farm design.

    \b
    Example:
      nanosieve farm profile
      nanosieve farm profile this-machine.yaml --network jets-dense --workload jets.yaml
    """
    if profile is None:
        found = [load_profile(name) for name in known_profiles()]
        if as_json:
            echo_json({each.name: each.model_dump(mode="json", exclude={"networks"}) for each in found})
            return
        rows = [[p.name, str(p.date), p.machine.processor, p.machine.gpu or "–"] for p in found]
        show_table("Device profiles", ["name", "date", "processor", "GPU"], rows, left=4)
        return
    loaded = load_profile(profile)
    if (network is None) != (workload is None):
        message = "--network and --workload belong together; give both, or none for the table"
        raise SettingsError(message)
    if network is not None and workload is not None:
        times = times_of_profile(loaded, network, batch=batch)
        write_text(workload, workload_text(network, times, title=loaded.networks[network].title))
        click.echo(f"written: {workload}")
    elif as_json:
        echo_json(loaded.model_dump(mode="json", exclude_defaults=True))
    else:
        show_profile(loaded)
