"""Fixed-point formats in the convention of ap_fixed, and the tensor type built on them.

A value is an integer *code* times a *step* ``2**exponent``. ``fixed<W,I>`` has W bits, of which I (the
sign counted) stand before the binary point, so that ``exponent = I - W``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import GraphError, SettingsError

__all__ = ["Fixed", "Integers", "Overflow", "Rounding", "TensorType", "bit_width"]

Integers = NDArray[np.int64]

LIMIT = 2**62
"""Codes stay below this, so that int64 never overflows unnoticed."""


class Rounding(StrEnum):
    """What happens to the bits below the step."""

    TRN = "TRN"
    """dropped: towards minus infinity"""
    RND = "RND"
    """to the nearest, ties towards plus infinity"""
    RND_CONV = "RND_CONV"
    """to the nearest, ties to the even code"""


class Overflow(StrEnum):
    """What happens to codes outside the range."""

    WRAP = "WRAP"
    """the bits above are dropped"""
    SAT = "SAT"
    """the nearest end of the range"""


@dataclass(frozen=True)
class Fixed:
    """One fixed-point format ``fixed<width,integer>`` (``ufixed`` if not `signed`).

    >>> Fixed.parse("fixed<16,6>").exponent
    -10
    """

    width: int
    integer: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.width <= 62:
            message = f"a fixed-point width is between 0 and 62 bits, not {self.width!r}"
            raise SettingsError(message)

    @classmethod
    def parse(cls, text: str) -> Fixed:
        """Read ``fixed<W,I>`` or ``ufixed<W,I>``.

        Raises:
            SettingsError: `text` has another form.
        """
        match = re.fullmatch(r"\s*(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*>\s*", text)
        if match is None:
            message = f"{text!r} is not a fixed-point type; write for example fixed<16,6> or ufixed<8,0>"
            raise SettingsError(message)
        return cls(int(match[2]), int(match[3]), signed=not match[1])

    @property
    def exponent(self) -> int:
        """The step is ``2**exponent``."""
        return self.integer - self.width

    @property
    def low(self) -> int:
        """The smallest code."""
        return -(1 << (self.width - 1)) if self.signed and self.width else 0

    @property
    def high(self) -> int:
        """The largest code."""
        return (1 << (self.width - 1)) - 1 if self.signed and self.width else (1 << self.width) - 1

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}>"


def bit_width(low: int, high: int) -> int:
    """Bits of the narrowest integer that holds all codes in ``[low, high]``.

    >>> bit_width(-8, 7), bit_width(0, 7), bit_width(0, 0)
    (4, 3, 0)
    """
    if low < 0:
        return max((-low - 1).bit_length(), max(high, 0).bit_length()) + 1
    return high.bit_length()


@dataclass(frozen=True, eq=False)
class TensorType:
    """The proven range of a tensor, element by element (the batch axis is not part of it).

    Attributes:
        low: smallest code of each element, int64, any shape.
        high: largest code, same shape.
        exponent: the step of each element is ``2**exponent``, same shape.

    Raises:
        GraphError: the shapes differ, a range is empty, or a code needs more than 62 bits.
    """

    low: Integers
    high: Integers
    exponent: Integers

    def __post_init__(self) -> None:
        for name in ("low", "high", "exponent"):
            array = np.array(getattr(self, name), dtype=np.int64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if not self.low.shape == self.high.shape == self.exponent.shape:
            message = (
                f"low, high and exponent of a type have one shape, "
                f"not {self.low.shape}, {self.high.shape}, {self.exponent.shape}"
            )
            raise GraphError(message)
        if np.any(self.low > self.high):
            message = "a range of a type is empty: low > high"
            raise GraphError(message)
        if self.low.size and (int(self.high.max()) >= LIMIT or int(self.low.min()) <= -LIMIT):
            message = "a value needs more than 62 bits; put a quantiser before it"
            raise GraphError(message)

    @classmethod
    def of(cls, fixed: Fixed, shape: tuple[int, ...]) -> TensorType:
        """A tensor whose elements all have the full range of `fixed`."""
        return cls(np.full(shape, fixed.low), np.full(shape, fixed.high), np.full(shape, fixed.exponent))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape without the batch axis."""
        return tuple(self.low.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(self.low.size)

    @property
    def signed(self) -> NDArray[np.bool_]:
        """Which elements can be negative."""
        return self.low < 0

    @property
    def width(self) -> Integers:
        """Bits of each element, the sign counted."""
        return _lengths(np.where(self.low < 0, np.maximum(-self.low - 1, self.high), self.high)) + self.signed

    @property
    def bits(self) -> int:
        """Bits of the whole tensor."""
        return int(self.width.sum())

    def fixed(self, index: int) -> Fixed:
        """The narrowest format of the element at flat `index`."""
        low, high = int(self.low.flat[index]), int(self.high.flat[index])
        width = bit_width(low, high)
        return Fixed(width, width + int(self.exponent.flat[index]), signed=low < 0)

    def holds(self, codes: Integers) -> NDArray[np.bool_]:
        """Which of the `codes` (batch first) lie in the range."""
        return np.asarray((codes >= self.low) & (codes <= self.high))

    def reshape(self, shape: tuple[int, ...]) -> TensorType:
        """The same elements in another shape."""
        return TensorType(self.low.reshape(shape), self.high.reshape(shape), self.exponent.reshape(shape))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, TensorType) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("low", "high", "exponent")
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        """Shape and format, e.g. ``57 x fixed<16,10>``, or the spread of widths where they differ."""
        shape = "x".join(map(str, self.shape)) or "scalar"
        width = self.width
        formats = np.stack([width, self.exponent, self.signed]).reshape(3, -1)
        if self.size and np.all(formats == formats[:, :1]):
            return f"{shape} {self.fixed(0)}"
        return f"{shape} {width.min(initial=99)}..{width.max(initial=0)} bits, {self.bits} in all"


def _lengths(codes: Integers) -> Integers:
    """``int.bit_length`` of each code; negative codes count as 0."""
    codes = np.maximum(codes, 0)
    lengths = np.frexp(codes.astype(np.float64))[1].astype(np.int64)
    # the conversion may have rounded up to the next power of two
    rounded_up = (lengths > 0) & (codes < np.int64(1) << np.maximum(lengths - 1, 0))
    return lengths - rounded_up
