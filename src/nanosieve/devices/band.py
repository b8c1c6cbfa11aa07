"""`Band`: a number that is known only between two edges, with its source and trust."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nanosieve.devices.device import Origin
from nanosieve.figure import Figure

__all__ = ["Band"]


@dataclass(frozen=True)
class Band:
    """All that is known of a number: it lies between two positive edges.

    Attributes:
        low, high: the edges, in `unit`; equal where a source gives one number.
        unit: e.g. ``"USD"`` or ``"W"``; empty for a pure number.
        origin: where it comes from.
    """

    low: float
    high: float
    unit: str
    origin: Origin

    @property
    def middle(self) -> float:
        """The geometric mean of the edges: of a price between 1 and 4, that is 2, a factor of 2 from both.

        >>> from nanosieve.devices import Trust
        >>> Band(1.0, 4.0, "USD", Origin(Trust.RECALLED, "market level")).middle
        2.0
        """
        return math.sqrt(self.low * self.high)

    @property
    def figure(self) -> Figure:
        """The middle with the edges as interval; `published` only if it was read in a public source."""
        interval = None if self.low == self.high else (self.low, self.high)
        return self.origin.figure(self.middle if interval else self.low, self.unit, interval)
