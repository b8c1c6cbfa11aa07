"""The plain multi-server queue, G/G/c/K, first come first served: the fast path.

Without stages, dispatch and failures no heap of coming steps is needed: the next job starts at its arrival
or when the first server is free, whichever is later, so that a heap of the c times suffices (J. Kiefer and
J. Wolfowitz, 1955).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.farm.engine.batches import BATCHES, check_batches, mean_of_batches
from nanosieve.farm.engine.checks import quantity, whole
from nanosieve.farm.engine.compiled import compiled
from nanosieve.farm.engine.distributions import Distribution
from nanosieve.farm.engine.draws import stream
from nanosieve.figure import Figure

__all__ = ["QueueRun", "serve", "simulate_queue"]

Floats = NDArray[np.float64]
MOST_JOBS = 50_000_000


@dataclass(frozen=True)
class QueueRun:
    """A queue in its steady state.

    Attributes:
        wait: mean time between arrival and start, in s; NaN if the queue grows without limit.
        lost: % of the jobs that found no place.
        occupancy: % of the servers that are busy.
        growth: jobs per second by which an unstable queue grows; 0 if it is stable.
    """

    wait: Figure
    lost: Figure
    occupancy: Figure
    growth: float


def serve(arrivals: Floats, service: Floats, servers: int, places: float = math.inf) -> Floats:
    """(N,) when each job starts, in s; NaN for one that found all places taken and is lost.

    Args:
        arrivals: (N,) ascending, in s.
        service: (N,) service times in s.
        servers: c.
        places: K, for jobs that wait or are served; infinite by default.

    Raises:
        SettingsError: no server, fewer places than servers, arrivals that do not ascend, negative times.
    """
    whole(servers, name="queue: servers")
    whole(places, name="queue: places", least=servers)
    if arrivals.shape != service.shape or (np.diff(arrivals) < 0).any() or not (service >= 0).all():
        message = "queue: give ascending arrivals and as many service times, none of them negative"
        raise SettingsError(message)
    started = np.empty(len(arrivals))
    room = -1 if math.isinf(places) else int(places) - servers
    _serve(arrivals, service, np.full(servers, -np.inf), room, started)
    return started


@compiled
def _serve(arrivals: Any, service: Any, free: Any, room: Any, started: Any) -> None:
    """Fill `started`; `free` is a heap of the times at which servers are free; room < 0 is without limit."""
    servers = len(free)
    oldest = 0  # of the jobs that may still wait
    waiting = 0
    for n in range(len(arrivals)):
        now, first = arrivals[n], free[0]
        if room >= 0 and first > now:
            while oldest < n and not started[oldest] > now:
                waiting -= 0 if np.isnan(started[oldest]) else 1
                oldest += 1
            if waiting >= room:
                started[n] = np.nan
                continue
        elif room >= 0:
            oldest, waiting = n, 0
        start = max(now, first)
        started[n] = start
        waiting += 1
        end, place = start + service[n], 0
        while True:
            below = 2 * place + 1
            if below >= servers:
                break
            if below + 1 < servers and free[below + 1] < free[below]:
                below += 1
            if free[below] >= end:
                break
            free[place] = free[below]
            place = below
        free[place] = end


def simulate_queue(
    rate: float | str,
    service: Distribution,
    servers: int,
    *,
    places: float = math.inf,
    jobs: int = 1_000_000,
    warm_up: float = 0.1,
    seed: int = 0,
    batches: int = BATCHES,
) -> QueueRun:
    """Poisson arrivals at a queue, M/G/c/K.

    Args:
        rate: of arrivals in Hz, or as ``"100 kHz"``.
        service: distribution of the service time.
        servers: c.
        places: K, servers included.
        jobs: that arrive.
        warm_up: share of the jobs that is left out at the start.
        seed: same seed, same result.
        batches: for the errors.

    Raises:
        SettingsError: no server, fewer places than servers, or a rate, number or share out of range.

    >>> from nanosieve.farm.engine.distributions import Exponential
    >>> print(simulate_queue(8, Exponential(1.0), 10, places=10, jobs=200_000).lost)  # Erlang B: 12.17 %
    12.32 ± 0.17 % (simulated)
    """
    check_batches(batches)
    per_second = quantity(rate, "Hz", name="queue: rate", example="100 kHz", zero=False)
    if not batches <= jobs <= MOST_JOBS or not 0 <= warm_up < 1 or not math.isfinite(per_second):
        message = (
            f"queue: jobs = {jobs!r}, warm_up = {warm_up!r}, rate = {rate!r}; accepted: {batches} to "
            f"{MOST_JOBS:,} jobs, a warm-up from 0 to below 1, a finite rate"
        )
        raise SettingsError(message)
    arrivals = np.cumsum(stream(seed, 0).exponential(1 / per_second, jobs))
    times = stream(seed, 1)
    spent = service.draw(times.standard_normal(jobs), times)
    started = serve(arrivals, spent, servers, places)
    keep = slice(int(jobs * warm_up), None)
    parts = [np.array_split(each[keep], batches) for each in (arrivals, started, spent)]
    waits, lost, busy = np.empty((3, batches))
    for b, (arrival, start, time) in enumerate(zip(*parts, strict=True)):
        found = ~np.isnan(start)
        waits[b] = (start - arrival)[found].mean() if found.any() else np.nan
        lost[b] = 100 * (1 - found.mean())
        busy[b] = 100 * per_second * time[found].sum() / len(arrival) / servers
    load = per_second * service.mean / servers
    growth = per_second * (1 - 1 / load) if math.isinf(places) and load > 1 else 0.0
    wait = mean_of_batches(np.full(batches, np.nan) if growth else waits, "s")
    occupancy = mean_of_batches(np.minimum(busy, 100.0) if growth else busy, "%")
    return QueueRun(wait, mean_of_batches(lost, "%"), occupancy, growth)
