"""What a simulated farm did, every number with its error from batch means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from nanosieve.farm.engine.dead_time import DeadTime
from nanosieve.farm.engine.farm import Farm
from nanosieve.figure import Figure

__all__ = ["FATES", "FarmRun", "Resource"]

FATES = (
    "in flight",
    "accepted",
    "rejected",
    "force-accepted",
    "lost: builder",
    "lost: queue",
    "lost: accelerator",
    "lost: time-out",
    "lost: failure",
    "lost: output",
)
"""Names of the fates of events, at the place of their numbers."""


@dataclass(frozen=True)
class Resource:
    """Slots, accelerators or a link.

    Attributes:
        units: how many of them.
        occupancy: % of the time that they are up for which they are busy.
        busy, idle: unit · seconds in the time measured, of those that are up: what energy follows from.
        load: offered, by all events that arrive, over what the resource can do; above 1 it cannot keep up.
    """

    units: int
    occupancy: Figure
    busy: Figure
    idle: Figure
    load: float


@dataclass(frozen=True, eq=False)
class FarmRun:
    """The result of `simulate_farm`, for the events that arrive behind the warm-up.

    Attributes:
        farm: as simulated.
        seed: of the run.
        duration: measured, without warm-up, in s.
        events: that arrived in it.
        offered: their rate in Hz.
        fates: what became of them (`FATES`) in %; together 100 %.
        classes: class → the same for its events.
        kept: class → accepted or force-accepted and stored, in % of its events.
        latency: ``all`` or class → probability → quantile in s of the time from arrival to decision,
            accepted, rejected or force-accepted; empty if the farm is unstable, as there is no such number.
        resources: ``builder``, ``slots``, ``accelerators``, ``output`` → how busy; those that are there.
        in_farm: mean number of events on nodes and in their queues.
        waiting: of them, waiting for a slot.
        output_rate: events stored, Hz.
        output_bandwidth: byte/s behind the farm.
        nodes_up: mean number.
        growth: ``builder``, ``farm``, ``output`` → events per second by which its backlog grows.
        unstable: of them, those whose backlog grows without limit.
        dead_time: of the hardware trigger, if the events come from one.
        steps: of the loop.
    """

    farm: Farm
    seed: int
    duration: float
    events: int
    offered: Figure
    fates: Mapping[str, Figure]
    classes: Mapping[str, Mapping[str, Figure]]
    kept: Mapping[str, Figure]
    latency: Mapping[str, Mapping[float, Figure]]
    resources: Mapping[str, Resource]
    in_farm: Figure
    waiting: Figure
    output_rate: Figure
    output_bandwidth: Figure
    nodes_up: Figure
    growth: Mapping[str, Figure]
    unstable: tuple[str, ...]
    dead_time: DeadTime | None
    steps: int

    @property
    def lost(self) -> Mapping[str, Figure]:
        """Cause → lost in % of the events offered."""
        return {name: share for name, share in self.fates.items() if name.startswith("lost")}

    def to_dict(self) -> dict[str, Any]:
        """Numbers alone, for JSON: figures as `Figure.to_dict`; probabilities of latencies as text."""

        def plain(value: Any) -> Any:
            if isinstance(value, Figure):
                return value.to_dict()
            if isinstance(value, Mapping):
                return {str(key): plain(entry) for key, entry in value.items()}
            if isinstance(value, Resource):
                return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
            return list(value) if isinstance(value, tuple) else value

        skipped = {"farm", "dead_time"}
        found = {
            entry.name: plain(getattr(self, entry.name))
            for entry in fields(self)
            if entry.name not in skipped
        }
        if self.dead_time is not None:
            found["dead_time"] = {"live": plain(self.dead_time.live), "losses": plain(self.dead_time.losses)}
        return found

    @property
    def overloaded(self) -> Mapping[str, float]:
        """Resource → offered load, of those that are offered more than they can do."""
        return {name: each.load for name, each in self.resources.items() if each.load > 1}

    def verdict(self) -> str:
        """One sentence: whether the farm keeps up, and if not, where it grows and how fast."""
        if not self.unstable and self.overloaded:
            loads = ", ".join(f"{name} {load:.2f}" for name, load in self.overloaded.items())
            return f"overloaded: no backlog grows, as what does not fit is lost; offered loads: {loads}"
        if not self.unstable:
            return "stable: no backlog grows"
        grown = ", ".join(f"{place} by {self.growth[place].number()} events/s" for place in self.unstable)
        return f"unstable: the backlog grows at {grown}; latencies have no mean"
