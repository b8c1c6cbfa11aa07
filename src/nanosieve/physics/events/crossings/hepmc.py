"""HepMC files: complete collisions of other generators, HepMC 2 or 3 in ASCII, through pyhepmc."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import hypot, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.crossings.collisions import (
    BATCH,
    TAGGED,
    Collisions,
    collected,
    objects_of,
)
from nanosieve.physics.events.crossings.event_files import (
    EventIndex,
    FilePart,
    damaged,
    extracted,
    lines,
)
from nanosieve.physics.events.crossings.hepmc_lines import line_check

__all__ = ["hepmc_collisions", "index_hepmc"]

FORMATS = (b"HepMC::Asciiv3", b"HepMC::IO_GenEvent")
FINAL, BEAM = 1, 4
"""HepMC's status codes."""
HIGHEST_MOMENTUM = 1e7
"""GeV; more is damage."""
FIELDS = ("pid", "px", "py", "pz", "e")


def index_hepmc(path: Path) -> EventIndex:
    """Read a HepMC file to its end; energy from the beams of the first event, cross section from the last.

    Raises:
        InputFileError: damaged, incomplete or empty.
    """
    offsets: list[int] = []
    source = lines(path)
    end, name = 0, b""
    for line in source:
        if line.text.endswith(b"-START_EVENT_LISTING"):
            name = line.text.removesuffix(b"-START_EVENT_LISTING")
            break
        if line.text and not line.text.startswith(b"HepMC::Version"):
            break
    if name not in FORMATS:
        damaged(path, "it does not begin as HepMC 2 (IO_GenEvent) or HepMC 3 (Asciiv3) does")
    foot = name + b"-END_EVENT_LISTING"
    for line in source:
        if line.text.startswith(b"E "):
            offsets.append(line.offset)
        elif line.text == foot:
            end = line.offset
            break
    else:
        damaged(path, f"it ends in event {len(offsets)} before {foot.decode()}")
    if not offsets:
        damaged(path, "it holds no events")
    if any(line.text.startswith(b"E ") for line in source):
        damaged(path, f"more events follow {foot.decode()} (two files put together)")
    index = EventIndex(path, np.array([*offsets, end]), foot + b"\n", None, None, 0.0)
    (first,) = _events(index.part(0, 1))
    (last,) = _events(index.part(len(index) - 1, len(index)))
    value, error = _section(last)
    return EventIndex(path, index.offsets, index.foot, _energy(first), value, error)


def hepmc_collisions(part: FilePart) -> Generator[Collisions, None, None]:
    """The collisions of `part`: particles of status 1, the event scale as pT-hat, the first weight.

    Raises:
        InputFileError: damaged, or changed since it was looked at.
    """
    batch: list[_Event] = []
    for n, event in enumerate(_events(part)):
        batch.append(_Event(event, f"event {part.first + n}", part.path))
        if len(batch) == BATCH:
            yield _collisions(batch)
            batch = []
    if batch:
        yield _collisions(batch)


def _events(part: FilePart) -> Iterator[Any]:
    pyhepmc = require("pyhepmc", extra="events", purpose="reading HepMC files")
    pyhepmc.Setup.print_errors = pyhepmc.Setup.print_warnings = False
    pyhepmc.Setup.debug_level = 0
    number = 0
    with extracted(part) as path:
        _check_lines(path, part)
        try:
            with pyhepmc.open(path) as file:
                for event in file:
                    event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
                    number += 1
                    yield event
        except (RuntimeError, OSError, ValueError) as error:
            damaged(part.path, f"event {part.first + number} cannot be read ({' '.join(str(error).split())})")
    if number != part.events:
        damaged(part.path, f"event {part.first + number} cannot be read")


def _check_lines(path: Path, part: FilePart) -> None:
    """Read what has been copied line by line.

    Raises:
        InputFileError: a line breaks the format; the message tells the event and the line of the copy.
    """
    check = line_check(part.foot.strip().removesuffix(b"-END_EVENT_LISTING"))
    event = part.first - 1
    for line in lines(path):
        event += line.text.startswith(b"E ")
        if check.wrong(line.text):
            where = f"event {event}" if event >= part.first else "the lines before the first event"
            damaged(
                part.path, f"{where}: {line.text[:60].decode(errors='replace')!r} is wrong or out of place"
            )
    if not check.complete():
        damaged(part.path, f"event {event}: particles, vertices or units are missing")


class _Event:
    """What a collision is made of, copied out of an event of pyhepmc."""

    def __init__(self, event: Any, where: str, path: Path) -> None:
        table = event.numpy.particles
        self.columns = np.stack([np.asarray(getattr(table, name), dtype=np.float64) for name in FIELDS])
        status = np.asarray(table.status)
        self.final = status == FINAL
        code = np.abs(self.columns[0])
        possible = (np.abs(self.columns[1:]) < HIGHEST_MOMENTUM).all(axis=0)
        bad = ~possible | (self.final & (code == 0))
        if bad.any() or not self.final.any():
            what = (
                f"particle {int(np.argmax(bad)) + 1} has no code or no possible momentum"
                if bad.any()
                else "no final particle"
            )
            damaged(path, f"{where}: {what}")
        self.tagged = np.zeros_like(self.final)
        particles = event.particles
        for n in np.flatnonzero(np.isin(code, TAGGED) & ~self.final):
            self.tagged[n] = _decays(particles[n])
        self.pthat = max(_scale(event), 0.0)
        self.weight = float(event.weights[0]) if len(event.weights) else 1.0


def _collisions(batch: list[_Event]) -> Collisions:
    def objects(masks: list[NDArray[np.bool_]]) -> Objects:
        code, px, py, pz, energy = np.concatenate(
            [event.columns[:, mask] for event, mask in zip(batch, masks, strict=True)], axis=1
        )
        number = np.repeat(np.arange(len(batch)), [int(mask.sum()) for mask in masks])
        return objects_of(number, code.astype(np.int64), px, py, pz, energy)

    return collected(
        objects([event.final for event in batch]),
        objects([event.tagged for event in batch]),
        np.array([event.pthat for event in batch]),
        np.array([event.weight for event in batch]),
    )


def _decays(particle: Any) -> bool:
    """Whether this is where the hadron or tau decays, and no copy that is written again further down."""
    vertex = particle.end_vertex
    return vertex is not None and all(child.pid != particle.pid for child in vertex.particles_out)


def _scale(event: Any) -> float:
    attributes = event.attributes
    if "event_scale" not in attributes:
        return 0.0
    value = attributes["event_scale"]
    try:
        scale = float(value.astype(float) if hasattr(value, "astype") else value)
    except (TypeError, ValueError, RuntimeError):
        return 0.0
    return scale if isfinite(scale) else 0.0


def _energy(event: Any) -> float | None:
    beams = [p.momentum for p in event.particles if p.status == BEAM]
    if len(beams) != 2:
        return None
    total = [sum(getattr(p, name) for p in beams) for name in ("px", "py", "pz", "e")]
    squared = total[3] ** 2 - hypot(*total[:3]) ** 2
    return float(squared**0.5) if squared > 0 else None


def _section(event: Any) -> tuple[float | None, float]:
    section = event.cross_section
    if section is None:
        return None, 0.0
    value, error = float(section.xsec()), float(section.xsec_err())
    return value, error if isfinite(error) and error > 0 else 0.0
