"""Batch sizes and connections up to saturation, then a Poisson load at parts of what the service can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.farm.service.client import Target, connect
from nanosieve.farm.service.load.loops import Arrivals, closed_loop, open_loop
from nanosieve.farm.service.load.run import LoadRun
from nanosieve.farm.service.load.work import Compute, make_work
from nanosieve.progress import Progress, silent

__all__ = ["Scan", "scan_load"]

GAIN = 1.05
"""A service is saturated where twice the connections give less than this times the throughput."""


@dataclass(frozen=True)
class Scan:
    """What a scan has found.

    Attributes:
        closed: loads by batch and connections.
        open: Poisson loads and bursts at parts of the rate at saturation.
        saturation: batch → the closed load beyond which more connections bring nothing.
    """

    closed: tuple[LoadRun, ...]
    open: tuple[LoadRun, ...]
    saturation: Mapping[int, LoadRun]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "closed": [run.to_dict() for run in self.closed],
            "open": [run.to_dict() for run in self.open],
            "saturation": {str(batch): run.to_dict() for batch, run in self.saturation.items()},
        }


def scan_load(
    target: Target,
    *,
    batches: Sequence[int] = (1, 16, 256, 1024, 4096, 16_384),
    most_connections: int = 8,
    parts: Sequence[float] = (0.3, 0.6, 0.8, 0.95),
    burst: int = 1,
    open_batch: int | None = None,
    seconds: float = 3.0,
    seed: int = 1,
    compute: Compute | None = None,
    progress: Progress = silent,
) -> Scan:
    """Closed loops of 1, 2, 4 … connections for each batch until more bring nothing, then open loops.

    Args:
        target: a model on a server.
        batches: events of a request.
        most_connections: of a closed loop.
        parts: of the rate at saturation that the open loops offer.
        burst: requests that come at one time in the open loops; 1 for a Poisson process.
        open_batch: events of the requests of the open loops [default: the first of `batches`].
        seconds: of each load.
        seed: of numbers and times.
        compute: gives the right outputs; every answer is compared with them.
        progress: told of every load.

    Raises:
        ToolError: nobody answers.
        SettingsError: no events in a batch.
    """
    with connect(target) as connection:
        inputs, outputs = connection.inputs, connection.outputs
    closed: list[LoadRun] = []
    saturation: dict[int, LoadRun] = {}
    total = len(batches) + len(parts)
    for n, batch in enumerate(batches):
        work = make_work(inputs, outputs, batch, seed=seed, compute=compute)
        connections = 1
        while connections <= most_connections:
            run = closed_loop(target, work, connections=connections, seconds=seconds)
            closed.append(run)
            best = saturation.get(batch)
            if best is None or run.throughput > best.throughput:
                saturation[batch] = run
            if best is not None and run.throughput < GAIN * best.throughput:
                break
            connections *= 2
        progress("load", n + 1, total)
    batch = open_batch or batches[0]
    work = make_work(inputs, outputs, batch, seed=seed, compute=compute)
    opened = []
    for n, part in enumerate(parts):
        arrivals = Arrivals(part * saturation[batch].rate, burst, seed)
        connections = max(most_connections, 2 * burst)
        opened.append(open_loop(target, work, arrivals, connections=connections, seconds=seconds))
        progress("load", len(batches) + n + 1, total)
    return Scan(tuple(closed), tuple(opened), saturation)
