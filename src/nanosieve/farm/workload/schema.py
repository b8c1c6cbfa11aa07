"""The schema of a workload: classes of events, and how long each task takes for them on each kind of device.

Times are published throughputs of whole nodes turned into the time for which an event occupies one place: a
hardware thread of a CPU, a GPU, or an FPGA. They hold at the pile-up of the workload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from nanosieve._quantities import Count, Edges, Fraction, Name, Positive, Rate, Strict, TimeEdges, refuse
from nanosieve.devices import Trust, hardware
from nanosieve.errors import UnknownNameError

__all__ = ["EventClass", "Exponent", "Service", "Tail", "Task", "Workload"]

_KINDS = ("cpu", "gpu", "fpga")


class _Sourced(Strict):
    trust: Trust
    source: Annotated[str, Field(min_length=1)]


class EventClass(_Sourced):
    """A class of the events that the hardware trigger accepts."""

    fraction: Fraction
    """of these events; all classes together make 1"""
    time: Edges = (1.0, 1.0)
    """service time relative to the other classes; only the ratios count"""
    size: Positive = 1.0
    """event size relative to the other classes; only the ratios count"""


class Tail(_Sourced):
    """Few events that take much longer than the others of their class."""

    fraction: Fraction
    factor: Annotated[float, Field(gt=1)]
    """of their mean over that of the others"""


class Service(_Sourced):
    """The time for which an event occupies one place of a device: given, or from the cycles of a design."""

    mean: TimeEdges | None = None
    """s, over all events of the workload, tail included"""
    interval_cycles: Edges | None = None
    """cycles until an FPGA takes the next event"""
    latency_cycles: Count | None = None
    """cycles until the result leaves the FPGA [default: those of the interval]"""
    clock: Rate | None = None
    """Hz"""
    shape: Literal["constant", "exponential", "lognormal", "gamma", "quantiles"] = "constant"
    """of the times within a class of events"""
    spread: Positive | None = None
    """standard deviation over mean, for lognormal and gamma"""
    quantiles: Mapping[Fraction, Positive] = {}
    """probability → time over mean, for quantiles"""
    tail: Tail | None = None
    classes: Mapping[Name, Edges] = {}
    """class → relative time, where it differs on this device from the one of the class"""

    @model_validator(mode="after")
    def _complete(self) -> Service:
        cycles = self.interval_cycles is not None and self.clock is not None
        if (self.mean is None) != cycles or (self.mean is not None and self.clock is not None):
            message = "the time is given twice or not at all; write mean, or interval_cycles and clock"
            raise refuse(message)
        if (self.shape in ("lognormal", "gamma")) != (self.spread is not None):
            message = f"shape {self.shape}: spread belongs to lognormal and gamma, and to no other"
            raise refuse(message)
        rises = sorted(self.quantiles) == [*self.quantiles] and sorted(self.quantiles.values()) == [
            *self.quantiles.values()
        ]
        if (self.shape == "quantiles") != (len(self.quantiles) > 1) or not rises:
            message = f"shape {self.shape}: two or more rising quantiles belong to 'quantiles' only"
            raise refuse(message)
        return self

    @property
    def occupied(self) -> tuple[float, float]:
        """s, the edges of the mean: as given, or interval over clock."""
        if self.interval_cycles is not None and self.clock is not None:
            return self.interval_cycles[0] / self.clock, self.interval_cycles[1] / self.clock
        return self.mean or (0.0, 0.0)


class Exponent(_Sourced):
    """Service times grow as pile-up to this power."""

    value: Edges


class Task(Strict):
    """A part of the selection in software."""

    title: str
    pileup_exponent: Exponent | None = None
    """None: the time does not depend on pile-up, as that of a network of fixed size"""
    devices: Annotated[Mapping[Name, Service], Field(min_length=1)]
    """``cpu`` (one hardware thread), ``gpu``, ``fpga``, or the name of one in the catalogue → time"""


class Workload(Strict):
    """What the farm has to do for an event.

    Raises:
        pydantic.ValidationError: fractions that do not make 1, unknown devices or classes.
    """

    format: Literal[1] = 1
    name: Name
    title: str
    pileup: Positive
    """mean number of inelastic collisions in a crossing at which the times hold"""
    classes: Annotated[Mapping[Name, EventClass], Field(min_length=1)]
    tasks: Annotated[Mapping[Name, Task], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Workload:
        total = sum(event_class.fraction for event_class in self.classes.values())
        if abs(total - 1) > 1e-6:
            message = f"the fractions of the classes make {total:g}, not 1"
            raise PydanticCustomError(
                "contradiction", "{message}", {"message": message, "path": ("classes",)}
            )
        known = [*_KINDS, *(thing.name for thing in hardware())]
        for name, task in self.tasks.items():
            for device, service in task.devices.items():
                path = ("tasks", name, "devices", device)
                if device not in known:
                    raise _unknown(path, "device", device, known)
                for event_class in service.classes:
                    if event_class not in self.classes:
                        place = (*path, "classes", event_class)
                        raise _unknown(place, "event class", event_class, [*self.classes])
        return self


def _unknown(path: tuple[str, ...], kind: str, name: str, known: list[str]) -> PydanticCustomError:
    message = str(UnknownNameError.among(kind, name, known))
    return PydanticCustomError("unknown", "{message}", {"message": message, "path": path})
