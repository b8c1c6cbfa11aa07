"""`Plan`: by which architecture every layer is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.compiler.hardware.kernel import Fold

__all__ = ["Choice", "Copies", "Fold", "Plan"]


@dataclass(frozen=True)
class Copies:
    """A recurrent layer as so many cells, each of which does an equal share of the time steps."""

    cells: int = 1


Choice = Fold | Copies
"""How a layer works in several slots per event; without a choice it is unrolled."""


@dataclass(frozen=True)
class Plan:
    """How every layer is built.

    Attributes:
        layers: layer → its choice; those not named are unrolled.
        beats: input → positions that enter in a cycle; those not named enter in one cycle.
        interval: cycles between two events.
    """

    layers: Mapping[str, Choice] = field(default_factory=dict)
    beats: Mapping[str, int] = field(default_factory=dict)
    interval: int = 1
