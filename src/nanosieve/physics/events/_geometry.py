"""Flat arrays of objects that belong to events: order, cones, and pairs within an event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Objects", "close_pairs", "concatenate", "delta_phi"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Objects:
    """Objects of many events as flat arrays of one length; GeV and radians.

    Attributes:
        event: index of the event.
        code: PDG code, 0 for what has none.
    """

    event: Integers
    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats
    code: Integers

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, chosen: Any) -> Objects:
        return Objects(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def with_pt(self, pt: Floats) -> Objects:
        """The same directions with other transverse momenta."""
        return replace(self, pt=pt)

    def counted_on(self, first: int) -> Objects:
        """The same objects with `first` added to the index of their event."""
        return replace(self, event=self.event + first)

    def in_order(self) -> Objects:
        """By event, then by falling pT."""
        later = np.diff(self.event)
        if ((later > 0) | ((later == 0) & (np.diff(self.pt) <= 0))).all():
            return self
        return self[np.lexsort((-self.pt, self.event))]

    def counts(self, events: int) -> Integers:
        """How many there are in each of `events` events."""
        return np.bincount(self.event, minlength=events).astype(np.int64)


def concatenate(*parts: Objects) -> Objects:
    """All objects of all parts."""
    return Objects(*(np.concatenate([getattr(p, f) for p in parts]) for f in Objects.__dataclass_fields__))


def delta_phi(a: Floats, b: Floats) -> Floats:
    """a - b in [-π, π).

    >>> float(round(delta_phi(np.array([3.0]), np.array([-3.0]))[0], 4))
    -0.2832
    """
    result: Floats = (a - b + np.pi) % (2 * np.pi) - np.pi
    return result


def close_pairs(first: Objects, second: Objects, radius: float) -> tuple[Integers, Integers]:
    """Indices of all pairs in the same event with ΔR < `radius`; both must be ordered by event."""
    start = np.searchsorted(second.event, first.event, side="left")
    number = np.searchsorted(second.event, first.event, side="right") - start
    a = np.repeat(np.arange(len(first)), number)
    b = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + np.repeat(start, number)
    distance = np.hypot(first.eta[a] - second.eta[b], delta_phi(first.phi[a], second.phi[b]))
    near = distance < radius
    return a[near], b[near]
