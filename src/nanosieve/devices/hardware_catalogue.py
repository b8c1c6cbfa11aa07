"""What a farm is bought from: ``hardware.yaml`` of this package, validated, found by any usual name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from nanosieve._quantities import Count, Edges, Name, Strict
from nanosieve._yaml import read_table
from nanosieve.devices.band import Band
from nanosieve.devices.catalogue import find_device
from nanosieve.devices.device import Origin, Trust
from nanosieve.devices.hardware import HARDWARE_UNITS, KINDS, Hardware, Infrastructure
from nanosieve.errors import UnknownNameError

__all__ = ["find_hardware", "hardware", "infrastructure", "parse_hardware"]


class _Number(Strict):
    value: Edges
    trust: Trust
    source: str = Field(min_length=1)

    def band(self, unit: str) -> Band:
        return Band(*self.value, unit, Origin(self.trust, self.source))


class _Entry(Strict):
    title: str
    kind: Literal["cpu", "gpu", "fpga", "fpga-card", "server", "board", "network"]
    aliases: tuple[Name, ...] = ()
    numbers: dict[str, _Number]
    holds: Mapping[Name, Count] = {}

    @model_validator(mode="after")
    def _known_numbers(self) -> _Entry:
        for number in self.numbers:
            if number not in HARDWARE_UNITS:
                raise ValueError(str(UnknownNameError.among("number", number, HARDWARE_UNITS)))
        missing = {"price", "power"} - set(self.numbers)
        if missing:
            message = f"{' and '.join(sorted(missing))} missing; every piece of hardware has price and power"
            raise ValueError(message)
        return self

    def hardware(self, name: str) -> Hardware:
        numbers = {key: number.band(HARDWARE_UNITS[key]) for key, number in self.numbers.items()}
        holds = MappingProxyType(dict(self.holds))
        return Hardware(name, self.title, self.kind, self.aliases, MappingProxyType(numbers), holds)


class _Infrastructure(Strict):
    pue: _Number
    electricity: _Number
    powered: _Number
    rack_power: _Number
    rack_price: _Number
    lifetime: _Number
    busy: dict[str, _Number]
    idle: dict[str, _Number]

    def infrastructure(self) -> Infrastructure:
        return Infrastructure(
            pue=self.pue.band(""),
            electricity=self.electricity.band("USD/kWh"),
            powered=self.powered.band("h"),
            rack_power=self.rack_power.band("kW"),
            rack_price=self.rack_price.band("USD"),
            lifetime=self.lifetime.band("year"),
            busy=MappingProxyType({kind: number.band("") for kind, number in self.busy.items()}),
            idle=MappingProxyType({kind: number.band("") for kind, number in self.idle.items()}),
        )


class _Catalogue(Strict):
    format: Literal[1]
    price_year: int
    sources: Mapping[str, str] = {}
    hardware: dict[Name, _Entry] = Field(min_length=1)
    infrastructure: _Infrastructure

    @model_validator(mode="after")
    def _consistent(self) -> _Catalogue:
        names = [name for key, entry in self.hardware.items() for name in (key, *entry.aliases)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"the name {twice[0]!r} stands for two pieces of hardware"
            raise ValueError(message)
        for key, entry in self.hardware.items():
            for part in entry.holds:
                if part not in self.hardware:
                    message = f"{key} holds {part!r}, which is not in the catalogue"
                    raise ValueError(message)
        for state in ("busy", "idle"):
            if set(getattr(self.infrastructure, state)) != set(KINDS):
                message = f"{state} needs one part of the power for each of {', '.join(KINDS)}"
                raise ValueError(message)
        return self


def parse_hardware(text: str, where: str) -> tuple[tuple[Hardware, ...], Infrastructure]:
    """The hardware and the infrastructure in the YAML of a catalogue.

    Args:
        text: the YAML.
        where: what it is called in messages.

    Raises:
        InputFileError: not YAML, or not a catalogue; the message names the entry.
    """
    catalogue = read_table(_Catalogue, text, where, kind="hardware catalogue")
    found = tuple(entry.hardware(name) for name, entry in catalogue.hardware.items())
    return found, catalogue.infrastructure.infrastructure()


@cache
def _packaged() -> tuple[tuple[Hardware, ...], Infrastructure]:
    source = resources.files("nanosieve.devices") / "hardware.yaml"
    return parse_hardware(source.read_text("utf-8"), "hardware.yaml")


def hardware() -> tuple[Hardware, ...]:
    """All hardware of the catalogue that comes with the package."""
    return _packaged()[0]


def infrastructure() -> Infrastructure:
    """Power, cooling, racks and lifetime of the catalogue that comes with the package."""
    return _packaged()[1]


@cache
def _by_name() -> dict[str, Hardware]:
    return {alias: thing for thing in hardware() for alias in (thing.name, *thing.aliases)}


def find_hardware(name: str) -> Hardware:
    """The hardware called `name`: name or alias in any case; an FPGA by every name of `find_device`.

    Raises:
        UnknownNameError: no such hardware; the message lists the nearest names.

    >>> find_hardware("NVIDIA T4").name, find_hardware("u250").name
    ('t4', 'alveo-u250')
    """
    known = _by_name()
    wanted = re.sub(r"[\s_]+", "-", name.strip().lower())
    if wanted in known:
        return known[wanted]
    try:
        return known[find_device(name).name]
    except (UnknownNameError, KeyError):
        raise UnknownNameError.among("device", name, known) from None
