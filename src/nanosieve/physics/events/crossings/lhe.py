"""Les Houches event files: hard processes of other programs, which Pythia showers and hadronises.

The format is that of hep-ph/0609017, the meaning of its numbers that of hep-ph/0109068. The cross section
follows Pythia: with the weighting strategy (IDWTUP) ±1 and ±4 it is the mean weight of the events, with ±2
and ±3 the sum of what the processes state, times the mean sign with -3.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from math import isfinite, sqrt
from pathlib import Path

import numpy as np

from nanosieve.physics.events.crossings.collisions import BATCH, Collisions
from nanosieve.physics.events.crossings.event_files import (
    EventIndex,
    FilePart,
    Line,
    damaged,
    extracted,
    lines,
)
from nanosieve.physics.events.crossings.pythia_source import flat, start_pythia
from nanosieve.physics.events.recipe import Recipe

__all__ = ["index_lhe", "lhe_collisions"]

PROTON = 2212
FOOT = b"\n</LesHouchesEvents>\n"
LINES_OF_HEAD = 3
"""The root element stands in one of the first lines; an XML declaration may come before it."""
COLUMNS = 13
"""Numbers in the line of a particle."""
MOST_PARTICLES, MOST_PROCESSES = 10_000, 100_000
SIGMAS, FRACTION = 5.0, 0.1
"""The stated cross section and the mean weight of strategy ±1 and ±4 must agree within both."""


def index_lhe(path: Path) -> EventIndex:
    """Read a Les Houches event file to its end and check every event.

    Raises:
        InputFileError: damaged, incomplete, empty, or beams that are not two protons of one energy.
    """
    reader = _Reader(path)
    source = lines(path)
    reader.find_init(source)
    for line in source:
        if line.text.startswith(b"</LesHouchesEvents"):
            break
        if line.text == b"<event>" or line.text.startswith((b"<event ", b"<event\t")):
            reader.offsets.append(line.offset)
            reader.event(line, source)
    else:
        damaged(path, f"it ends in event {len(reader.offsets)} before </LesHouchesEvents>")
    if not reader.offsets:
        damaged(path, "it holds no events")
    offsets = np.array([*reader.offsets, reader.end])
    return EventIndex(path, offsets, FOOT, reader.energy, *reader.cross_section())


def lhe_collisions(recipe: Recipe, seed: int, part: FilePart) -> Generator[Collisions, None, None]:
    """Complete collisions of the events of `part`; those that Pythia cannot complete are left out.

    Raises:
        InputFileError: the file has changed since it was looked at.
        SettingsError, ToolError: as `start_pythia`.
    """
    with extracted(part) as path:
        beams = ("Beams:frameType = 4", f"Beams:LHEF = {path}")
        pythia = start_pythia(recipe, beams, seed)
        while len(batch := pythia.nextBatch(BATCH)):
            yield flat(batch)


@dataclass
class _Reader:
    """What has been read so far."""

    path: Path
    energy: float = 0.0
    strategy: int = 0
    sections: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Number of the process -> cross section and its error, pb."""
    offsets: list[int] = field(default_factory=list)
    end: int = 0
    weight: float = 0.0
    weight_squared: float = 0.0
    signs: int = 0

    def find_init(self, source: Iterator[Line]) -> None:
        """Read on to the end of ``<init>``."""
        root = False
        for line in source:
            root = root or line.text.startswith(b"<LesHouchesEvents")
            if line.number > LINES_OF_HEAD and not root:
                break
            if line.text.startswith(b"<init"):
                self._init(source)
                return
        damaged(self.path, "no <init> in it" if root else "it does not begin with <LesHouchesEvents>")

    def _init(self, source: Iterator[Line]) -> None:
        first = self._numbers(next(source, None), 10, "<init>")
        beams, energies = first[:2], first[2:4]
        if beams != [PROTON, PROTON] or abs(energies[0] - energies[1]) > 1e-6 * energies[0]:
            damaged(self.path, f"its beams are {beams} at {energies} GeV, not two protons of one energy")
        self.energy, self.strategy = 2 * energies[0], int(first[8])
        if abs(self.strategy) not in (1, 2, 3, 4):
            damaged(self.path, f"the weighting strategy (IDWTUP) is {self.strategy}, not ±1 to ±4")
        if not 1 <= first[9] <= MOST_PROCESSES:
            damaged(self.path, f"<init> announces {first[9]:g} processes")
        for _ in range(int(first[9])):
            section, error, _, process = self._numbers(next(source, None), 4, "<init>")[:4]
            self.sections[int(process)] = (section, error)
        if not any(line.text.startswith(b"</init") for line in source):
            damaged(self.path, "<init> does not end")

    def event(self, line: Line, source: Iterator[Line]) -> None:
        """Read and check one event."""
        where = f"event {len(self.offsets) - 1} (line {line.number})"
        first = self._numbers(next(source, None), 6, where)
        particles, process, weight = first[:3]
        if not 3 <= particles <= MOST_PARTICLES:
            damaged(self.path, f"{where} announces {particles:g} particles")
        if int(process) not in self.sections:
            damaged(self.path, f"{where} is of process {process:g}, which <init> does not state")
        for _ in range(int(particles)):
            columns = self._numbers(next(source, None), COLUMNS, where)
            if not 0 <= min(columns[2:4]) <= max(columns[2:4]) <= particles:
                damaged(self.path, f"{where} names mothers {columns[2:4]} of {particles:g} particles")
        for rest in source:
            if rest.text.startswith(b"</event>"):
                self.end = rest.offset + len(b"</event>")
                self.weight += weight
                self.weight_squared += weight**2
                self.signs += -1 if weight < 0 else 1
                return
            if rest.text.startswith((b"<event>", b"</LesHouchesEvents")):
                break
        damaged(self.path, f"{where} does not end")

    def _numbers(self, line: Line | None, least: int, where: str) -> list[float]:
        if line is None:
            damaged(self.path, f"it ends in {where}")
        try:
            if b"_" in line.text:  # Python reads 1_000 as a number, C++ as 1
                raise ValueError
            numbers = [float(word) for word in line.text.split()[: max(least, COLUMNS)]]
        except ValueError:
            damaged(self.path, f"line {line.number}, in {where}, is not all numbers")
        if len(numbers) < least or not all(map(isfinite, numbers)):
            damaged(self.path, f"line {line.number}, in {where}, does not hold {least} finite numbers")
        return numbers

    def cross_section(self) -> tuple[float | None, float, str]:
        """In pb, with its error; None and the contradiction where weights and processes do not agree."""
        stated = sum(value for value, _ in self.sections.values())
        error = sqrt(sum(error**2 for _, error in self.sections.values()))
        if abs(self.strategy) in (2, 3):
            sign = self.signs / len(self.offsets) if self.strategy == -3 else 1.0
            return stated * sign, error * abs(sign), ""
        number = len(self.offsets)
        mean = self.weight / number
        spread = sqrt(max(self.weight_squared / number - mean**2, 0.0) / number)
        if stated > 0 and abs(mean - stated) > max(SIGMAS * spread, FRACTION * stated):
            both = (
                f"{stated:g} pb in <init>, but weights (strategy {self.strategy}) that average to {mean:g} pb"
            )
            return None, 0.0, both
        return mean, spread, ""
