"""Calls timed one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.devices import Trust
from nanosieve.farm.engine.checks import whole

__all__ = ["QUANTILES", "Measured", "timed"]

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
"""Probabilities at which a measured distribution is kept."""
WARM_UP = 20
"""Calls that are not counted: caches, clock of the processor."""


@dataclass(frozen=True)
class Measured:
    """The time for which an event occupies one place of a device.

    Attributes:
        device: ``cpu``, ``gpu`` or ``fpga``.
        mean: s for an event.
        quantiles: probability → time over mean; empty where it is always the same.
        trust, source: ``measured`` on the machine that the source names, or ``derived``.
        cycles: of an FPGA: interval, latency, and Hz of the clock; None elsewhere.
    """

    device: str
    mean: float
    quantiles: dict[float, float]
    trust: Trust
    source: str
    cycles: tuple[int, int, float] | None = None


def timed(call: Callable[[], Any], *, device: str, batch: int, repeats: int, source: str) -> Measured:
    """Time `call` again and again.

    Args:
        call: processes a batch.
        device: that does it.
        batch: events of a call; its time is shared among them.
        repeats: calls that count.
        source: machine and program.

    Raises:
        SettingsError: fewer than 10 repeats.
    """
    whole(repeats, name="repeats", least=10)
    for _ in range(WARM_UP):
        call()
    times = np.empty(repeats)
    for n in range(repeats):
        started = time.perf_counter()
        call()
        times[n] = time.perf_counter() - started
    return _of(times / batch, device, f"{source}; {repeats} calls of {batch} events")


def _of(times: NDArray[np.float64], device: str, source: str) -> Measured:
    mean = float(times.mean())
    relative = np.quantile(times, QUANTILES) / mean
    quantiles = {p: float(f"{value:.4g}") for p, value in zip(QUANTILES, relative, strict=True)}
    return Measured(device, mean, quantiles, Trust.MEASURED, source)
