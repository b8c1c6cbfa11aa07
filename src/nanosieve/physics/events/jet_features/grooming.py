"""The modified mass-drop tagger (arXiv:1307.0007): soft drop (arXiv:1402.2657) with β = 0, by fastjet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.physics.events._geometry import Objects

__all__ = ["Groomed", "mmdt"]

SYMMETRY_CUT = 0.1
"""A prong with less of the pT is dropped."""
WHOLE_JET = 1000.0
"""Radius that joins all constituents to one jet."""


@dataclass(frozen=True)
class Groomed:
    """What is left of N jets.

    Attributes:
        pt, eta, phi: of the constituents, one jet behind the other; GeV, radians.
        counts: (N,) how many there are; at least one.
        mass: (N,) GeV.
    """

    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    counts: NDArray[np.int64]
    mass: NDArray[np.float64]


def mmdt(constituents: Objects, jets: int) -> Groomed:
    """Cluster again by angle (Cambridge/Aachen) and undo it until both prongs have a tenth of the pT.

    Args:
        constituents: ``event`` is the place of the jet, 0 to jets - 1, ascending; every jet has some.
    """
    fastjet = require("fastjet", extra="events", purpose="jet grooming")
    awkward = require("awkward", extra="events", purpose="jet grooming")
    require("vector", extra="events", purpose="jet grooming").register_awkward()
    px, py = constituents.pt * np.cos(constituents.phi), constituents.pt * np.sin(constituents.phi)
    pz = constituents.pt * np.sinh(constituents.eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + constituents.mass**2)
    flat = awkward.zip({"px": px, "py": py, "pz": pz, "E": energy}, with_name="Momentum4D")
    nested = awkward.unflatten(flat, constituents.counts(jets))
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, WHOLE_JET)
    sequence = fastjet.ClusterSequence(nested, definition)
    result = sequence.exclusive_jets_softdrop_grooming(
        njets=1, beta=0.0, symmetry_cut=SYMMETRY_CUT, symmetry_measure="scalar_z"
    )
    inside = result["constituents"]
    x, y, z = (awkward.to_numpy(awkward.flatten(inside[name])) for name in ("px", "py", "pz"))
    pt = np.hypot(x, y)
    counts = awkward.to_numpy(awkward.num(inside["px"])).astype(np.int64)
    # rounding can make the squared mass of a single particle negative; fastjet then gives a negative mass
    mass = np.maximum(awkward.to_numpy(result["msoftdrop"]), 0.0)
    return Groomed(pt, np.arcsinh(z / pt), np.arctan2(y, x), counts, mass)
