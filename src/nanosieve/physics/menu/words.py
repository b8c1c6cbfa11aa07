"""The words of a menu: objects and the columns they stand for, qualities, b-tagging working points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nanosieve.physics.events.trigger_sample import COLLECTIONS

__all__ = ["LEVELS", "OBJECTS", "QUALITIES", "WORKING_POINTS", "Level", "TriggerObject"]

Level = Literal["l1", "hlt"]
LEVELS: tuple[Level, Level] = ("l1", "hlt")

QUALITIES: Mapping[str, int] = {"very_loose": 0, "loose": 1, "medium": 2, "tight": 3}
"""Word → least value of the column ``quality``."""
WORKING_POINTS: Mapping[float, int] = {0.4: 40, 0.6: 60, 0.7: 70}
"""Efficiency for b jets → largest value of the column ``btag``, which is 0 for jets without a tag."""

_MUON, _ELECTRON = 0.1056584, 0.000510999
"""GeV"""


@dataclass(frozen=True)
class TriggerObject:
    """What a word of a menu stands for at one trigger level.

    Attributes:
        word: as written in a leg.
        level: ``l1`` or ``hlt``.
        columns: of the trigger sample: one collection, or the scalars of pT (and phi).
        fields: what the object has beside ``pt``.
        mass: rest mass in invariant masses, GeV; jets of the high-level trigger have their own.
    """

    word: str
    level: Level
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    mass: float = 0.0

    @property
    def scalar(self) -> bool:
        """One value per event, such as missing transverse momentum."""
        return self.columns[0] not in COLLECTIONS


def _collection(word: str, level: Level, name: str, mass: float = 0.0) -> TriggerObject:
    fields = tuple(field for field in COLLECTIONS[name] if field not in ("pt", "gen_pt", "btag"))
    return TriggerObject(word, level, (name,), fields, mass)


OBJECTS: Mapping[Level, Mapping[str, TriggerObject]] = {
    level: {entry.word: entry for entry in entries}
    for level, entries in {
        LEVELS[0]: (
            _collection("mu", "l1", "L1Mu", _MUON),
            _collection("em", "l1", "L1EG"),
            _collection("tau", "l1", "L1Tau"),
            _collection("jet", "l1", "L1Jet"),
            _collection("large_jet", "l1", "L1LargeJet"),
            TriggerObject("met", "l1", ("L1MET_pt", "L1MET_phi"), ("phi",)),
            TriggerObject("ht", "l1", ("L1HT",), ()),
        ),
        LEVELS[1]: (
            _collection("mu", "hlt", "Muon", _MUON),
            _collection("e", "hlt", "Electron", _ELECTRON),
            _collection("gamma", "hlt", "Photon"),
            _collection("tau", "hlt", "Tau"),
            _collection("jet", "hlt", "Jet"),
            TriggerObject("bjet", "hlt", ("Jet",), ("eta", "phi", "mass", "btag")),
            _collection("large_jet", "hlt", "FatJet"),
            TriggerObject("met", "hlt", ("MET_pt", "MET_phi"), ("phi",)),
            TriggerObject("ht", "hlt", ("HT",), ()),
        ),
    }.items()
}
"""Level → word → object. ``em`` is an electromagnetic cluster, ``jet`` has R = 0.4, ``large_jet`` R = 1.0."""
