"""How the elements that an engine reads come into its memory, and when its program can begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Integers, bit_width
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.program import NOTHING, Program
from nanosieve.compiler.hardware.feed import Lane, lane_of
from nanosieve.errors import FoldingError

__all__ = ["Bank", "Intake", "beat_of", "intake_of"]


@dataclass(frozen=True)
class Bank:
    """Elements of a word that always come together.

    Attributes:
        slots: their places in a word.
        lanes: on which they come, numbers of `Intake.lanes`.
    """

    slots: tuple[int, ...]
    lanes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Intake:
    """The side of an engine's memory that is written.

    Attributes:
        lanes: of the source.
        low, high, exponent: of all elements.
        banks: of the memory.
        first: cycle of the event in which the first beat stands on the lanes.
        pace: cycles between two rows of the table.
        address: of each row, shape (rows,).
        writes: which banks each row writes, shape (rows, banks).
        start: cycle of the first step of the program.
        copies: words are kept for so many events at the same time.
        interval: cycles between two events that this needs.
    """

    lanes: tuple[Lane, ...]
    low: int
    high: int
    exponent: int
    banks: tuple[Bank, ...]
    first: int
    pace: int
    address: Integers
    writes: NDArray[np.bool_]
    start: int
    copies: int
    interval: int

    @property
    def width(self) -> int:
        """Bits of an element."""
        return max(bit_width(self.low, self.high), 1)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.address)


def beat_of(elements: Sequence[Element | None]) -> int:
    """Elements that come together, of a source whose beats are alike."""
    cycles = [e.arrival.stage for e in elements if e is not None and not e.constant]
    return max(1, round(len(cycles) / max(1, len(set(cycles)))))


def intake_of(
    name: str,
    elements: Sequence[Element | None],
    type: tuple[int, int, int],
    program: Program,
    read: NDArray[np.bool_],
    interval: int,
) -> Intake:
    """The cheapest intake: as few copies of the memory as the interval allows.

    Args:
        name: of the layer, for messages.
        elements: of the source, flat.
        type: low, high and exponent of the codes in the memory.
        program: what reads them.
        read: which elements are read, flat.
        interval: cycles between two events.

    Raises:
        FoldingError: the elements come in no order that a memory takes.
    """
    if any(e is None or e.constant for e, keep in zip(elements, read, strict=True) if keep):
        _refuse(name, "some of its inputs are constants")
    kept = [(n, e) for n, e in enumerate(elements) if e is not None and not e.constant]
    places = np.array([n for n, _ in kept])
    cycle = np.array([e.arrival.stage for _, e in kept])
    known: dict[Lane, int] = {}
    lane = np.array([known.setdefault(lane_of(e), len(known)) for _, e in kept])
    if len({one.source for one in known}) != 1:
        _refuse(name, "its inputs come from several layers")
    cycles, beat = np.unique(cycle, return_inverse=True)
    shape = program.words, program.length
    word, slot = _places(program, places, len(elements))
    beats, lanes, at = (np.full(shape, NOTHING) for _ in range(3))
    beats[word, slot], lanes[word, slot], at[word, slot] = beat, lane, cycle
    banks = _banks(name, beats, lanes)
    pace, row = _pace(cycles)
    rows = int(row[-1]) + 1
    address, writes = np.zeros(rows, dtype=np.int64), np.zeros((rows, len(banks)), dtype=np.bool_)
    taken = np.full(rows, NOTHING)
    for n, bank in enumerate(banks):
        own = beats[:, bank.slots[0]]
        there = np.flatnonzero(own >= 0)
        r = row[own[there]]
        if len(set(r.tolist())) < len(r) or ((taken[r] != NOTHING) & (taken[r] != there)).any():
            _refuse(name, "several words come in one cycle; let its input enter in more beats")
        taken[r] = address[r] = there
        writes[r, n] = True
    start, last = _times(program, at)
    age = int(
        (last - at.min(axis=1, initial=np.iinfo(np.int64).max, where=at >= 0))[last >= 0].max(initial=0)
    )
    copies = max(1, -(-(start + age + 3) // max(interval, 1)))
    needed = max(program.steps, int(cycles[-1] - cycles[0]) + 1, -(-(start + age + 3) // copies))
    return Intake(
        tuple(known), *type, banks,
        int(cycles[0]), pace, address, writes, start, copies, needed,
    )  # fmt: skip


def _places(program: Program, places: Integers, size: int) -> tuple[Integers, Integers]:
    """Word and slot of elements."""
    if program.strip is None:
        word, slot = np.divmod(places, program.length)
        return word, slot
    _, width, channels, stride = program.strip
    row, rest = np.divmod(places, width * channels)
    column, channel = np.divmod(rest, channels)
    word, inside = np.divmod(column, stride)
    return word, (row * stride + inside) * channels + channel


def _banks(name: str, beats: Integers, lanes: Integers) -> tuple[Bank, ...]:
    """Slots that come in the same beats, of every word."""
    some = np.flatnonzero((beats >= 0).any(axis=0))
    _, which = np.unique(beats[:, some], axis=1, return_inverse=True)
    which = which.ravel()
    banks = []
    for first in sorted(np.unique(which, return_index=True)[1].tolist()):
        slots = some[which == which[first]]
        there = lanes[:, slots]
        one = there.max(axis=0)
        if ((there != one) & (there != NOTHING)).any():
            _refuse(name, "an element of its words comes on several lanes; let its input enter in beats")
        banks.append(Bank(tuple(slots.tolist()), tuple(one.tolist())))
    return tuple(banks)


def _pace(cycles: Integers) -> tuple[int, Integers]:
    """Cycles between two rows of the table, and the row of every beat."""
    if len(cycles) == 1:
        return 1, np.zeros(1, dtype=np.int64)
    pace = gcd(*np.diff(cycles).tolist())
    row = (cycles - cycles[0]) // pace
    return int(pace), row


def _times(program: Program, at: Integers) -> tuple[int, Integers]:
    """The first step's cycle, and how many cycles behind it each word is read last; -1 if never.

    A beat is written in the cycle behind that in which it stands on its lanes, and a word is read in the
    cycle behind that of its step.
    """
    entry = np.flatnonzero((program.loads > 0) & (program.address >= 0))
    word = program.address[entry]
    complete = at.max(axis=1)
    first = program.step_of(entry, 0)
    start = int((complete[word] + 1 - first).max(initial=0))
    again = 0 if program.registers > 1 else program.columns - 1
    last = np.full(program.words, NOTHING)
    np.maximum.at(last, word, program.step_of(entry, again))
    return start, last


def _refuse(name: str, why: str) -> NoReturn:
    message = f"layer {name!r} cannot be an engine: {why}"
    raise FoldingError(message)
