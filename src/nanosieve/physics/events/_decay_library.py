"""A library of decays of bottom and charm hadrons at rest, for many trial decays at once in NumPy.

Pythia decays these hadrons isotropically and without memory of their origin, so that a decay drawn from the
library, turned by a random rotation and boosted to the momentum of a hadron, has the distribution of a
fresh one. The library holds all channels in their natural ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import ToolError
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM, particle_table

__all__ = ["DecayLibrary", "TrialDecays", "boosted", "decay_library", "rotated"]

DECAYS = 3000
"""Decays of each hadron."""
SEED = 71
SELF_CONJUGATE = (22, 130)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DecayLibrary:
    """Decays of one hadron at rest, the particle, not the antiparticle.

    Attributes:
        code: (decays, products) PDG codes of the final products, 0 where there is none.
        momentum: (decays, products, 4) px, py, pz, energy in GeV.
    """

    code: NDArray[np.int64]
    momentum: Floats


class TrialDecays:
    """`number` decays of one hadron in flight, computed only where they are looked at.

    Args:
        hadron: (5,) PDG code, px, py, pz, energy in GeV.
    """

    def __init__(self, hadron: Floats, number: int, draw: np.random.Generator) -> None:
        code, momentum = int(hadron[0]), hadron[1:]
        self._library = decay_library(abs(code))
        self._momentum = momentum
        self._mass = float(np.sqrt(momentum[3] ** 2 - momentum[:3] @ momentum[:3]))
        self._antiparticle = code < 0
        self._chosen = draw.integers(len(self._library.code), size=number)
        self._turn = draw.standard_normal((number, 4))

    def hard_leptons(self, pt: float) -> NDArray[np.int64]:
        """The trials with an electron or muon above `pt` (GeV), in order."""
        trial, product = np.nonzero(np.isin(np.abs(self._library.code), (11, 13))[self._chosen])
        rest = self._library.momentum[self._chosen[trial], product]
        lepton = boosted(rotated(rest[:, None, :], self._turn[trial]), self._momentum, self._mass)[:, 0]
        return np.unique(trial[np.hypot(lepton[:, 0], lepton[:, 1]) > pt])

    def products(self, trials: NDArray[np.int64]) -> Floats:
        """(trials, products, 5): PDG code, 0 where there is none, and px, py, pz, energy."""
        chosen = self._chosen[trials]
        code = self._library.code[chosen]
        if self._antiparticle:
            code = np.where(np.isin(code, SELF_CONJUGATE), code, -code)
        momentum = boosted(
            rotated(self._library.momentum[chosen], self._turn[trials]), self._momentum, self._mass
        )
        return np.concatenate([code[..., None], momentum], axis=2)


def boosted(products: Floats, momentum: Floats, mass: Floats | float) -> Floats:
    """`products` (…, 4) in the rest frame of particles, seen where these have `momentum` (…, 4)."""
    velocity, gamma = momentum[..., :3] / np.expand_dims(mass, -1), momentum[..., 3] / mass
    along = (products[..., :3] * velocity).sum(axis=-1)
    shift = along / (gamma + 1) + products[..., 3]
    result = np.empty_like(products)
    result[..., :3] = products[..., :3] + shift[..., None] * velocity
    result[..., 3] = gamma * products[..., 3] + along
    return result


def rotated(products: Floats, quaternion: Floats) -> Floats:
    """`products` (n, products, 4) turned by n rotations; normally distributed quaternions are uniform."""
    unit = quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)
    scalar, axis = unit[:, None, :1], unit[:, None, 1:]
    vector = products[..., :3]
    twice = 2 * np.cross(axis, vector)
    result = products.copy()
    result[..., :3] = vector + scalar * twice + np.cross(axis, twice)
    return result


@cache
def decay_library(hadron: int) -> DecayLibrary:
    """The library of one hadron (positive PDG code), made once in a process, always the same.

    Raises:
        ToolError: Pythia cannot decay it.
    """
    if hadron not in BOTTOM_AND_CHARM:
        message = f"{hadron} is not a weakly decaying bottom or charm hadron"
        raise ToolError(message)
    pythia = _decayer()
    pythia.rndm.init(SEED + hadron)
    mass = pythia.particleData.m0(hadron)
    tables = []
    for _ in range(DECAYS):
        pythia.event.reset()
        pythia.event.append(hadron, 83, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, mass, mass)
        pythia.moreDecays()
        tables.append(particle_table(pythia.event))
    longest = max(len(table) for table in tables)
    padded = np.zeros((DECAYS, longest, 5))
    for row, table in zip(padded, tables, strict=True):
        row[: len(table)] = table
    return DecayLibrary(padded[..., 0].astype(np.int64), padded[..., 1:])


@cache
def _decayer() -> Any:
    pythia8 = require("pythia8mc", extra="events", purpose="event generation")
    pythia = pythia8.Pythia("", False)
    for line in ("Print:quiet = on", "ProcessLevel:all = off"):
        pythia.readString(line)
    if not pythia.init():
        message = "Pythia cannot start for decays alone; is its data folder complete?"
        raise ToolError(message)
    return pythia
