"""`Device`: what an FPGA or a card offers, and how far each number can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nanosieve.figure import Figure, Provenance

__all__ = ["RESOURCES", "UNITS", "Device", "Origin", "Trust"]

RESOURCES = ("lut", "ff", "dsp", "bram36", "uram")
"""Names of the counted resources, in the order of every table."""

UNITS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram36": "BRAM36", "uram": "URAM"}
"""Unit of each resource in a `Figure`."""


class Trust(StrEnum):
    """How far a number can be trusted."""

    PUBLISHED = "published"
    """read in the public source it names"""
    RECALLED = "recalled"
    """a vendor's number quoted from memory, not checked"""
    DERIVED = "derived"
    """arithmetic on other numbers"""
    ASSUMED = "assumed"
    """a choice made here for want of a source, to be edited"""
    MEASURED = "measured"
    """on the machine it names; not in the catalogue"""


@dataclass(frozen=True)
class Origin:
    """Where a number of the catalogue comes from."""

    trust: Trust
    source: str

    def figure(self, value: float, unit: str, interval: tuple[float, float] | None = None) -> Figure:
        """`value` as a `Figure`: `published` or `measured` only if it was, else `estimated`."""
        if self.trust in (Trust.PUBLISHED, Trust.MEASURED):
            return Figure(value, unit, Provenance(self.trust.value), source=self.source, interval=interval)
        source = f"{self.trust}: {self.source}"
        return Figure(value, unit, Provenance.ESTIMATED, source=source, interval=interval)


@dataclass(frozen=True)
class Device:
    """One FPGA, or the FPGA of one card.

    Attributes:
        name: canonical name, e.g. ``"xcvu9p"`` or ``"alveo-u50"``.
        title: the vendor's name and where it is used.
        kind: ``"chip"`` or ``"card"``.
        architecture: ``"UltraScale"``, ``"UltraScale+"`` or ``"Versal"``.
        aliases: other names under which `find_device` knows it.
        lut, ff, dsp, bram36, uram: counts of the bare device (before any shell).
        usable: resource → fraction of the count that a design can fill and still close timing.
        origins: resource → where its count comes from.
        usable_origins: resource → where its usable fraction comes from.
        part: a full part number, with package and speed grade; empty where none was read in a public source.
    """

    name: str
    title: str
    kind: str
    architecture: str
    aliases: tuple[str, ...]
    lut: int
    ff: int
    dsp: int
    bram36: int
    uram: int
    usable: Mapping[str, float]
    origins: Mapping[str, Origin]
    usable_origins: Mapping[str, Origin]
    part: str = ""

    def count(self, resource: str) -> int:
        """The count of one of `RESOURCES`."""
        return int(getattr(self, resource))

    def usable_count(self, resource: str) -> float:
        """Count times usable fraction."""
        return self.count(resource) * self.usable[resource]

    @property
    def trust(self) -> Trust:
        """The weakest trust among the resource counts."""
        order = (Trust.ASSUMED, Trust.RECALLED, Trust.DERIVED, Trust.PUBLISHED)
        return min((origin.trust for origin in self.origins.values()), key=order.index)

    def figure(self, resource: str) -> Figure:
        """The count as a `Figure`: `published` only if it was read in a public source, else `estimated`."""
        return self.origins[resource].figure(self.count(resource), UNITS[resource])

    def usable_figure(self, resource: str) -> Figure:
        """The usable fraction as a `Figure` in percent."""
        return self.usable_origins[resource].figure(100 * self.usable[resource], "%")
