"""Functions of one element, and decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, as_codes, frozen, same_shape
from nanosieve.errors import GraphError

__all__ = ["GreaterEqual", "LeakyRelu", "Lookup", "Nonzero", "Relu"]


@dataclass(frozen=True, eq=False)
class Relu(Op):
    """``max(x, 0)``."""

    def result(self, *types: TensorType) -> TensorType:
        """The range cut at zero."""
        (x,) = types
        return TensorType(np.maximum(x.low, 0), np.maximum(x.high, 0), x.exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Negative codes become 0."""
        return np.maximum(codes[0], 0)


@dataclass(frozen=True, eq=False)
class LeakyRelu(Op):
    """``x`` if ``x >= 0``, else ``slope * x`` with ``slope = code * 2**exponent``, 0 < slope < 1."""

    code: int
    exponent: int

    def _both(self, codes: Integers) -> Integers:
        return np.where(codes >= 0, codes << -self.exponent, codes * self.code)

    def result(self, *types: TensorType) -> TensorType:
        """Monotonic, so the ends map to the ends; the step is that of the slope's product."""
        if not (self.exponent < 0 < self.code < 2**-self.exponent):
            message = f"the slope of LeakyRelu is between 0 and 1, not {self.code} * 2**{self.exponent}"
            raise GraphError(message)
        (x,) = types
        return TensorType(self._both(x.low), self._both(x.high), x.exponent + self.exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Both branches at the finer step."""
        return self._both(codes[0])


@dataclass(frozen=True, eq=False)
class Lookup(Op):
    """A table for each element: any function of one bounded value.

    Attributes:
        tables: output codes, shape (elements, entries); entry ``n`` belongs to the input code
            ``low + n``, and rows are padded with zeros to one length.
        exponent: step of the output, shape of the input.
    """

    tables: Integers
    exponent: Integers

    def __post_init__(self) -> None:
        frozen(self, "tables", "exponent")

    def _entries(self, x: TensorType) -> Integers:
        return as_codes(x.high - x.low + 1).reshape(-1)

    def result(self, *types: TensorType) -> TensorType:
        """Extremes of the entries that can be reached."""
        (x,) = types
        count = self._entries(x)
        if self.tables.shape[0] != x.size or count.max(initial=0) > self.tables.shape[1]:
            message = (
                f"tables of shape {self.tables.shape} do not cover {x.size} elements "
                f"of up to {count.max(initial=0)} codes"
            )
            raise GraphError(message)
        valid = np.arange(self.tables.shape[1]) < count[:, np.newaxis]
        big = np.iinfo(np.int64).max
        low = np.where(valid, self.tables, big).min(axis=1).reshape(x.shape)
        high = np.where(valid, self.tables, -big).max(axis=1).reshape(x.shape)
        return TensorType(low, high, self.exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Look up code by code."""
        (x,) = types
        index = (codes[0] - x.low).reshape(len(codes[0]), -1)
        return as_codes(self.tables[np.arange(x.size), index]).reshape(codes[0].shape)


@dataclass(frozen=True, eq=False)
class Nonzero(Op):
    """1 where the value is not zero, else 0."""

    def result(self, *types: TensorType) -> TensorType:
        """One bit, or a constant where the range decides."""
        (x,) = types
        certain = (x.low > 0) | (x.high < 0)
        never = (x.low == 0) & (x.high == 0)
        return TensorType(np.where(certain, 1, 0), np.where(never, 0, 1), np.zeros_like(x.low))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Compare with zero."""
        return as_codes(codes[0] != 0)


@dataclass(frozen=True, eq=False)
class GreaterEqual(Op):
    """1 where the first value is at least the second, else 0: the trigger bit."""

    operands = 2

    def result(self, *types: TensorType) -> TensorType:
        """One bit."""
        a, b = types
        same_shape("GreaterEqual", a, b)
        return TensorType(np.zeros_like(a.low), np.ones_like(a.low), np.zeros_like(a.low))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then compare."""
        a, b = types
        exponent = np.minimum(a.exponent, b.exponent)
        left, right = codes[0] << (a.exponent - exponent), codes[1] << (b.exponent - exponent)
        return as_codes(left >= right)
