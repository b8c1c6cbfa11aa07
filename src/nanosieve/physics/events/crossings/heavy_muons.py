"""Muons from the bottom and charm hadrons of pile-up, decayed anew in each crossing.

A pool of minimum bias holds few muons of more than some GeV, and every one would be met in many crossings:
the rate of a muon trigger would hang on them. Each hadron decays differently every time instead. The other
products of the decay stay those of the pool, so that the energy around such a muon is that of another decay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._decay_library import boosted, decay_library, rotated
from nanosieve.physics.events._geometry import Objects, concatenate
from nanosieve.physics.events.crossings.collisions import objects_of

__all__ = ["decay_muons"]

MUON = 13

Floats = NDArray[np.float64]


def decay_muons(hadrons: Objects, draw: np.random.Generator) -> Objects:
    """The muons of one decay of each hadron, cascades included.

    Args:
        hadrons: weakly decaying bottom and charm hadrons; ``code`` is their PDG code.

    Returns:
        ``event`` is that of the hadron.

    Raises:
        ToolError: Pythia cannot decay them.
    """
    kinds = np.abs(hadrons.code)
    return concatenate(*(_muons(hadrons[kinds == kind], int(kind), draw) for kind in np.unique(kinds)), NONE)


def _muons(hadrons: Objects, kind: int, draw: np.random.Generator) -> Objects:
    library = decay_library(kind)
    chosen = draw.integers(len(library.code), size=len(hadrons))
    turn = draw.standard_normal((len(hadrons), 4))
    owner, product = np.nonzero(np.abs(library.code[chosen]) == MUON)
    at_rest = library.momentum[chosen[owner], product]
    parent = hadrons[owner]
    momentum = boosted(rotated(at_rest[:, None], turn[owner])[:, 0], _momentum(parent), parent.mass)
    code = library.code[chosen[owner], product] * np.sign(parent.code)
    return objects_of(parent.event, code, *momentum.T)


def _momentum(particles: Objects) -> Floats:
    """(N, 4): px, py, pz, energy in GeV."""
    x, y, z = particles.pt * (np.cos(particles.phi), np.sin(particles.phi), np.sinh(particles.eta))
    energy = np.sqrt(x**2 + y**2 + z**2 + particles.mass**2)
    return np.stack([x, y, z, energy], axis=1)


NONE = objects_of(np.zeros(0, np.int64), np.zeros(0, np.int64), *np.zeros((4, 0)))
