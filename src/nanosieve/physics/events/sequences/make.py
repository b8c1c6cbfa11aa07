"""Make a sample of sequences: shards of one class in parallel, found again after a kill, then merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.physics.events._labelled_file import gathered, read_shard, write_shard
from nanosieve.physics.events._labelled_sample import found_or_made, hash_of
from nanosieve.physics.events._pythia import derived_seed
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.recipe import Recipe
from nanosieve.physics.events.sequences import flavour_jets, quickdraw, top_jets
from nanosieve.physics.events.sequences.collisions import tagged_collisions
from nanosieve.physics.events.sequences.labelled import (
    LabelledSequences,
    joined,
    read_sequences,
    write_sequences,
)
from nanosieve.physics.events.sequences.strokes import ANIMALS, drawing
from nanosieve.progress import Progress, silent

__all__ = ["KINDS", "Kind", "make_sequences"]

FORMAT = 1
ENERGY = 13_000.0
DETECTOR = "cms"
PER_SHARD = 500
"""Sequences of one class: some seconds of work."""

_LIGHT = (
    *(
        f"HardQCD:{name} = on"
        for name in ("gg2gg", "gg2qqbar", "qg2qg", "qq2qq", "qqbar2gg", "qqbar2qqbarNew")
    ),
    "HardQCD:nQuarkNew = 3",
)
_BOOSTED = ("PhaseSpace:pTHatMin = 850.", "PhaseSpace:pTHatMax = 1150.")
_MEDIUM = ("PhaseSpace:pTHatMin = 45.", "PhaseSpace:pTHatMax = 200.")
_HADRONIC_TOP = (
    "Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of sequences.

    Attributes:
        classes: name → Pythia settings of the process that is rich in it; none for drawings.
        features: names.
        origin: where the sequences come from.
    """

    classes: Mapping[str, tuple[str, ...]]
    features: tuple[str, ...]
    origin: str
    cuts: Any = field(default=None)


KINDS: Mapping[str, Kind] = {
    "top": Kind(
        {"light or gluon": (*_LIGHT, *_BOOSTED), "top": (*_HADRONIC_TOP, *_BOOSTED)},
        top_jets.FEATURES,
        "Pythia 8 at 13 TeV through a parametrised detector",
        top_jets.TopJets(),
    ),
    "flavour": Kind(
        {
            "light": (*_LIGHT, *_MEDIUM),
            "charm": ("HardQCD:hardccbar = on", *_MEDIUM),
            "bottom": ("HardQCD:hardbbbar = on", *_MEDIUM),
        },
        flavour_jets.FEATURES,
        "Pythia 8 at 13 TeV through a parametrised detector and tracker",
        flavour_jets.FlavourJets(),
    ),
    "quickdraw": Kind(
        dict.fromkeys(ANIMALS, ()), quickdraw.FEATURES, "generated pen strokes, not the public drawings"
    ),
}
"""By name, with the classes in the order of their labels."""


@dataclass(frozen=True)
class _Shard:
    """`events` sequences of one class; the content depends on nothing but these fields."""

    kind: str
    label: str
    seed: int
    index: int
    events: int
    path: Path


def make_sequences(
    kind: str,
    number: int,
    path: str | Path,
    *,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> tuple[LabelledSequences, bool]:
    """Generate `number` sequences of each class, shuffled, and write them to `path` (``.npz``).

    The content depends on `kind`, `number`, `seed` and the versions of Pythia, fastjet and NumPy only.
    Finished shards lie in the folder ``PATH.parts`` until the sample is complete, so that the same call after
    an interruption does only what is missing.

    Args:
        kind: one of `KINDS`: ``top`` (arXiv:2207.00559: 20 constituents × 6), ``flavour`` (15 tracks × 6) or
            ``quickdraw`` (100 steps × 3).
        number: of each class.
        seed: 0 or more.
        workers, scheduler: as `nanosieve.executor.run_tasks`.
        progress: told of every shard.

    Returns:
        The sequences, and whether they were there already.

    Raises:
        UnknownNameError: no such kind.
        SettingsError: fewer than one sequence, or a negative seed.
        OutputError: the folder cannot be written to.
        ToolError: Pythia fails.
    """
    if kind not in KINDS:
        raise UnknownNameError.among("kind of sequences", kind, KINDS)
    if number < 1 or seed < 0:
        message = f"{number} sequences with seed {seed}; give 1 or more of each class and a seed of 0 or more"
        raise SettingsError(message)
    return found_or_made(
        Path(path),
        _key(kind, number, seed),
        plan=lambda folder: _plan(kind, number, seed, folder),
        make_shard=_make_shard,
        merge=_merged,
        read=read_sequences,
        write=write_sequences,
        stage="sequences",
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )


def _merged(shards: Sequence[_Shard]) -> LabelledSequences:
    one = shards[0]
    own = KINDS[one.kind]
    blocks = [
        np.concatenate([read_shard(s.path, "values")[0] for s in shards if s.label == label])
        for label in own.classes
    ]
    values, labels = joined(blocks, one.seed)
    key = _key(one.kind, len(blocks[0]), one.seed)
    return LabelledSequences(values, labels, tuple(own.classes), own.features, own.origin, key)


def _key(kind: str, number: int, seed: int) -> str:
    return hash_of(FORMAT, kind, _digest(kind), number, seed, list(KINDS[kind].classes))


def _digest(kind: str) -> str:
    """Changes when anything changes that a shard depends on, except its class, seed, index and size."""
    own = KINDS[kind]
    cuts = asdict(own.cuts) if own.cuts is not None else None
    programs = {name: version(name) for name in ("numpy", *(("pythia8mc", "fastjet") if cuts else ()))}
    parts = [FORMAT, ENERGY, DETECTOR, dict(own.classes), own.features, cuts, sorted(programs.items())]
    return hash_of(*parts)


def _plan(kind: str, number: int, seed: int, folder: Path) -> list[_Shard]:
    digest = _digest(kind)
    shards = []
    for place, label in enumerate(KINDS[kind].classes):
        for index, first in enumerate(range(0, number, PER_SHARD)):
            events = min(PER_SHARD, number - first)
            name = f"{kind}-{place}-{digest}-{seed}-{index:05d}-{events}.npz"
            shards.append(_Shard(kind, label, seed, index, events, folder / name))
    return shards


def _make_shard(shard: _Shard) -> tuple[str, int]:
    seed = derived_seed(shard.seed, shard.kind, shard.label, shard.index)
    draw = np.random.default_rng(seed)
    if shard.kind == "quickdraw":
        rows = [quickdraw.stroke_sequence(drawing(shard.label, draw)) for _ in range(shard.events)]
        values = np.stack(rows)
    else:
        values = _jets(shard, seed, draw)
    write_shard(shard.path, values=values)
    return f"{shard.kind} {shard.label}", shard.events


def _jets(shard: _Shard, seed: int, draw: np.random.Generator) -> NDArray[np.float32]:
    own = KINDS[shard.kind]
    recipe = Recipe(name=shard.kind, title=shard.label, pythia=own.classes[shard.label])
    select: Callable[..., NDArray[np.float32]] = (
        top_jets.top_jets if shard.kind == "top" else flavour_jets.flavour_jets
    )
    detector = detector_named(DETECTOR)
    (values,) = gathered(
        tagged_collisions(recipe, ENERGY, seed),
        lambda batch: (select(batch, shard.label, own.cuts, detector, draw),),
        shard.events,
        f"jet of class {shard.label!r} of {shard.kind!r}",
    )
    return values
