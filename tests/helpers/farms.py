"""Farms for tests: one that has everything, and plain queues in the form of a farm."""

from __future__ import annotations

import math
from typing import Any

from nanosieve.farm.engine import (
    Accelerators,
    Constant,
    Distribution,
    EventClass,
    Exponential,
    Farm,
    Link,
    LogNormal,
    Nodes,
    Stage,
    TimeOut,
)


def complete_farm(
    nodes: Nodes, time_out: TimeOut | None = None, *, pool: bool = True, **accelerators: Any
) -> Farm:
    """Two classes, four stages, accelerators, builder and output, all busy at 100 Hz for 5 × 4 slots."""
    settings = {
        "count": 5 if pool else 1,
        "pool": pool,
        "batch": 3,
        "wait": "4 ms",
        "launch": "5 ms",
        "bandwidth": "150 MB/s",
        "latency": "50 us",
        "returned": 0.1,
        "queue": 4,
        "retries": 2,
        "retry_after": "2 ms",
    }
    return Farm(
        (
            EventClass("minimum bias", 0.9, LogNormal(1e6, 0.3), 0.5),
            EventClass("boosted", 0.1, LogNormal(2e6, 0.3), 0.7),
        ),
        (
            Stage("unpack", Exponential("20 ms")),
            Stage("network", {"minimum bias": Constant("10 ms"), "boosted": Constant("30 ms")}, 1.0, True),
            Stage(
                "tracks",
                {"minimum bias": LogNormal("100 ms", 0.8), "boosted": LogNormal("400 ms", 1.0)},
                {"minimum bias": 0.05, "boosted": 0.5},
            ),
            Stage("full", LogNormal("500 ms", 0.8), 0.3),
        ),
        nodes,
        Accelerators(**(settings | accelerators)),
        Link("200 MB/s", "6 MB"),
        Link("20 MB/s", "5 MB"),
        time_out,
    )


def queue_farm(service: Distribution, servers: int, queue: float = math.inf, **others: Any) -> Farm:
    """A plain queue: one node with that many slots."""
    return Farm((EventClass("all"),), (Stage("all", service),), Nodes(1, servers, queue), **others)
