"""Shards: the unit of work that is done once, written atomically and found again after a kill."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._files import atomic_path
from nanosieve._require import require
from nanosieve.physics.events._pythia import cross_section, derived_seed
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.generator import Candidate, candidates
from nanosieve.physics.events.recipe import Recipe
from nanosieve.physics.events.reconstruction import Reconstructed, charge, reconstruct
from nanosieve.physics.events.sample import METADATA_KEY

__all__ = [
    "Shard",
    "ShardTotals",
    "is_finished",
    "make_shard",
    "plan",
    "read_totals",
    "settings_digest",
    "versions",
]

SHARD_FORMAT = 1


def versions() -> dict[str, str]:
    """The programs on which the physics content depends."""
    return {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")}


def settings_digest(recipe: Recipe, energy: float, seed: int) -> str:
    """Changes when anything changes that the content of a shard depends on, except its index and size."""
    parts = [SHARD_FORMAT, recipe.digest(), repr(float(energy)), seed, sorted(versions().items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Shard:
    """`events` passing events of one process; the content depends on nothing but these fields."""

    recipe: Recipe
    energy: float
    seed: int
    index: int
    events: int
    path: Path
    """where it is written"""


@dataclass(frozen=True)
class ShardTotals:
    """Sums over a shard, for efficiencies and their errors. x: weights of passing collisions, w: of all."""

    events: int
    generated: float
    weight: float
    weight_squared: float
    passing: float
    passing_squared: float
    passing_times_weight: float
    cross_section: float | None = None
    """pb; measured in the first shard of a process only"""
    cross_section_error: float | None = None

    def __add__(self, other: ShardTotals) -> ShardTotals:
        known = self if self.cross_section is not None else other
        return ShardTotals(
            self.events + other.events,
            self.generated + other.generated,
            self.weight + other.weight,
            self.weight_squared + other.weight_squared,
            self.passing + other.passing,
            self.passing_squared + other.passing_squared,
            self.passing_times_weight + other.passing_times_weight,
            known.cross_section,
            known.cross_section_error,
        )


def plan(recipe: Recipe, energy: float, seed: int, events: int, folder: Path) -> list[Shard]:
    """Cut `events` into shards of the fixed size of the recipe; only the last one may be smaller."""
    digest = settings_digest(recipe, energy, seed)
    shards = []
    for index, first in enumerate(range(0, events, recipe.events_per_shard)):
        number = min(recipe.events_per_shard, events - first)
        path = folder / f"{recipe.name}-{digest}-{index:05d}-{number}.parquet"
        shards.append(Shard(recipe, energy, seed, index, number, path))
    return shards


def is_finished(shard: Shard) -> bool:
    """Whether the shard is on disk. Files appear whole or not at all, so a look at the name is enough."""
    return shard.path.is_file()


def make_shard(shard: Shard) -> tuple[str, int]:
    """Generate, reconstruct, filter and write one shard.

    Returns:
        Name of the process and number of events.
    """
    seed = derived_seed(shard.seed, shard.recipe.name, shard.index)
    kept, reconstructed = _passing(shard, seed)
    totals = _totals(kept)
    if shard.index == 0:
        sigma = cross_section(
            shard.recipe, shard.energy, derived_seed(shard.seed, shard.recipe.name, "sigma")
        )
        totals = replace(totals, cross_section=sigma.value, cross_section_error=sigma.error)
    _write(shard, kept, reconstructed, totals)
    return shard.recipe.name, shard.events


def _passing(
    shard: Shard, seed: int
) -> tuple[list[Candidate], list[tuple[Reconstructed, np.ndarray[Any, Any]]]]:
    """The first `shard.events` candidates that pass, and their reconstructed objects by block."""
    stream = candidates(shard.recipe, shard.energy, seed)
    draw = np.random.default_rng(seed)
    detector = detector_named(shard.recipe.detector)
    kept: list[Candidate] = []
    blocks = []
    while len(kept) < shard.events:
        missing = shard.events - len(kept)
        block = [next(stream) for _ in range(min(max(missing, 8), 512))]
        result = reconstruct([c.particles for c in block], detector, shard.recipe.filter, draw)
        chosen = np.flatnonzero(result.passing(shard.recipe.filter))[:missing]
        kept += [block[n] for n in chosen]
        blocks.append((result, chosen))
    return kept, blocks


def _totals(kept: list[Candidate]) -> ShardTotals:
    last = kept[-1]
    collisions: dict[int, tuple[float, float]] = {}
    for candidate in kept:
        weight, _ = collisions.get(candidate.collision, (0.0, 0.0))
        collisions[candidate.collision] = (weight + candidate.weight, candidate.process_weight)
    x, w = np.array(list(collisions.values())).T
    return ShardTotals(
        len(kept),
        last.generated_events,
        last.generated_weight,
        last.generated_weight_squared,
        float(x.sum()),
        float((x**2).sum()),
        float((x * w).sum()),
    )


def _write(
    shard: Shard,
    kept: list[Candidate],
    blocks: list[tuple[Reconstructed, np.ndarray[Any, Any]]],
    totals: ShardTotals,
) -> None:
    awkward = require("awkward", extra="events", purpose="writing shards")
    parquet = require("pyarrow.parquet", extra="events", purpose="writing shards")
    columns: dict[str, Any] = {
        "run": np.full(len(kept), shard.index + 1, dtype=np.int32),
        "event": np.array([c.collision for c in kept], dtype=np.int64),
        "process": np.full(len(kept), shard.recipe.name),
        "genWeight": np.array([c.weight for c in kept]),
    }
    parts = [_columns(result, chosen) for result, chosen in blocks]
    columns |= {name: awkward.concatenate([part[name] for part in parts]) for name in parts[0]}
    events = awkward.zip(columns, depth_limit=1)
    table = awkward.to_arrow_table(events, extensionarray=False, count_nulls=False)
    table = table.replace_schema_metadata({METADATA_KEY: json.dumps(asdict(totals)).encode()})
    with atomic_path(shard.path) as temporary:
        parquet.write_table(table, temporary)


def _columns(result: Reconstructed, chosen: np.ndarray[Any, Any]) -> dict[str, Any]:
    awkward = require("awkward", extra="events", purpose="writing shards")
    columns: dict[str, Any] = {
        "MET_pt": result.met_pt[chosen].astype(np.float32),
        "MET_phi": result.met_phi[chosen].astype(np.float32),
    }
    collections = (
        ("Electron", result.electrons, charge(result.electrons.code)),
        ("Muon", result.muons, charge(result.muons.code)),
        ("Jet", result.jets, None),
    )
    for name, group, charges in collections:
        counts = group.counts(result.events)
        values: dict[str, Any] = {"pt": group.pt, "eta": group.eta, "phi": group.phi}
        values |= {"mass": group.mass} if charges is None else {"charge": charges}
        for quantity, array in values.items():
            small = array if quantity == "charge" else array.astype(np.float32)
            columns[f"{name}_{quantity}"] = awkward.unflatten(small, counts)[chosen]
    return columns


def read_totals(path: Path) -> ShardTotals:
    """The sums of a finished shard."""
    parquet = require("pyarrow.parquet", extra="events", purpose="reading shards")
    return ShardTotals(**json.loads(parquet.read_schema(path).metadata[METADATA_KEY]))
