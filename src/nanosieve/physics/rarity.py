"""The needle in the haystack: how often a process happens, and among how many collisions and crossings.

With the cross section sigma of the process, the luminosity L and the inelastic cross section sigma_inel:

- events per second: ``sigma L``;
- inelastic collisions per event: ``sigma_inel / sigma``;
- filled crossings per crossing with an event: ``1 / (1 - exp(-mu sigma / sigma_inel))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics._quantity import positive
from nanosieve.physics.machine import Collisions

__all__ = ["Process", "Rarity", "find_process", "own_process", "processes", "rarity"]

_PICOBARN_PER_MILLIBARN = 1e9
_CM2_PER_PICOBARN = 1e-36


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: float = Field(gt=0)
    trust: Literal["published", "simulated", "recalled"]
    source: str = Field(min_length=1)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    pb: dict[float, _Value] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1]
    sources: dict[str, str]
    processes: dict[str, _Entry]


@dataclass(frozen=True)
class Process:
    """A process and its cross section.

    Attributes:
        name: e.g. ``"higgs-ggf"``.
        title: for people.
        cross_section: in pb; `published`, `simulated`, or `estimated` where it is recalled or the user's own.
        verified: whether the cross section was read in its source or simulated here.
    """

    name: str
    title: str
    cross_section: Figure
    verified: bool = True


@dataclass(frozen=True)
class Rarity:
    """How rare a process is; all numbers estimated from its cross section.

    Attributes:
        process: with its cross section.
        rate: events per second, in Hz.
        per_hour: events per hour of collisions.
        interactions: inelastic collisions per event.
        crossings: filled crossings per crossing with at least one event.
    """

    process: Process
    rate: Figure
    per_hour: Figure
    interactions: Figure
    crossings: Figure


@cache
def _file() -> _File:
    text = resources.files("nanosieve.physics").joinpath("cross_sections.yaml").read_text(encoding="utf-8")
    return _File.model_validate(yaml.safe_load(text))


def processes(energy: str | float) -> tuple[Process, ...]:
    """The processes whose cross section is tabulated at a centre-of-mass energy; none if it is not.

    Args:
        energy: of the two protons together, e.g. ``"13 TeV"``.

    Raises:
        SettingsError: no energy, or not positive.

    >>> [process.name for process in processes("13 TeV")]
    ['higgs-ggf', 'higgs-vbf', 'higgs-wh']
    """
    wanted = positive(energy, "TeV", name="energy", example="13 TeV")
    found = []
    for name, entry in _file().processes.items():
        for tabulated, value in entry.pb.items():
            if math.isclose(tabulated, wanted, rel_tol=1e-6):
                found.append(Process(name, entry.title, _figure(value), value.trust != "recalled"))
    return tuple(found)


def _figure(value: _Value) -> Figure:
    source = _file().sources.get(value.source, value.source)
    if value.trust == "recalled":
        return Figure(value.value, "pb", Provenance.ESTIMATED, source=f"recalled, not verified: {source}")
    return Figure(value.value, "pb", Provenance(value.trust), source=source)


def find_process(name: str, energy: str | float) -> Process:
    """The process called `name` at that centre-of-mass energy.

    Raises:
        UnknownNameError: no process of that name.
        SettingsError: its cross section is not tabulated at this energy; the message says at which it is.

    >>> print(find_process("higgs-ggf", "14 TeV").cross_section)
    54.7 pb (published)
    """
    table = _file().processes
    if name not in table:
        raise UnknownNameError.among("process", name, table)
    for process in processes(energy):
        if process.name == name:
            return process
    known = ", ".join(f"{tabulated:g}" for tabulated in table[name].pb)
    message = (
        f"the cross section of {name!r} is not tabulated at {energy}; known at {known} TeV; "
        f"choose one of these or give your own cross section, as {name}='50 pb'"
    )
    raise SettingsError(message)


def own_process(name: str, cross_section: str | float) -> Process:
    """A process with the user's own cross section.

    Args:
        name: as shown.
        cross_section: with its unit, or a number in pb.

    Raises:
        SettingsError: no cross section, or not positive.
    """
    value = positive(cross_section, "pb", name=f"cross section of {name!r}", example="50 pb")
    return Process(name, name, Figure(value, "pb", Provenance.ESTIMATED, source="given by the user"))


def rarity(process: Process, collisions: Collisions) -> Rarity:
    """How rare `process` is in these collisions (formulae at the head of the module).

    >>> from nanosieve.physics.machine import collisions
    >>> higgs = rarity(find_process("higgs-ggf", "13 TeV"), collisions(2544, luminosity=2e34))
    >>> print(higgs.per_hour)
    3,500 / h (estimated)
    """
    cross_section = process.cross_section.value
    rate = cross_section * _CM2_PER_PICOBARN * collisions.luminosity
    ratio = cross_section / (collisions.sigma_inelastic * _PICOBARN_PER_MILLIBARN)
    return Rarity(
        process,
        rate=_estimate(rate, "Hz"),
        per_hour=_estimate(3600 * rate, "/ h"),
        interactions=_estimate(1 / ratio, "collisions"),
        crossings=_estimate(-1 / math.expm1(-collisions.pileup * ratio), "crossings"),
    )


def _estimate(value: float, unit: str) -> Figure:
    return Figure(value, unit, Provenance.ESTIMATED)
