"""Charged particles as a tracker sees them: a helix, its perigee, and how well both are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.detector import Detector, smeared

__all__ = ["ImpactResolution", "Tracks", "lifetime_sign", "perigee", "track"]

Floats = NDArray[np.float64]

CURVATURE = 0.299792458
"""GeV / (T m): pT = CURVATURE B R."""
FARTHEST_ORIGIN = 30.0
"""mm from the beam; what is born behind the first layer of pixels has no track here."""
CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
POSITIVE_CODE_NEGATIVE_CHARGE = (11, 13, 3112, 3312, 3334)


@dataclass(frozen=True)
class ImpactResolution:
    """σ² = constant² + (scattering / (pT sin(θ)^½))², transverse; θ for z adds 1 / sin θ.

    The constants are those of muons of 100 GeV in arXiv:1405.6569 (10 and 30 μm), to which the resolution of
    the primary vertex is added (11 μm, the same source). The scattering is that of some percent of a
    radiation length in the first layers: 80 μm at 1 GeV, a choice.
    """

    transverse_mm: float = 0.010
    longitudinal_mm: float = 0.030
    vertex_mm: float = 0.011
    scattering_mm_gev: float = 0.080

    def of(self, pt: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """σ(d0) and σ(z0) in mm."""
        sine = 1.0 / np.cosh(eta)
        scattering = self.scattering_mm_gev / (pt * np.sqrt(sine))
        across = np.sqrt(self.transverse_mm**2 + self.vertex_mm**2 + scattering**2)
        along = np.sqrt(self.longitudinal_mm**2 + self.vertex_mm**2 + (scattering / sine) ** 2)
        return across, along


@dataclass(frozen=True)
class Tracks:
    """Measured tracks.

    Attributes:
        objects: directions at the perigee and measured pT, in order of event.
        d0, z0: impact parameters in mm, transverse signed as `perigee` does.
        d0_error, z0_error: their resolutions in mm.
    """

    objects: Objects
    d0: Floats
    z0: Floats
    d0_error: Floats
    z0_error: Floats

    def __len__(self) -> int:
        return len(self.objects)


def charge(code: NDArray[np.int64]) -> NDArray[np.int64]:
    """The charge of `CHARGED` particles by PDG code, 0 of all others."""
    size = np.abs(code)
    sign = np.where(np.isin(size, POSITIVE_CODE_NEGATIVE_CHARGE), -1, 1) * np.sign(code)
    return np.where(np.isin(size, CHARGED), sign, 0)


def perigee(
    pt: Floats, eta: Floats, phi: Floats, charges: NDArray[np.int64], vertex: Floats, field_tesla: float
) -> tuple[Floats, Floats, Floats]:
    """Closest approach of helices to the beam, which is the z axis.

    With R = q pT / (0.2998 B), the circle has the centre c = (x + R sin φ, y − R cos φ), and
    d0 = R − sign(R) |c|; z0 = z + R (φ − φ0) cot θ, where φ0 is the direction at the perigee.

    Args:
        pt, eta, phi: momenta (N,) at the vertex; GeV, radians.
        charges: (N,) 1 or −1.
        vertex: (N, 3) mm.

    Returns:
        d0 and z0 in mm, φ0 in radians.

    >>> one, none = np.ones(1), np.zeros(1)
    >>> d0, z0, phi0 = perigee(1e6 * one, none, none, np.array([1]), np.array([[0.0, 0.2, 3.0]]), 3.8)
    >>> round(float(d0[0]), 4), round(float(z0[0]), 4)
    (0.2, 3.0)
    """
    radius = charges * pt / (CURVATURE * field_tesla) * 1e3
    x = vertex[:, 0] + radius * np.sin(phi)
    y = vertex[:, 1] - radius * np.cos(phi)
    sign = np.sign(radius)
    d0 = radius - sign * np.hypot(x, y)
    phi0 = np.arctan2(sign * x, -sign * y)
    turned = (phi - phi0 + np.pi) % (2 * np.pi) - np.pi
    z0 = vertex[:, 2] + radius * turned * np.sinh(eta)
    return d0, z0, phi0


def lifetime_sign(d0: Floats, phi0: Floats, jet_phi: Floats) -> Floats:
    """1 where the perigee lies in front of the jet, as for decays in flight, else −1.

    The perigee is the point d0 (−sin φ0, cos φ0).
    """
    along = d0 * np.sin(jet_phi - phi0)
    return np.where(along >= 0, 1.0, -1.0)


def track(
    particles: Objects,
    vertex: Floats,
    detector: Detector,
    draw: np.random.Generator,
    resolution: ImpactResolution | None = None,
) -> tuple[Tracks, NDArray[np.bool_]]:
    """The tracks of charged particles, and which particles have one.

    Efficiency and pT resolution are those of `detector`. No tails, no wrong tracks.

    Args:
        particles: final particles in order of event.
        vertex: (N, 3) where they were born, in mm; the primary vertex is the origin.
    """
    resolution = resolution or ImpactResolution()
    charges = charge(particles.code)
    near = np.hypot(vertex[:, 0], vertex[:, 1]) < FARTHEST_ORIGIN
    lucky = draw.random(len(particles)) < detector.hadron_track_efficiency(particles.pt, particles.eta)
    seen = (charges != 0) & near & lucky
    found = particles[seen]
    d0, z0, phi0 = perigee(found.pt, found.eta, found.phi, charges[seen], vertex[seen], detector.field_tesla)
    d0_error, z0_error = resolution.of(found.pt, found.eta)
    measured = Objects(
        found.event,
        smeared(found.pt, detector.hadron_track_resolution(found.pt, found.eta), draw),
        found.eta,
        phi0,
        found.mass,
        found.code,
    )
    return (
        Tracks(
            measured,
            d0 + d0_error * draw.standard_normal(len(d0)),
            z0 + z0_error * draw.standard_normal(len(z0)),
            d0_error,
            z0_error,
        ),
        seen,
    )
