"""Hard collisions of Pythia with what left the hardest scatter, which says what a jet is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import ToolError
from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.crossings.collisions import INVISIBLE, objects_of
from nanosieve.physics.events.crossings.pythia_source import start_pythia
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
    beams = ("Beams:idA = 2212", "Beams:idB = 2212", f"Beams:eCM = {energy!r}")
    pythia = start_pythia(recipe, beams, seed)
    while True:
        found = pythia.nextBatch(batch)
        if not len(found):
            message = f"recipe {recipe.name!r}: Pythia generates no more events; call with --debug"
            raise ToolError(message)
        yield _hard(found.prt)


def _hard(record: Any) -> HardCollisions:
    awkward = require("awkward", extra="events", purpose="event generation")
    counts = awkward.to_numpy(awkward.num(record.id))
    event = np.repeat(np.arange(len(counts)), counts)

    def column(values: Any) -> NDArray[Any]:
        return np.asarray(awkward.to_numpy(awkward.flatten(values)))

    code, status = column(record.id), column(record.status)
    momentum = [column(record.p[name]) for name in ("px", "py", "pz", "e")]

    def objects(chosen: NDArray[np.bool_]) -> Objects:
        return objects_of(event[chosen], code[chosen], *(part[chosen] for part in momentum))

    inside = np.abs(momentum[2]) < np.sinh(5.0) * np.hypot(momentum[0], momentum[1])
    final = (status > 0) & ~np.isin(np.abs(code), INVISIBLE) & inside
    return HardCollisions(
        len(counts), objects(final), objects((status == OUTGOING) | (status == RESONANCE)).in_order()
    )
