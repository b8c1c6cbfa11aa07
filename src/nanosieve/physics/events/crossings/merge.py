"""From shards to one sample: cross sections, the final weights, and the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError
from nanosieve.physics.events._shards import versions
from nanosieve.physics.events.crossings.crossing import Conditions
from nanosieve.physics.events.crossings.event_files import EventIndex
from nanosieve.physics.events.crossings.high_level import HighLevelTrigger
from nanosieve.physics.events.crossings.level1_settings import CALORIMETER_TRIGGERS, MUON_TRIGGERS
from nanosieve.physics.events.crossings.shards import CrossingShard, CrossingTotals, read_shard, read_totals
from nanosieve.physics.events.crossings.sources import section
from nanosieve.physics.events.crossings.stitching import HardSample, PhaseSpace, crossing_weights
from nanosieve.physics.events.recipe import MINIMUM_BIAS, Recipe
from nanosieve.physics.events.trigger_sample import (
    TriggerEvents,
    TriggerProcess,
    TriggerSample,
    write_trigger_sample,
)
from nanosieve.physics.machine import SIGMA_INELASTIC
from nanosieve.progress import Progress
from nanosieve.units import magnitude

__all__ = ["INELASTIC_CROSS_SECTION", "Request", "merge"]

FORMAT = 2
INELASTIC_CROSS_SECTION = magnitude(SIGMA_INELASTIC, "pb", name="inelastic cross section")
"""pb"""


@dataclass(frozen=True)
class Request:
    """What a sample is asked for with, checked.

    Attributes:
        numbers: process → crossings.
        minimum_bias: the recipe of pile-up.
        energy: GeV.
        pool: collisions that pile-up is drawn from.
    """

    recipes: tuple[Recipe, ...]
    numbers: dict[str, int]
    minimum_bias: Recipe
    energy: float
    conditions: Conditions
    pool: int
    seed: int

    def digest(self, recipe: Recipe) -> str:
        """Changes when anything changes that the crossings of a recipe depend on, except their number."""
        parts = [
            FORMAT, recipe.digest(), self.minimum_bias.digest(), repr(self.energy), asdict(self.conditions),
            repr(CALORIMETER_TRIGGERS[self.conditions.detector]), repr(HighLevelTrigger()),
            repr(MUON_TRIGGERS[self.conditions.detector]), self.pool, self.seed, sorted(versions().items()),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def merge(
    request: Request,
    shards: Sequence[CrossingShard],
    indices: Mapping[str, EventIndex | None],
    path: Path,
    progress: Progress,
) -> None:
    """Add the shards up and write them as one sample, with their final weights.

    Raises:
        SampleError: the weights of a process cancel.
        OutputError: the file cannot be written.
    """
    inelastic = INELASTIC_CROSS_SECTION
    totals: dict[str, CrossingTotals] = {}
    for shard in shards:
        found = read_totals(shard.path)
        name = shard.recipe.name
        totals[name] = totals[name] + found if name in totals else found
    sections = {}
    for recipe in request.recipes:
        sections[recipe.name] = (
            (inelastic, 0.0)
            if recipe.name == MINIMUM_BIAS
            else section(recipe, request.energy, request.seed, indices[recipe.name])
        )
        if totals[recipe.name].weight <= 0:
            message = (
                f"the weights of {recipe.name!r} add up to {totals[recipe.name].weight:g}, not above 0; "
                "ask for more events"
            )
            raise SampleError(message)
    weigh = _Weights(request, totals, {name: value for name, (value, _) in sections.items()}, inelastic)
    sums = {name: np.zeros(2) for name in totals}
    for n, shard in enumerate(shards):
        weights = weigh(shard.recipe, read_shard(shard.path))
        sums[shard.recipe.name] += [weights.sum(), (weights**2).sum()]
        progress("weights", n + 1, len(shards), shard.recipe.name)
    summaries = {
        recipe.name: TriggerProcess(
            recipe.name,
            recipe.title,
            request.numbers[recipe.name],
            *sections[recipe.name],
            totals[recipe.name].generated,
            float(sums[recipe.name][0]),
            float(sums[recipe.name][0] ** 2 / max(sums[recipe.name][1], 1e-300)),
            recipe.model_dump(mode="json"),
            request.digest(recipe),
        )
        for recipe in request.recipes
    }
    conditions = request.conditions
    sample = TriggerSample(
        path, request.energy, conditions.pileup, conditions.mode, inelastic, conditions.detector,
        conditions.filling, request.seed, request.numbers, summaries, versions(),
    )  # fmt: skip
    write_trigger_sample(sample, _blocks(shards, weigh, progress))


def _blocks(shards: Sequence[CrossingShard], weigh: _Weights, progress: Progress) -> Iterator[TriggerEvents]:
    for n, shard in enumerate(shards):
        block = read_shard(shard.path)
        weights = weigh(shard.recipe, block)
        yield replace(block, scalars={**block.scalars, "genWeight": weights})
        progress("writing", n + 1, len(shards), shard.recipe.name)


class _Weights:
    """The final weights of a block, in pb."""

    def __init__(
        self,
        request: Request,
        totals: dict[str, CrossingTotals],
        sections: dict[str, float],
        inelastic: float,
    ) -> None:
        self._totals, self._sections, self._inelastic = totals, sections, inelastic
        self._pileup = request.conditions.pileup
        self._minimum_bias = request.numbers.get(MINIMUM_BIAS, 0)
        self._hard = [
            HardSample(
                PhaseSpace.of(recipe),
                request.numbers[recipe.name],
                sections[recipe.name],
                totals[recipe.name].weight / totals[recipe.name].generated,
            )
            for recipe in request.recipes
            if recipe.part_of_minimum_bias
        ]

    def __call__(self, recipe: Recipe, block: TriggerEvents) -> NDArray[np.float64]:
        if recipe.name == MINIMUM_BIAS or recipe.part_of_minimum_bias:
            found = block.collections["Collision"]
            pthat = found.fields["pthat"].astype(np.float64)
            weights = crossing_weights(
                found.offsets, pthat, self._hard, self._minimum_bias, self._pileup, self._inelastic
            )
            return weights * block.weights
        return block.weights * (self._sections[recipe.name] / self._totals[recipe.name].weight)
