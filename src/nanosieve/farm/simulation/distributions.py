"""Service times and event sizes of a design as distributions of the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nanosieve.farm.designs import Design
from nanosieve.farm.engine import (
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    LogNormal,
    Mixture,
)
from nanosieve.farm.workload import ServiceTime, Workload

__all__ = ["event_sizes", "mean_within", "service_distribution", "shaped"]

_POINTS = 257
"""of the quantiles of a measured distribution"""


def shaped(shape: str, mean: float, spread: float, quantiles: Mapping[float, float]) -> Distribution:
    """The distribution of that shape.

    Args:
        shape: ``constant``, ``exponential``, ``lognormal``, ``gamma`` or ``quantiles``.
        mean: in s or byte.
        spread: standard deviation over mean, for lognormal and gamma.
        quantiles: probability → time over mean, for quantiles; scaled so that the mean is that given.

    >>> round(shaped("gamma", 1.0, 0.5, {}).variation, 6)
    0.25
    """
    if shape == "constant":
        return Constant(mean)
    if shape == "exponential":
        return Exponential(mean)
    if shape == "lognormal":
        return LogNormal(mean, math.sqrt(math.log1p(spread**2)))
    if shape == "gamma":
        return Gamma(mean, 1 / spread**2)
    grid = np.linspace(0, 1, _POINTS)
    values = np.interp(grid, list(quantiles), list(quantiles.values()))
    return Empirical(tuple((values * mean / Empirical(tuple(values)).mean).tolist()))


def mean_within(time: ServiceTime, place: float) -> float:
    """The mean in s at a place of its band, 0 to 1, equally far in the logarithm; 0.5 is its middle."""
    return float(time.mean.low * (time.mean.high / time.mean.low) ** place)


def service_distribution(time: ServiceTime, place: float = 0.5, slower: float = 1.0) -> Distribution:
    """The distribution of a service time in s.

    Args:
        time: mean as a band, shape, tail.
        place: within the band of the mean, as in `mean_within`.
        slower: factor on the time.
    """
    mean = slower * mean_within(time, place)
    body = mean / (1 + time.tail_fraction * (time.tail_factor - 1))
    inner = shaped(time.shape, body, time.spread, time.quantiles)
    if not time.tail_fraction:
        return inner
    tail = shaped(time.shape, body * time.tail_factor, time.spread, time.quantiles)
    return Mixture(inner, tail, time.tail_fraction)


def event_sizes(design: Design, workload: Workload) -> dict[str, Distribution]:
    """Class → its event size in byte; all classes together have the mean of the design."""
    classes = workload.classes
    mean = math.fsum(each.fraction * each.size for each in classes.values())
    event = design.event
    return {
        name: shaped(event.distribution, event.size * each.size / mean, event.spread, {})
        for name, each in classes.items()
    }
