"""Make samples of images: shards of one class in parallel, found again after a kill, then merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.physics.events._labelled_file import read_shard, write_shard
from nanosieve.physics.events._labelled_sample import found_or_made, hash_of
from nanosieve.physics.events._pythia import derived_seed
from nanosieve.physics.events.muon_chambers.backgrounds import Backgrounds
from nanosieve.physics.events.muon_chambers.decays import LongLivedGun
from nanosieve.physics.events.muon_chambers.images import MuonImages, read_muon_images, write_muon_images
from nanosieve.physics.events.muon_chambers.settings import DriftTubes, StripPlanes
from nanosieve.physics.events.muon_chambers.simulation import (
    COLUMNS,
    DECAY_CLASSES,
    STRIP_CLASSES,
    decay_events,
    strip_events,
)
from nanosieve.physics.events.recipe import Recipe, load_recipe
from nanosieve.progress import Progress, silent

__all__ = ["MUON_PTS", "make_decay_images", "make_strip_images"]

FORMAT = 1
PER_SHARD = 1000
"""Images of one class: less than a second of work, or some minutes of Pythia."""
PER_SHARD_OF_PYTHIA = 250
MUON_PTS = (*range(2, 11), *range(12, 21, 2))
"""GeV; the published values (DOI 10.1140/epjc/s10052-021-09770-w): 2 to 10 in steps of 1, 12 to 20 of 2."""


@dataclass(frozen=True)
class _Request:
    """What the content of every shard of a sample depends on."""

    kind: str
    detector: DriftTubes | StripPlanes
    gun: LongLivedGun
    backgrounds: Backgrounds
    recipe: Recipe | None
    seed: int

    def settings(self) -> dict[str, Any]:
        programs = ("numpy",) if self.recipe is None else ("numpy", "pythia8mc")
        own: dict[str, Any] = {"detector": self.detector.facts(), "seed": self.seed}
        if self.kind == "decays":
            recipe = None if self.recipe is None else [self.recipe.name, self.recipe.digest()]
            own |= {"gun": self.gun.facts(), "backgrounds": self.backgrounds.facts(), "recipe": recipe}
        return own | {"format": FORMAT, "versions": {name: version(name) for name in programs}}

    def origin(self) -> str:
        if self.kind == "strips":
            return "toy of resistive plates in a toroid, one muon and noise"
        source = "gun" if self.recipe is None else f"Pythia 8, {self.recipe.title}"
        return f"toy of drift tubes in a toroid, long-lived particles of {source}"


@dataclass(frozen=True)
class _Shard:
    """`events` images of one class; the content depends on nothing but these fields."""

    request: _Request
    label: str
    pt: float
    index: int
    events: int
    path: Path


def make_decay_images(
    numbers: Mapping[str, int],
    path: str | Path,
    *,
    detector: DriftTubes | None = None,
    gun: LongLivedGun | None = None,
    backgrounds: Backgrounds | None = None,
    recipe: str | None = None,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> tuple[MuonImages, bool]:
    """Images of drift tubes (arXiv:2307.05152: 20 × 333) of each class, shuffled, written to `path`.

    The content depends on the arguments and the versions of NumPy and Pythia only, not on the number of
    workers. Finished shards lie in the folder ``PATH.parts`` until the sample is complete, so that the same
    call after an interruption does only what is missing.

    Args:
        numbers: class (one of `DECAY_CLASSES`) → images of it.
        path: ends in ``.parquet``.
        detector, gun, backgrounds: default their own defaults.
        recipe: name or YAML file of a Pythia process with the particle 9000006, for example ``llp_h_ss``, in
            place of the gun.
        seed: 0 or more.
        workers, scheduler: as `nanosieve.executor.run_tasks`.
        progress: told of every shard.

    Returns:
        The images, and whether they were there already.

    Raises:
        UnknownNameError: no such class or recipe.
        SettingsError: no image, a negative number or seed, or another ending of the path.
        OutputError: the folder cannot be written to.
        ToolError: Pythia fails.
    """
    unknown = next((name for name in numbers if name not in DECAY_CLASSES), None)
    if unknown is not None:
        raise UnknownNameError.among("class of images", unknown, DECAY_CLASSES)
    request = _Request(
        "decays",
        detector or DriftTubes(),
        gun or LongLivedGun(),
        backgrounds or Backgrounds(),
        None if recipe is None else load_recipe(recipe),
        seed,
    )
    wanted = [(name, 0.0, numbers.get(name, 0)) for name in DECAY_CLASSES]
    return _made(request, wanted, path, workers, scheduler, progress)


def make_strip_images(
    number: int,
    path: str | Path,
    *,
    noise: int | None = None,
    pts: Sequence[float] = MUON_PTS,
    detector: StripPlanes | None = None,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> tuple[MuonImages, bool]:
    """Images of resistive plates (9 × 384) with one muon, and with noise only, shuffled, written to `path`.

    Reproducible and resumable as `make_decay_images`.

    Args:
        number: of muons of each transverse momentum.
        path: ends in ``.parquet``.
        noise: images without a muon; default `number`.
        pts: transverse momenta in GeV.
        detector: default its own defaults.
        seed: 0 or more.
        workers, scheduler: as `nanosieve.executor.run_tasks`.
        progress: told of every shard.

    Returns:
        The images, and whether they were there already.

    Raises:
        SettingsError: no image, a negative number, momentum or seed, or another ending of the path.
        OutputError: the folder cannot be written to.
    """
    wrong = next((pt for pt in pts if not 0 < pt < np.inf), None)
    if wrong is not None or len(set(pts)) < len(pts):
        message = f"transverse momenta of muons are {', '.join(map(str, pts))}; give each once, above 0 GeV"
        raise SettingsError(message)
    own = detector or StripPlanes()
    request = _Request("strips", own, LongLivedGun(), Backgrounds(), None, seed)
    wanted = [("muon", float(pt), number) for pt in pts]
    wanted.append(("noise", 0.0, number if noise is None else noise))
    return _made(request, wanted, path, workers, scheduler, progress)


def _made(
    request: _Request,
    wanted: Sequence[tuple[str, float, int]],
    path: str | Path,
    workers: int | None,
    scheduler: str | None,
    progress: Progress,
) -> tuple[MuonImages, bool]:
    path = Path(path)
    numbers = [number for *_, number in wanted]
    if min(numbers) < 0 or not sum(numbers) or request.seed < 0:
        message = f"{', '.join(map(str, numbers))} images with seed {request.seed}; give 0 or more, 1 in all"
        raise SettingsError(message)
    if path.suffix != ".parquet":
        message = f"images are written to {path.name!r}; give a name that ends in .parquet"
        raise SettingsError(message)
    key = hash_of(request.settings(), request.kind, [list(one) for one in wanted])

    def merged(shards: Sequence[_Shard]) -> MuonImages:
        return _merged(request, shards, key)

    return found_or_made(
        path,
        key,
        plan=lambda folder: _plan(request, wanted, folder),
        make_shard=_make_shard,
        merge=merged,
        read=read_muon_images,
        write=write_muon_images,
        stage="images",
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )


def _plan(request: _Request, wanted: Sequence[tuple[str, float, int]], folder: Path) -> list[_Shard]:
    digest = hash_of(request.settings(), request.kind)
    shards = []
    for label, pt, number in wanted:
        slow = request.recipe is not None and label == DECAY_CLASSES[0]
        size = PER_SHARD_OF_PYTHIA if slow else PER_SHARD
        for index, first in enumerate(range(0, number, size)):
            events = min(size, number - first)
            name = f"{label}-{pt:g}-{digest}-{index:05d}-{events}.npz"
            shards.append(_Shard(request, label, pt, index, events, folder / name))
    return shards


def _make_shard(shard: _Shard) -> tuple[str, int]:
    one = shard.request
    seed = derived_seed(one.seed, "muon_chambers", one.kind, shard.label, shard.pt, shard.index)
    draw = np.random.default_rng(seed)
    if isinstance(one.detector, StripPlanes):
        packed, truth = strip_events(shard.label, shard.events, shard.pt, one.detector, draw)
    else:
        packed, truth = decay_events(
            shard.label, shard.events, one.detector, one.gun, one.backgrounds, one.recipe, seed, draw
        )
    write_shard(shard.path, packed=packed, **truth)
    return shard.label, shard.events


def _merged(request: _Request, shards: Sequence[_Shard], key: str) -> MuonImages:
    columns = ("packed", *COLUMNS[request.kind])
    parts = [read_shard(shard.path, *columns) for shard in shards]
    classes = DECAY_CLASSES if request.kind == "decays" else STRIP_CLASSES
    labels = np.repeat([classes.index(s.label) for s in shards], [s.events for s in shards]).astype(np.int64)
    order = np.random.default_rng([request.seed, len(labels)]).permutation(len(labels))
    packed, *truth = (np.concatenate(column)[order] for column in zip(*parts, strict=True))
    named: dict[str, NDArray[np.float32]] = dict(zip(COLUMNS[request.kind], truth, strict=True))
    return MuonImages(
        request.kind,
        request.detector.shape,
        packed,
        labels[order],
        named,
        classes,
        request.origin(),
        request.settings(),
        key,
    )
