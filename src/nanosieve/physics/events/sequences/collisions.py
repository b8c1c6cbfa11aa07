"""Collisions of Pythia with what tagging needs to know: where particles were born, and the true flavours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM, heavy_quark
from nanosieve.physics.events._record import Record
from nanosieve.physics.events.crossings.pythia_source import pythia_batches
from nanosieve.physics.events.recipe import Recipe

__all__ = ["TaggedCollisions", "tagged_collisions"]

AT_ONCE = 100
"""Collisions in a batch."""
TOP = 6
AFTER_SHOWERS = -62
"""Status in Pythia of what leaves the hardest scatter after all radiation from the initial state."""


@dataclass(frozen=True)
class TaggedCollisions:
    """N collisions.

    Attributes:
        particles: visible final particles with |η| < 5, in order of collision; GeV, radians.
        born: (particles, 3) where, in mm; the collision is the origin.
        tops: top quarks after their radiation.
        hadrons: weakly decaying bottom and charm hadrons; code 5 or 4.
    """

    events: int
    particles: Objects
    born: NDArray[np.float64]
    tops: Objects
    hadrons: Objects


def tagged_collisions(recipe: Recipe, energy: float, seed: int) -> Iterator[TaggedCollisions]:
    """An endless stream of batches; the same arguments give the same stream.

    Args:
        energy: centre-of-mass energy in GeV.
        seed: 1 … 900,000,000.

    Raises:
        SettingsError, ToolError: as `start_pythia`; also if Pythia stops generating.
    """
    for batch in pythia_batches(recipe, energy, seed, AT_ONCE):
        yield _tagged(Record(batch.prt))


def _tagged(record: Record) -> TaggedCollisions:
    kind = np.abs(record.code)
    weak = record.objects((record.status < 0) & np.isin(kind, BOTTOM_AND_CHARM))
    tops = record.objects((kind == TOP) & (record.status == AFTER_SHOWERS))
    hadrons = replace(weak, code=heavy_quark(weak.code))
    final = record.visible
    return TaggedCollisions(record.collisions, record.objects(final), record.born[final], tops, hadrons)
