"""The grid behind the interactive page: every design at every combination of rate, pile-up, nodes, "
"time-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np

from nanosieve.farm.cost import bill, inputs
from nanosieve.farm.designs import Design
from nanosieve.farm.impact import DesignInputs, ImpactEvents, Losses, design_inputs, physics_kept
from nanosieve.farm.simulation import DesignRun, Scenario, simulate_designs
from nanosieve.figure import Figure
from nanosieve.progress import Progress
from nanosieve.studies.farms.physics import affordable, merit
from nanosieve.studies.farms.settings import COMPARED, Axes, Settings
from nanosieve.studies.farms.simulation import losses_in
from nanosieve.studies.study import StudyOptions

__all__ = ["GRID_AXES", "make_grid"]

GRID_AXES = ("rate", "pileup", "nodes", "time_out")
"""In the order of the values: the last runs fastest."""


@dataclass(frozen=True)
class _Task:
    name: str
    design: Design
    scenario: Scenario


@dataclass(frozen=True)
class _Read:
    """What the grid needs of a run: lost in %, kW, million USD at each price."""

    losses: Losses
    lost: float
    stable: bool
    power: float
    cost: list[float]


def make_grid(
    designs: Mapping[str, Design],
    shares: Mapping[str, Mapping[str, Figure]],
    events: ImpactEvents,
    settings: Settings,
    options: StudyOptions,
    progress: Progress,
) -> dict[str, Any]:
    """The grid as JSON: ``axes``, and for each design flat lists over `GRID_AXES`.

    These are ``physics`` (at one output rate, relative to the reference as planned), ``lost`` (%),
    ``stable``, ``power`` (kW), and ``cost`` (MUSD, a list over the prices at each point).

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
    found = physics_kept(inputs_of_all, events, seed=options.seed, replicas=2)
    kept = [merit(impact).value for impact in found.designs.values()]
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
            "physics": [round(value, 5) for value in kept[part]],
            "lost": [each.lost for each in read[part]],
            "stable": [each.stable for each in read[part]],
            "power": [each.power for each in read[part]],
            "cost": [each.cost for each in read[part]],
        }
    return grid


def _task(design: Design, point: tuple[float, ...]) -> _Task:
    rate, pileup, nodes, time_out = point
    count = max(1, round(nodes * design.nodes.count))
    more = design.model_copy(update={"nodes": design.nodes.model_copy(update={"count": count})})
    return _Task(design.name, more, Scenario(rate=rate, pileup=pileup, time_out=time_out))


def _inputs(task: _Task, losses: Losses, output_rate: float, name: str) -> DesignInputs:
    plain = design_inputs(task.design, losses)
    level1 = None if plain.level1_rate is None else plain.level1_rate * task.scenario.rate
    return replace(plain, name=name, level1_rate=level1, output_rate=output_rate)


def _read(run: DesignRun, places: tuple[float, ...]) -> _Read:
    """Cost with all prices at each of the `places` within their bands, everything else in its middle."""
    bands = inputs(run.design)
    places_of_all = np.array(places)
    values = {
        name: band.low * (band.high / band.low) ** places_of_all
        if name.startswith("price of ")
        else np.full(len(places), band.middle)
        for name, band in bands.items()
    }
    paid = bill(run.design, run.utilisation, values)
    return _Read(
        losses_in(run),
        round(run.lost.value, 4),
        run.verdict() == "stable",
        round(float(paid.power[0]), 3),
        [round(float(usd) / 1e6, 5) for usd in paid.total],
    )
