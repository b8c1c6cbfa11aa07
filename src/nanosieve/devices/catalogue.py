"""The device catalogue: ``catalogue.yaml`` of this package, validated and searchable by any usual name."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nanosieve._files import existing_file
from nanosieve._yaml import read_table
from nanosieve.devices.device import RESOURCES, Device, Origin, Trust
from nanosieve.errors import UnknownNameError

__all__ = ["devices", "find_device", "read_catalogue"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Number(_Strict):
    trust: Trust
    source: str = Field(min_length=1)

    @property
    def origin(self) -> Origin:
        return Origin(self.trust, self.source)


class _Count(_Number):
    value: int = Field(ge=0)


class _Fraction(_Number):
    value: float = Field(gt=0, le=1)


class _Usable(_Strict):
    lut: _Fraction
    ff: _Fraction
    dsp: _Fraction
    bram36: _Fraction
    uram: _Fraction


class _Part(_Number):
    value: Annotated[str, Field(pattern=r"^xc[A-Za-z0-9]+(-[A-Za-z0-9]+)+$")]


_Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Entry(_Strict):
    title: str
    kind: Literal["chip", "card"]
    architecture: Literal["UltraScale", "UltraScale+", "Versal"]
    aliases: tuple[_Name, ...] = ()
    part: _Part | None = None
    lut: _Count
    ff: _Count
    dsp: _Count
    bram36: _Count
    uram: _Count
    usable: _Usable

    def device(self, name: str) -> Device:
        counts: dict[str, _Count] = {resource: getattr(self, resource) for resource in RESOURCES}
        fractions: dict[str, _Fraction] = {resource: getattr(self.usable, resource) for resource in RESOURCES}
        return Device(
            name=name,
            title=self.title,
            kind=self.kind,
            architecture=self.architecture,
            aliases=self.aliases,
            **{resource: count.value for resource, count in counts.items()},
            usable=MappingProxyType({resource: number.value for resource, number in fractions.items()}),
            origins=MappingProxyType({resource: count.origin for resource, count in counts.items()}),
            usable_origins=MappingProxyType(
                {resource: number.origin for resource, number in fractions.items()}
            ),
            part=self.part.value if self.part else "",
        )


class _Catalogue(_Strict):
    format: Literal[1]
    sources: dict[str, str] = {}
    usable_fractions: dict[str, _Usable] = {}
    devices: dict[_Name, _Entry] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> _Catalogue:
        names = [name for key, entry in self.devices.items() for name in (key, *entry.aliases)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"the name {twice[0]!r} stands for two devices"
            raise ValueError(message)
        return self


def read_catalogue(path: str | Path) -> tuple[Device, ...]:
    """The devices of a catalogue file, in its order.

    Raises:
        InputFileError: no such file, not YAML, or not a catalogue; the message names the entry.
    """
    return _parse(
        existing_file(path, kind="device catalogue", suffixes=(".yaml", ".yml")).read_text("utf-8"), path
    )


def _parse(text: str, where: str | Path) -> tuple[Device, ...]:
    catalogue = read_table(_Catalogue, text, where, kind="device catalogue")
    return tuple(entry.device(name) for name, entry in catalogue.devices.items())


@cache
def devices() -> tuple[Device, ...]:
    """All devices of the catalogue that comes with the package."""
    source = resources.files("nanosieve.devices") / "catalogue.yaml"
    return _parse(source.read_text("utf-8"), "catalogue.yaml")


def find_device(name: str) -> Device:
    """The device called `name`: canonical name, alias or full part number, in any case.

    Raises:
        UnknownNameError: no such device; the message lists the nearest names.

    >>> find_device("VU9P").name, find_device("xcvu13p-flga2577-2-e").name, find_device("Alveo U50").name
    ('xcvu9p', 'xcvu13p', 'alveo-u50')
    """
    known = {alias: device for device in devices() for alias in (device.name, *device.aliases)}
    wanted = re.sub(r"[\s_]+", "-", name.strip().lower())
    part = re.fullmatch(r"(xc[a-z0-9]+)-[a-z0-9]+(-[a-z0-9]+)*", wanted)  # package and speed grade
    for candidate in (wanted, part[1] if part else wanted):
        if candidate in known:
            return known[candidate]
    raise UnknownNameError.among("device", name, known)
