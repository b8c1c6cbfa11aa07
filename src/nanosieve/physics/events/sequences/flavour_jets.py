"""Jets as the sequences of arXiv:2207.00559 for flavour tagging: tracks with their impact parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects, close_pairs, concatenate, delta_phi
from nanosieve.physics.events._jets import cluster_jets
from nanosieve.physics.events.detector import Detector
from nanosieve.physics.events.recipe import LeptonFilter
from nanosieve.physics.events.reconstruction import measure
from nanosieve.physics.events.sequences.collisions import TaggedCollisions
from nanosieve.physics.events.sequences.padding import padded
from nanosieve.physics.events.sequences.tracks import Tracks, charge, lifetime_sign, track

__all__ = ["FEATURES", "STEPS", "FlavourJets", "flavour_jets"]

STEPS = 15
FEATURES = ("relative pT", "ΔR", "d0 [mm]", "z0 [mm]", "sign·ln(1 + |d0|/σ)", "sign·ln(1 + |z0|/σ)")
_CODES = {"bottom": 5, "charm": 4, "light": 0}


@dataclass(frozen=True)
class FlavourJets:
    """Which jets and tracks are taken.

    Attributes:
        radius: of anti-kt, and of the cone for tracks.
        pt: (lowest, highest) of the jet in GeV.
        eta: largest |η| of the jet.
        match: largest ΔR between a jet and the hadron that labels it.
        hadron_pt: lowest pT of that hadron in GeV.
        track_pt: lowest pT of a track in GeV.
        d0, z0: largest impact parameters in mm.
    """

    radius: float = 0.4
    pt: tuple[float, float] = (40.0, 200.0)
    eta: float = 2.1
    match: float = 0.3
    hadron_pt: float = 5.0
    track_pt: float = 1.0
    d0: float = 2.0
    z0: float = 5.0


def flavour_jets(
    collisions: TaggedCollisions,
    label: str,
    cuts: FlavourJets,
    detector: Detector,
    draw: np.random.Generator,
) -> NDArray[np.float32]:
    """(jets, 15, 6) sequences of the jets of class `label`, by falling pT of the tracks.

    A jet is bottom if a bottom hadron is near, else charm if a charm hadron is, else light. Impact parameters
    are positive where the perigee lies in front of the jet. Jets are made of tracks and of calorimeter
    towers of neutral particles; those without a track are left out.
    """
    particles = collisions.particles
    tracks, seen = track(particles, collisions.born, detector, draw)
    neutral = particles[~seen & (charge(particles.code) == 0)]
    towers = measure(neutral, detector, LeptonFilter(), draw).towers
    jets = cluster_jets(
        concatenate(tracks.objects, towers).in_order(), collisions.events, radius=cuts.radius, pt=cuts.pt[0]
    )
    jets = jets[(jets.pt < cuts.pt[1]) & (np.abs(jets.eta) < cuts.eta)]
    jets = jets[_flavour(jets, collisions.hadrons, cuts) == _CODES[label]]
    return _sequences(jets, tracks, cuts)


def _flavour(jets: Objects, hadrons: Objects, cuts: FlavourJets) -> NDArray[np.int64]:
    hadrons = hadrons[hadrons.pt > cuts.hadron_pt].in_order()
    jet, hadron = close_pairs(jets, hadrons, cuts.match)
    result = np.zeros(len(jets), dtype=np.int64)
    np.maximum.at(result, jet, hadrons.code[hadron])
    return result


def _sequences(jets: Objects, tracks: Tracks, cuts: FlavourJets) -> NDArray[np.float32]:
    jet, number = close_pairs(jets, tracks.objects, cuts.radius)
    good = (
        (tracks.objects.pt[number] > cuts.track_pt)
        & (np.abs(tracks.d0[number]) < cuts.d0)
        & (np.abs(tracks.z0[number]) < cuts.z0)
    )
    jet, number = jet[good], number[good]
    order = np.lexsort((-tracks.objects.pt[number], jet))
    jet, number = jet[order], number[order]
    found, jet = np.unique(jet, return_inverse=True)
    mine, own = jets[found[jet]], tracks.objects[number]
    eta, phi = own.eta - mine.eta, delta_phi(own.phi, mine.phi)
    d0 = np.abs(tracks.d0[number]) * lifetime_sign(tracks.d0[number], own.phi, mine.phi)
    z0 = tracks.z0[number] * -np.sign(eta)
    columns = (
        own.pt / mine.pt,
        np.hypot(eta, phi),
        d0,
        z0,
        np.sign(d0) * np.log1p(np.abs(d0) / tracks.d0_error[number]),
        np.sign(z0) * np.log1p(np.abs(z0) / tracks.z0_error[number]),
    )
    return padded(jet.astype(np.int64), np.stack(columns, axis=1), len(found), STEPS)
