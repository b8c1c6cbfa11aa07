"""`Budget`: what the trigger gives to the network."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.errors import SettingsError
from nanosieve.units import magnitude

__all__ = ["Budget"]


@dataclass(frozen=True)
class Budget:
    """Time and room for a network on a device.

    Attributes:
        every: time between two events, e.g. one bunch crossing, ``"25 ns"``.
        latency: time from the first input of an event to the decision, e.g. ``"1 us"``.
        clock: clock of the design, e.g. ``"200 MHz"``.
        device: name in the catalogue, e.g. ``"xcvu9p"``.
        share: part of the usable resources of the device that the network may take, 0 to 1.

    Raises:
        SettingsError: a quantity has no or the wrong unit, or is not positive.

    >>> Budget(every="25 ns", clock="200 MHz").latency_cycles
    200
    """

    every: str | float = "25 ns"
    latency: str | float = "1 us"
    clock: str | float = "200 MHz"
    device: str = "xcvu9p"
    share: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (
            ("every", self.every_ns),
            ("latency", self.latency_ns),
            ("clock", self.clock_mhz),
        ):
            if not 0 < value < float("inf"):
                message = f"budget: {name} = {getattr(self, name)!r} must be positive"
                raise SettingsError(message)
        if not 0 < self.share <= 1:
            message = f"budget: share = {self.share!r} is a fraction above 0 and up to 1"
            raise SettingsError(message)
        if not 1 <= self.clock_mhz <= 900:
            message = f"budget: clock = {self.clock!r} is outside 1 MHz to 900 MHz, what such devices run at"
            raise SettingsError(message)

    @property
    def every_ns(self) -> float:
        """Time between two events in ns."""
        return magnitude(self.every, "ns", name="budget: every")

    @property
    def latency_ns(self) -> float:
        """Allowed latency in ns."""
        return magnitude(self.latency, "ns", name="budget: latency")

    @property
    def clock_mhz(self) -> float:
        """Clock frequency in MHz."""
        return magnitude(self.clock, "MHz", name="budget: clock")

    @property
    def period_ns(self) -> float:
        """Clock period in ns."""
        return 1e3 / self.clock_mhz

    @property
    def latency_cycles(self) -> int:
        """Whole clock cycles within the latency."""
        return int(self.latency_ns / self.period_ns + 1e-9)

    @property
    def interval_cycles(self) -> int:
        """Whole clock cycles between two events."""
        return int(self.every_ns / self.period_ns + 1e-9)
