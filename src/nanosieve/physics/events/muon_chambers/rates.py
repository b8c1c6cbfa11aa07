"""How often each background comes, in kHz, so that a decision can be given a rate.

An event of a sample stands for one image: half of a sector of drift tubes, or a sector of resistive plates.
The rate of a class is that of its images in the whole barrel; the rate of a trigger is the sum over the
classes of rate × fraction that fires.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.events.muon_chambers.backgrounds import Backgrounds
from nanosieve.physics.events.muon_chambers.settings import DriftTubes, StripPlanes
from nanosieve.physics.filling import filled_crossing_rate

__all__ = [
    "ETA",
    "MUON_THRESHOLDS",
    "SIGMA_INELASTIC_PB",
    "decay_background_rates",
    "leak_probability",
    "muons_per_collision",
    "strip_background_rates",
]

Name = TypeVar("Name", str, float)
SIGMA_INELASTIC_PB = 8e10
"""80 mb, as in `nanosieve.physics.machine`."""
ETA = 1.0
"""|η| within which the numbers below are counted; they are taken to be flat in η."""
MUON_THRESHOLDS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
"""GeV"""
MUONS = (3.1e-3, 7.3e-4, 2.5e-4, 1.0e-4, 5.0e-5, 1.6e-5, 6.5e-6, 1.2e-6, 3.6e-7, 6.3e-8)
"""Muons above each of them in an inelastic collision, assumed; see `UNCERTAINTY`."""
LEAKS = 1e-4
"""Hadrons in an inelastic collision behind which charged particles leave the calorimeter; assumed."""
LEAK_AT_100_GEV = 0.05
"""Assumed: probability that a hadron of 100 GeV does so behind some ten interaction lengths."""
UNCERTAINTY = 3.0
"""Factor up and down on the rates of muons and jets: all numbers here are assumed. What Pythia makes of them
is printed by ``validation/muon_chamber_rates.py``."""


def leak_probability(momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """That charged particles leave the calorimeter behind a hadron: proportional to its momentum (assumed).

    Args:
        momentum: GeV.
    """
    return np.minimum(LEAK_AT_100_GEV * momentum / 100, 1.0)


def muons_per_collision(pt: float) -> float:
    """Mean number of muons above `pt` GeV and within |η| < 1 in an inelastic collision.

    Raises:
        SettingsError: below the lowest or above the highest threshold.

    >>> round(muons_per_collision(5.0) / MUONS[3], 9)
    1.0
    """
    if not MUON_THRESHOLDS[0] <= pt <= MUON_THRESHOLDS[-1]:
        message = f"muons above {pt} GeV: accepted are {MUON_THRESHOLDS[0]:g} to {MUON_THRESHOLDS[-1]:g} GeV"
        raise SettingsError(message)
    return float(np.exp(np.interp(np.log(pt), np.log(MUON_THRESHOLDS), np.log(MUONS))))


def decay_background_rates(
    detector: DriftTubes | None = None, backgrounds: Backgrounds | None = None, *, bunches: int = 2544
) -> Mapping[str, Figure]:
    """Rate in kHz of the images of each background in the whole barrel, by class.

    - ``muon``: muons above the lowest momentum of `backgrounds` in its range of η, on both sides;
    - ``punch-through``: hadrons that leave something behind the calorimeter;
    - ``noise``: all other half sectors of all filled crossings.

    Args:
        detector: gives the pile-up and the number of sectors.
        bunches: that collide.

    Raises:
        SettingsError: no bunches, or muons outside of what is known.
    """
    detector, backgrounds = detector or DriftTubes(), backgrounds or Backgrounds()
    part = (backgrounds.eta[1] - backgrounds.eta[0]) / ETA
    collisions = detector.pileup * filled_crossing_rate(bunches) / 1000
    return _rates(
        {
            "muon": collisions * part * muons_per_collision(backgrounds.muon_pt[0]),
            "punch-through": collisions * part * LEAKS,
        },
        2 * detector.sectors * filled_crossing_rate(bunches) / 1000,
        "noise",
    )


def strip_background_rates(
    pts: tuple[float, ...], detector: StripPlanes | None = None, *, bunches: int = 2544
) -> Mapping[float, Figure]:
    """Rate in kHz of images of strips with a muon, by the momentum that stands for it, and of noise under 0.

    A momentum stands for the muons halfway to its neighbours; the lowest one from itself on, the highest one
    for all that are harder.

    Args:
        pts: GeV, rising.
        detector: gives the pile-up and the number of sectors.
        bunches: that collide.

    Raises:
        SettingsError: no bunches, or momenta outside of what is known or not rising.
    """
    detector = detector or StripPlanes()
    if not pts or (np.diff(pts) <= 0).any():
        message = f"momenta are {', '.join(map(str, pts))} GeV; give some, rising"
        raise SettingsError(message)
    collisions = detector.pileup * filled_crossing_rate(bunches) / 1000
    edges = [pts[0], *((low + high) / 2 for low, high in pairwise(pts))]
    above = [muons_per_collision(edge) for edge in edges] + [0.0]
    muons = {pt: collisions * (above[n] - above[n + 1]) for n, pt in enumerate(pts)}
    images = detector.sectors * filled_crossing_rate(bunches) / 1000
    return _rates(muons, images, 0.0)


def _rates(known: Mapping[Name, float], images: float, noise: Name) -> dict[Name, Figure]:
    made: dict[Name, Figure] = {}
    for name, rate in known.items():
        band = rate / UNCERTAINTY, rate * UNCERTAINTY
        made[name] = Figure(rate, "kHz", Provenance.ESTIMATED, source="assumed", interval=band)
    made[noise] = Figure(images - sum(known.values()), "kHz", Provenance.ESTIMATED)
    return made
