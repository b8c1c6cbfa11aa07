"""What a model that states no fixed-point types needs: a sample, and the precision wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["Calibration"]


@dataclass(frozen=True)
class Calibration:
    """How to quantise after training.

    Attributes:
        sample: events (events, *input shape) by input name, or of the only input, in the units of training.
        precision: fixed-point type of every value, e.g. ``"fixed<16,6>"``.
    """

    sample: Mapping[str, NDArray[Any]] | NDArray[Any]
    precision: str = "fixed<16,6>"
