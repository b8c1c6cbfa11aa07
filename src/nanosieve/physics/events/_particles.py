"""From Pythia's event record to NumPy: the only loop over particles in Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events.recipe import LeptonFilter

__all__ = [
    "BOTTOM_AND_CHARM",
    "Lepton",
    "decay_leptons",
    "final_leptons",
    "heavy_quark",
    "particle_table",
    "passes_loosely",
    "prompt_leptons",
    "visible",
]

NEUTRINOS = (12, 14, 16)

BOTTOM_AND_CHARM = (
    411, 421, 431, 4122, 4132, 4232, 4332,
    511, 521, 531, 541, 5122, 5132, 5232, 5332,
)  # fmt: skip
"""PDG codes of the weakly decaying bottom and charm hadrons."""


def heavy_quark(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """5 for bottom hadrons, 4 for charm hadrons; of PDG codes of `BOTTOM_AND_CHARM`.

    >>> heavy_quark(np.array([511, -4122]))
    array([5, 4])
    """
    kind = np.abs(codes)
    return np.where((kind // 100 == 5) | (kind // 1000 == 5), 5, 4)


def particle_table(particles: Iterable[Any]) -> NDArray[np.float64]:
    """Rows (PDG code, px, py, pz, energy) of the final particles, neutrinos included; GeV."""
    rows = [(p.id(), p.px(), p.py(), p.pz(), p.e()) for p in particles if p.isFinal()]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def visible(table: NDArray[np.float64], *, eta: float = 5.0) -> NDArray[np.float64]:
    """The rows that a detector can see: no neutrinos, within `eta`."""
    code = np.abs(table[:, 0])
    momentum = np.hypot(table[:, 1], table[:, 2])
    inside = np.abs(table[:, 3]) < np.sinh(eta) * momentum
    result: NDArray[np.float64] = table[inside & ~np.isin(code, NEUTRINOS)]
    return result


@dataclass(frozen=True)
class Lepton:
    """A charged lepton in an event record: `code` is its absolute PDG code, `pt` in GeV.

    The pT of an electron is the one before it radiated, an upper limit of what a calorimeter collects.
    """

    index: int
    code: int
    pt: float
    eta: float
    phi: float


def prompt_leptons(event: Any) -> list[Lepton]:
    """The charged leptons from the hard process, after showers; taus not decayed yet."""
    found = []
    to_do = [index for index in range(5, min(event.size(), 12)) if event[index].mother1() == 3]
    while to_do:
        first = event[to_do.pop()]
        last = event[first.iBotCopyId()]
        code = last.idAbs()
        if code in (11, 13, 15):
            pt = max(first.pT(), last.pT()) if code == 11 else last.pT()
            found.append(Lepton(last.index(), code, pt, last.eta(), last.phi()))
        elif last.isResonance():
            to_do += last.daughterList()
    return found


def decay_leptons(event: Any, index: int) -> list[Lepton]:
    """Electrons and muons among the decay products of the particle at `index`."""
    products = [event[daughter] for daughter in event[index].daughterList()]
    return [Lepton(p.index(), p.idAbs(), p.pT(), p.eta(), p.phi()) for p in products if p.idAbs() in (11, 13)]


def final_leptons(event: Any, start: int) -> list[Lepton]:
    """All final electrons and muons of `event` from entry `start` on."""
    particles = [event[index] for index in range(start, event.size())]
    return [
        Lepton(p.index(), p.idAbs(), p.pT(), p.eta(), p.phi())
        for p in particles
        if p.idAbs() in (11, 13) and p.isFinal()
    ]


def passes_loosely(lepton: Lepton, window: LeptonFilter, pt: float) -> bool:
    """Whether an electron or muon is above `pt` and within the acceptance of the filter, widened by 0.1."""
    if lepton.code not in (11, 13) or lepton.pt < pt:
        return False
    eta = window.electron_eta if lepton.code == 11 else window.muon_eta
    return abs(lepton.eta) < eta + 0.1
