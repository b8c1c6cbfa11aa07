"""Sums, products and shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, as_codes, frozen, same_shape
from nanosieve.errors import GraphError

__all__ = ["Add", "Dense", "Multiply", "Scale", "Subtract", "Sum"]


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """Product with a constant matrix over the last axis: ``y_j = sum_i x_i kernel_ij``.

    Attributes:
        kernel: weight codes, shape (inputs, outputs).
        exponent: the weights have the step ``2**exponent``.
    """

    kernel: Integers
    exponent: int

    def __post_init__(self) -> None:
        frozen(self, "kernel")

    def scaled(self, x: TensorType) -> tuple[Integers, Integers]:
        """The integer matrix (inputs, outputs) that maps codes to codes, and the output exponents."""
        if x.shape[-1:] != self.kernel.shape[:1]:
            message = f"a kernel of shape {self.kernel.shape} does not fit an input of shape {x.shape}"
            raise GraphError(message)
        steps = x.exponent.reshape(-1, x.shape[-1])
        if np.any(steps != steps[0]):
            message = "the rows of the input of Dense differ in their steps; quantise them alike"
            raise GraphError(message)
        zero = self.kernel == 0
        lowest = np.where(zero, 1, self.kernel & -self.kernel)
        place = np.round(np.log2(lowest)).astype(np.int64) + steps[0][:, np.newaxis] + self.exponent
        place = np.where(zero, np.iinfo(np.int64).max, place)
        exponent = np.where(np.all(zero, axis=0), self.exponent, place.min(axis=0))
        shift = steps[0][:, np.newaxis] + self.exponent - exponent
        left, right = np.where(zero, 0, np.maximum(shift, 0)), np.where(zero, 0, np.maximum(-shift, 0))
        return (self.kernel << left) >> right, exponent

    def result(self, *types: TensorType) -> TensorType:
        """Sums of the extreme products."""
        (x,) = types
        matrix, exponent = self.scaled(x)
        up, down = np.maximum(matrix, 0), np.minimum(matrix, 0)
        peak = np.abs(matrix).astype(float).sum(axis=0).max(initial=0.0) * float(
            max(abs(x.low).max(initial=0), abs(x.high).max(initial=0))
        )
        if peak >= 2.0**62:
            message = "a sum of products needs more than 62 bits; quantise the input of the layer"
            raise GraphError(message)
        low, high = x.low @ up + x.high @ down, x.high @ up + x.low @ down
        return TensorType(low, high, np.broadcast_to(exponent, low.shape))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Exact integer products."""
        matrix, _ = self.scaled(types[0])
        return codes[0] @ matrix


@dataclass(frozen=True, eq=False)
class Add(Op):
    """Element-wise sum."""

    operands = 2
    sign: ClassVar[int] = 1

    def result(self, *types: TensorType) -> TensorType:
        """The finer step of the two; ranges add."""
        a, b = types
        same_shape(type(self).__name__, a, b)
        exponent = np.minimum(a.exponent, b.exponent)
        i, j = a.exponent - exponent, b.exponent - exponent
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
class Sum(Op):
    """Sum over the last axis, which stays with length 1."""

    def result(self, *types: TensorType) -> TensorType:
        """The finest step; ranges add."""
        (x,) = types
        exponent = x.exponent.min(axis=-1, keepdims=True)
        shift = x.exponent - exponent
        low = (x.low << shift).sum(axis=-1, keepdims=True)
        return TensorType(low, (x.high << shift).sum(axis=-1, keepdims=True), exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then add."""
        exponent = types[0].exponent
        shift = exponent - exponent.min(axis=-1, keepdims=True)
        return as_codes((codes[0] << shift).sum(axis=-1, keepdims=True))


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
