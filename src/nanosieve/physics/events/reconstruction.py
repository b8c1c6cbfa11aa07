"""From visible particles to electrons, muons, jets and missing transverse momentum.

Charged hadrons with a track are measured by the tracker alone; everything else lands in calorimeter towers
(an ideal energy flow: nothing is counted twice). Electrons are measured by the calorimeter together with the
photons around them. Muon tracks that were not identified count for missing pT only. Missing pT balances all
tracks, towers and leptons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects, close_pairs, concatenate
from nanosieve.physics.events._jets import cluster_jets
from nanosieve.physics.events.detector import Detector, smeared
from nanosieve.physics.events.recipe import LeptonFilter

__all__ = ["Measured", "Reconstructed", "charge", "measure", "reconstruct"]

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

CHARGED_HADRONS = (211, 321, 2212, 3112, 3222, 3312, 3334)
BREMSSTRAHLUNG_CONE = 0.1
TOWER_SIZE = 2 * np.pi / 72
"""In η and φ up to |η| = 3; twice that beyond."""
ECAL_THRESHOLD, HCAL_THRESHOLD = 0.5, 1.0
"""GeV; a tower must also exceed one standard deviation of its resolution."""


@dataclass(frozen=True)
class Reconstructed:
    """The objects of `events` collisions, each collection in order of event and falling pT."""

    events: int
    met_pt: Floats
    met_phi: Floats
    electrons: Objects
    muons: Objects
    jets: Objects

    def passing(self, window: LeptonFilter) -> Booleans:
        """Which events have a lepton that passes the filter."""
        good = np.zeros(self.events, dtype=bool)
        for leptons, pt, eta in (
            (self.electrons, window.electron_pt, window.electron_eta),
            (self.muons, window.muon_pt, window.muon_eta),
        ):
            good[leptons.event[(leptons.pt >= pt) & (np.abs(leptons.eta) < eta)]] = True
        return good


@dataclass(frozen=True)
class Measured:
    """What the detector measures, particle by particle.

    Attributes:
        electrons, muons: identified ones, in order.
        muon_tracks: tracks of muons that were not identified.
        photons: true photons that belong to no electron, not smeared.
        tracks: of charged hadrons.
        towers: calorimeter energy without a track, photons among it.
    """

    electrons: Objects
    muons: Objects
    muon_tracks: Objects
    photons: Objects
    tracks: Objects
    towers: Objects

    @property
    def flow(self) -> Objects:
        """Tracks and towers in order."""
        return concatenate(self.tracks, self.towers).in_order()

    @property
    def clustered(self) -> Objects:
        """What jets are made of: tracks, towers, electrons and muons, in order."""
        return concatenate(self.tracks, self.towers, self.electrons, self.muons).in_order()

    def momentum(self, events: int) -> tuple[Floats, Floats]:
        """(N,) summed transverse momentum, x and y, of everything measured; GeV."""
        groups = (self.tracks, self.towers, self.electrons, self.muons, self.muon_tracks)
        everything = concatenate(*groups)
        px = np.bincount(everything.event, everything.pt * np.cos(everything.phi), minlength=events)
        py = np.bincount(everything.event, everything.pt * np.sin(everything.phi), minlength=events)
        return px.astype(np.float64), py.astype(np.float64)


def charge(code: NDArray[np.int64]) -> NDArray[np.int32]:
    """The charge of electrons and muons by PDG code."""
    return (-np.sign(code)).astype(np.int32)


def reconstruct(
    collisions: list[NDArray[np.float64]],
    detector: Detector,
    window: LeptonFilter,
    draw: np.random.Generator,
) -> Reconstructed:
    """Pass collisions through the detector.

    Args:
        collisions: for each, rows (PDG code, px, py, pz, energy) of its visible particles; GeV.
        window: gives the acceptance of electrons and muons, and whether they must be isolated.
        draw: all random numbers come from here, in a fixed order.
    """
    events = len(collisions)
    measured = measure(_particles(collisions), detector, window, draw)
    px, py = measured.momentum(events)
    electrons, muons = measured.electrons, measured.muons
    if window.isolated:
        flow = measured.flow
        electrons = electrons[_isolation(electrons, flow, detector) < detector.electron_isolation]
        muons = muons[_isolation(muons, flow, detector) < detector.muon_isolation]
    jets = cluster_jets(measured.clustered, events, radius=detector.jet_radius, pt=detector.jet_pt)
    jets = jets[np.abs(jets.eta) < detector.jet_eta]
    overlapping, _ = close_pairs(jets, concatenate(electrons, muons).in_order(), detector.jet_radius)
    jets = jets[~np.isin(np.arange(len(jets)), overlapping)]
    return Reconstructed(events, np.hypot(px, py), np.arctan2(-py, -px), electrons, muons, jets.in_order())


def measure(
    particles: Objects, detector: Detector, window: LeptonFilter, draw: np.random.Generator
) -> Measured:
    """What the detector measures of visible particles, before anything is selected or clustered.

    Args:
        particles: in order of event.
        window: gives the acceptance of electrons and muons.
    """
    code = np.abs(particles.code)
    muons, muon_tracks = _muons(particles[code == 13], detector, window, draw)
    electrons, photons, missed = _electrons(
        particles[code == 11], particles[code == 22], detector, window, draw
    )
    tracks, untracked = _tracks(particles[np.isin(code, CHARGED_HADRONS)], detector, draw)
    neutral = particles[~np.isin(code, (11, 13, 22, *CHARGED_HADRONS))]
    inside = detector.calorimeter_eta
    towers = concatenate(
        _towers(concatenate(photons, missed), ECAL_THRESHOLD, detector.ecal_resolution, inside, draw),
        _towers(concatenate(untracked, neutral), HCAL_THRESHOLD, detector.hcal_resolution, inside, draw),
    )
    return Measured(electrons.in_order(), muons.in_order(), muon_tracks, photons, tracks, towers)


def _particles(collisions: list[NDArray[np.float64]]) -> Objects:
    event = np.repeat(np.arange(len(collisions)), [len(rows) for rows in collisions])
    code, px, py, pz, energy = np.concatenate([*collisions, np.empty((0, 5))]).T
    pt = np.maximum(np.hypot(px, py), 1e-9)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return Objects(event, pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass, code.astype(np.int64))


def _muons(
    muons: Objects, detector: Detector, window: LeptonFilter, draw: np.random.Generator
) -> tuple[Objects, Objects]:
    """Identified muons, and muon tracks that were not identified."""
    tracked = draw.random(len(muons)) < detector.muon_track_efficiency(muons.pt, muons.eta)
    identified = draw.random(len(muons)) < detector.muon_identification(muons.eta, window.muon_eta)
    pt = smeared(muons.pt, detector.muon_resolution(muons.pt, muons.eta), draw)
    measured = muons.with_pt(pt)
    good = tracked & identified & (pt >= detector.lepton_pt)
    return measured[good], measured[tracked & ~good]


def _electrons(
    electrons: Objects,
    photons: Objects,
    detector: Detector,
    window: LeptonFilter,
    draw: np.random.Generator,
) -> tuple[Objects, Objects, Objects]:
    """Identified electrons, photons that are not part of one, and electrons seen as photons only."""
    found = draw.random(len(electrons)) < detector.electron_efficiency(
        electrons.pt, electrons.eta, window.electron_eta
    )
    good, missed = electrons[found], electrons[~found]
    owner, photon = close_pairs(good, photons, BREMSSTRAHLUNG_CONE)
    photon, first = np.unique(photon, return_index=True)  # a photon belongs to one electron
    dressed = good.pt + np.bincount(owner[first], photons.pt[photon], minlength=len(good))
    energy = dressed * np.cosh(good.eta)
    measured = smeared(energy, detector.ecal_resolution(energy, good.eta), draw) / np.cosh(good.eta)
    free = np.ones(len(photons), dtype=bool)
    free[photon] = False
    kept = measured >= detector.lepton_pt
    return (
        good.with_pt(measured)[kept],
        photons[free],
        concatenate(missed[detector.reaches_calorimeter(missed.pt)], good.with_pt(dressed)[~kept]),
    )


def _tracks(hadrons: Objects, detector: Detector, draw: np.random.Generator) -> tuple[Objects, Objects]:
    """Tracks, and charged hadrons without one that reach the calorimeter."""
    tracked = draw.random(len(hadrons)) < detector.hadron_track_efficiency(hadrons.pt, hadrons.eta)
    found, lost = hadrons[tracked], hadrons[~tracked]
    pt = smeared(found.pt, detector.hadron_track_resolution(found.pt, found.eta), draw)
    return found.with_pt(pt), lost[detector.reaches_calorimeter(lost.pt)]


def _towers(
    particles: Objects,
    threshold: float,
    resolution: Callable[[Floats, Floats], Floats],
    eta_max: float,
    draw: np.random.Generator,
) -> Objects:
    """Sum energies in towers and smear each; a tower points to the centre of its energy."""
    particles = particles[np.abs(particles.eta) < eta_max]
    size = np.where(np.abs(particles.eta) < 3, TOWER_SIZE, 2 * TOWER_SIZE)
    row = np.floor(particles.eta / size).astype(np.int64) + 512
    column = np.floor((particles.phi + np.pi) / size).astype(np.int64)
    forward = (np.abs(particles.eta) >= 3).astype(np.int64)
    cell = ((particles.event * 2 + forward) * 1024 + row) * 128 + column
    _, tower = np.unique(cell, return_inverse=True)
    energy = np.hypot(particles.pt * np.cosh(particles.eta), particles.mass)
    first = np.zeros(tower.max(initial=-1) + 1, dtype=np.int64)
    first[tower] = particles.event
    total: Floats = np.bincount(tower, energy).astype(np.float64)
    eta = np.bincount(tower, energy * particles.eta) / total
    phi = np.bincount(tower, energy * particles.phi) / total
    sigma = resolution(total, eta)
    measured = smeared(total, sigma, draw)
    seen = measured > np.maximum(threshold, sigma)
    zeros = np.zeros(len(total))
    towers = Objects(first, measured / np.cosh(eta), eta, phi, zeros, zeros.astype(np.int64))
    return towers[seen]


def _isolation(leptons: Objects, flow: Objects, detector: Detector) -> Floats:
    """Summed pT of tracks and towers in the cone relative to the lepton; leptons do not count."""
    around = flow[flow.pt > detector.isolation_constituent_pt]
    lepton, constituent = close_pairs(leptons, around, detector.isolation_cone)
    total = np.bincount(lepton, around.pt[constituent], minlength=len(leptons))
    result: Floats = total / leptons.pt
    return result
