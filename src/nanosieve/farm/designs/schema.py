"""The schema of a farm design: from the bunch crossing to storage, with everything that has to be bought.

A design is data: frozen, all quantities in SI units (s, Hz, byte, byte/s), and every contradiction is refused
when it is made (`nanosieve.farm.designs.checks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from nanosieve._quantities import (
    Bandwidth,
    Count,
    Edges,
    Fraction,
    Name,
    Positive,
    Rate,
    Size,
    Strict,
    Time,
    refuse,
)
from nanosieve.devices import Origin, Trust
from nanosieve.farm.designs.checks import contradictions

__all__ = [
    "Accelerators",
    "Batch",
    "Bucket",
    "Collisions",
    "Cost",
    "DeadTime",
    "Design",
    "Event",
    "EventBuilding",
    "Failures",
    "HardwareTrigger",
    "Network",
    "Nodes",
    "Output",
    "Run",
    "Source",
    "Stage",
    "Timeout",
    "TriggerNetwork",
    "Window",
]


class Source(Strict):
    """Where a number of a design comes from."""

    trust: Trust
    source: Annotated[str, Field(min_length=1)]

    @property
    def origin(self) -> Origin:
        """As the catalogue of hardware has it."""
        return Origin(self.trust, self.source)


class Collisions(Strict):
    """What the detector sees."""

    filling: Annotated[str, Field(min_length=1)] = "lhc-2544-48b"
    """filling scheme, as ``nanosieve machine --scheme`` knows it"""
    pileup: Positive
    """mean number of inelastic collisions in a filled crossing"""


class Bucket(Strict):
    """A leaky bucket: an accept adds one, one leaks every `period`; what would exceed `size` is vetoed."""

    size: Count
    period: Count
    """BX"""


class Window(Strict):
    """At most `accepts` in any `crossings` successive crossings."""

    accepts: Count
    crossings: Count
    """BX"""


class DeadTime(Strict):
    """Rules that protect the front end; all of them hold at once."""

    simple: Annotated[int, Field(ge=0, le=3564)] = 0
    """BX vetoed after an accept"""
    buckets: tuple[Bucket, ...] = ()
    windows: tuple[Window, ...] = ()


class TriggerNetwork(Strict):
    """A neural network on an FPGA of the hardware trigger."""

    device: Name
    """FPGA in the catalogue"""
    latency: Time
    """s, part of the latency of the trigger"""
    gain: Mapping[Name, Edges] = {}
    """signal → its efficiency over that of the trigger without the network, at the same rate"""


class HardwareTrigger(Strict):
    """A pipeline of fixed latency that sees every crossing."""

    input: Rate = 40e6
    accept: Rate
    """Hz, before dead time"""
    latency: Time
    buffer: Count
    """BX that the front end stores"""
    dead_time: DeadTime = DeadTime()
    hardware: Mapping[Name, Count] = {}
    """name in the catalogue of hardware → how many"""
    networks: Mapping[Name, TriggerNetwork] = {}


class EventBuilding(Strict):
    """From the front end to the nodes."""

    bandwidth: Bandwidth
    buffer: Size
    """byte; when it is full, the trigger is stopped, or a crossing is lost where there is none"""
    hardware: Mapping[Name, Count] = {}


class Event(Strict):
    """Size of an event at the event builder."""

    size: Size
    """byte, mean over all classes"""
    distribution: Literal["constant", "lognormal", "gamma"] = "lognormal"
    spread: Annotated[float, Field(ge=0, le=5)] = 0.0
    """standard deviation over mean within a class"""
    correlation: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """of the size with the service times within a class, as of the logarithms"""

    @model_validator(mode="after")
    def _shape(self) -> Event:
        if (self.distribution == "constant") != (self.spread == 0):
            message = (
                f"distribution {self.distribution!r} with spread {self.spread:g}; constant has 0, others more"
            )
            raise refuse(message)
        return self


class Nodes(Strict):
    """The computers that run the stages."""

    count: Count
    hardware: Annotated[Mapping[Name, Count], Field(min_length=1)]
    """in each node, without accelerators"""
    slots: Count
    """events that a node works on at once, each on one hardware thread"""
    dispatch: Literal["round_robin", "least_loaded", "pull"] = "pull"
    queue: Annotated[int, Field(ge=0, le=100_000_000)]
    """events that wait in a node, or with ``pull`` for all nodes together"""
    in_flight: Count | None = None
    """events that a node has begun and not ended, where its slots do other work while events are on an
    accelerator [default: a slot waits]"""


class Batch(Strict):
    """Events that an accelerator takes at once: when `size` are there, or the first has waited `wait`."""

    size: Count = 1
    wait: Time | None = None
    """s"""
    overhead: Time | None = None
    """s for the batch, beside the service times of its events"""


class Network(Strict):
    """Between the nodes and a pool of accelerators."""

    bandwidth: Bandwidth
    """byte/s of all links of the pool together"""
    latency: Time
    """s of a call to and fro, without transfer and work"""
    request: Size
    """byte sent for an event"""
    response: Size
    """byte that come back"""
    hardware: Mapping[Name, Count] = {}


class Accelerators(Strict):
    """GPUs or FPGA cards."""

    kind: Name
    """name in the catalogue of hardware"""
    count: Count
    """in each node, or in the whole pool"""
    attached: Literal["node", "pool"] = "node"
    batch: Batch = Batch()
    network: Network | None = None
    """of a pool"""
    hosts: Mapping[Name, Count] = {}
    """servers of a pool; those of attached accelerators are the nodes"""


class Stage(Strict):
    """A step of the selection: what it rejects, the next does not see."""

    name: Name
    device: Literal["cpu", "accelerator"] = "cpu"
    task: Name
    """of the workload; gives the service times"""
    rejection: Annotated[float, Field(ge=1)] | None = None
    """events in over events out [default: 1; of the last stage what gives the output rate]"""


class Timeout(Strict):
    """What happens to an event that is too long in the farm."""

    time: Time
    """from the arrival in a node's queue"""
    then: Literal["lose", "accept"]
    """``accept``: stored without a decision"""


class Failures(Strict):
    """Of a node."""

    mtbf: Time
    """mean time between failures"""
    mttr: Time
    """mean time to repair"""


class Output(Strict):
    """To storage."""

    rate: Rate
    bandwidth: Bandwidth


class Run(Strict):
    """The period that is paid for."""

    years: Positive
    days: Annotated[float, Field(gt=0, le=366)] = 200.0
    """scheduled for collisions in a year"""
    duty: Fraction = 0.5
    """part of them in which beams collide and data are taken"""

    @property
    def live_seconds(self) -> float:
        """s of data taking in a year."""
        return self.days * 86_400 * self.duty


class Cost(Strict):
    """Inputs of the cost where a design differs from the catalogue; pure numbers in the units given here."""

    electricity: Edges | None = None
    """USD/kWh"""
    pue: Edges | None = None
    """power of the room over that of the computers"""
    powered: Edges | None = None
    """hours a year in which the farm is switched on"""
    lifetime: Edges | None = None
    """years until hardware is replaced"""
    rack_power: Edges | None = None
    """kW that a rack can feed and cool"""
    rack_price: Edges | None = None
    """USD"""
    prices: Mapping[Name, Edges] = {}
    """name of hardware → USD, instead of its band in the catalogue"""


def _none(written: Any) -> Any:
    """``none`` as None; YAML's null may be a key that was left empty."""
    if written is None:
        message = "is empty; write the trigger, or 'hardware_trigger: none' where there is none"
        raise refuse(message)
    return None if written == "none" else written


class Design(Strict):
    """A farm.

    Raises:
        pydantic.ValidationError: contradictions, unknown names or impossible values.
            `load_design` turns it into the errors of this package.
    """

    format: Literal[1] = 1
    name: Name
    title: str
    source: str = ""
    workload: Annotated[str, Field(min_length=1)]
    """name of a workload, or its YAML file"""
    collisions: Collisions
    hardware_trigger: Annotated[HardwareTrigger | None, BeforeValidator(_none)]
    """``none`` in YAML: every crossing is read out"""
    event_building: EventBuilding
    event: Event
    nodes: Nodes
    accelerators: Accelerators | None = None
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    timeout: Timeout | None = None
    failures: Failures | None = None
    output: Output
    run: Run
    cost: Cost = Cost()
    sources: Mapping[str, Source] = {}
    """key of a number, as ``hardware_trigger.accept`` → where it comes from; the others are assumed"""

    @model_validator(mode="after")
    def _consistent(self) -> Design:
        for path, kind, message in contradictions(self):
            raise PydanticCustomError(kind, "{message}", {"message": message, "path": path})
        return self

    def origin(self, key: str) -> Origin:
        """Where the number under `key` comes from: its own source, or that of the part that holds it."""
        parts = key.split(".")
        for length in range(len(parts), 0, -1):
            for name, source in self.sources.items():
                if name == ".".join(parts[:length]):
                    return source.origin
        return Origin(Trust.ASSUMED, f"design {self.name}")
