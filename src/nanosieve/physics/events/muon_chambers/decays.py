"""Decays of neutral long-lived particles: a gun, isotropic decays to many bodies, and the law of decay.

The gun draws the decay radius uniformly, so that a network is trained alike at all radii; `lifetime_weights`
turn the sample into one of any c·tau.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.physics.events._decay_library import boosted
from nanosieve.physics.events.muon_chambers.tracks import Tracks

__all__ = ["Decays", "LongLivedGun", "decay_radii", "gun_decays", "lifetime_weights", "phase_space"]

Floats = NDArray[np.float64]
PION = 0.13957
"""GeV"""


@dataclass(frozen=True)
class LongLivedGun:
    """Long-lived particles and how they decay; every number is assumed.

    Attributes:
        radius: lowest and highest radius of the decay in metres: calorimeter to outer station.
        mass: lowest and highest mass in GeV, uniform.
        pt: lowest and highest transverse momentum in GeV, uniform in the logarithm.
        eta: lowest and highest pseudorapidity, uniform.
        tracks: fewest and most charged particles of the decay, all equally often; half as many neutral ones.
    """

    radius: tuple[float, float] = (4.25, 9.5)
    mass: tuple[float, float] = (10.0, 50.0)
    pt: tuple[float, float] = (20.0, 200.0)
    eta: tuple[float, float] = (0.05, 0.75)
    tracks: tuple[int, int] = (2, 10)

    def __post_init__(self) -> None:
        for name in ("radius", "mass", "pt", "eta", "tracks"):
            low, high = getattr(self, name)
            if not 0 <= low <= high < np.inf:
                message = f"LongLivedGun: {name} is {low} to {high}; give two rising numbers of 0 or more"
                raise SettingsError(message)
        least = self.tracks[1] + self.tracks[1] // 2
        if self.pt[0] <= 0 or self.tracks[0] < 2 or self.mass[0] <= 2 * PION * least:
            message = (
                f"LongLivedGun: pT from {self.pt[0]} GeV, {self.tracks[0]} tracks and a mass from "
                f"{self.mass[0]} GeV; give pT above 0, 2 tracks or more, and masses above "
                f"{2 * PION * least:.2f} GeV"
            )
            raise SettingsError(message)

    def facts(self) -> dict[str, Any]:
        """All settings by name, as JSON has them."""
        return {name: list(pair) for name, pair in asdict(self).items()}


@dataclass(frozen=True)
class Decays:
    """N decays, one in each image.

    Attributes:
        radius, z: (N,) of the decay in metres.
        pt, mass: (N,) of the particle in GeV.
        number: (N,) charged particles of the decay.
        tracks: these particles.
    """

    radius: Floats
    z: Floats
    pt: Floats
    mass: Floats
    number: NDArray[np.int64]
    tracks: Tracks


def decay_radii(pt: Floats, mass: Floats, ctau: float, draw: np.random.Generator) -> Floats:
    """Radii in metres at which particles decay: exponential with the mean c·tau pT / m.

    Args:
        pt, mass: GeV.
        ctau: metres.
    """
    return draw.exponential(_mean_radius(pt, mass, ctau))


def lifetime_weights(
    radius: Floats, pt: Floats, mass: Floats, ctau: float, between: tuple[float, float]
) -> Floats:
    """Weights that turn radii drawn uniformly in `between` into those of a lifetime.

    Their mean is the probability that a particle decays in that range; the mean of weight × decision is the
    trigger efficiency among all particles in the acceptance.

    Args:
        radius: (N,) metres.
        pt, mass: (N,) GeV.
        ctau: metres.
        between: lowest and highest radius of the sample in metres.

    Raises:
        SettingsError: c·tau is not above 0.
    """
    mean = _mean_radius(pt, mass, ctau)
    weights: Floats = (between[1] - between[0]) * np.exp(-radius / mean) / mean
    return weights


def _mean_radius(pt: Floats, mass: Floats, ctau: float) -> Floats:
    if not 0 < ctau < np.inf:
        message = f"c·tau is {ctau} m; give a length above 0, for example 1.0"
        raise SettingsError(message)
    return ctau * pt / mass


def phase_space(mass: Floats, bodies: int, draw: np.random.Generator) -> Floats:
    """(N, bodies, 4) momenta (px, py, pz, E) of decays at rest to massless bodies, uniform in phase space.

    RAMBO: Kleiss, Stirling and Ellis, Comput. Phys. Commun. 40 (1986) 359, section 2.

    Args:
        mass: (N,) GeV.
    """
    shape = (len(mass), bodies)
    cosine, phi = 2 * draw.random(shape) - 1, 2 * np.pi * draw.random(shape)
    energy = -np.log(np.maximum(draw.random(shape) * draw.random(shape), 1e-300))
    sine = np.sqrt(1 - cosine**2)
    q = np.stack([energy * sine * np.cos(phi), energy * sine * np.sin(phi), energy * cosine, energy], axis=-1)
    total = q.sum(axis=1)
    invariant = np.sqrt(np.maximum(total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1), 1e-300))
    at_rest = boosted(q, (total * (-1, -1, -1, 1))[:, None], invariant[:, None])
    momenta: Floats = at_rest * (mass / invariant)[:, None, None]
    return momenta


def gun_decays(
    number: int, gun: LongLivedGun, half_opening: float, stations: int, draw: np.random.Generator
) -> Decays:
    """`number` decays; the particles come from the origin and fly within the sector.

    Args:
        half_opening: of the sector, radians.
        stations: of the detector.
    """
    fewest, most = gun.tracks
    charged = draw.permutation(fewest + np.arange(number) % (most - fewest + 1))
    mass, eta = draw.uniform(*gun.mass, number), draw.uniform(*gun.eta, number)
    pt = gun.pt[0] * (gun.pt[1] / gun.pt[0]) ** draw.random(number)
    phi = draw.uniform(-half_opening, half_opening, number)
    radius = draw.uniform(*gun.radius, number)
    along = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    momentum = along * pt[:, None]
    parent = np.column_stack([momentum, np.sqrt((momentum**2).sum(axis=1) + mass**2)])
    images, momenta = [], []
    for bodies in np.unique(charged):
        own = np.flatnonzero(charged == bodies)
        at_rest = phase_space(mass[own], int(bodies + bodies // 2), draw)
        products = boosted(at_rest, parent[own, None], mass[own, None])
        images.append(np.repeat(own, bodies))
        momenta.append(products[:, :bodies, :3].reshape(-1, 3))
    image, own_momentum = np.concatenate(images), np.concatenate(momenta)
    order = np.argsort(image, kind="stable")
    image, own_momentum = image[order], own_momentum[order]
    position = along[image] * radius[image, None]
    charge = np.where(
        np.arange(len(image)) % 2, -1.0, 1.0
    )  # neutral in sum, but for one where the number is odd
    kicks = draw.standard_normal((len(image), stations))
    tracks = Tracks(image, position, own_momentum, charge, kicks)
    return Decays(radius, radius * np.sinh(eta), pt, mass, charged, tracks)
