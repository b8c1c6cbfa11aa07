"""Element by element: sums, products and shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, frozen, same_shape
from nanosieve.compiler.graph.steps import finer_step
from nanosieve.errors import GraphError

__all__ = ["Add", "Multiply", "Scale", "Subtract"]


@dataclass(frozen=True, eq=False)
class Add(Op):
    """Element-wise sum."""

    operands = 2
    sign: ClassVar[int] = 1

    def result(self, *types: TensorType) -> TensorType:
        """The finer step of the two; ranges add."""
        a, b = types
        same_shape(type(self).__name__, a, b)
        exponent, i, j = finer_step(a, b)
        b_low, b_high = (b.low, b.high) if self.sign > 0 else (-b.high, -b.low)
        return TensorType((a.low << i) + (b_low << j), (a.high << i) + (b_high << j), exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then add."""
        a, b = types
        exponent = np.minimum(a.exponent, b.exponent)
        return (codes[0] << (a.exponent - exponent)) + self.sign * (codes[1] << (b.exponent - exponent))


@dataclass(frozen=True, eq=False)
class Subtract(Add):
    """Element-wise difference, first minus second."""

    sign = -1


def _extremes(*candidates: Integers) -> tuple[Integers, Integers]:
    """Element-wise smallest and largest of the candidates."""
    stack = np.stack(candidates)
    return stack.min(axis=0), stack.max(axis=0)


@dataclass(frozen=True, eq=False)
class Multiply(Op):
    """Element-wise product; the square if both operands are one value (`square`)."""

    operands = 2
    square: bool = False

    def result(self, *types: TensorType) -> TensorType:
        """Extremes of the four corner products; a square is not negative."""
        a, b = types
        same_shape("Multiply", a, b)
        if np.any(a.width + b.width > 62):
            message = "a product needs more than 62 bits; quantise its factors"
            raise GraphError(message)
        low, high = _extremes(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
        if self.square:
            through_zero = (a.low <= 0) & (a.high >= 0)
            low = np.where(through_zero, 0, np.minimum(a.low**2, a.high**2))
            high = np.maximum(a.low**2, a.high**2)
        return TensorType(low, high, a.exponent + b.exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Product of the codes."""
        return codes[0] * codes[1]


@dataclass(frozen=True, eq=False)
class Scale(Op):
    """Times ``2**shift``, element by element: only the step changes."""

    shift: Integers

    def __post_init__(self) -> None:
        frozen(self, "shift")

    def result(self, *types: TensorType) -> TensorType:
        """The codes stay."""
        (x,) = types
        return TensorType(x.low, x.high, x.exponent + np.broadcast_to(self.shift, x.shape))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """The codes stay."""
        return codes[0]
