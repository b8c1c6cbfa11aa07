"""When the slots of a layer begin: as soon as their elements are there, or at a steady distance from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nanosieve.compiler.graph import Integers
from nanosieve.compiler.hardware.feed import Feed
from nanosieve.compiler.hardware.feed_plan import Reads, plan_feed

__all__ = ["best_feed", "soonest"]

ANCHORS = 6
"""Ports that are tried as the one whose elements wait equally long in every slot."""


def best_feed(reads: Reads, interval: int, slack: float = 0.002) -> Feed | None:
    """The feed with the least cost, over the ways in which the slots can be placed in time.

    A slot that starts as soon as it can makes elements wait for different times, and each time is one more
    tap to choose from. Starting every slot at a fixed distance behind one of its elements makes the
    distances of a convolution's window constant, so that its ports are plain taps of line buffers.

    Args:
        reads: what each port reads in each slot.
        interval: the number of cycles that two events are apart, at least.
        slack: what one more cycle of latency may cost, as part of the cost.

    Returns:
        None where the slots do not fit between two events.
    """
    best: tuple[float, int, Feed] | None = None
    for start in _candidates(reads, interval):
        feed = plan_feed(reads, start, interval)
        cost = (feed.cost["lut"] + feed.cost["ff"] / 2 + 1) * (1 + slack * feed.start[-1])
        if best is None or (cost, feed.start[-1]) < best[:2]:
            best = cost, feed.start[-1], feed
    return best[2] if best else None


def soonest(reads: Reads, pace: int = 1) -> Integers:
    """The earliest cycles in which the slots can begin, `pace` or more apart."""
    external = reads.own < 0
    there = np.where(external & (reads.lane >= 0), reads.arrival + reads.late, 0)
    need = there.max(axis=0, initial=0) + 1
    start = np.zeros(reads.slots, dtype=np.int64)
    if external.all():
        steps = pace * np.arange(reads.slots)
        return np.asarray(np.maximum.accumulate(need - steps) + steps)
    slot, port = np.nonzero(~external.T)  # in the order of the slots
    after = reads.own[port, slot]
    delay = reads.arrival[port, slot] + reads.late[port, slot] + 1
    first = np.searchsorted(slot, np.arange(reads.slots + 1))
    for j in range(reads.slots):
        begin = max(int(need[j]), int(start[j - 1]) + pace if j else 0)
        own = slice(first[j], first[j + 1])
        if own.start < own.stop:
            begin = max(begin, int((start[after[own]] + delay[own]).max()))
        start[j] = begin
    return start


def _candidates(reads: Reads, interval: int) -> Iterator[Integers]:
    first = soonest(reads)
    if first[-1] - first[0] < interval:
        yield first
    if reads.slots == 1 or (reads.own >= 0).any():
        return
    tried = {tuple(first)}
    there = np.where(reads.lane >= 0, reads.arrival + reads.late, 0)
    need = there.max(axis=0, initial=0) + 1
    pace = max(1, int((need[-1] - need[0]) // (reads.slots - 1)))
    steady = soonest(reads, pace)
    even = pace * np.arange(reads.slots)
    anchors = [even + int((steady - even).max())]
    whole = np.flatnonzero((reads.lane >= 0).all(axis=1) & (np.diff(reads.arrival, axis=1) > 0).all(axis=1))
    for p in whole[np.linspace(0, len(whole) - 1, min(ANCHORS, len(whole)), dtype=int)] if len(whole) else []:
        anchors.append(reads.arrival[p] + int((need - reads.arrival[p]).max()))
    for start in anchors:
        if tuple(start) not in tried and start[-1] - start[0] < interval and (start >= need).all():
            tried.add(tuple(start))
            yield start
