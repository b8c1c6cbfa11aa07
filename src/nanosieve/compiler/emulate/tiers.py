"""Which arithmetic is exact: float32, float64 or int64, from proven bounds.

Integers up to 2^24 are exact in float32, up to 2^53 in float64. A sum of products is exact in whatever order
it is added, with fused multiply-add or without, if the sum of the magnitudes of its products stays below.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import TensorType

__all__ = ["FLOAT32", "FLOAT64", "INT64", "LIMITS", "Floats", "Tier", "magnitude", "tier_of", "wider"]

Tier = np.dtype[Any]
Floats = NDArray[np.float64]

FLOAT32: Tier = np.dtype(np.float32)
FLOAT64: Tier = np.dtype(np.float64)
INT64: Tier = np.dtype(np.int64)
_ORDER = (FLOAT32, FLOAT64, INT64)

LIMITS: dict[Tier, float] = {FLOAT32: 2.0**24, FLOAT64: 2.0**53 * (1 - 2.0**-20)}
"""Largest magnitude. Bounds are computed in float64, so that of float64 leaves room for their rounding."""


def magnitude(type: TensorType) -> Floats:
    """Largest magnitude of the code of each element, flat."""
    return np.maximum(np.abs(type.low.astype(np.float64)), np.abs(type.high.astype(np.float64))).reshape(-1)


def tier_of(*bounds: Floats) -> Tier:
    """The fastest arithmetic that is exact for integers within the `bounds`."""
    peak = max((float(bound.max(initial=0.0)) for bound in bounds), default=0.0)
    return next((tier for tier, limit in LIMITS.items() if peak <= limit), INT64)


def wider(*tiers: Tier) -> Tier:
    """The widest of the `tiers`."""
    return max(tiers, key=_ORDER.index)
