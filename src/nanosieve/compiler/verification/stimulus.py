"""When vectors enter a design: back to back, with gaps in `valid`, with resets in mid-stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError

__all__ = ["BACK_TO_BACK", "Schedule", "Stimulus"]


@dataclass(frozen=True)
class Schedule:
    """One simulation, cycle by cycle; cycle 0 is a reset.

    Attributes:
        reset: bool (cycles,).
        valid: bool (cycles,).
        entered: cycle in which each vector is presented, int64 (vectors,).
        delivered: whether it comes out again, bool (vectors,): no reset falls between entry and exit.
    """

    reset: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    entered: NDArray[np.int64]
    delivered: NDArray[np.bool_]


@dataclass(frozen=True)
class Stimulus:
    """A pattern of valid and reset.

    Attributes:
        gap: probability that an idle cycle comes before the next vector, 0 ≤ gap < 1.
        resets: number of one-cycle resets at random times; half of them meet a valid vector.
        seed: of the random choices.

    Raises:
        SettingsError: a value out of its domain.
    """

    gap: float = 0.0
    resets: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.gap < 1:
            message = f"stimulus: gap = {self.gap!r} is a probability from 0 to below 1"
            raise SettingsError(message)
        if self.resets < 0:
            message = f"stimulus: resets = {self.resets!r} is not negative"
            raise SettingsError(message)

    def schedule(self, vectors: int, latency: int) -> Schedule:
        """Cycles for `vectors` through a pipeline of `latency`, with idle cycles at the end to empty it."""
        random = np.random.default_rng(self.seed)
        idle = random.geometric(1 - self.gap, vectors) - 1 if self.gap else np.zeros(vectors, dtype=np.int64)
        entered = 1 + np.arange(vectors) + np.cumsum(idle)
        last = int(entered[-1]) if vectors else 0
        cycles = last + 2 * latency + 4
        reset, valid = np.zeros(cycles, dtype=bool), np.zeros(cycles, dtype=bool)
        reset[0] = True
        valid[entered] = True
        if self.resets:
            at_vectors = random.choice(entered, min(self.resets // 2, vectors), replace=False)
            reset[at_vectors] = True
            reset[random.integers(1, last + 1, self.resets - len(at_vectors))] = True
        times = np.flatnonzero(reset)
        following = np.append(times, cycles + latency)[np.searchsorted(times, entered)]
        return Schedule(reset, valid, entered, following >= entered + latency)


BACK_TO_BACK = Stimulus()
"""A vector in every cycle, no reset after the first."""
