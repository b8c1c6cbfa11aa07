"""What a detector makes of particles: acceptance, efficiencies and resolutions.

The formulae are those of the public CMS parametrisations of Delphes (arXiv:1307.6346; tracks, CMS card;
calorimeters, Phase-2 CMS card); a ⊕ b = sqrt(a² + b²). No pile-up, no fakes, no decays of pions and kaons
in flight, no photon conversions; the magnetic field only removes particles that never reach the calorimeter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import UnknownNameError

__all__ = ["DETECTORS", "Detector", "detector_named", "smeared"]

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Detector:
    """One parametrised detector. Arrays are per particle; pT and energies in GeV.

    Attributes:
        hadron_track_terms: (constant, per GeV) terms of the relative pT resolution of charged hadrons in
            |η| < 0.5, 0.5–1.5 and 1.5–2.5.
    """

    name: str
    hadron_track_terms: tuple[tuple[float, float], ...]

    tracker_eta: float = 2.5
    calorimeter_eta: float = 5.0
    field_tesla: float = 3.8
    calorimeter_radius_m: float = 1.29
    calorimeter_half_length_m: float = 3.0
    ecal_terms: tuple[tuple[float, float, float, float], ...] = (
        (1.5, 0.009, 0.12, 0.45),
        (1.75, 0.006, 0.20, 0.0),
        (2.15, 0.007, 0.21, 0.0),
        (3.0, 0.008, 0.24, 0.0),
        (np.inf, 0.08, 1.98, 0.0),
    )
    """rows (upper |η|, constant, stochastic, noise) of σ(E) of electromagnetic energy; GeV"""
    hcal_terms: tuple[tuple[float, float, float, float], ...] = (
        (3.0, 0.05, 1.00, 0.0),
        (np.inf, 0.11, 2.80, 0.0),
    )
    """the same of hadronic energy"""

    isolation_cone: float = 0.5
    isolation_constituent_pt: float = 0.5
    electron_isolation: float = 0.12
    """largest pT sum in the cone relative to the electron"""
    muon_isolation: float = 0.25
    lepton_pt: float = 3.0
    """lowest reconstructed pT of electrons and muons"""
    jet_pt: float = 15.0
    jet_eta: float = 4.0
    jet_radius: float = 0.4

    def hadron_track_efficiency(self, pt: Floats, eta: Floats) -> Floats:
        """Probability that a charged hadron has a track."""
        barrel, endcap = np.where(pt > 1, 0.95, 0.70), np.where(pt > 1, 0.85, 0.60)
        return self._tracked(eta, self.tracker_eta, np.where(np.abs(eta) < 1.5, barrel, endcap) * (pt > 0.1))

    def electron_efficiency(self, pt: Floats, eta: Floats, acceptance: float) -> Floats:
        """Track times identification; the endcap values hold up to `acceptance`, ID also below 10 GeV."""
        barrel = np.where(pt > 100, 0.99, np.where(pt > 1, 0.95, 0.73)) * 0.95
        endcap = np.where(pt > 100, 0.90, np.where(pt > 1, 0.83, 0.50)) * 0.85
        return self._tracked(eta, acceptance, np.where(np.abs(eta) < 1.5, barrel, endcap) * (pt > 0.1))

    def muon_track_efficiency(self, pt: Floats, eta: Floats) -> Floats:
        """Probability that a muon has a track."""
        barrel, endcap = np.where(pt > 1, 0.99, 0.75), np.where(pt > 1, 0.98, 0.70)
        return self._tracked(eta, self.tracker_eta, np.where(np.abs(eta) < 1.5, barrel, endcap) * (pt > 0.1))

    def muon_identification(self, eta: Floats, acceptance: float) -> Floats:
        """Probability that a muon track is identified."""
        return self._tracked(eta, acceptance, np.full_like(eta, 0.95))

    @staticmethod
    def _tracked(eta: Floats, acceptance: float, efficiency: Floats) -> Floats:
        result: Floats = np.where(np.abs(eta) < acceptance, efficiency, 0.0)
        return result

    def hadron_track_resolution(self, pt: Floats, eta: Floats) -> Floats:
        """σ(pT) in GeV."""
        return pt * _by_eta(eta, pt, self.hadron_track_terms)

    def muon_resolution(self, pt: Floats, eta: Floats) -> Floats:
        """σ(pT) in GeV."""
        return pt * _by_eta(eta, pt, ((0.01, 1.0e-4), (0.015, 1.5e-4), (0.025, 3.5e-4)))

    def ecal_resolution(self, energy: Floats, eta: Floats) -> Floats:
        """σ(E) in GeV of electromagnetic energy."""
        return _calorimeter(energy, eta, self.ecal_terms)

    def hcal_resolution(self, energy: Floats, eta: Floats) -> Floats:
        """σ(E) in GeV of hadronic energy."""
        return _calorimeter(energy, eta, self.hcal_terms)

    def reaches_calorimeter(self, pt: Floats) -> Booleans:
        """Whether a charged particle leaves the magnetic field: pT > 0.3 B R / 2."""
        result: Booleans = pt > 0.15 * self.field_tesla * self.calorimeter_radius_m
        return result


DETECTORS = {
    "cms": Detector("cms", ((0.01, 1.5e-4), (0.015, 2.5e-4), (0.025, 5.5e-4))),
    "cms-coarse-tracks": Detector("cms-coarse-tracks", ((0.06, 1.3e-3), (0.10, 1.7e-3), (0.25, 3.1e-3))),
    "atlas": Detector(
        "atlas",
        ((0.01, 1.5e-4), (0.015, 2.5e-4), (0.025, 5.5e-4)),
        field_tesla=2.0,
        calorimeter_radius_m=1.15,
        calorimeter_half_length_m=3.51,
        ecal_terms=((3.2, 0.0017, 0.101, 0.0), (np.inf, 0.035, 0.285, 0.0)),
        hcal_terms=(
            (1.7, 0.0302, 0.5205, 1.59),
            (3.2, 0.05, 0.706, 0.0),
            (np.inf, 0.0942, 1.00, 0.0),
        ),
    ),
}
"""By name: ``cms`` with the track resolution of arXiv:1405.6569, and with the coarser one of today's card;
``atlas`` with the calorimeters and the field of the ATLAS card of Delphes."""


def detector_named(name: str) -> Detector:
    """The detector of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in DETECTORS:
        raise UnknownNameError.among("detector", name, DETECTORS)
    return DETECTORS[name]


def _by_eta(eta: Floats, pt: Floats, terms: tuple[tuple[float, float], ...]) -> Floats:
    region = np.searchsorted([0.5, 1.5], np.abs(eta))
    constant, slope = np.array(terms).T
    result: Floats = np.hypot(constant[region], slope[region] * pt)
    return result


def _calorimeter(energy: Floats, eta: Floats, rows: tuple[tuple[float, float, float, float], ...]) -> Floats:
    limits, constant, stochastic, noise = np.array(rows).T
    region = np.minimum(np.searchsorted(limits, np.abs(eta)), len(rows) - 1)
    result: Floats = np.sqrt(
        (constant[region] * energy) ** 2 + stochastic[region] ** 2 * energy + noise[region] ** 2
    )
    return result


HIGHEST = 5.0
"""Standard deviations above the mean at which smeared numbers end."""


def smeared(mean: Floats, sigma: Floats, draw: np.random.Generator) -> Floats:
    """Log-normal numbers with this mean and standard deviation: never negative.

    They end at five standard deviations above the mean. Where noise is larger than the energy, the tail of
    the logarithm would make clusters of tens of GeV out of photons of half a GeV, and most of a trigger rate.

    >>> import numpy as np
    >>> x = smeared(np.full(100_000, 20.0), np.full(100_000, 2.0), np.random.default_rng(1))
    >>> round(float(x.mean())), round(float(x.std()))
    (20, 2)
    """
    width = np.sqrt(np.log1p((sigma / mean) ** 2))
    drawn = mean * np.exp(width * draw.standard_normal(len(mean)) - 0.5 * width**2)
    return np.minimum(drawn, mean + HIGHEST * sigma)
