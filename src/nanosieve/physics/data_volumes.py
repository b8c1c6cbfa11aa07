"""How much data there would be without a trigger, and is with one.

The data rate is the event size times the rate of the events, the yearly volume that times the seconds of
collisions in a year: the days scheduled for proton collisions times the duty factor, the part of them in
which beams collide and the experiment takes data. Decimal units: 1 TB is 10¹² bytes, 1 EB is 10¹⁸ bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from nanosieve._files import existing_file
from nanosieve._yaml import read_table
from nanosieve.devices import Trust
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics._quantity import positive
from nanosieve.physics.machine import CROSSING_RATE, Collisions
from nanosieve.units import power_of_ten

__all__ = [
    "DataVolume",
    "LiveTime",
    "Reference",
    "data_rate",
    "data_volumes",
    "read_references",
    "references",
    "yearly_volume",
]

_DAY = 86_400.0  # s
_TB_PER_EB = 1e6


@dataclass(frozen=True)
class LiveTime:
    """Seconds of recorded collisions in a year; both numbers are assumptions to be edited.

    Attributes:
        days: scheduled for proton collisions in a year.
        duty: part of them in which beams collide and the experiment takes data, 0 to 1.

    Raises:
        SettingsError: `days` outside 0 to 366, or `duty` no fraction.

    >>> print(LiveTime())
    200 days × 86,400 s × duty factor 0.5 = 8.64 × 10⁶ s
    """

    days: float = 200.0
    duty: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.days <= 366:
            message = (
                f"days = {self.days!r} of collisions in a year is outside 0 to 366; write for example 200"
            )
            raise SettingsError(message)
        if not 0 < self.duty <= 1:
            message = f"duty factor {self.duty!r} is no fraction above 0 and up to 1; write for example 0.5"
            raise SettingsError(message)

    @classmethod
    def from_seconds(cls, seconds: str | float) -> LiveTime:
        """The live time itself, e.g. ``"1e7 s"`` or ``"100 days"``, which is then a duty factor of 1.

        Raises:
            SettingsError: no time, not positive, or more than a year.
        """
        value = positive(seconds, "s", name="live time", example="1e7 s")
        if value > 366 * _DAY:
            message = f"live time {seconds!r} is longer than a year, 3.16e7 s; write for example '1e7 s'"
            raise SettingsError(message)
        return cls(value / _DAY, 1.0)

    @property
    def seconds(self) -> Figure:
        """Seconds of collisions in a year."""
        return Figure(self.days * _DAY * self.duty, "s", Provenance.ESTIMATED, source=str(self))

    def __str__(self) -> str:
        seconds = self.days * _DAY * self.duty
        power = math.floor(math.log10(seconds))
        size = f"{seconds / 10**power:.3g} × {power_of_ten(power)}"
        return f"{self.days:.4g} days × 86,400 s × duty factor {self.duty:g} = {size} s"


@dataclass(frozen=True)
class DataVolume:
    """What one stage of the trigger hands on; all numbers estimated.

    Attributes:
        name: of the stage.
        rate: of events, in kHz.
        flow: in TB/s.
        volume: in EB per year.
    """

    name: str
    rate: Figure
    flow: Figure
    volume: Figure


def data_rate(rate: str | float, event_size: str | float) -> float:
    """Data rate in TB/s: event size times event rate.

    Args:
        rate: of events, with its unit, or a number in Hz.
        event_size: with its unit (``"2 MB"``), or a number in MB.

    Raises:
        SettingsError: a quantity of the wrong dimension, or not positive.

    >>> data_rate("40 MHz", "2 MB")
    80.0
    """
    hertz = positive(rate, "Hz", name="event rate", example="100 kHz")
    megabytes = positive(event_size, "MB", name="event size", example="2 MB")
    return hertz * megabytes / 1e6


def yearly_volume(flow: float, live_time: LiveTime) -> float:
    """Volume in EB per year: `flow` in TB/s times the seconds of collisions in a year.

    >>> yearly_volume(80, LiveTime())
    691.2
    """
    return flow * live_time.seconds.value / _TB_PER_EB


def data_volumes(
    collisions: Collisions,
    *,
    event_size: str | float = "2 MB",
    level1_rate: str | float = "100 kHz",
    hlt_rate: str | float = "1 kHz",
    live_time: LiveTime | None = None,
) -> tuple[DataVolume, ...]:
    """Data volumes at four places: every bunch slot, filled crossings, behind either trigger level.

    The defaults of the rates are those of ATLAS in Run 2 (arXiv:2007.12539); 2 MB is about the event size
    that 1.6 Tb/s of the CMS Run 3 event builder and 110 kHz make. The event size is the same everywhere.

    Raises:
        SettingsError: a quantity of the wrong dimension, not positive, or rates that rise.
    """
    year = live_time or LiveTime()
    level1 = positive(level1_rate, "Hz", name="Level-1 rate", example="100 kHz")
    hlt = positive(hlt_rate, "Hz", name="HLT rate", example="1 kHz")
    if not hlt <= level1 <= collisions.crossing_rate:
        message = (
            f"rates must fall: filled crossings {collisions.crossing_rate / 1e3:,.0f} kHz, Level-1 "
            f"{level1 / 1e3:g} kHz, HLT {hlt / 1e3:g} kHz; lower the later one"
        )
        raise SettingsError(message)
    stages = {
        "no trigger, all slots": CROSSING_RATE,
        "no trigger, filled slots": collisions.crossing_rate,
        "after Level-1": level1,
        "after the HLT": hlt,
    }
    return tuple(_volume(name, rate, event_size, year) for name, rate in stages.items())


def _volume(name: str, rate: float, event_size: str | float, year: LiveTime) -> DataVolume:
    flow = data_rate(rate, event_size)
    return DataVolume(
        name,
        rate=Figure(rate / 1e3, "kHz", Provenance.ESTIMATED),
        flow=Figure(flow, "TB/s", Provenance.ESTIMATED, source=f"event size {event_size}"),
        volume=Figure(yearly_volume(flow, year), "EB/year", Provenance.ESTIMATED, source=str(year)),
    )


@dataclass(frozen=True)
class Reference:
    """A data rate or volume of someone else.

    Attributes:
        name: what it is.
        figure: in TB/s, EB or EB/year; `published` only if it was read in the source, else `estimated`.
        verified: whether it was read in the source.
        yearly: whether the rate makes a volume with the live time of proton collisions.
    """

    name: str
    figure: Figure
    verified: bool
    yearly: bool = False


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=40)
    trust: Trust
    source: str = Field(min_length=1)


class _Rate(_Row):
    tb_per_s: float = Field(gt=0)
    year: bool = True


class _Volume(_Row):
    eb: float = Field(gt=0)
    stock: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1]
    rates: tuple[_Rate, ...] = ()
    volumes: tuple[_Volume, ...] = ()


@cache
def references() -> tuple[Reference, ...]:
    """What comes with the package to compare with."""
    text = resources.files("nanosieve.physics").joinpath("data_volumes.yaml").read_text(encoding="utf-8")
    return _parse(text, "data_volumes.yaml")


def read_references(path: str | Path) -> tuple[Reference, ...]:
    """The same from the user's own file (form: ``data_volumes.yaml`` of this package).

    Raises:
        InputFileError: no such file, not YAML, or an entry without value, trust or source.
    """
    file = existing_file(path, kind="file of data volumes", suffixes=(".yaml", ".yml"))
    return _parse(file.read_text("utf-8"), path)


def _parse(text: str, where: str | Path) -> tuple[Reference, ...]:
    file = read_table(_File, text, where, kind="file of data volumes")
    rates = [_reference(row, row.tb_per_s, "TB/s", yearly=row.year) for row in file.rates]
    volumes = [
        _reference(row, row.eb, "EB" if row.stock else "EB/year", yearly=False) for row in file.volumes
    ]
    return (*rates, *volumes)


def _reference(row: _Row, value: float, unit: str, *, yearly: bool) -> Reference:
    if row.trust is Trust.PUBLISHED:
        return Reference(row.name, Figure(value, unit, Provenance.PUBLISHED, source=row.source), True, yearly)
    figure = Figure(value, unit, Provenance.ESTIMATED, source=f"{row.trust}: {row.source}")
    return Reference(row.name, figure, row.trust is not Trust.RECALLED, yearly)
