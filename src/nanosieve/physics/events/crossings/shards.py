"""Shards of crossings and of the pool: work that is done once, written atomically and found again."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError, ToolError
from nanosieve.physics.events._pythia import derived_seed
from nanosieve.physics.events.crossings.collisions import Collisions
from nanosieve.physics.events.crossings.crossing import Conditions, cross
from nanosieve.physics.events.crossings.event_files import FilePart
from nanosieve.physics.events.crossings.pool import make_pool, read_pool, write_pool
from nanosieve.physics.events.crossings.sources import collisions
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.recipe import MINIMUM_BIAS, Demand, Recipe
from nanosieve.physics.events.trigger_sample import TriggerEvents, read_blocks, write_blocks

__all__ = [
    "CrossingShard",
    "CrossingTotals",
    "PoolShard",
    "make_crossing_shard",
    "make_pool_shard",
    "read_shard",
    "read_totals",
]

TOTALS_KEY = b"nanosieve.totals"
CROSSINGS_AT_ONCE = 250
GIVE_UP_AFTER = 200_000
"""Collisions without a single one that the recipe demands."""

_PDG = {"electron": 11, "muon": 13}


@dataclass(frozen=True)
class PoolShard:
    """A part of the pool; the content depends on nothing but these fields."""

    recipe: Recipe
    energy: float
    detector: str
    seed: int
    index: int
    events: int
    path: Path


@dataclass(frozen=True)
class CrossingShard:
    """`events` crossings of one process; the content depends on nothing but these fields and the pool."""

    recipe: Recipe
    energy: float
    conditions: Conditions
    seed: int
    index: int
    events: int
    pool: Path
    path: Path
    part: FilePart | None = None
    """Where the recipe names a file of events: those that this shard may use, and no other shard does."""


@dataclass(frozen=True)
class CrossingTotals:
    """Sums over all collisions drawn for a shard, those that the recipe does not want included."""

    generated: float
    weight: float

    def __add__(self, other: CrossingTotals) -> CrossingTotals:
        return CrossingTotals(self.generated + other.generated, self.weight + other.weight)


def make_pool_shard(shard: PoolShard) -> int:
    """Generate and write a part of the pool; returns its number of collisions."""
    seed = derived_seed(shard.seed, "pool", shard.index)
    write_pool(
        make_pool(shard.recipe, shard.energy, detector_named(shard.detector), shard.events, seed), shard.path
    )
    return shard.events


def make_crossing_shard(shard: CrossingShard) -> tuple[str, int]:
    """Generate and write crossings; returns the name of the process and the number of crossings."""
    seed = derived_seed(shard.seed, shard.recipe.name, "crossings", shard.index)
    blocks: list[TriggerEvents] = []
    if shard.recipe.name == MINIMUM_BIAS:
        for first in range(0, shard.events, CROSSINGS_AT_ONCE):
            number = min(CROSSINGS_AT_ONCE, shard.events - first)
            blocks.append(_block(shard, None, number, first, seed))
        totals = CrossingTotals(shard.events, shard.events)
    else:
        first = 0
        with closing(_Wanted(shard, seed)) as stream:
            while first < shard.events:
                hard = stream.take(min(CROSSINGS_AT_ONCE, shard.events - first))
                blocks.append(_block(shard, hard, len(hard), first, seed))
                first += len(hard)
        totals = CrossingTotals(stream.generated, stream.weight)
    write_blocks(shard.path, blocks, {TOTALS_KEY: json.dumps(asdict(totals)).encode()})
    return shard.recipe.name, shard.events


def read_shard(path: Path) -> TriggerEvents:
    """The crossings of a shard; ``genWeight`` lacks the cross section, or the share in true crossings."""
    (block,) = read_blocks(path, None, 1 << 30)
    return block


def read_totals(path: Path) -> CrossingTotals:
    """The sums of a finished shard."""
    parquet = require("pyarrow.parquet", extra="events", purpose="reading shards")
    return CrossingTotals(**json.loads(parquet.read_schema(path).metadata[TOTALS_KEY]))


def _block(
    shard: CrossingShard, hard: Collisions | None, number: int, first: int, seed: int
) -> TriggerEvents:
    draw = np.random.default_rng([seed, first])  # the same pile-up in both modes, block by block
    block = cross(hard, number, read_pool(shard.pool), shard.conditions, draw)
    weights = block.weights
    if hard is not None and not shard.recipe.part_of_minimum_bias:  # there, pT-hat says it all
        weights = weights * hard.weight
    scalars: dict[str, NDArray[Any]] = {
        "genWeight": weights,
        "run": np.full(number, shard.index + 1, dtype=np.int32),
        "event": np.arange(first, first + number, dtype=np.int32),
        "process": np.full(number, shard.recipe.name),
    }
    return TriggerEvents({**block.scalars, **scalars}, block.collections)


class _Wanted:
    """Collisions of a recipe that hold the leptons it demands, with sums over all that were drawn."""

    def __init__(self, shard: CrossingShard, seed: int) -> None:
        self._recipe, self._part = shard.recipe, shard.part
        self._stream = collisions(shard.recipe, shard.energy, seed, shard.part)
        self._taken = 0
        self._left: Collisions | None = None
        self.generated = 0.0
        self.weight = 0.0

    def close(self) -> None:
        """Let go of what the stream holds, such as a copy of its part of a file."""
        self._stream.close()

    def take(self, number: int) -> Collisions:
        """The next `number`; a batch in use counts for the part of it that has been looked at.

        Raises:
            SampleError: the part of a file that the shard may use holds fewer.
            ToolError: `GIVE_UP_AFTER` collisions hold none.
        """
        parts: list[Collisions] = []
        missing, barren = number, 0
        while missing:
            batch = self._left if self._left is not None else next(self._stream, None)
            self._left = None
            if batch is None:
                raise SampleError(self._exhausted(self._taken + number - missing))
            wanted = np.flatnonzero(_meets(batch, self._recipe.demand))
            used = len(batch) if len(wanted) < missing else int(wanted[missing - 1]) + 1
            self.generated += used
            self.weight += float(batch.weight[:used].sum())
            if used < len(batch):
                self._left = batch[used:]
            kept = wanted[:missing]
            if len(kept):
                parts.append(batch[:used].only(kept))
            missing -= len(kept)
            barren = 0 if len(kept) else barren + used
            if barren > GIVE_UP_AFTER:
                message = (
                    f"recipe {self._recipe.name!r}: none of {GIVE_UP_AFTER:,} collisions has the leptons it "
                    "demands; lower their pt, or open decays to leptons"
                )
                raise ToolError(message)
        self._taken += number
        return Collisions.joined(parts) if len(parts) > 1 else parts[0]

    def _exhausted(self, found: int) -> str:
        part = self._part
        if part is None:
            return f"recipe {self._recipe.name!r}: the collisions end; call with --debug"
        return (
            f"recipe {self._recipe.name!r}: of events {part.first} to {part.first + part.events - 1} of "
            f"{part.path.name!r} only {found} are complete and hold the leptons it demands, fewer than the "
            "crossings asked for; ask for fewer events"
        )


def _meets(batch: Collisions, demand: Demand | None) -> NDArray[np.bool_]:
    if demand is None:
        return np.ones(len(batch), dtype=bool)
    p = batch.particles
    good = (np.abs(p.code) == _PDG[demand.lepton]) & (p.pt >= demand.pt) & (np.abs(p.eta) < demand.eta)
    return np.bincount(p.event[good], minlength=len(batch)) >= demand.count
