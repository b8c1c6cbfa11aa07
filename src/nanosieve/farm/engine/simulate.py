"""Farms simulated and summed up, one or many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nanosieve.errors import SettingsError
from nanosieve.executor import run_tasks
from nanosieve.farm.engine.batches import BATCHES
from nanosieve.farm.engine.farm import Farm
from nanosieve.farm.engine.history import trace_farm
from nanosieve.farm.engine.result import FarmRun
from nanosieve.farm.engine.sources import Source
from nanosieve.farm.engine.summary import summarise

__all__ = ["QUANTILES", "simulate_farm", "sweep"]

QUANTILES = (0.5, 0.9, 0.99, 0.999)
"""Probabilities of the latencies where the user says nothing."""


def simulate_farm(
    farm: Farm,
    source: Source,
    *,
    duration: float | str,
    warm_up: float = 0.1,
    seed: int = 0,
    batches: int = BATCHES,
    quantiles: tuple[float, ...] = QUANTILES,
) -> FarmRun:
    """Simulate a farm.

    Events arrive for `duration`; then the farm is emptied, so that every event has a fate and slow ones are
    not left out. Everything that depends on time is measured between warm-up and `duration`.

    Args:
        farm: what to simulate.
        source: of events.
        duration: in s, or with a unit.
        warm_up: share of it that is not measured.
        seed: same seed, same result; other farms with the same seed meet the same events.
        batches: for the errors.
        quantiles: probabilities of the latencies.

    Raises:
        SettingsError: a setting out of range, no events, or more than `MOST_EVENTS`.
        InvariantError: conservation or Little's law is broken, a defect of the engine.
    """
    if not all(0 < p < 1 for p in quantiles):
        message = f"run: quantiles = {quantiles!r}; accepted: probabilities between 0 and 1"
        raise SettingsError(message)
    history = trace_farm(farm, source, duration=duration, warm_up=warm_up, seed=seed, batches=batches)
    return summarise(farm, history, seed, quantiles)


def sweep(
    runs: Sequence[tuple[Farm, Source]],
    *,
    duration: float | str,
    warm_up: float = 0.1,
    seed: int = 0,
    batches: int = BATCHES,
    quantiles: tuple[float, ...] = QUANTILES,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[int, FarmRun]]:
    """Simulate many farms and yield ``(place, run)`` as they finish; all meet the same chance.

    Args:
        runs: farms with their sources.
        duration, warm_up, seed, batches, quantiles: as in `simulate_farm`.
        workers, scheduler: as in `nanosieve.executor.run_tasks`.
    """
    settings = {
        "duration": duration,
        "warm_up": warm_up,
        "seed": seed,
        "batches": batches,
        "quantiles": quantiles,
    }
    tasks = [(farm, source, settings) for farm, source in runs]
    yield from run_tasks(_one, tasks, workers=workers, scheduler=scheduler)


def _one(task: tuple[Farm, Source, dict[str, Any]]) -> FarmRun:
    farm, source, settings = task
    return simulate_farm(farm, source, **settings)
