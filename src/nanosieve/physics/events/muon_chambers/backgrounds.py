"""What looks like a decay and is none: muons of the collision, and particles that a jet leaves behind."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.physics.events.muon_chambers.settings import DriftTubes, StripPlanes
from nanosieve.physics.events.muon_chambers.tracks import SCATTERING, Tracks

__all__ = ["Backgrounds", "muon_momenta", "prompt_muons", "punch_through"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Backgrounds:
    """Muons and jets at the exit of the calorimeter; every number is assumed.

    Attributes:
        eta: lowest and highest pseudorapidity, uniform.
        muon_pt: lowest and highest transverse momentum in GeV.
        muon_slope: of its spectrum, dN/dpT ∝ pT^-slope.
        energy_loss: of a muon in the calorimeter at η = 0, in GeV; grows with the path.
        calorimeter_thickness: in radiation lengths, for multiple scattering.
        jet_particles: mean number of charged particles that leave the calorimeter beyond the first.
        jet_momentum: their mean momentum in GeV above `jet_least`.
        jet_least: GeV.
        jet_width: standard deviation of their place at the exit, in metres, across the jet.
        jet_angle: standard deviation of their angle to the jet in each projection, radians.
    """

    eta: tuple[float, float] = (0.05, 0.75)
    muon_pt: tuple[float, float] = (5.0, 100.0)
    muon_slope: float = 4.0
    energy_loss: float = 3.0
    calorimeter_thickness: float = 120.0
    jet_particles: float = 3.0
    jet_momentum: float = 2.0
    jet_least: float = 0.5
    jet_width: float = 0.1
    jet_angle: float = 0.25

    def __post_init__(self) -> None:
        for name, pair in (("eta", self.eta), ("muon_pt", self.muon_pt)):
            if not 0 <= pair[0] < pair[1] < np.inf:
                message = (
                    f"Backgrounds: {name} is {pair[0]} to {pair[1]}; give two rising numbers of 0 or more"
                )
                raise SettingsError(message)
        if self.muon_slope <= 1 or self.muon_pt[0] <= self.energy_loss:
            message = (
                f"Backgrounds: muons from {self.muon_pt[0]} GeV lose {self.energy_loss} GeV and fall with "
                f"a slope of {self.muon_slope}; give a slope above 1 and muons that leave the calorimeter"
            )
            raise SettingsError(message)
        numbers = {name: value for name, value in asdict(self).items() if not isinstance(value, tuple)}
        wrong = next((name for name, value in numbers.items() if not 0 <= value < np.inf), None)
        if wrong is not None:
            message = f"Backgrounds: {wrong} is {numbers[wrong]}; give 0 or more, and finite"
            raise SettingsError(message)

    def facts(self) -> dict[str, Any]:
        """All settings by name, as JSON has them."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


def muon_momenta(number: int, backgrounds: Backgrounds, draw: np.random.Generator) -> Floats:
    """(number,) transverse momenta in GeV of muons as they leave the collision."""
    low, high = backgrounds.muon_pt
    power = 1 - backgrounds.muon_slope
    spectrum: Floats = (low**power + draw.random(number) * (high**power - low**power)) ** (1 / power)
    return spectrum


def prompt_muons(
    pt: Floats,
    eta: Floats,
    phi: Floats,
    barrel: DriftTubes | StripPlanes,
    draw: np.random.Generator,
    *,
    energy_loss: float,
    thickness: float,
) -> Tracks:
    """One muon of random charge from the origin in each image, where it leaves the calorimeter.

    Args:
        pt, eta, phi: (N,) at the origin; GeV, φ from the middle of the sector.
        energy_loss: in GeV at η = 0; no more than leaves a tenth of the momentum.
        thickness: of the calorimeter in radiation lengths; place and direction at its exit are scattered as
            by matter that is spread evenly between half its radius and its outside.
    """
    number = len(pt)
    total = pt * np.cosh(eta)
    left = np.maximum(total - energy_loss * np.cosh(eta), 0.1 * total)
    along = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    position = along * (barrel.calorimeter_radius / np.cos(phi))[:, None]
    spread = SCATTERING * np.sqrt(thickness * np.cosh(eta)) / total
    first, second = draw.standard_normal((2, number))
    depth = barrel.calorimeter_radius / 2 * np.cosh(eta)
    # PDG, multiple scattering: displacement and angle of a projection, correlated by √3/2
    moved, turned = depth * spread * (first / np.sqrt(12) + second / 2), spread * second
    sideways = np.stack([-np.sinh(eta) * np.cos(phi), np.zeros(number), np.ones(number)], axis=1)
    sideways /= np.linalg.norm(sideways, axis=1)[:, None]
    direction = along / np.cosh(eta)[:, None] + turned[:, None] * sideways
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    position[:, 2] += moved * np.cosh(eta)  # a step across the track, along the face of the calorimeter
    charge = np.where(draw.random(number) < 0.5, 1.0, -1.0)
    kicks = draw.standard_normal((number, _stations(barrel)))
    return Tracks(np.arange(number), position, direction * left[:, None], charge, kicks)


def punch_through(
    number: int, backgrounds: Backgrounds, barrel: DriftTubes | StripPlanes, draw: np.random.Generator
) -> Tracks:
    """The charged particles that one jet in each image leaves behind the calorimeter, one or more."""
    particles = 1 + draw.poisson(backgrounds.jet_particles, number)
    image = np.repeat(np.arange(number), particles)
    eta = draw.uniform(*backgrounds.eta, number)[image]
    phi = draw.uniform(-barrel.half_opening, barrel.half_opening, number)[image]
    shift = draw.normal(0, backgrounds.jet_width, (len(image), 2))
    radius = barrel.calorimeter_radius
    position = np.stack(
        [
            np.full(len(image), radius),
            radius * np.tan(phi) + shift[:, 0],
            radius / np.cos(phi) * np.sinh(eta) + shift[:, 1] * np.cosh(eta),
        ],
        axis=1,
    )
    polar = np.arctan(np.sinh(eta)) + draw.normal(0, backgrounds.jet_angle, len(image))
    azimuth = phi + draw.normal(0, backgrounds.jet_angle, len(image))
    polar, azimuth = np.clip(polar, -1.45, 1.45), np.clip(azimuth, -1.45, 1.45)
    momentum = backgrounds.jet_least + draw.exponential(backgrounds.jet_momentum, len(image))
    across = momentum * np.cos(polar)
    vector = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), momentum * np.sin(polar)], axis=1)
    charge = np.where(draw.random(len(image)) < 0.5, 1.0, -1.0)
    kicks = draw.standard_normal((len(image), _stations(barrel)))
    return Tracks(image, position, vector, charge, kicks)


def _stations(barrel: DriftTubes | StripPlanes) -> int:
    return 1 + max(barrel.stations) if isinstance(barrel, StripPlanes) else len(barrel.stations)
