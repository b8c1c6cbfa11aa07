"""`Element`: where and when one number of the graph stands in the hardware."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.graph import bit_width
from nanosieve.compiler.hardware.schedule import CONSTANT, Arrival

__all__ = ["Element"]


@dataclass(frozen=True)
class Element:
    """One element of a graph node, as its consumers see it.

    Attributes:
        source: the layer or input on whose bus it stands, or the node of the weights that it is one of; empty
            for a constant, which stands nowhere.
        index: its lane of that bus. A layer that works several times per event uses a lane several times.
        low, high: range of the lane.
        exponent: the number is ``code * 2**exponent``.
        arrival: when it is there, counted from the first cycle of the event.
    """

    source: str
    index: int
    low: int
    high: int
    exponent: int
    arrival: Arrival

    @property
    def constant(self) -> bool:
        """Whether it is the number `low` always."""
        return not self.source

    @property
    def steady(self) -> bool:
        """Whether it is a weight, which is there in all cycles."""
        return bool(self.source) and self.arrival == CONSTANT

    @property
    def width(self) -> int:
        """Bits of the lane."""
        return max(bit_width(self.low, self.high), 1)
