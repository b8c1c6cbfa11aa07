"""Sums over pairs and triples of a jet's constituents, from which all its correlation functions follow.

With z = pT / Σ pT and the distances θ in (η, φ), arXiv:1609.07483 equations 2.1 and 3.1:
``e2(β) = Σ z z θ^β`` over pairs and ``v e3(β) = Σ z z z Π θ^β`` over triples, the product being that of the v
smallest of the three distances. (The python interface of fastjet 3.5 crashes in its own correlators.)
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["PAIRS", "TRIPLES", "correlators"]

PAIRS = ("e2_b0", "e2_b1", "e2_b2")
TRIPLES = ("1e3_b1", "1e3_b2", "2e3_b1", "2e3_b2", "3e3_b1", "3e3_b2")


def correlators(
    pt: NDArray[np.float64], eta: NDArray[np.float64], phi: NDArray[np.float64], counts: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """The sums named in `PAIRS` and `TRIPLES`, each (jets,); 0 for a jet without pairs or triples.

    Args:
        pt, eta, phi: (N,) of the constituents of all jets, one jet behind the other; any unit, radians.
        counts: (jets,) how many belong to each.
    """
    sums = np.zeros((len(counts), len(PAIRS) + len(TRIPLES)))
    _sums(pt, eta, phi, np.concatenate([[0], np.cumsum(counts)]), sums)
    return dict(zip((*PAIRS, *TRIPLES), sums.T, strict=True))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sums(
    pt: NDArray[np.float64],
    eta: NDArray[np.float64],
    phi: NDArray[np.float64],
    bounds: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> None:
    for jet in range(len(sums)):
        first, number = bounds[jet], bounds[jet + 1] - bounds[jet]
        z = pt[first : first + number] / pt[first : first + number].sum()
        theta = np.zeros((number, number))
        for i in range(number):
            for j in range(i):
                across = abs(phi[first + i] - phi[first + j]) % (2 * np.pi)
                across = min(across, 2 * np.pi - across)
                theta[i, j] = np.sqrt((eta[first + i] - eta[first + j]) ** 2 + across**2)
        found = sums[jet]
        for i in range(number):
            for j in range(i):
                weight, one = z[i] * z[j], theta[i, j]
                found[0] += weight
                found[1] += weight * one
                found[2] += weight * one * one
                for k in range(j):
                    two, three = theta[i, k], theta[j, k]
                    all_three = one * two * three
                    largest = max(one, two, three)
                    smallest = min(one, two, three)
                    both = 0.0 if largest == 0 else all_three / largest
                    triple = weight * z[k]
                    found[3] += triple * smallest
                    found[4] += triple * smallest * smallest
                    found[5] += triple * both
                    found[6] += triple * both * both
                    found[7] += triple * all_three
                    found[8] += triple * all_three * all_three
