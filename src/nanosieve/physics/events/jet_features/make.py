"""Make a sample of jets: shards of one class in parallel, found again after a kill, then merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.physics.events._geometry import Objects, close_pairs, delta_phi
from nanosieve.physics.events._jets import jets_with_constituents
from nanosieve.physics.events._labelled_file import gathered, read_shard, write_shard
from nanosieve.physics.events._labelled_sample import found_or_made, hash_of
from nanosieve.physics.events._pythia import derived_seed
from nanosieve.physics.events.jet_features.collisions import HardCollisions, hard_collisions
from nanosieve.physics.events.jet_features.features import jet_features
from nanosieve.physics.events.jet_features.labelled import (
    CLASSES,
    CONSTITUENT,
    LabelledJets,
    read_jets,
    write_jets,
)
from nanosieve.physics.events.recipe import Recipe
from nanosieve.progress import Progress, silent

__all__ = ["PROCESSES", "JetCuts", "make_jets", "shards_of"]

FORMAT = 1
ENERGY = 13_000.0
PER_SHARD = 500
"""Jets of one class: some seconds of work."""
AT_ONCE = 100
"""Collisions in a batch, at most."""
ORIGIN = "Pythia 8 at 13 TeV, particle level, no pile-up"

_WINDOW = ("PhaseSpace:pTHatMin = 990.", "PhaseSpace:pTHatMax = 1010.")
_W_TO_QUARKS = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
_Z_TO_QUARKS = ("23:onMode = off", "23:onIfAny = 1 2 3 4 5")

PROCESSES: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "g": (("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"), (21,)),
    "q": (("HardQCD:qq2qq = on", "HardQCD:gg2qqbar = on", "HardQCD:nQuarkNew = 3"), (1, 2, 3)),
    "w": (("WeakDoubleBoson:ffbar2WW = on", *_W_TO_QUARKS), (24,)),
    "z": (("WeakDoubleBoson:ffbar2gmZgmZ = on", "WeakZ0:gmZmode = 2", *_Z_TO_QUARKS), (23,)),
    "t": (("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_W_TO_QUARKS), (6,)),
}
"""Class → Pythia settings of the process and |PDG codes| of what the jet must come from."""


@dataclass(frozen=True)
class JetCuts:
    """Which jets are taken.

    Attributes:
        radius: of anti-kt.
        pt: lowest in GeV.
        eta: largest |η|.
        match: largest ΔR between a jet and what it comes from.
    """

    radius: float = 0.8
    pt: float = 800.0
    eta: float = 2.4
    match: float = 0.4


@dataclass(frozen=True)
class _Shard:
    """`events` jets of one class; the content depends on nothing but these fields."""

    label: str
    constituents: int
    seed: int
    index: int
    events: int
    path: Path


def make_jets(
    number: int,
    path: str | Path,
    *,
    constituents: int = 32,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> tuple[LabelledJets, bool]:
    """Generate `number` jets of each class, shuffled, and write them to `path` (``.npz``).

    Partons, bosons and tops leave the hardest scatter with 990 to 1,010 GeV of pT, as in the data set of
    arXiv:1804.06913; jets are anti-kt with R = 0.8, of all stable particles but neutrinos.

    The content depends on the arguments and the versions of Pythia, fastjet and NumPy only. Finished shards
    lie in the folder ``PATH.parts`` until the sample is complete, so that the same call after an interruption
    does only what is missing.

    Args:
        number: of each class.
        constituents: how many are kept of each jet, 0 or more.
        seed: 0 or more.
        workers, scheduler: as `nanosieve.executor.run_tasks`.
        progress: told of every shard.

    Returns:
        The jets, and whether they were there already.

    Raises:
        SettingsError: fewer than one jet, a negative number of constituents or a negative seed.
        OutputError: the folder cannot be written to.
        ToolError: Pythia fails.
    """
    if number < 1 or seed < 0 or constituents < 0:
        message = (
            f"{number} jets with {constituents} constituents and seed {seed}; give 1 or more of each class, "
            "and 0 or more of the others"
        )
        raise SettingsError(message)
    return found_or_made(
        Path(path),
        hash_of(_digest(), number, constituents, seed),
        plan=lambda folder: shards_of(number, constituents, seed, folder),
        make_shard=_make_shard,
        merge=_merged,
        read=read_jets,
        write=write_jets,
        stage="jets",
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )


def _merged(shards: Sequence[_Shard]) -> LabelledJets:
    parts = [read_shard(shard.path, "features", "constituents") for shard in shards]
    labels = np.repeat([CLASSES.index(shard.label) for shard in shards], [shard.events for shard in shards])
    one = shards[0]
    number = sum(shard.events for shard in shards if shard.label == one.label)
    order = np.random.default_rng([one.seed, len(labels)]).permutation(len(labels))
    return LabelledJets(
        np.concatenate([features for features, _ in parts])[order],
        np.concatenate([inside for _, inside in parts])[order],
        labels[order].astype(np.int64),
        ORIGIN,
        hash_of(_digest(), number, one.constituents, one.seed),
    )


def _digest() -> str:
    """Changes when anything changes that a shard depends on, except its own fields."""
    programs = sorted((name, version(name)) for name in ("numpy", "pythia8mc", "fastjet"))
    parts = [FORMAT, ENERGY, dict(PROCESSES), _WINDOW, asdict(JetCuts()), CONSTITUENT, programs]
    return hash_of(*parts)


def shards_of(number: int, constituents: int, seed: int, folder: Path) -> list[_Shard]:
    """The shards of a sample, class by class."""
    digest = _digest()
    shards = []
    for label in CLASSES:
        for index, first in enumerate(range(0, number, PER_SHARD)):
            events = min(PER_SHARD, number - first)
            name = f"{label}-{digest}-{constituents}-{seed}-{index:05d}-{events}.npz"
            shards.append(_Shard(label, constituents, seed, index, events, folder / name))
    return shards


def _make_shard(shard: _Shard) -> tuple[str, int]:
    settings, codes = PROCESSES[shard.label]
    recipe = Recipe(name=f"jet_{shard.label}", title=shard.label, pythia=(*settings, *_WINDOW))
    seed = derived_seed(shard.seed, "jet_features", shard.label, shard.index)
    at_once = min(AT_ONCE, 4 + shard.events // 2)  # a collision has two jets at best
    features, inside = gathered(
        hard_collisions(recipe, ENERGY, seed, at_once),
        lambda batch: _jets(batch, codes, JetCuts(), shard.constituents),
        shard.events,
        f"jet of class {shard.label!r}",
    )
    write_shard(shard.path, features=features, constituents=inside)
    return f"{shard.label} jets", shard.events


def _jets(
    batch: HardCollisions, codes: tuple[int, ...], cuts: JetCuts, constituents: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (jets, 16) and constituents (jets, constituents, 3) of the jets of one class."""
    jets, owner, member = jets_with_constituents(
        batch.particles, batch.events, radius=cuts.radius, pt=cuts.pt
    )
    partons = batch.partons[np.isin(np.abs(batch.partons.code), codes)]
    matched, _ = close_pairs(jets, partons, cuts.match)
    good = np.isin(np.arange(len(jets)), matched) & (np.abs(jets.eta) < cuts.eta)
    place = np.cumsum(good) - 1
    kept = good[owner]
    inside, of = batch.particles[member[kept]], place[owner[kept]]
    chosen = jets[good]
    by_jet = Objects(of, inside.pt, inside.eta, inside.phi, inside.mass, inside.code)
    if not len(chosen):
        return np.zeros((0, 16), np.float32), np.zeros((0, constituents, len(CONSTITUENT)), np.float32)
    return jet_features(by_jet, len(chosen)), _hardest(by_jet, chosen, constituents)


def _hardest(inside: Objects, jets: Objects, steps: int) -> NDArray[np.float32]:
    """(jets, steps, 3) `CONSTITUENT` of the hardest constituents, then zeros."""
    axis = jets[inside.event]
    values = np.stack([inside.pt, inside.eta - axis.eta, delta_phi(inside.phi, axis.phi)], axis=1)
    rank = np.arange(len(inside)) - np.searchsorted(inside.event, inside.event, side="left")
    kept = rank < steps
    result = np.zeros((len(jets), steps, len(CONSTITUENT)), dtype=np.float32)
    result[inside.event[kept], rank[kept]] = values[kept]
    return result
