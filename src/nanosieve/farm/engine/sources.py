"""When events arrive: Poisson at a rate, along a fill, behind a hardware trigger, or as recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.farm.engine.batches import BATCHES
from nanosieve.farm.engine.checks import quantity
from nanosieve.farm.engine.dead_time import DeadTime, simulate_dead_time
from nanosieve.farm.engine.dead_time_rules import HardwareTrigger
from nanosieve.physics.filling import FillingScheme

__all__ = ["MOST_EVENTS", "BehindTrigger", "Poisson", "RateProfile", "Recorded", "Source"]

Floats = NDArray[np.float64]

MOST_EVENTS = 20_000_000
"""Events of a run; more would need more than some 5 GB of memory."""


def _number(expected: float, rng: np.random.Generator) -> int:
    """A Poisson number of events, unless they are too many."""
    if expected > MOST_EVENTS:
        message = (
            f"source: {expected:.3g} events would arrive; accepted: up to {MOST_EVENTS:,} in a run; "
            "shorten it or lower the rate"
        )
        raise SettingsError(message)
    return int(rng.poisson(expected))


class Source(Protocol):
    """Gives arrivals."""

    def arrivals(self, duration: float, rng: np.random.Generator) -> Floats:
        """(N,) ascending times in s, from 0 to below `duration`."""


@dataclass(frozen=True)
class Poisson:
    """Independent arrivals.

    Attributes:
        rate: in Hz, or as ``"100 kHz"``.
    """

    rate: float | str

    def __post_init__(self) -> None:
        rate = quantity(self.rate, "Hz", name="source: rate", example="100 kHz", zero=False)
        if not math.isfinite(rate):
            message = f"source: rate = {self.rate!r} is not finite; write for example '100 kHz'"
            raise SettingsError(message)
        object.__setattr__(self, "rate", rate)

    def arrivals(self, duration: float, rng: np.random.Generator) -> Floats:
        """A Poisson number of them, each anywhere."""
        number = _number(float(self.rate) * duration, rng)
        return np.sort(rng.random(number)) * duration


@dataclass(frozen=True)
class RateProfile:
    """Poisson arrivals whose rate changes: ramps within a fill, levelling, decay.

    The rate is linear between the times given, and constant before the first and behind the last.

    Attributes:
        times: ascending, in s.
        rates: (T,) in Hz.

    >>> profile = RateProfile.fill(1e5, ramp=60, levelled=3600, lifetime=36000, duration=7200)
    >>> [round(profile.rate_at(t)) for t in (30, 60, 3660, 7200)]
    [50000, 100000, 100000, 90635]
    """

    times: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        times, rates = np.asarray(self.times, float), np.asarray(self.rates, float)
        if not len(times) or times.shape != rates.shape or not (np.diff(times) > 0).all():
            message = "rate profile: give ascending times, and as many rates"
            raise SettingsError(message)
        if not (np.isfinite(rates).all() and np.isfinite(times).all() and (rates >= 0).all()):
            message = "rate profile: times and rates must be finite, and no rate negative"
            raise SettingsError(message)

    @classmethod
    def fill(
        cls, rate: float, *, ramp: float, levelled: float, lifetime: float, duration: float, points: int = 200
    ) -> RateProfile:
        """A fill: a ramp up, a levelled part, then ``exp(-t / lifetime)``; times in s.

        Raises:
            SettingsError: a time that is negative, or a lifetime or ramp of zero.
        """
        start = ramp + levelled
        for name, value in (("ramp", ramp), ("lifetime", lifetime), ("duration", duration)):
            quantity(value, "s", name=f"fill: {name}", example="60 s", zero=False)
        quantity(levelled, "s", name="fill: levelled", example="8 h")
        decay = np.linspace(0, max(duration - start, 0), points)[1:]
        times = [0.0, ramp, *([start] if levelled else []), *(start + decay[decay > 0]).tolist()]
        rates = [0.0, rate, *([rate] if levelled else [])]
        rates += (rate * np.exp(-decay[decay > 0] / lifetime)).tolist()
        return cls(tuple(times), tuple(rates))

    def rate_at(self, time: float) -> float:
        """In Hz."""
        return float(np.interp(time, self.times, self.rates))

    def arrivals(self, duration: float, rng: np.random.Generator) -> Floats:
        """By the inverse of the expected number up to a time, which is quadratic between the times given."""
        inside = [t for t in self.times if 0 < t < duration]
        times = np.array([0.0, *inside, duration])
        rates = np.interp(times, self.times, self.rates)
        expected = np.concatenate([[0.0], np.cumsum((rates[1:] + rates[:-1]) / 2 * np.diff(times))])
        if not expected[-1] > 0:
            return np.empty(0)
        number = np.sort(rng.random(_number(expected[-1], rng))) * expected[-1]
        piece = np.clip(np.searchsorted(expected, number, side="right") - 1, 0, len(times) - 2)
        rest, slope = number - expected[piece], np.diff(rates)[piece] / np.diff(times)[piece]
        root = np.sqrt(np.maximum(rates[piece] ** 2 + 2 * slope * rest, 0))
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.where(rest > 0, 2 * rest / (rates[piece] + root), 0.0)
        return np.asarray(np.minimum(times[piece] + step, np.nextafter(duration, 0)))


@dataclass(frozen=True)
class BehindTrigger:
    """Accepts of a hardware trigger, with its dead time.

    Attributes:
        trigger: rate of candidates, latency, rules.
        scheme: filled bunch slots.
    """

    trigger: HardwareTrigger
    scheme: FillingScheme

    def run(self, duration: float, rng: np.random.Generator, batches: int = BATCHES) -> DeadTime:
        """The trigger alone."""
        seed = int(rng.integers(1 << 62))
        return simulate_dead_time(self.trigger, self.scheme, duration=duration, seed=seed, batches=batches)

    def arrivals(self, duration: float, rng: np.random.Generator) -> Floats:
        """Times of the accepts; those decided behind the end are left out."""
        times = self.run(duration, rng).times
        return times[times < duration]


@dataclass(frozen=True, eq=False)
class Recorded:
    """Arrivals that are given.

    Attributes:
        times: (N,) ascending, in s.
    """

    times: Floats

    def __post_init__(self) -> None:
        times = np.array(self.times, dtype=np.float64)
        if times.ndim != 1 or not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) < 0).any():
            message = "recorded arrivals: times must be finite, ascending and not negative; sort them"
            raise SettingsError(message)
        times.flags.writeable = False
        object.__setattr__(self, "times", times)

    def arrivals(self, duration: float, rng: np.random.Generator) -> Floats:
        """Those before the end."""
        return self.times[self.times < duration]
