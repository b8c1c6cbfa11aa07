"""Complete proton–proton collisions in batches, as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects, concatenate
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM, heavy_quark
from nanosieve.physics.events.detector import Detector

__all__ = [
    "BATCH",
    "ETA_MAX",
    "INVISIBLE",
    "TAGGED",
    "Collisions",
    "collected",
    "decays_in_flight",
    "objects_of",
]

Floats = NDArray[np.float64]

BATCH = 250
"""Collisions that are generated or read together."""
TAGGED = (15, *BOTTOM_AND_CHARM)
"""PDG codes of what tags the flavour of a jet."""
LOWEST_FLAVOUR = 3.0
"""GeV; softer heavy hadrons and taus tag nothing."""
LOWEST_DECAYING_PT = 2.5
"""GeV; muons of softer pions and kaons do not reach the muon chambers."""
MUON_MASS = 0.10566
ETA_MAX = 5.0
INVISIBLE = (12, 14, 16, 51, 52, 53, 1000022, 1000039, 4900101, 4900211, 4900213)
"""PDG codes of what leaves no trace: neutrinos, dark matter, lightest neutralino, gravitino, dark hadrons."""


@dataclass(frozen=True)
class Collisions:
    """N collisions.

    Attributes:
        particles: visible final particles with |η| < 5, in order of collision; GeV, radians; ``event`` counts
            from 0 to N - 1.
        pthat: (N,) transverse momentum of the hardest scatter in GeV.
        weight: (N,) the generator's weight, 1 where the phase space is not biased.
        invisible: (N, 2) transverse momentum (x, y) in GeV that neutrinos and the like carry away.
        flavour: where bottom and charm hadrons and taus decayed, in order of collision; code 5, 4 or 15.
    """

    particles: Objects
    flavour: Objects
    pthat: Floats
    weight: Floats
    invisible: Floats

    def __len__(self) -> int:
        return len(self.pthat)

    def __getitem__(self, chosen: slice) -> Collisions:
        """A contiguous part, its collisions counted from 0."""
        first, last, _ = chosen.indices(len(self))
        cut = [
            group[slice(*np.searchsorted(group.event, [first, last]))].counted_on(-first)
            for group in (self.particles, self.flavour)
        ]
        return Collisions(cut[0], cut[1], self.pthat[chosen], self.weight[chosen], self.invisible[chosen])

    def only(self, chosen: NDArray[np.int64]) -> Collisions:
        """The collisions of these ascending indices, counted from 0."""
        place = np.full(len(self), -1)
        place[chosen] = np.arange(len(chosen))
        groups = []
        for group in (self.particles, self.flavour):
            new = place[group.event]
            groups.append(replace(group, event=new)[new >= 0])
        return Collisions(
            groups[0], groups[1], self.pthat[chosen], self.weight[chosen], self.invisible[chosen]
        )

    @staticmethod
    def joined(parts: list[Collisions]) -> Collisions:
        """All collisions of all parts, counted on."""
        first = np.cumsum([0, *(len(part) for part in parts)])
        shift = list(zip(parts, first, strict=False))
        return Collisions(
            concatenate(*(part.particles.counted_on(n) for part, n in shift)),
            concatenate(*(part.flavour.counted_on(n) for part, n in shift)),
            np.concatenate([part.pthat for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.invisible for part in parts]),
        )


def objects_of(
    event: NDArray[np.int64], code: NDArray[np.int64], px: Floats, py: Floats, pz: Floats, energy: Floats
) -> Objects:
    """Particles from their Cartesian momenta in GeV."""
    pt = np.maximum(np.hypot(px, py), 1e-9)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return Objects(event, pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass, code.astype(np.int64))


def collected(final: Objects, decayed: Objects, pthat: Floats, weight: Floats) -> Collisions:
    """Collisions from their particles.

    Args:
        final: all final particles, in order of collision.
        decayed: bottom and charm hadrons and taus that have decayed; their PDG codes.
        pthat: (N,) GeV.
        weight: (N,).
    """
    unseen = np.isin(np.abs(final.code), INVISIBLE)
    gone = final[unseen]
    invisible = np.stack(
        [
            np.bincount(gone.event, gone.pt * direction(gone.phi), minlength=len(pthat))
            for direction in (np.cos, np.sin)
        ],
        axis=1,
    )
    label = np.where(np.abs(decayed.code) == 15, 15, heavy_quark(decayed.code))
    return Collisions(
        final[~unseen & (np.abs(final.eta) < ETA_MAX)],
        replace(decayed, code=label)[decayed.pt > LOWEST_FLAVOUR],
        pthat.astype(np.float64),
        weight.astype(np.float64),
        invisible.astype(np.float64),
    )


def decays_in_flight(particles: Objects, detector: Detector, draw: np.random.Generator) -> Objects:
    """Let charged pions and kaons decay to muons on their way to the calorimeter.

    With path l, momentum p and lifetime τ, the probability is 1 − exp(−l m / (p c τ)) times the branching
    ratio; the muon keeps the direction and a fraction of the momentum, uniform between (m_μ/m)² and 1 (two
    bodies, isotropic at rest, m ≪ p).
    """
    code = np.abs(particles.code)
    pion, kaon = code == 211, code == 321
    able = (pion | kaon) & (particles.pt > LOWEST_DECAYING_PT)
    p = particles[able]
    transverse = detector.calorimeter_radius_m / p.pt
    forward = detector.calorimeter_half_length_m / np.maximum(p.pt * np.abs(np.sinh(p.eta)), 1e-9)
    mass = np.where(pion[able], 0.13957, 0.49368)
    lifetime = np.where(pion[able], 7.8045, 3.711)  # c τ in metres
    branching = np.where(pion[able], 0.99988, 0.6356)
    probability = branching * -np.expm1(-np.minimum(transverse, forward) * mass / lifetime)
    decays = draw.random(len(mass)) < probability
    smallest = (MUON_MASS / mass[decays]) ** 2
    chosen = np.flatnonzero(able)[decays]
    pt, new_code, new_mass = particles.pt.copy(), particles.code.copy(), particles.mass.copy()
    pt[chosen] *= smallest + (1 - smallest) * draw.random(len(chosen))
    new_code[chosen] = -13 * np.sign(particles.code[chosen])
    new_mass[chosen] = MUON_MASS
    return replace(particles, pt=pt, code=new_code, mass=new_mass)
