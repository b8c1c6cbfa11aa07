"""A link of finite bandwidth with a finite buffer: events pass one after the other, in order of arrival."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.engine.compiled import compiled
from nanosieve.farm.engine.farm import Link

__all__ = ["Passed", "pass_link"]

Floats = NDArray[np.float64]


class Passed(NamedTuple):
    """What a link did.

    Attributes:
        ended: (N,) when the last byte of an event is through, in s; the arrival itself for a lost one.
        lost: (N,) whether the event did not fit into the buffer.
        busy: (N,) seconds that the link spent on an event; 0 for a lost one.
    """

    ended: Floats
    lost: NDArray[np.bool_]
    busy: Floats


def pass_link(link: Link | None, arrivals: Floats, sizes: Floats) -> Passed:
    """Send events over a link; without a link everything is through at once.

    Args:
        link: bandwidth and buffer.
        arrivals: (N,) ascending, in s.
        sizes: (N,) in byte.
    """
    number = len(arrivals)
    if link is None:
        return Passed(arrivals.copy(), np.zeros(number, dtype=np.bool_), np.zeros(number))
    passed = Passed(arrivals.copy(), np.zeros(number, dtype=np.bool_), np.zeros(number))
    load = sizes * link.scale
    _pass(arrivals, load, load / float(link.bandwidth), float(link.buffer), link.stops, *passed)
    return passed


@compiled
def _pass(arrivals: Any, sizes: Any, service: Any, buffer: Any, stops: Any, ended: Any, lost: Any,
          busy: Any) -> None:  # fmt: skip
    filled, first, free = 0.0, 0, 0.0
    for n in range(len(arrivals)):
        now = arrivals[n]
        while first < n and ended[first] <= now:
            filled -= 0.0 if lost[first] else sizes[first]
            first += 1
        if first == n:
            filled = 0.0  # no rounding is carried on
        if filled >= buffer if stops else filled + sizes[n] > buffer:
            lost[n] = True
            continue
        filled += sizes[n]
        free = max(free, now) + service[n]
        ended[n] = free
        busy[n] = service[n]
