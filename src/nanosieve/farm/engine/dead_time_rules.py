"""What vetoes a crossing behind an accept: dead time as the experiments state it.

All rules count in bunch crossings (BC, 24.95 ns) and look only at accepts before, so that the answer to a
candidate follows from the times of those alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.errors import SettingsError
from nanosieve.farm.engine.checks import quantity, whole
from nanosieve.physics.filling import REVOLUTION_FREQUENCY, SLOTS

__all__ = [
    "ATLAS_RULES",
    "CMS_RULES",
    "CROSSING_TIME",
    "DeadTimeRules",
    "FrontEndBuffer",
    "HardwareTrigger",
    "LeakyBucket",
    "SlidingWindow",
]

CROSSING_TIME = 1 / (SLOTS * REVOLUTION_FREQUENCY)
"""Seconds from bunch slot to bunch slot."""


def _counted(value: float, *, name: str, least: int = 1) -> None:
    whole(value, name=name, least=least)
    if value == float("inf"):
        message = f"{name} is infinite; leave the rule out instead"
        raise SettingsError(message)


@dataclass(frozen=True)
class LeakyBucket:
    """Complex dead time: each accept adds 1 to a bucket that leaks 1 per `period`; a full one vetoes.

    Attributes:
        size: an accept that would raise the level above it is vetoed.
        period: BC in which one leaks out.
    """

    size: int
    period: int

    def __post_init__(self) -> None:
        _counted(self.size, name="leaky bucket: size")
        _counted(self.period, name="leaky bucket: period")


@dataclass(frozen=True)
class SlidingWindow:
    """At most `accepts` in any `crossings` consecutive BC."""

    accepts: int
    crossings: int

    def __post_init__(self) -> None:
        _counted(self.accepts, name="sliding window: accepts")
        _counted(self.crossings, name="sliding window: crossings")
        if self.accepts >= self.crossings:
            message = (
                f"sliding window: {self.accepts} accepts in {self.crossings} crossings forbids nothing; "
                "write fewer accepts than crossings"
            )
            raise SettingsError(message)


@dataclass(frozen=True)
class FrontEndBuffer:
    """Derandomiser: accepted events wait here to be read out one by one; a full one vetoes.

    Attributes:
        depth: events, the one being read out included.
        readout: BC to read out an event.
    """

    depth: int
    readout: int

    def __post_init__(self) -> None:
        _counted(self.depth, name="front-end buffer: depth")
        _counted(self.readout, name="front-end buffer: readout")


@dataclass(frozen=True)
class DeadTimeRules:
    """All that vetoes; a loss is counted for the first rule that asks for it, in this order.

    Attributes:
        simple: BC vetoed behind every accept.
        buckets: leaky buckets.
        windows: sliding windows.
        front_end: the derandomiser; None for one that never fills.
    """

    simple: int = 0
    buckets: tuple[LeakyBucket, ...] = ()
    windows: tuple[SlidingWindow, ...] = ()
    front_end: FrontEndBuffer | None = None

    def __post_init__(self) -> None:
        _counted(self.simple, name="dead time: simple", least=0)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the rules, in the order in which they are asked.

        >>> ATLAS_RULES.names
        ('simple 5', 'bucket 7/415')
        """
        found = [f"simple {self.simple}"] if self.simple else []
        found += [f"bucket {bucket.size}/{bucket.period}" for bucket in self.buckets]
        found += [f"window {window.accepts}/{window.crossings}" for window in self.windows]
        return (*found, *(["front end"] if self.front_end else []))


ATLAS_RULES = DeadTimeRules(simple=5, buckets=(LeakyBucket(7, 415),))
"""The defaults of athena, ``CTPInfo.py``: 5 BC, and 7 accepts that leak one per 415 BC."""
CMS_RULES = DeadTimeRules(
    windows=(SlidingWindow(1, 3), SlidingWindow(2, 25), SlidingWindow(3, 100), SlidingWindow(4, 240))
)
"""Quoted from memory and not verified: at most 1 accept in 3 BC, 2 in 25, 3 in 100, 4 in 240."""


@dataclass(frozen=True)
class HardwareTrigger:
    """A first level that decides every crossing in a fixed time.

    Attributes:
        rate: of candidates in Hz, before the veto; also as ``"100 kHz"``.
        latency: from crossing to decision in s; also as ``"2.5 us"``. Rounded up to whole BC.
        pipeline: BC that the front end remembers; None for as many as the latency needs.
        rules: dead time.
        slot_weights: bunch slot → relative probability of a candidate, for bunches that are not alike;
            slots left out count 1.

    Raises:
        SettingsError: a rate or a latency that is no quantity or negative; a pipeline shorter than the
            latency, which would have forgotten the crossing before the decision.
    """

    rate: float | str
    latency: float | str = "2.5 us"
    pipeline: int | None = None
    rules: DeadTimeRules = ATLAS_RULES
    slot_weights: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rate = quantity(self.rate, "Hz", name="hardware trigger: rate", example="100 kHz", zero=False)
        latency = quantity(self.latency, "s", name="hardware trigger: latency", example="2.5 us")
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "latency", latency)
        if not latency < float("inf"):
            message = "hardware trigger: latency is infinite; write for example '2.5 us'"
            raise SettingsError(message)
        if self.pipeline is not None and self.pipeline < self.depth:
            message = (
                f"hardware trigger: pipeline = {self.pipeline} BC is shorter than the latency, {self.depth} "
                "BC, so that data are gone before the decision; lengthen it or decide earlier"
            )
            raise SettingsError(message)
        for slot, weight in self.slot_weights.items():
            if not 0 <= weight < float("inf"):
                message = f"hardware trigger: slot_weights[{slot}] = {weight!r}; accepted: zero or more"
                raise SettingsError(message)

    @property
    def depth(self) -> int:
        """Latency in BC: how much later the decision on a crossing comes, always.

        >>> HardwareTrigger("100 kHz", "2.5 us").depth
        101
        """
        return -int(-(float(self.latency) / CROSSING_TIME) // 1)
