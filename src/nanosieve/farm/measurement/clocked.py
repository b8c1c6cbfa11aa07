"""Calls against the clock: how many there is time for, their times, and the throughput in rounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nanosieve.devices import Trust
from nanosieve.farm.measurement.timing import QUANTILES

__all__ = ["Clock", "clocked"]

FEWEST, MOST, ROUNDS = 10, 5000, 5
"""Calls that count, at least and at most; rounds whose throughputs are compared."""
LONGEST = 3.0
"""Seconds that a point may take when there is time for more."""


class Clock:
    """A budget of time that points share.

    Args:
        seconds: for all of them.
        points: how many there are.
        now: the clock, in s.

    Attributes:
        minutes: of the budget.
    """

    def __init__(self, seconds: float, points: int, now: Callable[[], float] = time.monotonic) -> None:
        self.minutes, self._now = seconds / 60, now
        self._end, self._left = now() + seconds, points

    def share(self) -> float:
        """Seconds for the next point, 0 if none are left; what others did not need is shared."""
        remaining = max(self._end - self._now(), 0.0)
        share = min(remaining / max(self._left, 1), LONGEST)
        self._left -= 1
        return share

    @property
    def used_up(self) -> str:
        """Why a point without a share was not measured."""
        return f"the time budget of {self.minutes:.3g} minutes was used up"


def clocked(call: Callable[[], Any], seconds: float, *, batch: int) -> dict[str, Any]:
    """Time `call` for about so many seconds, after calls that do not count.

    Args:
        call: processes `batch` events and returns when it is done.
        seconds: for all calls.
        batch: events of a call.

    Returns:
        ``time``, ``spread``, ``throughput``, ``throughput_error``, ``calls``, ``quantiles`` and ``trust`` of
        a `Point`; or its ``not_measured``, if `FEWEST` calls take more than three times as long.
    """
    call()  # caches, memory
    once = float("inf")
    for _ in range(3):  # one alone may be interrupted
        started = time.perf_counter()
        call()
        once = min(once, time.perf_counter() - started)
        if once > seconds:
            break
    if FEWEST * once > 3 * seconds:
        return {
            "not_measured": f"a call of {batch:,} events takes {once:.2g} s: no time for {FEWEST} of them"
        }
    warm = time.perf_counter() + 0.1 * seconds
    while time.perf_counter() < warm:
        call()
    per_round = max(2, min(MOST, round(0.9 * seconds / max(once, 1e-7))) // ROUNDS)
    times = np.empty((ROUNDS, per_round))
    throughput = np.empty(ROUNDS)
    for n in range(ROUNDS):
        begin = before = time.perf_counter()
        for k in range(per_round):
            call()
            after = time.perf_counter()
            times[n, k], before = after - before, after
        throughput[n] = per_round * batch / (before - begin)
    mean = float(times.mean())
    quantiles = np.quantile(times, QUANTILES) / mean
    return {
        "time": _short(mean),
        "spread": _short(float(times.std(ddof=1))),
        "throughput": _short(float(throughput.mean())),
        "throughput_error": _short(float(throughput.std(ddof=1))),
        "calls": times.size,
        "trust": Trust.MEASURED,
        "quantiles": {p: _short(float(value)) for p, value in zip(QUANTILES, quantiles, strict=True)},
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")
