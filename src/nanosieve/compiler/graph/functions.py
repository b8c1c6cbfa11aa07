"""Functions of one element, and decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, as_codes, frozen, same_shape
from nanosieve.compiler.graph.steps import finer_step
from nanosieve.errors import GraphError

__all__ = ["GreaterEqual", "LeakyRelu", "Lookup", "Nonzero", "Relu", "Select"]


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
    """A table: any function of one bounded value.

    Attributes:
        tables: output codes, shape (rows, entries); entry ``n`` of a row belongs to the input code
            ``first + n``. Element ``k`` of the flattened input uses row ``k % rows``, so that one row serves
            all elements and as many as channels serve an image.
        first: input code of entry 0 of each row, shape (rows,).
        exponent: step of the output, shape (rows,).
    """

    tables: Integers
    first: Integers
    exponent: Integers

    def __post_init__(self) -> None:
        frozen(self, "tables", "first", "exponent")

    def rows(self, x: TensorType) -> Integers:
        """The row of each element, shape of the input.

        Raises:
            GraphError: rows and elements, or the parts of the op, do not fit together.
        """
        rows = len(self.tables)
        if self.tables.ndim != 2 or not self.first.shape == self.exponent.shape == (rows,):
            message = (
                f"Lookup takes tables (rows, entries), first and exponent (rows,), "
                f"not {self.tables.shape}, {self.first.shape} and {self.exponent.shape}"
            )
            raise GraphError(message)
        if not rows or x.size % rows:
            message = f"{rows} tables do not serve {x.size} elements in turn"
            raise GraphError(message)
        return (np.arange(x.size) % rows).reshape(x.shape)

    def result(self, *types: TensorType) -> TensorType:
        """Extremes of the entries that can be reached."""
        (x,) = types
        row = self.rows(x)
        start, stop = x.low - self.first[row], x.high - self.first[row] + 1
        outside = (start < 0) | (stop > self.tables.shape[1])
        if outside.any():
            k = int(np.flatnonzero(outside)[0])
            message = (
                f"the table of element {k} covers the codes {self.first[row.flat[k]]} … "
                f"{self.first[row.flat[k]] + self.tables.shape[1] - 1}, but its input reaches "
                f"{x.low.flat[k]} … {x.high.flat[k]}"
            )
            raise GraphError(message)
        spans, inverse = np.unique(
            np.stack([row.ravel(), start.ravel(), stop.ravel()]), axis=1, return_inverse=True
        )
        reached = [self.tables[r, a:b] for r, a, b in spans.T]
        low = np.array([part.min() for part in reached], dtype=np.int64)[inverse.ravel()]
        high = np.array([part.max() for part in reached], dtype=np.int64)[inverse.ravel()]
        return TensorType(low.reshape(x.shape), high.reshape(x.shape), self.exponent[row])

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Look up code by code."""
        row = self.rows(types[0])
        return as_codes(self.tables[row, codes[0] - self.first[row]])


@dataclass(frozen=True, eq=False)
class Select(Op):
    """The second value where the first, a bit, is 1; else the third."""

    operands = 3

    def result(self, *types: TensorType) -> TensorType:
        """The finer step of the two; both ranges, or one where the bit never changes."""
        bit, a, b = types
        same_shape("Select", a, b)
        same_shape("Select", bit, a)
        if np.any((bit.low < 0) | (bit.high > 1) | (bit.exponent != 0)):
            message = "the first operand of Select is a bit, 0 or 1, at step 1; compare or use Nonzero first"
            raise GraphError(message)
        exponent, i, j = finer_step(a, b)
        a_low, a_high, b_low, b_high = a.low << i, a.high << i, b.low << j, b.high << j
        low = np.where(bit.low == 1, a_low, np.where(bit.high == 0, b_low, np.minimum(a_low, b_low)))
        high = np.where(bit.low == 1, a_high, np.where(bit.high == 0, b_high, np.maximum(a_high, b_high)))
        return TensorType(low, high, exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then choose."""
        _, a, b = types
        exponent = np.minimum(a.exponent, b.exponent)
        first, second = codes[1] << (a.exponent - exponent), codes[2] << (b.exponent - exponent)
        return as_codes(np.where(codes[0] != 0, first, second))


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
        finer_step(a, b)
        return TensorType(np.zeros_like(a.low), np.ones_like(a.low), np.zeros_like(a.low))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then compare."""
        a, b = types
        exponent = np.minimum(a.exponent, b.exponent)
        left, right = codes[0] << (a.exponent - exponent), codes[1] << (b.exponent - exponent)
        return as_codes(left >= right)
