"""Closed and open loops of requests.

In a closed loop each connection sends its next request when the last one is answered: it finds throughput.
In an open loop requests are due at times that do not wait for answers, and the time of a request counts from
when it was due, so that a stalled server is not measured as a fast one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from nanosieve.errors import SettingsError, ToolError
from nanosieve.farm.engine.checks import whole
from nanosieve.farm.service.client import Connection, Target, connect
from nanosieve.farm.service.load.run import LoadRun
from nanosieve.farm.service.load.work import Work

__all__ = ["Arrivals", "closed_loop", "open_loop"]

WARM_UP = 3
"""Requests of each connection that are not counted."""


@dataclass(frozen=True)
class Arrivals:
    """When requests are due.

    Attributes:
        rate: requests a second in the mean.
        burst: requests that are due at one time; 1 is a Poisson process, more are bursts that are one.
        seed: of the times.

    Raises:
        SettingsError: no rate, or no requests in a burst.
    """

    rate: float
    burst: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        whole(self.burst, name="burst")
        if not 0 < self.rate < float("inf"):
            message = f"rate = {self.rate!r} is not accepted; write requests a second above zero"
            raise SettingsError(message)

    def times(self, seconds: float) -> Iterator[float]:
        """s from the start, until `seconds`."""
        rng = np.random.default_rng(self.seed)
        now = 0.0
        while (now := now + rng.exponential(self.burst / self.rate)) < seconds:
            for _ in range(self.burst):
                yield now


@dataclass
class _Log:
    """What one connection has seen."""

    latency: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    compute: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    wrong: int = 0


Take = Callable[[], tuple[int, float] | None]
"""Number of the next request and the time at which it is due, or None at the end."""


def closed_loop(target: Target, work: Work, *, connections: int = 1, seconds: float = 5.0) -> LoadRun:
    """As many requests as `connections` connections get answered.

    Raises:
        ToolError: nobody answers at the start.
        SettingsError: no connections.
    """
    lock, number = threading.Lock(), iter(range(1 << 60))

    def next_request(until: float) -> Take:
        def take() -> tuple[int, float] | None:
            now = time.perf_counter()
            if now >= until:
                return None
            with lock:
                return next(number), now

        return take

    return _run(target, work, connections, lambda start: next_request(start + seconds), "closed", None)


def open_loop(
    target: Target, work: Work, arrivals: Arrivals, *, connections: int = 16, seconds: float = 5.0
) -> LoadRun:
    """Requests at the times of `arrivals`; one that finds all connections busy is sent late, and counts so.

    Raises:
        ToolError: nobody answers at the start.
        SettingsError: no connections.
    """
    lock = threading.Lock()

    def next_request(start: float) -> Take:
        times = enumerate(arrivals.times(seconds))

        def take() -> tuple[int, float] | None:
            with lock:
                entry = next(times, None)
            if entry is None:
                return None
            number, due = entry
            if (wait := start + due - time.perf_counter()) > 0:
                time.sleep(wait)
            return number, start + due

        return take

    loop = "poisson" if arrivals.burst == 1 else "bursts"
    return _run(target, work, connections, next_request, loop, arrivals.rate)


def _run(
    target: Target,
    work: Work,
    connections: int,
    schedule: Callable[[float], Take],
    loop: str,
    offered: float | None,
) -> LoadRun:
    whole(connections, name="connections")
    ready, go = threading.Barrier(connections + 1), threading.Event()
    logs = [_Log() for _ in range(connections)]
    takes: list[Take] = []
    failed: list[ToolError] = []

    def drive(log: _Log) -> None:
        try:
            with connect(target) as connection:
                for _ in range(WARM_UP):
                    connection.infer(work.requests[0])
                ready.wait()
                go.wait()
                _drive(connection, work, takes[0], log)
        except threading.BrokenBarrierError:
            return
        except ToolError as error:
            failed.append(error)
            ready.abort()

    threads = [threading.Thread(target=drive, args=(log,), daemon=True) for log in logs]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        for thread in threads:
            thread.join()
        raise failed[0] from None
    started = time.perf_counter()
    takes.append(schedule(started))
    go.set()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    errors = sum((log.errors for log in logs), Counter[str]())
    latency, queue, compute = (
        np.array([t for log in logs for t in getattr(log, name)]) for name in ("latency", "queue", "compute")
    )
    return LoadRun(
        target.protocol,
        loop,
        work.batch,
        connections,
        offered,
        seconds,
        latency,
        queue,
        compute,
        work.sent,
        work.received,
        dict(errors),
        sum(log.wrong for log in logs),
    )


def _drive(connection: Connection, work: Work, take: Take, log: _Log) -> None:
    while (entry := take()) is not None:
        number, due = entry
        try:
            reply = connection.infer(work.requests[number % len(work.requests)])
        except ToolError as error:
            log.errors[str(error)] += 1
            continue
        log.latency.append(time.perf_counter() - due)
        if reply.queue is not None and reply.compute is not None:
            log.queue.append(reply.queue)
            log.compute.append(reply.compute)
        log.wrong += work.wrong(number, reply.outputs)
