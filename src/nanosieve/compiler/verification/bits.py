"""Integer codes to the bits of a bus and back, for many vectors and cycles at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.folder import Element

__all__ = ["pack", "unpack", "words"]

Indices = NDArray[np.int64]


def words(width: int) -> int:
    """32-bit words of a bus of `width` bits; at least one."""
    return max(1, -(-width // 32))


def pack(
    codes: NDArray[np.int64], elements: Sequence[Element], times: Indices, shape: tuple[int, int]
) -> NDArray[np.uint32]:
    """Bus words of every vector in every beat, least significant first.

    Args:
        codes: int64 (vectors, elements); bits above an element's width are dropped.
        times: beat of every element, (elements,).
        shape: number of beats, and of words of the bus.

    Returns:
        uint32 (vectors, beats, words); bits that belong to no element are 0.
    """
    packed = np.zeros((len(codes), *shape), dtype=np.uint32)
    unsigned = np.ascontiguousarray(codes, dtype=np.int64).view(np.uint64)
    for lane, members in _lanes(elements):
        column, at = unsigned[:, members], times[members]
        for word, shift, done, take in _pieces(lane):
            part = (column >> np.uint64(done)) & np.uint64((1 << take) - 1)
            packed[:, at, word] |= (part << np.uint64(shift)).astype(np.uint32)
    return packed


def unpack(packed: NDArray[np.uint32], elements: Sequence[Element], times: Indices) -> NDArray[np.int64]:
    """The inverse of `pack`, with the sign extended: int64 (vectors, elements).

    Args:
        packed: uint32 (vectors, times, words).
        times: where along the second axis every element is, (elements,).
    """
    codes = np.zeros((len(packed), len(elements)), dtype=np.int64)
    for lane, members in _lanes(elements):
        at = times[members]
        code = np.zeros((len(packed), len(members)), dtype=np.uint64)
        for word, shift, done, take in _pieces(lane):
            part = (packed[:, at, word] >> np.uint32(shift)).astype(np.uint64) & np.uint64((1 << take) - 1)
            code |= part << np.uint64(done)
        signed = code.view(np.int64)
        if lane.signed and 0 < lane.width < 64:
            spare = np.int64(64 - lane.width)
            signed = signed << spare >> spare
        codes[:, members] = signed
    return codes


def _lanes(elements: Sequence[Element]) -> Iterator[tuple[Element, Indices]]:
    """One of the elements that lie on the same bits, and the numbers of all: few lanes, many elements."""
    members: dict[tuple[int, int, bool], list[int]] = {}
    for n, element in enumerate(elements):
        members.setdefault((element.lsb, element.width, element.signed), []).append(n)
    for numbers in members.values():
        yield elements[numbers[0]], np.array(numbers, dtype=np.int64)


def _pieces(element: Element) -> Iterator[tuple[int, int, int, int]]:
    """The words an element lies in: word, lowest bit in it, bits of the element below, bits in this word."""
    word, shift = divmod(element.lsb, 32)
    done = 0
    while done < element.width:
        take = min(element.width - done, 32 - shift)
        yield word, shift, done, take
        done, word, shift = done + take, word + 1, 0
