"""When vectors enter a design: back to back, with gaps in `valid`, with resets in mid-stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError

__all__ = ["BACK_TO_BACK", "Schedule", "Stimulus", "Timing"]


@dataclass(frozen=True)
class Timing:
    """What the schedule needs to know of a design, in cycles.

    Attributes:
        latency: from the first beat of a vector to the first beat of its outputs.
        interval: least number of cycles from one vector to the next.
        beats: in which the outputs come.
    """

    latency: int
    interval: int = 1
    beats: int = 1


@dataclass(frozen=True)
class Schedule:
    """One simulation, cycle by cycle; cycle 0 is a reset.

    Attributes:
        reset: bool (cycles,).
        valid: bool (cycles,): high where a vector enters, low where the design is free for one, and random
            where it is busy, since it must not look there.
        entered: cycle of the first beat of each vector, int64 (vectors,).
        announced: whether valid_out rises for it, bool (vectors,): no reset falls between entry and exit.
        delivered: whether all beats of its outputs come, bool (vectors,): no reset falls among them either.
        writes: (cycles, 2): address, -1 in a cycle without, and word of the weights; None without any.
    """

    reset: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    entered: NDArray[np.int64]
    announced: NDArray[np.bool_]
    delivered: NDArray[np.bool_]
    writes: NDArray[np.int64] | None = None

    def after(self, loads: Sequence[Sequence[int]], settle: int, seed: int) -> Schedule:
        """The same behind loads of weights, during which `valid` is random: the design must not look there.

        Args:
            loads: the words of each, from address 0 on.
            settle: cycles behind the last word.
            seed: of `valid`.
        """
        if not loads:
            return self
        words = np.concatenate([np.stack([np.arange(len(load)), load], axis=1) for load in loads])
        more = len(words) + settle
        busy = np.random.default_rng(seed).random(more) < 0.5
        writes = np.full((len(self.valid) + more, 2), -1, dtype=np.int64)
        writes[1 : 1 + len(words)] = words
        return Schedule(
            np.concatenate([self.reset[:1], np.zeros(more, dtype=bool), self.reset[1:]]),
            np.concatenate([self.valid[:1], busy, self.valid[1:]]),
            self.entered + more,
            self.announced,
            self.delivered,
            writes,
        )


@dataclass(frozen=True)
class Stimulus:
    """A pattern of valid and reset.

    Attributes:
        gap: probability that an idle cycle comes before the next vector, and then as often another one;
            as often a vector waits for up to a whole interval more. 0 ≤ gap < 1.
        resets: number of one-cycle resets, at most one to a vector; half of them meet its first beat, the
            others any cycle from there to the next vector, which enters without waiting for the interval.
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

    def schedule(self, vectors: int, timing: Timing) -> Schedule:
        """Cycles for `vectors` through a design, with idle cycles at the end to empty it."""
        random = np.random.default_rng(self.seed)
        idle = self._idle(vectors, timing.interval, random)
        struck, offset = self._resets(idle, timing.interval, random)
        # a vector keeps the design busy for an interval, or up to the reset that makes it forget it
        busy = np.full(vectors, timing.interval)
        busy[struck] = np.minimum(offset + 1, timing.interval)
        entered = 1 + np.cumsum(idle) + np.concatenate([[0], np.cumsum(busy)[:-1]])
        cycles = int(entered[-1]) + timing.interval + 2 * timing.latency + timing.beats + 4
        reset, valid = np.zeros(cycles, dtype=bool), np.zeros(cycles, dtype=bool)
        times = entered[struck] + offset
        reset[0], reset[times] = True, True
        _shake(valid, entered, busy, random)
        following = np.append(np.sort(times), cycles + timing.latency)
        following = following[np.searchsorted(following, entered)]
        announced = following >= entered + timing.latency
        delivered = following >= entered + timing.latency + timing.beats - 1
        return Schedule(reset, valid, entered, announced, delivered)

    def _idle(self, vectors: int, interval: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Idle cycles before each vector."""
        if not self.gap:
            return np.zeros(vectors, dtype=np.int64)
        longer = np.where(random.random(vectors) < self.gap, random.integers(0, interval, vectors), 0)
        return np.asarray(random.geometric(1 - self.gap, vectors) - 1 + longer, dtype=np.int64)

    def _resets(
        self, idle: NDArray[np.int64], interval: int, random: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The vectors after whose entry a reset comes, and how many cycles after it."""
        struck = random.permutation(len(idle))[: self.resets].astype(np.int64)
        following = np.append(idle[1:], 0)[struck]
        offset = random.integers(0, interval + following)
        offset[: len(struck) // 2] = 0
        return struck, offset


def _shake(
    valid: NDArray[np.bool_],
    entered: NDArray[np.int64],
    busy: NDArray[np.int64],
    random: np.random.Generator,
) -> None:
    """Raise `valid` where a vector enters, and at random while it keeps the design busy."""
    change = np.zeros(len(valid) + 1, dtype=np.int64)
    np.add.at(change, entered, 1)
    np.add.at(change, entered + busy, -1)
    valid[:] = (np.cumsum(change[:-1]) > 0) & (random.random(len(valid)) < 0.5)
    valid[entered] = True


BACK_TO_BACK = Stimulus()
"""A vector as soon as the design takes one, no reset after the first."""
