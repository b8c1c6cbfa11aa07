"""What the service costs beside a direct call of the model: latency of one client, throughput of several."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nanosieve.farm.service.client import Target
from nanosieve.farm.service.load import LoadRun, Quantiles, closed_loop, make_work
from nanosieve.farm.service.models import Model
from nanosieve.farm.service.tensors import Arrays
from nanosieve.progress import Progress, silent

__all__ = ["Overhead", "measure_overhead"]

PASSES = 3
"""Direct and served calls take turns, so that a change of the machine's load meets both."""


@dataclass(frozen=True)
class Overhead:
    """A batch size.

    Attributes:
        batch: events of a request.
        direct: s of a direct call.
        alone: the closed loop of one connection with the smallest median.
        several: the closed loop of several connections with the largest throughput.
    """

    batch: int
    direct: Quantiles
    alone: LoadRun
    several: LoadRun

    @property
    def added(self) -> float:
        """s that the service adds at the median of one connection."""
        return self.alone.quantiles.values[0.5][0] - self.direct.values[0.5][0]

    @property
    def part(self) -> float:
        """Throughput of the service over that of direct calls one after the other."""
        best = max(self.alone.throughput, self.several.throughput)
        return best * self.direct.values[0.5][0] / self.batch


def measure_overhead(
    target: Target,
    model: Model,
    *,
    batches: Sequence[int] = (1, 1024, 16_384),
    connections: int = 2,
    seconds: float = 2.0,
    seed: int = 1,
    progress: Progress = silent,
) -> list[Overhead]:
    """Direct calls in this process beside requests to a service that holds the same model.

    Every answer is compared with the direct one, bit for bit.

    Args:
        target: where the model is served.
        model: the same one, here.
        batches: events of a call.
        connections: of the closed loop that measures throughput.
        seconds: of each loop and pass.
        seed: of the numbers.
        progress: told of every batch size.

    Raises:
        ToolError: nobody answers.
    """
    found = []
    for n, batch in enumerate(batches):
        work = make_work(model.inputs, model.outputs, batch, seed=seed, compute=model)
        direct: list[float] = []
        alone: list[LoadRun] = []
        several: list[LoadRun] = []
        for _ in range(PASSES):
            direct += _direct(model, work.requests, seconds / 2)
            alone.append(closed_loop(target, work, connections=1, seconds=seconds))
            several.append(closed_loop(target, work, connections=connections, seconds=seconds))
        found.append(
            Overhead(
                batch,
                Quantiles.of(np.array(direct)),
                min(alone, key=lambda run: run.quantiles.values[0.5][0]),
                max(several, key=lambda run: run.throughput),
            )
        )
        progress("overhead", n + 1, len(batches), f"batch {batch}")
    return found


def _direct(model: Model, requests: Sequence[Arrays], seconds: float) -> list[float]:
    for arrays in requests:
        model(arrays)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while (started := time.perf_counter()) < until:
        model(requests[len(times) % len(requests)])
        times.append(time.perf_counter() - started)
    return times
