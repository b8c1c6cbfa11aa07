"""Integer codes to the bits of a bus and back, for many vectors at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.folder import Element

__all__ = ["pack", "unpack", "words"]


def words(elements: Sequence[Element]) -> int:
    """32-bit words of a bus that holds `elements`; at least one."""
    return max(1, -(-max(element.lsb + element.width for element in elements) // 32))


def pack(codes: NDArray[np.int64], elements: Sequence[Element]) -> NDArray[np.uint32]:
    """Bus words, least significant first.

    Args:
        codes: int64 (vectors, elements); bits above an element's width are dropped.

    Returns:
        uint32 (vectors, words); bits that belong to no element are 0.
    """
    packed = np.zeros((len(codes), words(elements)), dtype=np.uint32)
    unsigned = np.ascontiguousarray(codes, dtype=np.int64).view(np.uint64)
    for n, element in enumerate(elements):
        word, shift = divmod(element.lsb, 32)
        rest, column, done = element.width, unsigned[:, n], 0
        while rest > 0:
            take = min(rest, 32 - shift)
            part = (column >> np.uint64(done)) & np.uint64((1 << take) - 1)
            packed[:, word] |= (part << np.uint64(shift)).astype(np.uint32)
            rest, done, word, shift = rest - take, done + take, word + 1, 0
    return packed


def unpack(packed: NDArray[np.uint32], elements: Sequence[Element]) -> NDArray[np.int64]:
    """The inverse of `pack`, with the sign extended: int64 (vectors, elements)."""
    codes = np.zeros((len(packed), len(elements)), dtype=np.uint64)
    for n, element in enumerate(elements):
        word, shift = divmod(element.lsb, 32)
        rest, done = element.width, 0
        while rest > 0:
            take = min(rest, 32 - shift)
            part = (packed[:, word] >> np.uint32(shift)).astype(np.uint64) & np.uint64((1 << take) - 1)
            codes[:, n] |= part << np.uint64(done)
            rest, done, word, shift = rest - take, done + take, word + 1, 0
        if element.signed and 0 < element.width < 64:
            spare = np.uint64(64 - element.width)
            codes[:, n] = ((codes[:, n] << spare).view(np.int64) >> np.int64(spare)).view(np.uint64)
    return codes.view(np.int64)
