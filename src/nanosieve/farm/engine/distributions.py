"""Distributions of service times and event sizes: frozen descriptions that draw.

Times are in s, or text with a unit; sizes are plain numbers of bytes.

Every draw starts from a standard normal number per event, so that two quantities of one event (its size
and its time) are correlated by correlating their normal numbers, whatever their distributions are: a
Gaussian copula. The number drawn never falls as the normal number rises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.farm.engine.checks import quantity, share

__all__ = ["Constant", "Distribution", "Empirical", "Exponential", "Gamma", "LogNormal", "Mixture"]

Floats = NDArray[np.float64]


class Distribution(Protocol):
    """A distribution of positive numbers: seconds of a service time, bytes of an event."""

    @property
    def mean(self) -> float:
        """The expectation."""

    @property
    def variation(self) -> float:
        """Squared coefficient of variation: variance / mean²."""

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) numbers of the distribution, from (N,) standard normal numbers."""


def _special() -> Any:
    return require("scipy.special", extra="farm", purpose="a distribution of service times")


def _seconds(value: float | str, kind: str, *, zero: bool = False) -> float:
    """A mean; bytes are given as plain numbers."""
    found = quantity(value, "s", name=f"{kind}: mean", example="5 ms", zero=zero)
    if not math.isfinite(found):
        message = f"{kind}: mean = {value!r} is not finite; write for example '5 ms'"
        raise SettingsError(message)
    return found


def _positive(value: float, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        message = f"{name} = {value!r} is not accepted; write a number above zero"
        raise SettingsError(message)


@dataclass(frozen=True)
class Constant:
    """Always the same number.

    Attributes:
        value: in s, or as a time with a unit; a plain number for bytes.

    >>> Constant("5 ms").mean
    0.005
    """

    value: float | str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _seconds(self.value, "constant", zero=True))

    @property
    def mean(self) -> float:
        """The number."""
        return float(self.value)

    @property
    def variation(self) -> float:
        """None."""
        return 0.0

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) times the number."""
        return np.full(len(normal), self.mean)


@dataclass(frozen=True)
class Exponential:
    """Exponential, the service time without memory.

    Attributes:
        scale: its mean.
    """

    scale: float | str

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _seconds(self.scale, "exponential"))

    @property
    def mean(self) -> float:
        """The scale."""
        return float(self.scale)

    @property
    def variation(self) -> float:
        """One."""
        return 1.0

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) ``-mean ln(1 - Φ(z))``, exact in the far tail."""
        return np.asarray(-self.mean * _special().log_ndtr(-normal))


@dataclass(frozen=True)
class LogNormal:
    """Log-normal: the usual shape of trigger processing times.

    Attributes:
        centre: mean (not the median).
        sigma: standard deviation of the logarithm.

    >>> round(LogNormal("1 s", 0.8).variation, 5)
    0.89648
    """

    centre: float | str
    sigma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _seconds(self.centre, "log-normal"))
        _positive(self.sigma, "log-normal: sigma")

    @property
    def mean(self) -> float:
        """As given."""
        return float(self.centre)

    @property
    def variation(self) -> float:
        """``exp(σ²) - 1``."""
        return math.expm1(self.sigma**2)

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) ``mean exp(σ z - σ²/2)``."""
        return np.asarray(self.mean * np.exp(self.sigma * normal - self.sigma**2 / 2))


@dataclass(frozen=True)
class Gamma:
    """Gamma; a whole `shape` k is Erlang's distribution, the sum of k exponentials.

    Attributes:
        centre: mean.
        shape: above zero.
    """

    centre: float | str
    shape: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _seconds(self.centre, "gamma"))
        _positive(self.shape, "gamma: shape")

    @property
    def mean(self) -> float:
        """As given."""
        return float(self.centre)

    @property
    def variation(self) -> float:
        """``1 / shape``."""
        return 1 / self.shape

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) by the inverse of the regularised incomplete gamma function."""
        special = _special()
        upper = special.gammainccinv(self.shape, special.ndtr(-normal))
        return np.asarray(self.mean / self.shape * upper)


@dataclass(frozen=True)
class Mixture:
    """A body with a tail: most numbers from one distribution, some from another.

    Attributes:
        body, tail: the two.
        tail_fraction: probability of the tail, 0 … 1.
    """

    body: Distribution
    tail: Distribution
    tail_fraction: float

    def __post_init__(self) -> None:
        share(self.tail_fraction, name="mixture: tail_fraction")

    @property
    def mean(self) -> float:
        """Of both, weighted."""
        return (1 - self.tail_fraction) * self.body.mean + self.tail_fraction * self.tail.mean

    @property
    def variation(self) -> float:
        """From the second moments of both, weighted."""
        second = (1 - self.tail_fraction) * self.body.mean**2 * (1 + self.body.variation)
        second += self.tail_fraction * self.tail.mean**2 * (1 + self.tail.variation)
        return second / self.mean**2 - 1 if self.mean else 0.0

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) from the tail for a share of the events drawn at random."""
        tail = rng.random(len(normal)) < self.tail_fraction
        return np.where(tail, self.tail.draw(normal, rng), self.body.draw(normal, rng))


@dataclass(frozen=True)
class Empirical:
    """Measured: quantiles at evenly spaced probabilities from 0 to 1, linear in between.

    Attributes:
        quantiles: ascending, in s (or bytes), the least and the largest number included.

    >>> Empirical((1.0, 2.0, 5.0)).mean
    2.5
    """

    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.asarray(self.quantiles, dtype=np.float64)
        if values.ndim != 1 or len(values) < 2 or not (np.isfinite(values).all() and (values >= 0).all()):
            message = f"empirical: quantiles = {self.quantiles!r}; write two or more finite numbers from 0 on"
            raise SettingsError(message)
        if (np.diff(values) < 0).any():
            message = "empirical: quantiles must ascend; sort them"
            raise SettingsError(message)
        object.__setattr__(self, "quantiles", tuple(values.tolist()))

    @classmethod
    def of(cls, measured: Floats, points: int = 257) -> Empirical:
        """The distribution of (N,) measured numbers.

        Raises:
            SettingsError: no numbers, or some that are negative or not finite.
        """
        if not len(measured):
            message = "empirical: nothing was measured; give at least one number"
            raise SettingsError(message)
        return cls(tuple(np.quantile(measured, np.linspace(0, 1, points)).tolist()))

    @property
    def mean(self) -> float:
        """Of the piecewise uniform density."""
        values = np.asarray(self.quantiles)
        return float((values[1:] + values[:-1]).mean() / 2)

    @property
    def variation(self) -> float:
        """Of the piecewise uniform density."""
        low, high = np.asarray(self.quantiles[:-1]), np.asarray(self.quantiles[1:])
        second = float(((low**2 + low * high + high**2) / 3).mean())
        return second / self.mean**2 - 1 if self.mean else 0.0

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """(N,) interpolated."""
        grid = np.linspace(0, 1, len(self.quantiles))
        return np.asarray(np.interp(_special().ndtr(normal), grid, np.asarray(self.quantiles)))
