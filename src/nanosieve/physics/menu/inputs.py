"""What a neural-network line sees: 19 objects per event, from the columns of its trigger level."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events.trigger_sample import TriggerEvents
from nanosieve.physics.menu.words import Level

__all__ = ["network_columns", "network_inputs"]

ROWS = 19
_GROUPS: Mapping[Level, tuple[tuple[str, int, int], ...]] = {
    "l1": (("L1EG", 1, 4), ("L1Mu", 5, 4), ("L1Jet", 9, 10)),
    "hlt": (("Electron", 1, 4), ("Muon", 5, 4), ("Jet", 9, 10)),
}
"""Collection, first row and number of rows, as in arXiv:2107.02157."""
_MET: Mapping[Level, str] = {"l1": "L1MET", "hlt": "MET"}


def network_columns(level: Level) -> tuple[str, ...]:
    """The columns that `network_inputs` reads."""
    met = _MET[level]
    return (f"{met}_pt", f"{met}_phi", *(name for name, _, _ in _GROUPS[level]))


def network_inputs(events: TriggerEvents, level: Level) -> NDArray[np.float32]:
    """The 19 objects of each event at a trigger level.

    Returns:
        float32 (N, 19, 3): (pT [GeV], η, φ [rad]) of missing transverse momentum (η = 0), 4 electrons
        (Level 1: electromagnetic clusters), 4 muons and 10 jets, by falling pT, filled with zeros.
    """
    result = np.zeros((len(events), ROWS, 3), dtype=np.float32)
    result[:, 0, 0] = events.scalars[f"{_MET[level]}_pt"]
    result[:, 0, 2] = events.scalars[f"{_MET[level]}_phi"]
    for name, first, number in _GROUPS[level]:
        collection = events.collections[name]
        counts = collection.counts
        event = np.repeat(np.arange(len(events)), counts)
        rank = np.arange(len(event)) - np.repeat(collection.offsets[:-1], counts)
        kept = rank < number
        for column, quantity in enumerate(("pt", "eta", "phi")):
            result[event[kept], first + rank[kept], column] = collection.fields[quantity][kept]
    return result
