"""From objects that belong to groups to sequences of one length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["padded"]


def padded(
    group: NDArray[np.int64], features: NDArray[np.float64], groups: int, steps: int
) -> NDArray[np.float32]:
    """(groups, steps, features): the first `steps` objects of each group, then zeros.

    Args:
        group: (N,) ascending index of the group of each object.
        features: (N, features).
    """
    place = np.arange(len(group)) - np.searchsorted(group, group, side="left")
    kept = place < steps
    result = np.zeros((groups, steps, features.shape[1]), dtype=np.float32)
    result[group[kept], place[kept]] = features[kept]
    return result
