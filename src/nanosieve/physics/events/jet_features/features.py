"""The sixteen features of arXiv:1804.06913, by their published names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.jet_features.correlators import correlators
from nanosieve.physics.events.jet_features.grooming import Groomed, mmdt

__all__ = ["FEATURES", "groomed_features", "jet_features"]

FEATURES = (
    "zlogz", "c1_b0_mmdt", "c1_b1_mmdt", "c1_b2_mmdt", "c2_b1_mmdt", "c2_b2_mmdt", "d2_b1_mmdt", "d2_b2_mmdt",
    "d2_a1_b1_mmdt", "d2_a1_b2_mmdt", "m2_b1_mmdt", "m2_b2_mmdt", "n2_b1_mmdt", "n2_b2_mmdt", "mass_mmdt",
    "multiplicity",
)  # fmt: skip
"""In the order of the public files; all of the groomed jet, but for the multiplicity; mass in GeV."""


def jet_features(constituents: Objects, jets: int) -> NDArray[np.float32]:
    """(jets, 16) `FEATURES` of jets.

    - ``zlogz``: Σ z ln z of the groomed jet;
    - ``c1 = e2`` and ``c2 = 3e3 / e2²`` (arXiv:1305.0007 equation 2.3);
    - ``d2 = 3e3 / e2³`` (arXiv:1409.6298) and ``d2_a1_bβ = 3e3(1) / e2(β)^(3/β)`` (arXiv:1609.07483), so that
      ``d2_a1_b1`` is ``d2_b1`` once more, as in the public files;
    - ``m2 = 1e3 / e2`` and ``n2 = 2e3 / e2²`` (arXiv:1609.07483 equations 3.9 and 3.7);
    - ``mass_mmdt``: of the groomed jet in GeV; ``multiplicity``: constituents before grooming.

    A ratio is 0 where its denominator is: the groomed jet is a single particle.

    Args:
        constituents: ``event`` is the place of the jet, 0 to jets - 1, ascending; every jet has some.
    """
    return groomed_features(mmdt(constituents, jets), constituents.counts(jets))


def groomed_features(groomed: Groomed, multiplicity: NDArray[np.int64]) -> NDArray[np.float32]:
    """(jets, 16) `FEATURES` of jets that are groomed already."""
    e = correlators(groomed.pt, groomed.eta, groomed.phi, groomed.counts)
    owner = np.repeat(np.arange(len(groomed.counts)), groomed.counts)
    z = groomed.pt / np.bincount(owner, groomed.pt)[owner]
    columns = {
        "zlogz": np.bincount(owner, z * np.log(z), minlength=len(groomed.counts)),
        "mass_mmdt": groomed.mass,
        "multiplicity": multiplicity,
        "c1_b0_mmdt": e["e2_b0"],
        "d2_a1_b1_mmdt": _ratio(e["3e3_b1"], e["e2_b1"], 3),
        "d2_a1_b2_mmdt": _ratio(e["3e3_b1"], e["e2_b2"], 1.5),
    }
    for beta in ("b1", "b2"):
        e2 = e[f"e2_{beta}"]
        columns |= {
            f"c1_{beta}_mmdt": e2,
            f"c2_{beta}_mmdt": _ratio(e[f"3e3_{beta}"], e2, 2),
            f"d2_{beta}_mmdt": _ratio(e[f"3e3_{beta}"], e2, 3),
            f"m2_{beta}_mmdt": _ratio(e[f"1e3_{beta}"], e2, 1),
            f"n2_{beta}_mmdt": _ratio(e[f"2e3_{beta}"], e2, 2),
        }
    return np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)


def _ratio(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64], power: float
) -> NDArray[np.float64]:
    below = denominator**power
    result: NDArray[np.float64] = np.divide(numerator, below, out=np.zeros_like(below), where=below > 0)
    return result
