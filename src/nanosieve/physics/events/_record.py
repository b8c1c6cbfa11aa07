"""Pythia's event records as flat arrays, for what needs more of them than the final particles."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.crossings.collisions import ETA_MAX, INVISIBLE, objects_of

__all__ = ["Record"]


class Record:
    """The particles of a batch of collisions, final and others.

    Args:
        particles: ``prt`` of what ``nextBatch`` of Pythia returns.

    Attributes:
        collisions: their number.
        event, code, status: collision of each particle, and Pythia's code and status of it.
    """

    def __init__(self, particles: Any) -> None:
        self._particles = particles
        self._awkward = require("awkward", extra="events", purpose="event generation")
        counts = self._awkward.to_numpy(self._awkward.num(particles.id))
        self.collisions = len(counts)
        self.event = np.repeat(np.arange(len(counts)), counts)
        self.code, self.status = self._column(particles.id), self._column(particles.status)

    @cached_property
    def momentum(self) -> NDArray[np.float64]:
        """(particles, 4) px, py, pz and energy in GeV."""
        return np.stack([self._column(self._particles.p[name]) for name in ("px", "py", "pz", "e")], axis=1)

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Final particles that leave a trace, |η| < 5."""
        x, y, z, _ = self.momentum.T
        inside = np.abs(z) < np.sinh(ETA_MAX) * np.hypot(x, y)
        seen: NDArray[np.bool_] = (self.status > 0) & ~np.isin(np.abs(self.code), INVISIBLE) & inside
        return seen

    @property
    def born(self) -> NDArray[np.float64]:
        """(particles, 3) where, in mm; Pythia states no vertex for what is born in the collision itself."""
        place = [
            self._awkward.fill_none(self._particles.vProd[name], 0.0, axis=1) for name in ("px", "py", "pz")
        ]
        return np.stack([self._column(axis) for axis in place], axis=1)

    def objects(self, chosen: NDArray[np.bool_]) -> Objects:
        """Some of the particles, in order of collision; GeV and radians."""
        return objects_of(self.event[chosen], self.code[chosen], *self.momentum[chosen].T)

    def _column(self, values: Any) -> NDArray[Any]:
        return np.asarray(self._awkward.to_numpy(self._awkward.flatten(values)))
