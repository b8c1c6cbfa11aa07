"""The schema of a device profile: how long networks take on one machine, on one day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nanosieve._quantities import Name, Strict, refuse
from nanosieve.devices import Trust

__all__ = ["DeviceProfile", "Machine", "NetworkTimes", "Point"]

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]


class Machine(Strict):
    """Where it was measured."""

    processor: Text
    cores: Annotated[int, Field(ge=1)]
    """that the process may use"""
    gpu: str | None = None
    """name; None: none that JAX sees"""
    memory_gb: Positive | None = None
    load_before: NotNegative
    """processes that were running or waiting, the mean of the last minute"""
    load_after: NotNegative
    """the same at the end; the measurement itself counts"""


class Point(Strict):
    """A network on a device, measured in one way; or why it was not measured."""

    device: Literal["cpu", "gpu", "fpga"]
    on: Text
    """name of the processor, GPU or FPGA"""
    engine: str = ""
    precision: str = ""
    threads: Annotated[int, Field(ge=1)] | None = None
    """of a CPU, each pinned to a core of its own"""
    batch: Annotated[int, Field(ge=1)] | None = None
    """events of a call"""
    transfers: Literal["included", "excluded", "none"] = "none"
    """of a GPU: whether inputs and outputs are copied in each call"""
    time: Positive | None = None
    """s of a call, mean"""
    spread: NotNegative | None = None
    """s, standard deviation of single calls"""
    throughput: Positive | None = None
    """events/s, mean of rounds of calls one after the other; of an FPGA clock over interval"""
    throughput_error: NotNegative | None = None
    """events/s, standard deviation of the rounds"""
    calls: Annotated[int, Field(ge=1)] | None = None
    quantiles: Mapping[NotNegative, Positive] = {}
    """probability → time of a call over its mean"""
    cycles: tuple[int, int] | None = None
    """of an FPGA: interval and latency"""
    clock_mhz: Positive | None = None
    trust: Trust | None = None
    not_measured: str = ""
    """the reason"""

    @model_validator(mode="after")
    def _whole(self) -> Point:
        numbers = (self.time, self.throughput, self.trust)
        if self.not_measured and any(number is not None for number in numbers):
            message = "a point that was not measured has numbers; remove one of both"
            raise refuse(message)
        if not self.not_measured and any(number is None for number in numbers):
            message = "time, throughput and trust are needed, or not_measured with the reason"
            raise refuse(message)
        return self


class NetworkTimes(Strict):
    """A network and its points."""

    title: Text
    reference: Text
    parameters: Annotated[int, Field(ge=1)]
    inputs: Annotated[int, Field(ge=1)]
    """values of an event"""
    outputs: Annotated[int, Field(ge=1)]
    weights: Literal["random", "trained"]
    points: tuple[Point, ...]


class DeviceProfile(Strict):
    """What was measured on one machine.

    Raises:
        pydantic.ValidationError: a point with half of its numbers, an unknown key, a value out of its domain.
    """

    format: Literal[1] = 1
    name: Name
    date: date
    machine: Machine
    versions: Mapping[str, str]
    method: Text
    networks: Annotated[Mapping[Name, NetworkTimes], Field(min_length=1)]
