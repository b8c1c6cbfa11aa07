"""What a load has measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LoadRun", "Quantiles"]

SHOWN = (0.5, 0.95, 0.99)
"""Quantiles of tables."""


@dataclass(frozen=True)
class Quantiles:
    """Quantiles of times, each with the standard deviation of its estimate from the order of the sample.

    Attributes:
        values: probability → (s, error in s).
    """

    values: Mapping[float, tuple[float, float]]

    @classmethod
    def of(cls, times: NDArray[np.float64], probabilities: tuple[float, ...] = SHOWN) -> Quantiles:
        """From a sample; the error is half the distance of the quantiles one standard deviation away.

        The number of times below a quantile is binomial: its standard deviation is ``sqrt(n p (1 - p))``.
        """
        n = len(times)
        values = {}
        for p in probabilities if n else ():
            apart = np.sqrt(p * (1 - p) / n)
            low, middle, high = np.quantile(times, np.clip([p - apart, p, p + apart], 0, 1))
            values[p] = (float(middle), float(high - low) / 2)
        return cls(values)


@dataclass(frozen=True)
class LoadRun:
    """One load.

    Attributes:
        protocol: ``gRPC`` or ``REST``.
        loop: ``closed``, ``poisson`` or ``bursts``.
        batch: events of a request.
        connections: of the client.
        offered: requests a second; None in a closed loop.
        seconds: from the first request to the last answer.
        latency: s of every request that was answered: from when it was due to its answer.
        queue, compute: s of the same ones, said by the server; empty where it does not say them.
        sent, received: bytes of the tensors of a request and of its answer.
        errors: message → how often.
        wrong: answers that were not the right ones, in any bit.
    """

    protocol: str
    loop: str
    batch: int
    connections: int
    offered: float | None
    seconds: float
    latency: NDArray[np.float64]
    queue: NDArray[np.float64]
    compute: NDArray[np.float64]
    sent: int
    received: int
    errors: Mapping[str, int]
    wrong: int

    @property
    def answered(self) -> int:
        """Requests."""
        return len(self.latency)

    @property
    def lost(self) -> int:
        """Requests without an answer."""
        return sum(self.errors.values())

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return self.answered / self.seconds

    @property
    def throughput(self) -> float:
        """Events a second."""
        return self.rate * self.batch

    @property
    def bandwidth(self) -> float:
        """Bytes of tensors a second, both ways."""
        return self.rate * (self.sent + self.received)

    @property
    def quantiles(self) -> Quantiles:
        """Of the latency."""
        return Quantiles.of(self.latency)

    @property
    def parts(self) -> dict[str, float]:
        """Mean s in queue and computation of the server, and in all the rest: network, protocol, client."""
        if not len(self.compute):
            return {}
        queue, compute = float(self.queue.mean()), float(self.compute.mean())
        return {
            "network and protocol": max(float(self.latency.mean()) - queue - compute, 0.0),
            "queue": queue,
            "compute": compute,
        }

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "protocol": self.protocol,
            "loop": self.loop,
            "batch": self.batch,
            "connections": self.connections,
            "offered_per_s": self.offered,
            "seconds": self.seconds,
            "answered": self.answered,
            "errors": dict(self.errors),
            "wrong": self.wrong,
            "requests_per_s": self.rate,
            "events_per_s": self.throughput,
            "bytes_per_s": self.bandwidth,
            "latency_s": {f"p{100 * p:g}": value for p, (value, _) in self.quantiles.values.items()},
            "latency_error_s": {f"p{100 * p:g}": error for p, (_, error) in self.quantiles.values.items()},
            "parts_s": self.parts,
        }
