"""Make a sample: shards in parallel, found again after a kill, merged when all are there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._files import output_folder
from nanosieve._require import require
from nanosieve.errors import InputFileError, NanosieveError, OutputError, SettingsError
from nanosieve.executor import run_tasks
from nanosieve.physics.events._request import keep_request, remove_request, shards_to_make
from nanosieve.physics.events._shards import (
    Shard,
    ShardTotals,
    is_finished,
    make_shard,
    plan,
    read_totals,
    settings_digest,
    versions,
)
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.recipe import Recipe, expand, load_recipe
from nanosieve.physics.events.sample import (
    ProcessSummary,
    Sample,
    read_metadata,
    sample_suffix,
    write_sample,
)
from nanosieve.progress import Progress, silent

__all__ = ["MakeResult", "check_request", "make_sample", "remove_parts", "run_shards"]

LOWEST_ENERGY, HIGHEST_ENERGY = 500.0, 200_000.0  # GeV


@dataclass(frozen=True)
class MakeResult:
    """What `make_sample` did.

    Attributes:
        path: the sample; it exists if `complete`.
        reused: the sample was there already, made with the same settings.
        shards_made, shards_found: shards generated now, and finished ones from before.
        shards_missing: shards that other `--shard` jobs still have to make; 0 if `complete`.
    """

    path: Path
    complete: bool
    reused: bool
    shards_made: int
    shards_found: int
    shards_missing: int


def make_sample(
    processes: str,
    events: int,
    path: str | Path,
    *,
    energy: float = 13_000.0,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    shard: tuple[int, int] | None = None,
    only_merge: bool = False,
    progress: Progress = silent,
) -> MakeResult:
    """Generate collisions and write one sample.

    The content depends on `processes`, `events`, `energy`, `seed` and the versions of Pythia, fastjet and
    NumPy only. Finished shards lie in the folder ``PATH.parts`` until the sample is complete, so that the
    same call after an interruption does only what is missing.

    Args:
        processes: names, recipe files and cocktails, separated by commas.
        events: events after the filter, for each process; a cocktail gets this number as a whole.
        path: ends in ``.parquet``; an older sample with other settings is replaced.
        energy: centre-of-mass energy in GeV.
        seed: 0 or more.
        workers, scheduler: as `run_tasks`.
        shard: (i, n) makes only the i-th of n parts of the shards, 1 ≤ i ≤ n, and does not merge.
        only_merge: makes no shard; see `merge_sample`.

    Raises:
        SettingsError, UnknownNameError: a wrong argument or recipe.
        OutputError: the place cannot be written to, or holds something else.
        SampleError: with `only_merge`, shards that are missing.
        ToolError: Pythia cannot generate the process.
    """
    path = sample_suffix(path)
    recipes, numbers = _requested(processes, events)
    check_request(energy, seed, workers, shard)
    energy = round(float(energy), 6)  # '13 TeV' and 13000 are to be the same, to the last bit
    folder = output_folder(path.parent)
    digests = {r.name: settings_digest(r, energy, seed) for r in recipes}
    if _already_there(path, numbers, digests, energy, seed):
        remove_parts(path)
        return MakeResult(path, True, True, 0, 0, 0)

    parts = output_folder(folder.absolute() / f"{path.name}.parts")  # workers may stand elsewhere
    shards = [s for r in recipes for s in plan(r, energy, seed, numbers[r.name], parts)]
    if not only_merge:
        keep_request(parts, "collisions", {
            "processes": processes, "events": events, "energy": energy, "seed": seed,
        }, shard)  # fmt: skip
    mine = shards_to_make(shards, shard, only_merge)
    try:
        made = run_shards(
            make_shard, mine, stage="events", workers=workers, scheduler=scheduler, progress=progress
        )
    except NanosieveError:
        _remove_if_empty(parts)
        raise
    missing = sum(not is_finished(s) for s in shards)
    result = MakeResult(path, shard is None, False, made, len(mine) - made, missing)
    if shard is None:
        write_sample(_merged(recipes, shards, numbers, energy, seed), path)
        remove_parts(path)
    return result


def _requested(processes: str, events: int) -> tuple[list[Recipe], dict[str, int]]:
    requested = expand(processes, events)
    recipes = [load_recipe(name) for name in requested]
    numbers = dict(zip((r.name for r in recipes), requested.values(), strict=True))
    if len(numbers) != len(recipes):
        message = f"two recipes in {processes!r} have the same name; rename one of them in its YAML file"
        raise SettingsError(message)
    for recipe in recipes:
        detector_named(recipe.detector)
        if recipe.event_file is not None:
            message = (
                f"recipe {recipe.name!r} takes its events from {recipe.event_file.name!r}, which only bunch "
                "crossings do; give --pileup, for example --pileup 52"
            )
            raise SettingsError(message)
    require("pythia8mc", extra="events", purpose="event generation")
    return recipes, numbers


def check_request(energy: float, seed: int, workers: int | None, shard: tuple[int, int] | None) -> None:
    """Check what every sample is asked with.

    Raises:
        SettingsError: a value out of its domain.
    """
    if not LOWEST_ENERGY <= energy <= HIGHEST_ENERGY:
        message = (
            f"the energy is {energy:g} GeV; accepted: {LOWEST_ENERGY:g} to {HIGHEST_ENERGY:g} GeV, "
            "for example --energy 13TeV"
        )
        raise SettingsError(message)
    if seed < 0:
        message = f"the seed is {seed}; give 0 or more"
        raise SettingsError(message)
    if workers is not None and workers < 1:
        message = f"the number of workers is {workers}; give 1 or more"
        raise SettingsError(message)
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        message = f"shard {shard[0]}/{shard[1]} does not exist; give i/n with 1 ≤ i ≤ n, for example 1/4"
        raise SettingsError(message)


def _already_there(
    path: Path, numbers: dict[str, int], digests: dict[str, str], energy: float, seed: int
) -> bool:
    """Whether `path` is this very sample.

    Raises:
        OutputError: something stands there that is no sample; it is not overwritten.
    """
    if not path.exists():
        return False
    try:
        stored = read_metadata(path)
    except InputFileError as error:
        message = f"{str(path)!r} exists and is not a sample ({error}); remove it or choose another -o"
        raise OutputError(message) from error
    return (
        stored["request"] == numbers
        and {name: data["digest"] for name, data in stored["processes"].items()} == digests
        and (stored["energy"], stored["seed"]) == (energy, seed)
    )


def remove_parts(path: Path) -> None:
    """Remove the shards of a sample that is complete, and what a killed merge has left."""
    shutil.rmtree(path.with_name(f"{path.name}.parts"), ignore_errors=True)
    for leftover in path.parent.glob(f".{path.name}.*.part"):  # of a merge that was killed
        leftover.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    remove_request(folder)
    with suppress(OSError):
        folder.rmdir()


def run_shards(
    function: Callable[[Any], tuple[str, int]],
    mine: Sequence[Any],
    *,
    stage: str,
    workers: int | None,
    scheduler: str | None,
    progress: Progress,
) -> int:
    """Make those of the shards that are not on disk yet.

    Args:
        function: makes a shard; gives the name of its process and the number of its events.
        mine: all shards of this call, with ``path`` and ``events``.
        stage: what progress calls the events.
        workers, scheduler: as `run_tasks`.

    Returns:
        How many were made now.
    """
    to_do = [s for s in mine if not s.path.is_file()]
    total = sum(s.events for s in mine)
    found = total - sum(s.events for s in to_do)
    done = found
    start = time.monotonic()
    progress(stage, done, total, f"{len(mine) - len(to_do)} finished shards found" if found else "starting")
    finished = run_tasks(
        function, to_do, workers=workers, scheduler=scheduler, name=lambda shard: str(shard.path.name)
    )
    for place, (name, number) in finished:
        if not to_do[place].path.is_file():
            message = (
                f"a worker has written {str(to_do[place].path)!r}, which is not seen here; choose an -o in a "
                "folder that all machines share"
            )
            raise OutputError(message)
        done += number
        rate = (done - found) / max(time.monotonic() - start, 1e-9)
        progress(stage, done, total, f"{rate:.0f} {stage}/s, last: {name}")
    return len(to_do)


def _merged(
    recipes: list[Recipe], shards: list[Shard], numbers: dict[str, int], energy: float, seed: int
) -> Sample:
    awkward = require("awkward", extra="events", purpose="merging shards")
    parquet = require("pyarrow.parquet", extra="events", purpose="merging shards")
    groups, summaries = [], {}
    for recipe in recipes:
        own = [s for s in shards if s.recipe.name == recipe.name]
        totals = reduce(add, (read_totals(s.path) for s in own))
        tables = [parquet.read_table(s.path).replace_schema_metadata(None) for s in own]
        events = awkward.concatenate([awkward.from_arrow(table) for table in tables])
        if totals.cross_section is None:
            message = (
                f"the shards of {recipe.name!r} hold no cross section: the first of them is damaged; "
                f"remove the folder {str(own[0].path.parent)!r} and make the sample again"
            )
            raise InputFileError(message)
        events["genWeight"] = events["genWeight"] * (totals.cross_section / totals.weight)
        groups.append(events)
        summaries[recipe.name] = _summary(recipe, totals, events, settings_digest(recipe, energy, seed))
    return Sample(awkward.concatenate(groups), summaries, float(energy), seed, numbers, versions())


def _summary(recipe: Recipe, totals: ShardTotals, events: Any, digest: str) -> ProcessSummary:
    efficiency = totals.passing / totals.weight
    # ratio estimate: var(Σx/Σw) = Σ(x - εw)² / (Σw)²
    spread = (
        totals.passing_squared
        - 2 * efficiency * totals.passing_times_weight
        + efficiency**2 * totals.weight_squared
    )
    return ProcessSummary(
        name=recipe.name,
        title=recipe.title,
        events=totals.events,
        generated=totals.generated,
        cross_section=totals.cross_section or 0.0,
        cross_section_error=totals.cross_section_error or 0.0,
        filter_efficiency=efficiency,
        filter_efficiency_error=float(np.sqrt(max(spread, 0.0))) / totals.weight,
        effective_events=totals.passing**2 / totals.passing_squared,
        weight_sum=float(np.sum(np.asarray(events["genWeight"]))),
        recipe=recipe.model_dump(mode="json"),
        digest=digest,
    )
