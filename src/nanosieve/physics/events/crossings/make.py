"""Make a trigger sample: a pool, shards of crossings in parallel, then one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nanosieve._files import output_folder
from nanosieve._require import require
from nanosieve.errors import InputFileError, OutputError, SettingsError, UnknownNameError
from nanosieve.executor import run_tasks
from nanosieve.physics.events._request import keep_request, shards_to_make
from nanosieve.physics.events.crossings.crossing import LOWEST_PTHAT, Conditions
from nanosieve.physics.events.crossings.event_files import EventIndex, parts
from nanosieve.physics.events.crossings.level1_settings import CALORIMETER_TRIGGERS
from nanosieve.physics.events.crossings.merge import Request, merge
from nanosieve.physics.events.crossings.pool import join_pools, read_pool, write_pool
from nanosieve.physics.events.crossings.shards import (
    CrossingShard,
    PoolShard,
    make_crossing_shard,
    make_pool_shard,
)
from nanosieve.physics.events.crossings.sources import index_events
from nanosieve.physics.events.crossings.stitching import PhaseSpace
from nanosieve.physics.events.make import MakeResult, check_request, remove_parts, run_shards
from nanosieve.physics.events.recipe import MINIMUM_BIAS, expand, load_recipe
from nanosieve.physics.events.sample import sample_suffix
from nanosieve.physics.events.trigger_sample import open_trigger_sample
from nanosieve.physics.filling import find_scheme
from nanosieve.progress import Progress, silent

__all__ = ["make_trigger_sample"]

POOL_SHARD = 1000
HIGHEST_PILEUP = 400.0
MODES = ("objects", "overlay")


def make_trigger_sample(
    processes: str,
    events: int,
    path: str | Path,
    *,
    pileup: float,
    energy: float = 13_000.0,
    detector: str = "cms",
    mode: str = "objects",
    filling: str = "lhc-2544-48b",
    pool: int = 20_000,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    shard: tuple[int, int] | None = None,
    only_merge: bool = False,
    progress: Progress = silent,
) -> MakeResult:
    """Generate crossings and write one trigger sample. An interrupted call is continued by the same call.

    Args:
        processes: names, recipe files and cocktails, separated by commas; ``name:1000`` asks for its own
            number.
        events: crossings of each process without a number; a cocktail gets this number as a whole.
        path: ends in ``.parquet``; an older sample with other settings is replaced.
        pileup: mean number μ of collisions per crossing.
        energy: centre-of-mass energy in GeV.
        detector: one with a Level-1 trigger, see `CALORIMETER_TRIGGERS`.
        mode, filling: see `Conditions`.
        pool: minimum-bias collisions that pile-up is drawn from.
        shard: (i, n) makes only the i-th of n parts of the shards and does not merge.
        only_merge: makes no shard; see `merge_sample`.

    Raises:
        SettingsError, UnknownNameError: a wrong argument or recipe.
        OutputError: the place cannot be written to, or holds something else.
        InputFileError: an event file is damaged.
        SampleError: an event file holds fewer usable events than are asked for, or its weights cancel; with
            `only_merge`, shards that are missing.
        ToolError: Pythia cannot generate the process.
    """
    path = sample_suffix(path)
    request = _checked(
        processes,
        events,
        energy,
        Conditions(detector, float(pileup), mode, filling),
        pool,
        seed,
        workers,
        shard,
    )
    folder = output_folder(path.parent)
    if _already_there(path, request):
        return MakeResult(path, True, True, 0, 0, 0)
    indices = {recipe.name: index_events(recipe, request.energy) for recipe in request.recipes}
    parts_of_it = folder.absolute() / f"{path.name}.parts"  # workers may stand elsewhere
    shards = _plan(request, parts_of_it, indices)
    output_folder(parts_of_it)
    mine = shards_to_make(shards, shard, only_merge)
    if not only_merge:
        keep_request(parts_of_it, "crossings", {
            "processes": processes, "events": events, "pileup": pileup, "energy": energy,
            "detector": detector, "mode": mode, "filling": filling, "pool": pool, "seed": seed,
        }, shard)  # fmt: skip
        _make_pool(request, parts_of_it, workers, scheduler, progress)
    made = run_shards(
        make_crossing_shard, mine, stage="crossings", workers=workers, scheduler=scheduler, progress=progress
    )
    missing = sum(not s.path.is_file() for s in shards)
    if shard is None:
        merge(request, shards, indices, path, progress)
        remove_parts(path)
    return MakeResult(path, shard is None, False, made, len(mine) - made, missing)


def _checked(
    processes: str,
    events: int,
    energy: float,
    conditions: Conditions,
    pool: int,
    seed: int,
    workers: int | None,
    shard: tuple[int, int] | None,
) -> Request:
    check_request(energy, seed, workers, shard)
    pileup, mode = conditions.pileup, conditions.mode
    if not 0 < pileup <= HIGHEST_PILEUP:
        message = f"the pile-up is {pileup:g}; accepted: above 0 up to {HIGHEST_PILEUP:g}, for example 52"
        raise SettingsError(message)
    if pool < 10 * pileup:
        message = f"a pool of {pool} is small for a pile-up of {pileup:g}; give at least {10 * pileup:.0f}"
        raise SettingsError(message)
    if mode not in MODES:
        message = f"the pile-up mode is {mode!r}; accepted: {', '.join(MODES)}"
        raise SettingsError(message)
    if conditions.detector not in CALORIMETER_TRIGGERS:
        raise UnknownNameError.among("trigger detector", conditions.detector, CALORIMETER_TRIGGERS)
    find_scheme(conditions.filling)
    require("pythia8mc", extra="events", purpose="event generation")
    numbers = expand(processes, events)
    recipes = tuple(load_recipe(name) for name in numbers)
    for recipe in recipes:
        if recipe.part_of_minimum_bias and PhaseSpace.of(recipe).lowest < LOWEST_PTHAT:
            message = f"recipe {recipe.name!r}: PhaseSpace:pTHatMin must be at least {LOWEST_PTHAT:g}"
            raise SettingsError(message)
    named = dict(zip((r.name for r in recipes), numbers.values(), strict=True))
    if len(named) != len(recipes):
        message = f"two recipes in {processes!r} have the same name; rename one of them in its YAML file"
        raise SettingsError(message)
    minimum_bias = load_recipe(MINIMUM_BIAS)
    return Request(recipes, named, minimum_bias, round(float(energy), 6), conditions, pool, seed)


def _already_there(path: Path, request: Request) -> bool:
    """Whether `path` is this very sample.

    Raises:
        OutputError: something stands there that is no trigger sample; it is not overwritten.
    """
    if not path.exists():
        return False
    try:
        sample = open_trigger_sample(path)
    except InputFileError as error:
        message = f"{str(path)!r} exists and is no trigger sample ({error}); remove it or choose another -o"
        raise OutputError(message) from error
    digests = {recipe.name: request.digest(recipe) for recipe in request.recipes}
    return (
        sample.request == request.numbers
        and {name: process.digest for name, process in sample.processes.items()} == digests
    )


def _make_pool(
    request: Request, folder: Path, workers: int | None, scheduler: str | None, progress: Progress
) -> None:
    path = _pool_path(request, folder)
    if path.is_file():
        return
    tasks = []
    for index, first in enumerate(range(0, request.pool, POOL_SHARD)):
        number = min(POOL_SHARD, request.pool - first)
        part = path.with_name(f"{path.stem}-{index:04d}.npz")
        tasks.append(
            PoolShard(
                request.minimum_bias,
                request.energy,
                request.conditions.detector,
                request.seed,
                index,
                number,
                part,
            )
        )
    to_do = [task for task in tasks if not task.path.is_file()]
    done = request.pool - sum(task.events for task in to_do)
    progress("pile-up pool", done, request.pool, "minimum-bias collisions")
    made = run_tasks(
        make_pool_shard, to_do, workers=workers, scheduler=scheduler, name=lambda task: str(task.path.name)
    )
    for _, number in made:
        done += number
        progress("pile-up pool", done, request.pool, "minimum-bias collisions")
    try:
        write_pool(join_pools([read_pool.__wrapped__(task.path) for task in tasks]), path)
    except FileNotFoundError:
        if not path.is_file():  # else another job of the same sample was faster, and has cleared up
            raise
    for task in tasks:
        task.path.unlink(missing_ok=True)


def _pool_path(request: Request, folder: Path) -> Path:
    return folder / f"pool-{request.digest(request.minimum_bias)}.npz"


def _plan(request: Request, folder: Path, indices: Mapping[str, EventIndex | None]) -> list[CrossingShard]:
    shards = []
    for recipe in request.recipes:
        digest, number = request.digest(recipe), request.numbers[recipe.name]
        size = 4 * recipe.events_per_shard
        sizes = [min(size, number - first) for first in range(0, number, size)]
        found = indices[recipe.name]
        cut = parts(found, recipe, sizes) if found is not None else [None] * len(sizes)
        of = "" if found is None else f"of{number}"  # which events of the file it takes hangs on it
        for index, (events, part) in enumerate(zip(sizes, cut, strict=True)):
            path = folder / f"{recipe.name}-{digest}-{index:05d}-{events}{of}.parquet"
            shards.append(CrossingShard(
                recipe, request.energy, request.conditions, request.seed, index, events,
                _pool_path(request, folder), path, part,
            ))  # fmt: skip
    return shards
