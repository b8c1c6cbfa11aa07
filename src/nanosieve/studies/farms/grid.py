"""The grid behind the interactive page: every design at every combination of rate, pile-up, nodes, "
"time-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np

from nanosieve.farm.cost import Bill, bill, inputs
from nanosieve.farm.cost.cost import CONFIDENCE, draw
from nanosieve.farm.designs import Design
from nanosieve.farm.impact import DesignInputs, ImpactEvents, Losses, design_inputs, physics_kept
from nanosieve.farm.simulation import DesignRun, Scenario, simulate_designs
from nanosieve.figure import Figure
from nanosieve.progress import Progress
from nanosieve.studies.farms.assumptions import with_nodes
from nanosieve.studies.farms.physics import affordable, merit, merit_band
from nanosieve.studies.farms.settings import COMPARED, Axes, Settings
from nanosieve.studies.farms.simulation import losses_in
from nanosieve.studies.study import StudyOptions

__all__ = ["GRID_AXES", "make_grid"]

GRID_AXES = ("rate", "pileup", "nodes", "time_out")
"""In the order of the values: the last runs fastest."""
TRIALS = 1000
"""Of the bands of power and cost."""


@dataclass(frozen=True)
class _Task:
    name: str
    design: Design
    scenario: Scenario


@dataclass(frozen=True)
class _Read:
    """What the grid needs of a run: lost in %, kW, million USD at each price, with lower and upper edges."""

    losses: Losses
    lost: float
    stable: bool
    power: float
    power_band: list[float]
    cost: list[float]
    cost_band: list[list[float]]


def make_grid(
    designs: Mapping[str, Design],
    shares: Mapping[str, Mapping[str, Figure]],
    events: ImpactEvents,
    settings: Settings,
    options: StudyOptions,
    progress: Progress,
) -> dict[str, Any]:
    """The grid as JSON: ``axes``, and for each design flat lists over `GRID_AXES`.

    These are ``physics`` (at one output rate, relative to the reference as planned), its statistical
    ``error`` and ``physics_band`` (lower and upper edge of the gains of networks), ``lost`` (%), ``stable``,
    ``power`` (kW) with ``power_band``, and ``cost`` (MUSD, a list over the prices at each point) with
    ``cost_band``.
    Bands of power and cost are the central 90 % of all inputs but the prices, which the reader sets.

    Raises:
        SettingsError, SampleError: as simulation and physics do.
    """
    axes = settings.axes
    points = list(product(*(getattr(axes, name) for name in GRID_AXES)))
    tasks = [_task(design, point) for design in designs.values() for point in points]
    planned = [_Task(name, design, Scenario()) for name, design in list(designs.items())[:1]]
    done = simulate_designs(
        [(task.design, task.scenario) for task in (*planned, *tasks)],
        seed=options.seed,
        events=settings.grid_events,
        workers=options.workers,
        scheduler=options.scheduler,
        progress=progress,
    )
    seen = {place: _read(run, axes.price) for place, run in done}  # a run holds megabytes
    read = [seen[place] for place in sorted(seen)]
    rate = planned[0].design.output.rate
    inputs_of_all = [
        affordable(_inputs(task, each.losses, rate, str(place)), shares[task.name])
        for place, (task, each) in enumerate(zip((*planned, *tasks), read, strict=True))
    ]
    found = physics_kept(inputs_of_all, events, seed=options.seed, replicas=settings.grid_replicas)
    kept = [merit(impact) for impact in found.designs.values()]
    edges = [merit_band(impact) for impact in found.designs.values()]
    grid: dict[str, Any] = {
        "axes": {each.name: list(getattr(axes, each.name)) for each in fields(Axes)},
        "order": list(GRID_AXES),
        "designs": {},
    }
    for number, (name, design) in enumerate(designs.items()):
        part = slice(1 + number * len(points), 1 + (number + 1) * len(points))
        grid["designs"][name] = {
            "letter": COMPARED.get(name, name),
            "title": design.title,
            "nodes": design.nodes.count,
            "physics": [round(each.value, 5) for each in kept[part]],
            "error": [round(each.error or 0.0, 5) for each in kept[part]],
            "physics_band": [[round(edge, 5) for edge in each] for each in edges[part]],
            "lost": [each.lost for each in read[part]],
            "stable": [each.stable for each in read[part]],
            "power": [each.power for each in read[part]],
            "power_band": [each.power_band for each in read[part]],
            "cost": [each.cost for each in read[part]],
            "cost_band": [each.cost_band for each in read[part]],
        }
    return grid


def _task(design: Design, point: tuple[float, ...]) -> _Task:
    rate, pileup, nodes, time_out = point
    return _Task(
        design.name, with_nodes(design, nodes), Scenario(rate=rate, pileup=pileup, time_out=time_out)
    )


def _inputs(task: _Task, losses: Losses, output_rate: float, name: str) -> DesignInputs:
    plain = design_inputs(task.design, losses)
    level1 = None if plain.level1_rate is None else plain.level1_rate * task.scenario.rate
    return replace(plain, name=name, level1_rate=level1, output_rate=output_rate)


def _read(run: DesignRun, places: tuple[float, ...]) -> _Read:
    """Power, and cost with all prices at each of the `places` within their bands."""
    bands = inputs(run.design)
    prices = {name: band for name, band in bands.items() if name.startswith("price of ")}
    middles = {name: np.array([band.middle]) for name, band in bands.items()}
    drawn = {name: draw(band, name, 1, TRIALS) for name, band in bands.items()}
    cost: list[Bill] = []
    spread: list[Bill] = []
    for place in places:
        at = {name: band.low * (band.high / band.low) ** place for name, band in prices.items()}
        for values, found in ((middles, cost), (drawn, spread)):
            fixed = {name: np.full(len(values["pue"]), price) for name, price in at.items()}
            found.append(bill(run.design, run.utilisation, {**values, **fixed}))
    return _Read(
        losses_in(run),
        round(run.lost.value, 4),
        run.verdict() == "stable",
        round(float(cost[0].power[0]), 3),
        _central(spread[0].power, 3),
        [round(float(each.total[0]) / 1e6, 5) for each in cost],
        [_central(each.total / 1e6, 5) for each in spread],
    )


def _central(values: Any, digits: int) -> list[float]:
    """Edges of the central part that `CONFIDENCE` says."""
    tail = (1 - CONFIDENCE) / 2
    return [round(float(edge), digits) for edge in np.quantile(values, [tail, 1 - tail])]
