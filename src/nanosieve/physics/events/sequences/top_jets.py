"""Jets as the sequences of arXiv:2207.00559 for top tagging: the hardest constituents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects, close_pairs, delta_phi
from nanosieve.physics.events._jets import jets_with_constituents
from nanosieve.physics.events.detector import Detector
from nanosieve.physics.events.recipe import LeptonFilter
from nanosieve.physics.events.reconstruction import measure
from nanosieve.physics.events.sequences.collisions import TaggedCollisions
from nanosieve.physics.events.sequences.padding import padded

__all__ = ["FEATURES", "STEPS", "TopJets", "top_jets"]

STEPS = 20
FEATURES = ("relative pT", "rotated η", "rotated φ", "relative energy", "ΔR", "particle id")
"""``particle id``: 0 without a track, 1 charged hadron, 2 electron, 3 muon."""


@dataclass(frozen=True)
class TopJets:
    """Which jets are taken.

    Attributes:
        radius: of anti-kt.
        pt: (lowest, highest) in GeV.
        eta: largest |η|.
        match: largest ΔR between a jet and its top quark.
    """

    radius: float = 0.8
    pt: tuple[float, float] = (800.0, 1200.0)
    eta: float = 2.4
    match: float = 0.6


def top_jets(
    collisions: TaggedCollisions,
    label: str,
    cuts: TopJets,
    detector: Detector,
    draw: np.random.Generator,
) -> NDArray[np.float32]:
    """(jets, 20, 6) sequences of the jets of class `label`, by falling pT of the constituents.

    ``top``: a top quark lies within ``cuts.match`` of the jet; ``light or gluon``: none does, nor a bottom or
    charm hadron above 5 % of its pT. Constituents are tracks and calorimeter towers. η and φ are relative to
    the jet, turned so that the axis of its largest spread in pT is the first, and its heavier tail positive.
    """
    flow = measure(collisions.particles, detector, LeptonFilter(), draw).clustered
    jets, owner, member = jets_with_constituents(flow, collisions.events, radius=cuts.radius, pt=cuts.pt[0])
    good = (jets.pt < cuts.pt[1]) & (np.abs(jets.eta) < cuts.eta)
    has_top = _near(jets, collisions.tops, cuts.match)
    if label == "top":
        good &= has_top
    else:
        heavy = collisions.hadrons[collisions.hadrons.pt > 0.05 * cuts.pt[0]]
        good &= ~has_top & ~_near(jets, heavy, cuts.radius)
    place = np.cumsum(good) - 1
    kept = good[owner]
    return _sequences(jets[good], flow[member[kept]], place[owner[kept]])


def _near(jets: Objects, others: Objects, radius: float) -> NDArray[np.bool_]:
    found, _ = close_pairs(jets, others.in_order(), radius)
    return np.isin(np.arange(len(jets)), found)


def _sequences(jets: Objects, inside: Objects, owner: NDArray[np.int64]) -> NDArray[np.float32]:
    mine = jets[owner]
    eta, phi = inside.eta - mine.eta, delta_phi(inside.phi, mine.phi)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(owner, values, minlength=len(jets)).astype(np.float64)

    angle = 0.5 * np.arctan2(total(2 * inside.pt * eta * phi), total(inside.pt * (eta**2 - phi**2)))
    along = eta * np.cos(angle)[owner] + phi * np.sin(angle)[owner]
    across = phi * np.cos(angle)[owner] - eta * np.sin(angle)[owner]
    turn = np.where(total(inside.pt * along**3) < 0, -1.0, 1.0)[owner]
    energy = np.hypot(inside.pt * np.cosh(inside.eta), inside.mass)
    whole = np.hypot(mine.pt * np.cosh(mine.eta), mine.mass)
    code = np.abs(inside.code)
    kind = np.select([code == 0, code == 11, code == 13], [0.0, 2.0, 3.0], 1.0)
    columns = (
        inside.pt / mine.pt, turn * along, turn * across, energy / whole, np.hypot(eta, phi), kind,
    )  # fmt: skip
    return padded(owner, np.stack(columns, axis=1), len(jets), STEPS)
