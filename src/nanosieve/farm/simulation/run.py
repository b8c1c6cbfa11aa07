"""Designs simulated under scenarios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nanosieve.executor import run_tasks
from nanosieve.farm.cost import Utilisation, farm_cost
from nanosieve.farm.designs import Design, demand
from nanosieve.farm.engine import FarmRun, simulate_farm
from nanosieve.farm.engine.checks import quantity, whole
from nanosieve.farm.simulation.extent import EVENTS, extent
from nanosieve.farm.simulation.result import CAUSES, DesignRun, scaled
from nanosieve.farm.simulation.scenario import Scenario
from nanosieve.farm.simulation.stages import Keep
from nanosieve.farm.simulation.translate import as_engine
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress, silent

__all__ = ["simulate_design", "simulate_designs"]

BACKLOGS = {"builder": "event building", "farm": "queue", "output": "output"}
"""Part of the farm → cause of the losses where its backlog does not fit."""
FEW = 10.0
"""Failures of nodes in a run from which on losses by them are counted, and not worked out."""


def simulate_design(
    design: Design,
    *,
    scenario: Scenario | None = None,
    seconds: float | str | None = None,
    seed: int = 1,
    events: int = EVENTS,
    keep: Keep | None = None,
) -> DesignRun:
    """Simulate `design`, the whole farm or as much of it as `events` arrivals allow.

    Args:
        design: the farm.
        scenario: its conditions [default: as planned].
        seconds: of arrivals, in s or with a unit [default: nine mean times of the slowest class of events].
        seed: same seed, same result.
        events: that should arrive; more of the farm is simulated where `extent` asks for it.
        keep: as in `as_engine`.

    Raises:
        SettingsError: a setting out of range, or more events than a run holds.
        UnknownNameError: names in `keep`, or a workload that is not there any more.
    """
    scenario = scenario or Scenario()
    part = extent(design, scenario, _checked(seconds, seed, events), events)
    farm, source, share = as_engine(design, scenario, nodes=part.nodes, keep=keep)
    run = simulate_farm(farm, source, duration=part.seconds, warm_up=part.warm_up, seed=seed)
    dead_time = run.dead_time if design.hardware_trigger else None
    live = dead_time.live if dead_time else Figure(100.0, "%", Provenance.SIMULATED)
    used = {name: min(each.occupancy.value / 100, 1.0) for name, each in run.resources.items()}
    utilisation = Utilisation(used["slots"], used.get("accelerators", 0.0))
    spared = _spared(run)
    return DesignRun(
        design=design,
        scenario=scenario,
        extent=part,
        share=share,
        run=run,
        dead_time=dead_time,
        input_rate=demand(design, rate=scenario.rate).input_rate,
        losses=_losses(design, run, live),
        live=live,
        undecided=scaled(_fate(run, "force-accepted"), live.value / 100),
        processed={name: scaled(_decided(fates), spared["farm"]) for name, fates in run.classes.items()},
        kept={name: scaled(each, spared["farm"] * spared["output"]) for name, each in run.kept.items()},
        latency=run.latency,
        utilisation=utilisation,
        growth={name: scaled(run.growth[name], 1 / share) for name in run.unstable},
        excess={
            name: run.offered.value / share * (1 - 1 / load)
            for name, load in run.overloaded.items()
            if name != "output"
        },
        cost=farm_cost(design, utilisation=utilisation),
    )


def simulate_designs(
    tasks: Sequence[tuple[Design, Scenario]],
    *,
    seconds: float | str | None = None,
    seed: int = 1,
    events: int = EVENTS,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> Iterator[tuple[int, DesignRun]]:
    """Simulate many and yield ``(place, run)`` as they finish.

    Args:
        tasks: designs with their scenarios.
        seconds, seed, events: as in `simulate_design`.
        workers, scheduler: as in `nanosieve.executor.run_tasks`.
        progress: told of every run.

    Raises:
        SettingsError: as `simulate_design`.
    """
    settings = {"seconds": _checked(seconds, seed, events), "seed": seed, "events": events}
    places = [(*task, settings) for task in tasks]
    progress("simulate", 0, len(tasks))
    for done, (place, run) in enumerate(run_tasks(_one, places, workers=workers, scheduler=scheduler), 1):
        progress("simulate", done, len(tasks), run.design.name)
        yield place, run


def _checked(seconds: float | str | None, seed: int, events: int) -> float | None:
    """`seconds` as a number."""
    whole(seed, name="seed", least=0)
    whole(events, name="events", least=1000)
    if seconds is None:
        return None
    return quantity(seconds, "s", name="seconds", example="60 s", zero=False)


def _one(task: tuple[Design, Scenario, Mapping[str, object]]) -> DesignRun:
    design, scenario, settings = task
    return simulate_design(design, scenario=scenario, **settings)  # type: ignore[arg-type]


def _fate(run: FarmRun, name: str) -> Figure:
    """% of the events with a fate; of one that was not seen, no more is known than to one event."""
    return run.fates.get(name, Figure(0.0, "%", Provenance.SIMULATED, error=100 / run.events))


def _losses(design: Design, run: FarmRun, live: Figure) -> dict[str, Figure]:
    """Cause → % of what the trigger wants; those behind it are lost of the live ones only.

    A backlog that grows counts as a loss: that many are lost once its buffer is full.
    """
    found = {"dead time": Figure(100 - live.value, "%", Provenance.SIMULATED, error=live.error)}
    for cause, fate in CAUSES.items():
        if not fate:
            continue
        lost = _by_failures(design, run) if cause == "failures" else _fate(run, fate)
        part = next((part for part, where in BACKLOGS.items() if where == cause), "")
        if part in run.unstable:
            grown = scaled(run.growth[part], 100 / run.offered.value, "%")
            error = math.hypot(grown.error or 0.0, lost.error or 0.0)
            lost = replace(grown, value=max(grown.value, 0.0) + lost.value, error=error)
        found[cause] = scaled(lost, live.value / 100)
    return found


def _spared(run: FarmRun) -> dict[str, float]:
    """Part of the events that growing backlogs leave: into the farm, and of those decided, to storage."""
    grown = {part: max(run.growth[part].value, 0.0) for part in run.unstable}
    stored = run.output_rate.value + grown.get("output", 0.0)
    before = grown.get("builder", 0.0) + grown.get("farm", 0.0)
    return {
        "farm": 1 - before / run.offered.value,
        "output": 1 - grown.get("output", 0.0) / stored if stored else 1.0,
    }


def _by_failures(design: Design, run: FarmRun) -> Figure:
    """% lost by failing nodes: counted, or the mean time on a node over its MTBF where they are rare."""
    failures = design.failures
    if failures is None:
        return Figure(0.0, "%", Provenance.ESTIMATED, source="nodes do not fail")
    if run.farm.nodes.count * run.duration / failures.mtbf >= FEW:
        return _fate(run, "lost: failure")
    on_nodes = run.in_farm.value - run.waiting.value
    mean = on_nodes / run.offered.value / failures.mtbf
    return Figure(100 * mean, "%", Provenance.ESTIMATED, source="mean time on a node over its MTBF")


def _decided(fates: Mapping[str, Figure]) -> Figure:
    """Accepted and rejected, in %; of 100 %, the error is that of the rest."""
    rest = [each for name, each in fates.items() if name not in ("accepted", "rejected")]
    error = sum((each.error or 0.0) ** 2 for each in rest) ** 0.5
    return Figure(100 - sum(each.value for each in rest), "%", Provenance.SIMULATED, error=error)
