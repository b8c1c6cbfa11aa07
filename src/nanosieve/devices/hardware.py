"""`Hardware`: what a farm is bought from, with price, power and place in a rack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.devices.band import Band
from nanosieve.devices.device import Trust

__all__ = ["HARDWARE_UNITS", "KINDS", "Hardware", "Infrastructure"]

KINDS = {
    "cpu": "CPUs",
    "gpu": "GPUs",
    "fpga": "FPGAs",
    "fpga-card": "FPGA cards",
    "server": "servers",
    "board": "trigger boards",
    "network": "network",
}
"""Kind of hardware → its title."""

HARDWARE_UNITS = {
    "price": "USD",
    "power": "W",
    "rack_units": "U",
    "cores": "",
    "threads": "",
    "memory": "GB",
    "memory_bandwidth": "GB/s",
    "fp32": "TFLOP/s",
    "int8": "TOP/s",
    "ports": "",
    "bandwidth": "Tb/s",
    "links": "",
    "line_rate": "Gb/s",
    "throughput": "events/s",
}
"""Number of a piece of hardware → its unit."""


@dataclass(frozen=True)
class Hardware:
    """A thing with a price.

    Attributes:
        name: canonical name, e.g. ``"t4"`` or ``"dual-epyc"``.
        title: the vendor's name and where it is used.
        kind: one of `KINDS`.
        aliases: other names under which `find_hardware` knows it.
        numbers: name in `HARDWARE_UNITS` → its band. All have ``price`` and ``power``, the power that it can
            draw at most; what goes into a rack by itself has ``rack_units``.
        holds: name → how many are inside, and in its price and power.
    """

    name: str
    title: str
    kind: str
    aliases: tuple[str, ...]
    numbers: Mapping[str, Band]
    holds: Mapping[str, int]

    @property
    def price(self) -> Band:
        """Of one, without tax, in USD."""
        return self.numbers["price"]

    @property
    def power(self) -> Band:
        """The most it draws, in W."""
        return self.numbers["power"]

    @property
    def trust(self) -> Trust:
        """The weakest trust among its numbers."""
        order = (Trust.ASSUMED, Trust.RECALLED, Trust.DERIVED, Trust.PUBLISHED)
        return min((band.origin.trust for band in self.numbers.values()), key=order.index)


@dataclass(frozen=True)
class Infrastructure:
    """What every farm needs besides its hardware.

    Attributes:
        pue: power usage effectiveness, power of the room over that of the computers; holds the cooling.
        electricity: USD per kWh.
        powered: hours a year in which the farm is switched on.
        rack_power: kW that a rack can feed and cool.
        rack_price: USD of a rack with its power distribution.
        lifetime: years after which hardware is replaced.
        busy, idle: kind of hardware → part of its greatest power that it draws under load, and without work.
    """

    pue: Band
    electricity: Band
    powered: Band
    rack_power: Band
    rack_price: Band
    lifetime: Band
    busy: Mapping[str, Band]
    idle: Mapping[str, Band]
