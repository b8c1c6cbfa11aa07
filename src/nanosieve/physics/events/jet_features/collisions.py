"""Hard collisions of Pythia with what left the hardest scatter, which says what a jet is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events._record import Record
from nanosieve.physics.events.crossings.pythia_source import pythia_batches
from nanosieve.physics.events.recipe import Recipe

__all__ = ["HardCollisions", "hard_collisions"]

OUTGOING, RESONANCE = -23, -22
"""Status in Pythia of partons and of resonances that leave the hardest scatter."""


@dataclass(frozen=True)
class HardCollisions:
    """N collisions.

    Attributes:
        particles: visible final particles with |η| < 5, in order of collision; GeV, radians.
        partons: what left the hardest scatter: quarks and gluons, or bosons and top quarks before they decay.
    """

    events: int
    particles: Objects
    partons: Objects


def hard_collisions(recipe: Recipe, energy: float, seed: int, batch: int) -> Iterator[HardCollisions]:
    """An endless stream of batches; the same arguments give the same stream.

    Args:
        energy: centre-of-mass energy in GeV.
        seed: 1 … 900,000,000.
        batch: collisions in each.

    Raises:
        SettingsError, ToolError: as `start_pythia`; also if Pythia stops generating.
    """
    for found in pythia_batches(recipe, energy, seed, batch):
        record = Record(found.prt)
        hard = (record.status == OUTGOING) | (record.status == RESONANCE)
        yield HardCollisions(
            record.collisions, record.objects(record.visible), record.objects(hard).in_order()
        )
