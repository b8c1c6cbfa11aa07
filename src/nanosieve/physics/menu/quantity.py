"""A number of each event by its name: a column, or a field of the n-th object of a collection."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import UnknownNameError
from nanosieve.physics.events.trigger_sample import COLLECTIONS, SCALARS, TriggerEvents

__all__ = ["Quantity", "find_quantity"]


@dataclass(frozen=True)
class Quantity:
    """Where the number stands.

    Attributes:
        column: of the trigger sample, to be read.
        member: field of a collection; empty for a column with one value per event.
        number: of the object, by falling pT from 0.
    """

    column: str
    member: str = ""
    number: int = 0

    @property
    def title(self) -> str:
        """As written in full, e.g. ``Jet_pt[0]``."""
        return f"{self.column}_{self.member}[{self.number}]" if self.member else self.column

    def values(self, events: TriggerEvents) -> NDArray[np.float64]:
        """(N,) the quantity; NaN where the object is missing."""
        if not self.member:
            return np.asarray(events.scalars[self.column], dtype=np.float64)
        collection = events.collections[self.column]
        values = np.full(len(events), np.nan)
        there = collection.counts > self.number
        values[there] = collection.fields[self.member][collection.offsets[:-1][there] + self.number]
        return values


def find_quantity(text: str) -> Quantity:
    """The quantity of that name: ``MET_pt``, ``Jet_pt`` (of the leading jet), ``Jet_pt[3]``.

    Raises:
        UnknownNameError: no such column.

    >>> find_quantity("Jet_pt").title
    'Jet_pt[0]'
    """
    scalars = [name for name in SCALARS if name != "process"]
    if text in scalars:
        return Quantity(text)
    known = [f"{name}_{field}" for name, fields in COLLECTIONS.items() for field in fields]
    match = re.fullmatch(r"(\w+)_(\w+?)(?:\[(\d+)\])?", text)
    if match is None or f"{match[1]}_{match[2]}" not in known:
        raise UnknownNameError.among("column", text, [*scalars, *known])
    return Quantity(match[1], match[2], int(match[3] or 0))
