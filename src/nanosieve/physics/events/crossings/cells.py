"""What particles leave in the calorimeters: cells of a regular grid in η and φ, two layers deep.

The grid has 114 × 72 cells of 0.0873 × 0.0873 up to |η| = 4.97, as trigger towers have; the forward
calorimeters of the experiments are coarser. Each particle is measured once, with the resolution of its
calorimeter (gamma-distributed), and spread over the 3 × 3 cells around its impact point by the width of its
shower.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.detector import Detector

__all__ = ["CELL", "ETA_CELLS", "PHI_CELLS", "Deposits", "deposits", "eta_of", "phi_of"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int32]

PHI_CELLS = 72
ETA_CELLS = 114
CELL = 2 * np.pi / PHI_CELLS
"""Size of a cell in η and in φ."""

ELECTROMAGNETIC_WIDTH, HADRONIC_WIDTH = 0.15, 0.45
"""Standard deviation of a shower in cells: about 17 and 50 mrad, a Molière radius and half an interaction
length at 1.3 and 1.8 m."""
EARLY_SHOWERS = 0.4
"""Fraction of hadrons that begin their shower in the electromagnetic layer."""
MUONS = 13


class Deposits(NamedTuple):
    """Transverse energies in cells, event by event.

    Attributes:
        offsets: (N + 1,) int64: event n has the entries ``offsets[n]`` up to ``offsets[n + 1]``.
        cell: η index × `PHI_CELLS` + φ index; each cell at most once per event.
        electromagnetic, hadronic: GeV.
    """

    offsets: NDArray[np.int64]
    cell: Integers
    electromagnetic: Singles
    hadronic: Singles


def eta_of(index: NDArray[np.int64] | int) -> Floats:
    """η at the centre of a cell by its η index.

    >>> [round(float(eta_of(index)), 4) for index in (57, 0)]
    [0.0436, -4.9306]
    """
    return np.asarray((np.asarray(index) - ETA_CELLS / 2 + 0.5) * CELL)


def phi_of(index: NDArray[np.int64] | int) -> Floats:
    """φ in [-π, π) at the centre of a cell by its φ index."""
    return np.asarray((np.asarray(index) + 0.5) * CELL - np.pi)


def deposits(particles: Objects, events: int, detector: Detector, draw: np.random.Generator) -> Deposits:
    """The cells hit in each of `events` collisions; muons leave nothing.

    Charged particles arrive turned by the magnetic field; those that curl up leave nothing.

    Args:
        particles: in order of event.
    """
    code = np.abs(particles.code)
    charged = ~np.isin(code, (22, 111, 130, 310, 2112, 3122, 3322))
    alive = (code != MUONS) & (~charged | detector.reaches_calorimeter(particles.pt))
    p, charged, code = particles[alive], charged[alive], code[alive]
    shower = np.isin(code, (11, 22, 111))
    energy = np.hypot(p.pt * np.cosh(p.eta), p.mass)
    early = np.where(draw.random(len(p)) < EARLY_SHOWERS, draw.beta(2.0, 2.0, len(p)), 0.05)
    electromagnetic = np.where(shower, 1.0, early)
    sigma = np.where(shower, detector.ecal_resolution(energy, p.eta), detector.hcal_resolution(energy, p.eta))
    # a log-normal has far tails where the resolution is as large as the energy, and soft hadrons are many
    measured = draw.gamma((energy / sigma) ** 2, sigma**2 / energy) / np.cosh(p.eta)
    phi = p.phi + np.where(charged, _turn(p, detector), 0.0)
    width = np.where(shower, ELECTROMAGNETIC_WIDTH, HADRONIC_WIDTH)
    return Deposits(
        *_spread(
            p.event.astype(np.int64), events, p.eta / CELL + ETA_CELLS / 2, (phi + np.pi) / CELL, width,
            measured * electromagnetic, measured * (1 - electromagnetic),
        )
    )  # fmt: skip


def _turn(p: Objects, detector: Detector) -> Floats:
    """Azimuth gained on the way to the calorimeter, with the sign of the charge."""
    radius = detector.calorimeter_radius_m
    leaving = np.minimum(radius, detector.calorimeter_half_length_m / np.maximum(np.sinh(np.abs(p.eta)), 0.1))
    sine = np.minimum(0.15 * detector.field_tesla * leaving / p.pt, 1.0)
    lepton = np.isin(np.abs(p.code), (11, 13, 15))
    result: Floats = np.arcsin(sine) * -np.sign(p.code) * np.where(lepton, -1, 1)
    return result


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _spread(
    event: NDArray[np.int64],
    events: int,
    row: Floats,
    column: Floats,
    width: Floats,
    electromagnetic: Floats,
    hadronic: Floats,
) -> tuple[NDArray[np.int64], Integers, Singles, Singles]:
    """Sum the shares of all particles by cell. Rows and columns are in units of cells."""
    cells = ETA_CELLS * PHI_CELLS
    em, had = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    hit = np.zeros(cells, np.bool_)
    touched = np.empty(cells, np.int32)
    offsets = np.zeros(events + 1, np.int64)
    size = 9 * len(event)
    cell = np.empty(size, np.int32)
    em_out, had_out = np.empty(size, np.float32), np.empty(size, np.float32)
    eta_share, phi_share = np.empty(3), np.empty(3)
    start = total = 0
    for n in range(events):
        number = 0
        while start < len(event) and event[start] == n:
            i, j = int(np.floor(row[start])), int(np.floor(column[start]))
            _shares(row[start] - i, width[start], eta_share)
            _shares(column[start] - j, width[start], phi_share)
            for a in range(3):
                k = i + a - 1
                if k < 0 or k >= ETA_CELLS:
                    continue
                for b in range(3):
                    share = eta_share[a] * phi_share[b]
                    if share < 1e-3:
                        continue
                    c = k * PHI_CELLS + (j + b - 1) % PHI_CELLS
                    if not hit[c]:
                        hit[c] = True
                        touched[number] = c
                        number += 1
                    em[c] += share * electromagnetic[start]
                    had[c] += share * hadronic[start]
            start += 1
        for t in range(number):
            c = touched[t]
            cell[total], em_out[total], had_out[total] = c, em[c], had[c]
            em[c] = had[c] = 0.0
            hit[c] = False
            total += 1
        offsets[n + 1] = total
    return offsets, cell[:total].copy(), em_out[:total].copy(), had_out[:total].copy()


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _shares(position: float, width: float, share: Floats) -> None:
    """Fractions of a Gaussian at `position` (0 … 1 in the middle cell) in the cells before, at and after."""
    scale = 1 / (width * np.sqrt(2.0))
    share[0] = 0.5 * (1 - math.erf(position * scale))
    share[2] = 0.5 * (1 - math.erf((1 - position) * scale))
    share[1] = 1 - share[0] - share[2]
