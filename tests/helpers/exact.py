"""An independent meaning of the ops: one element at a time, in rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from nanosieve.compiler.graph import Overflow, Quantize, Rounding, TensorType


def rational(codes: np.ndarray, type: TensorType) -> list[Fraction]:
    """The numbers behind the codes of one event."""
    exponents = type.exponent.reshape(-1)
    return [
        Fraction(int(c)) * Fraction(2) ** int(e) for c, e in zip(codes.reshape(-1), exponents, strict=True)
    ]


def quantized(op: Quantize, values: list[Fraction]) -> list[Fraction]:
    """Rounding and overflow, straight from their definitions."""
    results = []
    target = op.target
    ends = zip(target.low.flat, target.high.flat, target.exponent.flat, strict=True)
    for x, (low, high, exponent) in zip(values, ends, strict=True):
        step = Fraction(2) ** int(exponent)
        steps = x / step
        if op.rounding is Rounding.TRN:
            code = math.floor(steps)
        elif op.rounding is Rounding.RND:
            code = math.floor(steps + Fraction(1, 2))
        else:
            code = round(steps)  # Python rounds ties to even
        low, high = int(low), int(high)
        if op.overflow is Overflow.SAT:
            code = min(max(code, low), high)
        else:
            code = (code - low) % (high - low + 1) + low
        results.append(code * step)
    return results
