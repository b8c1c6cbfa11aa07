"""A farm as the engine runs it: one frozen description, from the builder to the output.

Quantities are plain numbers in s, Hz, byte and byte/s, or text with a unit such as ``"5 ms"`` or
``"200 GB/s"``; after construction they are numbers. Infinity means no limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.engine.checks import quantity, share, sums_to_one, whole
from nanosieve.farm.engine.distributions import Constant, Distribution

__all__ = ["Accelerators", "EventClass", "Failures", "Farm", "Link", "Nodes", "Stage", "TimeOut"]

Dispatch = Literal["pull", "round robin", "least loaded"]


def _one_of(value: str, known: tuple[str, ...], name: str) -> None:
    if value not in known:
        raise UnknownNameError.among(name, value, known)


def _finite(value: float, name: str, example: str) -> None:
    if not math.isfinite(value):
        message = f"{name} = {value!r} is not finite; write for example {example!r}"
        raise SettingsError(message)


@dataclass(frozen=True)
class EventClass:
    """Events of one kind, such as minimum bias or boosted jets.

    Attributes:
        name: as shown; keys of the distributions of `Stage`.
        fraction: of the events that reach the farm.
        size: distribution of the event size in byte.
        correlation: of size and service times within the class, -1 … 1: that of their normal numbers.
    """

    name: str
    fraction: float = 1.0
    size: Distribution = field(default_factory=lambda: Constant(1.0))
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if not -1 <= self.correlation <= 1:
            message = f"class {self.name!r}: correlation = {self.correlation!r}; accepted: -1 to 1"
            raise SettingsError(message)


@dataclass(frozen=True)
class Stage:
    """A step of the software trigger.

    Attributes:
        name: as shown.
        service: time per event in s, one distribution or one per class; on an accelerator the time that an
            event adds to its batch.
        keep: fraction that passes, one number or one per class; the rest is rejected at once.
        accelerator: whether it runs on `Farm.accelerators` instead of the slot.
    """

    name: str
    service: Distribution | Mapping[str, Distribution]
    keep: float | Mapping[str, float] = 1.0
    accelerator: bool = False

    def __post_init__(self) -> None:
        kept = self.keep if isinstance(self.keep, Mapping) else {"": self.keep}
        for key, value in kept.items():
            share(value, name=f"stage {self.name!r}: keep{f' of {key!r}' if key else ''}")

    def service_of(self, event_class: str) -> Distribution:
        """The distribution for a class.

        Raises:
            SettingsError: it is missing.
        """
        if not isinstance(self.service, Mapping):
            return self.service
        if event_class not in self.service:
            message = (
                f"stage {self.name!r}: no distribution of service times for class {event_class!r}; add one, "
                "or give one for all classes"
            )
            raise SettingsError(message)
        return self.service[event_class]

    def keep_of(self, event_class: str) -> float:
        """The fraction that passes, for a class.

        Raises:
            SettingsError: it is missing.
        """
        if not isinstance(self.keep, Mapping):
            return self.keep
        if event_class not in self.keep:
            message = f"stage {self.name!r}: no keep for class {event_class!r}; add one, 0 to 1"
            raise SettingsError(message)
        return self.keep[event_class]


@dataclass(frozen=True)
class Link:
    """Data that pass one after the other: the event builder, or the way to storage.

    Attributes:
        bandwidth: aggregate, byte/s.
        buffer: bytes waiting or passing; an event that does not fit is lost.
        scale: bytes that pass, per byte of event size.
        stops: whether the input is stopped while the buffer is full: an event is then lost whatever its size,
            and taken as long as there is any room; else large events are lost first.
    """

    bandwidth: float | str
    buffer: float | str = math.inf
    scale: float = 1.0
    stops: bool = False

    def __post_init__(self) -> None:
        bandwidth = quantity(self.bandwidth, "byte/s", name="link: bandwidth", example="200 GB/s", zero=False)
        buffer = quantity(self.buffer, "byte", name="link: buffer", example="1 TB", zero=False)
        object.__setattr__(self, "bandwidth", bandwidth)
        object.__setattr__(self, "buffer", buffer)
        object.__setattr__(self, "scale", quantity(self.scale, "", name="link: scale", example="1"))


@dataclass(frozen=True)
class Failures:
    """Nodes that fail and come back, both after exponentially distributed times.

    Attributes:
        mean_up: MTBF of a node, in s.
        mean_down: MTTR, in s.
        events: what happens to those on the node: ``"lost"`` or dispatched ``"again"``, from the first stage.
    """

    mean_up: float | str
    mean_down: float | str
    events: Literal["lost", "again"] = "lost"

    def __post_init__(self) -> None:
        for name, example in (("mean_up", "1000 h"), ("mean_down", "10 min")):
            where = f"failures: {name}"
            value = quantity(getattr(self, name), "s", name=where, example=example, zero=False)
            _finite(value, where, example)
            object.__setattr__(self, name, value)
        _one_of(self.events, ("lost", "again"), "fate of events on a failed node")

    @property
    def availability(self) -> float:
        """``MTBF / (MTBF + MTTR)``."""
        return float(self.mean_up) / (float(self.mean_up) + float(self.mean_down))


@dataclass(frozen=True)
class Nodes:
    """The nodes of the farm, all alike.

    Attributes:
        count: of nodes.
        slots: events that a node processes at a time.
        queue: events that may wait: at each node, or in the common queue if nodes pull. More are lost.
        dispatch: ``"pull"`` (nodes take from one common queue), ``"round robin"``, ``"least loaded"``.
        failures: None for nodes that never fail.
        in_flight: events that a node has begun and not ended, those on an accelerator included. At this
            number it takes no more, whatever slots are free: what comes waits, or is lost, before it.
    """

    count: int
    slots: int = 1
    queue: float = math.inf
    dispatch: Dispatch = "pull"
    failures: Failures | None = None
    in_flight: float = math.inf

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("slots", 1), ("queue", 0), ("in_flight", 1)):
            whole(getattr(self, name), name=f"nodes: {name}", least=least)
            if name in ("count", "slots"):
                _finite(getattr(self, name), f"nodes: {name}", "200")
        _one_of(self.dispatch, ("pull", "round robin", "least loaded"), "dispatch")


@dataclass(frozen=True)
class Accelerators:
    """GPUs or FPGA cards: in every node, or in a pool that all nodes reach over the network.

    Attributes:
        count: per node, or in the pool.
        pool: whether they are shared over the network.
        batch: most events in a batch.
        wait: how long the first event waits for a batch to fill, in s.
        launch: time of a batch in s, on top of the times of its events.
        bandwidth: of the link, each way, byte/s; the events of a node, or of all nodes, pass one by one,
            also those that time out meanwhile.
        latency: of the link, each way, in s.
        sent, returned: bytes per byte of event size, each way.
        queue: events that may wait at the accelerators of a node, or at the pool.
        retries: how often an event that finds the queue full tries again before it is lost.
        retry_after: s between attempts.
        holds_slot: whether the slot waits for the answer, or processes another event meanwhile.
    """

    count: int
    pool: bool = False
    batch: int = 1
    wait: float | str = 0.0
    launch: float | str = 0.0
    bandwidth: float | str = math.inf
    latency: float | str = 0.0
    sent: float = 1.0
    returned: float = 0.0
    queue: float = math.inf
    retries: int = 0
    retry_after: float | str = "1 ms"
    holds_slot: bool = True

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("batch", 1), ("queue", 1), ("retries", 0)):
            where = f"accelerators: {name}"
            whole(getattr(self, name), name=where, least=least)
            if name != "queue":
                _finite(getattr(self, name), where, "8")
        units = {"wait": "s", "launch": "s", "latency": "s", "retry_after": "s", "sent": "", "returned": ""}
        for name, unit in units.items():
            where, example = f"accelerators: {name}", "100 us" if unit else "1"
            value = quantity(getattr(self, name), unit, name=where, example=example)
            _finite(value, where, example)
            object.__setattr__(self, name, value)
        where = "accelerators: bandwidth"
        value = quantity(self.bandwidth, "byte/s", name=where, example="12 GB/s", zero=False)
        object.__setattr__(self, "bandwidth", value)
        if self.batch > self.queue:
            message = (
                f"accelerators: batch = {self.batch} never fills, as queue = {self.queue:g} events may wait; "
                "lengthen the queue"
            )
            raise SettingsError(message)


@dataclass(frozen=True)
class TimeOut:
    """The longest time for an event.

    Attributes:
        after: in s.
        events: ``"lost"``, or ``"accepted"`` without a decision and stored.
        clock: from the ``"start"`` of processing, or from ``"arrival"`` at the farm; an event whose time is
            over while it waits for its first slot is found when it gets it.
    """

    after: float | str
    events: Literal["lost", "accepted"] = "lost"
    clock: Literal["start", "arrival"] = "start"

    def __post_init__(self) -> None:
        after = quantity(self.after, "s", name="time-out: after", example="30 s", zero=False)
        object.__setattr__(self, "after", after)
        _one_of(self.events, ("lost", "accepted"), "fate of timed-out events")
        _one_of(self.clock, ("start", "arrival"), "clock of a time-out")


@dataclass(frozen=True)
class Farm:
    """All of it; data flow one way: builder, nodes (with accelerators), output.

    Stages press back on the nodes' queue through slots and `Nodes.in_flight`. Parts do not: what does not fit
    into a buffer is lost there and counted, where an experiment would hold its trigger; the lost fraction is
    the same to first order.

    Attributes:
        classes: of events; their fractions add up to 1.
        stages: in the order in which an event meets them.
        nodes: of the farm.
        accelerators: None if no stage runs on one.
        builder: None for event building without limit.
        output: None for storage without limit.
        time_out: None for none.

    Raises:
        SettingsError: no class, no stage, fractions that do not add up to 1, a name twice, a distribution
            that is missing, accelerators without a stage or a stage without accelerators, nodes that pull
            without limit as nothing holds their slots.
    """

    classes: tuple[EventClass, ...]
    stages: tuple[Stage, ...]
    nodes: Nodes
    accelerators: Accelerators | None = None
    builder: Link | None = None
    output: Link | None = None
    time_out: TimeOut | None = None

    def __post_init__(self) -> None:
        for what in ("classes", "stages"):
            names = [entry.name for entry in getattr(self, what)]
            if not names or len(set(names)) < len(names):
                message = f"farm: {what} = {names}; give at least one, each with a name of its own"
                raise SettingsError(message)
        sums_to_one({each.name: each.fraction for each in self.classes}, name="farm: classes")
        for stage in self.stages:
            for each in self.classes:
                stage.service_of(each.name)
                stage.keep_of(each.name)
            if stage.accelerator and self.accelerators is None:
                message = (
                    f"stage {stage.name!r} runs on an accelerator, and the farm has none; add accelerators"
                )
                raise SettingsError(message)
        if self.accelerators is not None and not any(stage.accelerator for stage in self.stages):
            message = "farm: no stage uses the accelerators; mark one, or leave them out"
            raise SettingsError(message)
        self._check_pull()

    def _check_pull(self) -> None:
        there, nodes = self.accelerators, self.nodes
        if there is None or there.holds_slot or nodes.dispatch != "pull" or nodes.count == 1:
            return
        if math.isinf(nodes.in_flight):
            message = (
                "nodes: with dispatch 'pull' and accelerators that hold no slot, the first node would take "
                "everything; give in_flight, the events that a node may have begun, for example 1000"
            )
            raise SettingsError(message)

    @property
    def slots(self) -> int:
        """Of all nodes."""
        return self.nodes.count * self.nodes.slots

    @property
    def servers(self) -> int:
        """Accelerators of all nodes, or of the pool."""
        if self.accelerators is None:
            return 0
        return self.accelerators.count * (1 if self.accelerators.pool else self.nodes.count)
