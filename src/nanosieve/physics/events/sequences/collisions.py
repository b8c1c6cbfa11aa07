"""Collisions of Pythia with what tagging needs to know: where particles were born, and the true flavours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import ToolError
from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM
from nanosieve.physics.events.crossings.collisions import INVISIBLE, objects_of
from nanosieve.physics.events.crossings.pythia_source import start_pythia
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
    beams = ("Beams:idA = 2212", "Beams:idB = 2212", f"Beams:eCM = {energy!r}")
    pythia = start_pythia(recipe, beams, seed)
    while True:
        batch = pythia.nextBatch(AT_ONCE)
        if not len(batch):
            message = f"recipe {recipe.name!r}: Pythia generates no more events; call with --debug"
            raise ToolError(message)
        yield _tagged(batch.prt)


def _tagged(record: Any) -> TaggedCollisions:
    awkward = require("awkward", extra="events", purpose="event generation")
    counts = awkward.to_numpy(awkward.num(record.id))
    event = np.repeat(np.arange(len(counts)), counts)

    def column(values: Any) -> NDArray[Any]:
        return np.asarray(awkward.to_numpy(awkward.flatten(values)))

    code, status = column(record.id), column(record.status)
    momentum = [column(record.p[name]) for name in ("px", "py", "pz", "e")]
    size = np.abs(code)

    def objects(chosen: NDArray[np.bool_]) -> Objects:
        return objects_of(event[chosen], code[chosen], *(part[chosen] for part in momentum))

    inside = np.abs(momentum[2]) < np.sinh(5.0) * np.hypot(momentum[0], momentum[1])
    final = (status > 0) & ~np.isin(size, INVISIBLE) & inside
    # Pythia states no vertex for what is born in the collision itself
    place = [awkward.fill_none(record.vProd[name], 0.0, axis=1) for name in ("px", "py", "pz")]
    born = np.stack([column(axis)[final] for axis in place], axis=1)
    weak = objects((status < 0) & np.isin(size, BOTTOM_AND_CHARM))
    kind = np.abs(weak.code)
    bottom = (kind // 100 == 5) | (kind // 1000 == 5)
    hadrons = Objects(
        weak.event, weak.pt, weak.eta, weak.phi, weak.mass, np.where(bottom, 5, 4).astype(np.int64)
    )
    tops = objects((size == TOP) & (status == AFTER_SHOWERS))
    return TaggedCollisions(len(counts), objects(final), born, tops, hadrons)
