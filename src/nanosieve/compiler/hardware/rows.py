"""Rows of elements over slots: what one element of a kernel stands for in each slot."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Integers, TensorType
from nanosieve.errors import FoldingError

__all__ = [
    "DEAD", "FIRST_CONSTANT", "ZERO", "Constants", "joined", "merged", "scaled_rows", "unique_rows",
]  # fmt: skip

ZERO = -1
"""In this slot the element is zero."""
DEAD = -2
"""In this slot nobody reads the element."""
FIRST_CONSTANT = -3
"""From here downwards: the constant ``FIRST_CONSTANT - row``."""
PATTERNS = 256
"""So many different sets of dead slots are looked at; more are left as they are."""


@dataclass
class Constants:
    """Numbers that stand in rows."""

    codes: list[int] = field(default_factory=list)
    exponents: list[int] = field(default_factory=list)
    known: dict[tuple[int, int], int] = field(default_factory=dict)

    def encode(self, codes: Integers, exponent: Integers) -> Integers:
        """Entries of rows for numbers, same shape; equal numbers have one entry and zero is `ZERO`."""
        zero = codes == 0
        lowest = np.where(zero, 1, codes & -codes)
        places = np.round(np.log2(lowest.astype(np.float64))).astype(np.int64)
        numbers, which = np.unique((codes >> places).ravel(), return_inverse=True)
        steps, step = np.unique((exponent + places).ravel(), return_inverse=True)
        found, inverse = np.unique(which * len(steps) + step, return_inverse=True)
        entries = [self._entry(int(numbers[n // len(steps)]), int(steps[n % len(steps)])) for n in found]
        placed = np.array(entries, dtype=np.int64)[inverse].reshape(codes.shape)
        return np.where(zero, ZERO, placed)

    def _entry(self, code: int, exponent: int) -> int:
        if (code, exponent) not in self.known:
            self.known[code, exponent] = FIRST_CONSTANT - len(self.codes)
            self.codes.append(code)
            self.exponents.append(exponent)
        return self.known[code, exponent]


def unique_rows(rows: Integers) -> tuple[Integers, Integers]:
    """``np.unique(rows, axis=0, return_inverse=True)``, faster.

    >>> unique_rows(np.array([[1, 2], [-1, 5], [1, 2]]))
    (array([[-1,  5],
           [ 1,  2]]), array([1, 0, 1]))
    """
    if not rows.size:
        unique, inverse = np.unique(rows, axis=0, return_inverse=True)
        return unique, inverse.ravel()
    found, group = _groups(rows)
    order = np.argsort(_as_bytes(found))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return found[order], place[group]


def _groups(rows: Integers) -> tuple[Integers, Integers]:
    """The different rows in any order, and for each of `rows` its place among them."""
    factors = np.random.default_rng(rows.shape[1]).integers(1, 1 << 63, rows.shape[1]) | 1
    _, first, group = np.unique(rows @ factors, return_index=True, return_inverse=True)
    if not np.array_equal(rows[first][group], rows):  # rows that differ have the same sum
        _, first, group = np.unique(_as_bytes(rows), return_index=True, return_inverse=True)
    return rows[first], group


def _as_bytes(rows: Integers) -> NDArray[np.void]:
    """Each row as bytes in the order of the numbers: big-endian, with the sign turned."""
    shifted = np.ascontiguousarray(rows, dtype=np.int64).view(np.uint64) ^ np.uint64(1 << 63)
    return shifted.astype(">u8").view(np.dtype((np.void, 8 * rows.shape[1]))).ravel()


def merged(rows: Integers) -> tuple[Integers, Integers]:
    """The different rows, and for each of `rows` its place among them.

    Rows that differ only where one of them is dead become one. A row that is nowhere more than zero has the
    place -1.
    """
    something = ((rows != ZERO) & (rows != DEAD)).any(axis=1)
    unique, inverse = unique_rows(rows[something])
    target = _absorbing(unique)
    kept = np.flatnonzero(target == np.arange(len(unique)))
    renumbered = np.full(len(unique), -1)
    renumbered[kept] = np.arange(len(kept))
    place = np.full(len(rows), -1)
    place[something] = renumbered[target[inverse]]
    return unique[kept], place


def _absorbing(rows: Integers) -> Integers:
    """For each row the one that can stand for it: equal where it lives, and alive where it is dead."""
    target = np.arange(len(rows))
    dead = rows == DEAD
    count = dead.sum(axis=1)
    if not count.any():
        return target
    patterns = np.unique(dead[count > 0], axis=0)
    for pattern in patterns[np.argsort(-patterns.sum(axis=1), kind="stable")][:PATTERNS]:
        alive = ~pattern
        own = np.flatnonzero((dead == pattern).all(axis=1))
        others = np.flatnonzero(~dead[:, alive].any(axis=1) & (count < pattern.sum()))
        if not len(others):
            continue
        _, code = _groups(rows[np.concatenate([others, own])][:, alive])
        first = np.full(code.max() + 1, -1)
        first[code[: len(others)][::-1]] = others[::-1]
        found = first[code[len(others) :]]
        target[own[found >= 0]] = found[found >= 0]
    for _ in range(len(patterns)):  # a row that stands for another may be absorbed itself
        if np.array_equal(target[target], target):
            break
        target = target[target]
    return target


def scaled_rows(rows: Integers, factor: int, offset: Integers) -> Integers:
    """``rows * factor + offset`` where a row is an element, shape (rows, offsets, slots)."""
    wide = rows[:, np.newaxis, :]
    return np.where(wide >= 0, wide * factor + offset[:, np.newaxis], wide)


def joined(
    low: Integers, high: Integers, exponent: Integers, there: NDArray[np.bool_], with_zero: NDArray[np.bool_]
) -> TensorType:
    """One type for each row, of all its slots: the finest step, the union of ranges.

    Args:
        low, high, exponent: of each slot, shape (rows, slots).
        there: where the row has a type at all.
        with_zero: rows that must hold zero, shape (rows,).

    Raises:
        FoldingError: the steps of a row are too far apart for 62 bits.
    """
    something = there & ((low != 0) | (high != 0))
    most = np.iinfo(np.int64).max
    finest = np.where(something, exponent, most).min(axis=1, initial=most)
    coarsest = np.where(there, exponent, -most).max(axis=1, initial=-most)
    finest = np.where(something.any(axis=1), finest, np.where(there.any(axis=1), coarsest, 0))
    shift = np.where(something, exponent - finest[:, np.newaxis], 0)
    peak = np.maximum(np.abs(low), np.abs(high)).astype(np.float64) * np.exp2(np.minimum(shift, 200))
    if np.any(np.where(something, peak, 0) >= 2.0**61):
        message = "the steps of an element differ too much between the slots; build the layer unrolled"
        raise FoldingError(message)
    lows, highs = np.where(something, low << shift, 0), np.where(something, high << shift, 0)
    count = there | with_zero[:, np.newaxis]
    bottom = np.where(count, lows, most).min(axis=1, initial=most)
    top = np.where(count, highs, -most).max(axis=1, initial=-most)
    empty = ~count.any(axis=1)
    return TensorType(np.where(empty, 0, bottom), np.where(empty, 0, top), finest)
