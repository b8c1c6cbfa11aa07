"""Where the events of a part of a farm come from: its share of the accepts of the whole trigger."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nanosieve.farm.engine import BehindTrigger, DeadTime, Poisson
from nanosieve.farm.engine.batches import BATCHES
from nanosieve.farm.engine.dead_time_rules import CROSSING_TIME

__all__ = ["ShareOfTrigger"]

LONGEST = 2.0
"""Seconds of the whole trigger that are simulated for its dead time where the farm is a part."""


@dataclass(frozen=True)
class ShareOfTrigger(BehindTrigger):
    """A hardware trigger of which the farm gets a share of the accepts, each with the same probability.

    Dead time is that of the whole trigger, bunch by bunch, as it depends on the rate of all candidates. Of a
    point process, a small part drawn at random is a Poisson process, whatever it was (A. Rényi, 1956): where
    the farm is a part, arrivals are Poisson at the share of the accepted rate.

    Attributes:
        share: 0 … 1.

    >>> from nanosieve.farm.engine import HardwareTrigger
    >>> from nanosieve.physics.filling import find_scheme
    >>> source = ShareOfTrigger(HardwareTrigger("100 kHz"), find_scheme("lhc-2544-48b"), 0.1)
    >>> len(source.arrivals(1.0, np.random.default_rng(1))) < 10_000
    True
    """

    share: float = 1.0

    def run(self, duration: float, rng: np.random.Generator, batches: int = BATCHES) -> DeadTime:
        """The whole trigger, with the decisions that reach the farm."""
        if self.share == 1:
            return super().run(duration, rng, batches)
        whole = super().run(min(duration, LONGEST), rng, batches)
        times = Poisson(whole.accepted.value * 1e3 * self.share).arrivals(duration, rng)
        return replace(whole, crossings=(times / CROSSING_TIME).astype(np.int64), times=times)
