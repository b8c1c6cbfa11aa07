"""The op that rounds and brings into range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, Overflow, Rounding, TensorType
from nanosieve.compiler.graph.op import Op, as_codes, same_shape
from nanosieve.errors import GraphError

__all__ = ["Quantize"]


@dataclass(frozen=True, eq=False)
class Quantize(Op):
    """Round to a step, then bring into a range.

    Attributes:
        target: step and full range of the format, element by element; for WRAP the range has
            ``2**width`` codes.
    """

    target: TensorType
    rounding: Rounding
    overflow: Overflow

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounding", Rounding(self.rounding))
        object.__setattr__(self, "overflow", Overflow(self.overflow))
        low, high = self.target.low, self.target.high
        power = (high - low) & (high - low + 1) == 0
        if self.overflow is Overflow.WRAP and not np.all(power & ((low == 0) | (low == -high - 1))):
            message = "WRAP needs a range of 2**width codes, from 0 or from -2**(width - 1)"
            raise GraphError(message)

    def round(self, codes: Integers, exponent: Integers) -> Integers:
        """`codes` of step ``2**exponent`` at the target's step, before the overflow rule."""
        shift = self.target.exponent - exponent
        # more than 63 shifts say the same as 63: what is left of any code is 0 or -1
        up, down = np.maximum(-shift, 0), np.clip(shift, 0, 63)
        half = np.where(down > 0, np.int64(1) << np.maximum(down - 1, 0), 0)
        if self.rounding is Rounding.TRN:
            return as_codes((codes << up) >> down)
        rounded = as_codes(((codes << up) + half) >> down)
        if self.rounding is Rounding.RND_CONV:
            tie = (down > 0) & (((codes + half) & ((np.int64(1) << down) - 1)) == 0)
            rounded = as_codes(np.where(tie, rounded & ~np.int64(1), rounded))
        return rounded

    def result(self, *types: TensorType) -> TensorType:
        """The rounded range if it fits, else what the overflow rule makes of it."""
        (x,) = types
        same_shape("Quantize", x, self.target)
        finer = np.maximum(x.exponent - self.target.exponent, 0)
        if np.any((finer > 0) & (x.width + finer > 62)):
            message = "a quantiser with so fine a step needs more than 62 bits"
            raise GraphError(message)
        low, high = self.round(x.low, x.exponent), self.round(x.high, x.exponent)
        if self.overflow is Overflow.SAT:
            low = np.clip(low, self.target.low, self.target.high)
            high = np.clip(high, self.target.low, self.target.high)
        else:
            fits = (low >= self.target.low) & (high <= self.target.high)
            low, high = np.where(fits, low, self.target.low), np.where(fits, high, self.target.high)
        return TensorType(low, high, self.target.exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Round, then wrap or saturate."""
        rounded = self.round(codes[0], types[0].exponent)
        low, high = self.target.low, self.target.high
        if self.overflow is Overflow.SAT:
            return np.clip(rounded, low, high)
        return ((rounded - low) & (high - low)) + low
