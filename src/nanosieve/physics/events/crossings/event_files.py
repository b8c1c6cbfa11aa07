"""Files of events: where each event begins, and parts of them that no two shards share.

A file is read once from beginning to end before any work starts, which finds damage, the number of events and
where they lie. A shard then copies its own part, with the head and the foot of the file, to a small file that
Pythia or pyhepmc reads.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, NoReturn

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import InputFileError, SettingsError
from nanosieve.physics.events.recipe import Recipe
from nanosieve.units import magnitude

__all__ = [
    "EventIndex",
    "FilePart",
    "Line",
    "check_energy",
    "damaged",
    "extracted",
    "lines",
    "parts",
    "section_of",
]

LONGEST_LINE = 1 << 24
"""Bytes; a longer one is no event file."""
COPIED_AT_ONCE = 1 << 20
ENERGY_TOLERANCE = 1e-3


@dataclass(frozen=True)
class FilePart:
    """Some events of a file, as bytes of its text (after decompression).

    Attributes:
        first: number of its first event in the file, from 0.
        head: length of what stands before the first event of the file.
        begin, end: its first byte, and the one after its last.
        foot: what has to follow the last event.
    """

    path: Path
    first: int
    events: int
    head: int
    begin: int
    end: int
    foot: bytes


@dataclass(frozen=True)
class EventIndex:
    """What a file holds.

    Attributes:
        offsets: (N + 1,) where each event begins, and where the last ends; bytes of the text.
        foot: closes the list of events.
        energy: centre-of-mass energy in GeV; None if the file does not say.
        cross_section, cross_section_error: pb; None if the file does not say.
    """

    path: Path
    offsets: NDArray[np.int64]
    foot: bytes
    energy: float | None
    cross_section: float | None
    cross_section_error: float
    contradiction: str = ""
    """Two cross sections that the file states, in words; then `cross_section` is None."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def part(self, first: int, last: int) -> FilePart:
        """The events `first` up to, not including, `last`."""
        head, begin, end = (int(self.offsets[n]) for n in (0, first, last))
        return FilePart(self.path, first, last - first, head, begin, end, self.foot)


@dataclass(frozen=True)
class Line:
    """A line of a file: number from 1, first byte, and content without white space at its ends."""

    number: int
    offset: int
    text: bytes


def lines(path: Path) -> Iterator[Line]:
    """The lines of a plain or gzip-compressed file.

    Raises:
        InputFileError: it cannot be read or decompressed, or is no text in lines.
    """
    offset = 0
    with _opened(path) as stream:
        for number in range(1, 1 << 62):
            text = stream.readline(LONGEST_LINE)
            if not text:
                return
            if len(text) == LONGEST_LINE:
                damaged(path, f"line {number} is longer than {LONGEST_LINE >> 20} MiB")
            yield Line(number, offset, text.strip())
            offset += len(text)


def damaged(path: Path, what: str) -> NoReturn:
    """Say that a file cannot be used.

    Raises:
        InputFileError: always.
    """
    message = f"event file {str(path)!r}: {what}; the file is damaged or incomplete, make or fetch it again"
    raise InputFileError(message)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """The text of the file as a stream; errors while it is read are named."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.open(file) as stream:
                    yield stream
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        damaged(path, f"it cannot be decompressed ({error})")
    except OSError as error:
        damaged(path, f"it cannot be read ({error.strerror or error})")


@contextmanager
def extracted(part: FilePart) -> Iterator[Path]:
    """A temporary file that holds these events only.

    Raises:
        InputFileError: the file has changed since it was looked at.
    """
    with TemporaryDirectory(prefix="nanosieve-") as folder:
        path = Path(folder) / "events"
        with path.open("wb") as target, _opened(part.path) as source:
            for begin, end in ((0, part.head), (part.begin, part.end)):
                source.seek(begin)
                missing = end - begin
                while missing:
                    block = source.read(min(missing, COPIED_AT_ONCE))
                    if not block:
                        damaged(part.path, "it has become shorter while it was in use")
                    target.write(block)
                    missing -= len(block)
            target.write(part.foot)
        yield path


def parts(index: EventIndex, recipe: Recipe, numbers: Sequence[int]) -> list[FilePart]:
    """Cut a file for shards of these numbers of crossings, in proportion: no event is used twice.

    Each shard gets at least one event of the file per crossing, and more where the file holds more, for those
    that the recipe does not want.

    Raises:
        SettingsError: fewer events than crossings.
    """
    wanted = sum(numbers)
    if wanted > len(index):
        message = (
            f"recipe {recipe.name!r} is asked for {wanted:,} events, and {index.path.name!r} holds "
            f"{len(index):,}; no event is used twice, ask for at most {len(index)}"
        )
        raise SettingsError(message)
    edges = [len(index) * done // wanted for done in accumulate(numbers, initial=0)]
    return [index.part(first, last) for first, last in pairwise(edges)]


def check_energy(index: EventIndex, recipe: Recipe, energy: float) -> None:
    """Compare the beams of the file with the centre-of-mass energy (GeV) that is asked for.

    Raises:
        SettingsError: they differ by more than 0.1 %.
    """
    if index.energy is not None and abs(index.energy - energy) > ENERGY_TOLERANCE * energy:
        message = (
            f"recipe {recipe.name!r}: {index.path.name!r} was made at {index.energy:g} GeV, and the energy "
            f"asked for is {energy:g} GeV; give --energy {index.energy:g}GeV"
        )
        raise SettingsError(message)


def section_of(index: EventIndex, recipe: Recipe) -> tuple[float, float]:
    """Cross section and its error in pb: of the recipe if it states one, else of the file.

    Raises:
        SettingsError: neither states one.
    """
    if recipe.cross_section is not None:
        return magnitude(recipe.cross_section, "pb", name="cross_section"), 0.0
    if index.cross_section is None or not 0 < index.cross_section < float("inf"):
        stated = "none" if index.cross_section is None else f"{index.cross_section:g} pb"
        message = (
            f"recipe {recipe.name!r} states no cross section, and {index.path.name!r} states "
            f"{index.contradiction or stated}; add for example 'cross_section: 12.3 pb' to the recipe"
        )
        raise SettingsError(message)
    return index.cross_section, index.cross_section_error
