"""Events as the trigger of the study sees them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Events"]


@dataclass(frozen=True, eq=False)
class Events:
    """Events as the trigger sees them; compared by identity, so that scores of them can be kept.

    Attributes:
        objects: (events, 19, 3) float32: pT [GeV], eta, phi; see `nanosieve.physics.events.objects`.
        weights: (events,) in pb: they sum to the cross section after the filter.
        labels: (events,) process names.
    """

    objects: NDArray[np.float32]
    weights: NDArray[np.float64]
    labels: NDArray[np.str_]

    def of(self, processes: Collection[str]) -> Events:
        """Those of some processes."""
        chosen = np.isin(self.labels, list(processes))
        return Events(self.objects[chosen], self.weights[chosen], self.labels[chosen])

    def __len__(self) -> int:
        return len(self.objects)
