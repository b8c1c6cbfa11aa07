"""Sums of products: with a constant matrix, and of two variable tensors."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, as_codes, frozen
from nanosieve.compiler.graph.steps import common_step
from nanosieve.errors import GraphError

__all__ = ["Dense", "Einsum"]

EXACT = 2.0**52
"""Integers below this are exact in float64, whose products are those of BLAS."""


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """Product with a constant matrix over the last axis: ``y_j = sum_i x_i kernel_ij``.

    Attributes:
        kernel: weight codes, shape (inputs, outputs), or (*blocks, inputs, outputs) with a matrix of its own
            for each of the leading positions of the input (*blocks, *rows, inputs).
        exponent: the weights have the step ``2**exponent``.
    """

    kernel: Integers
    exponent: int

    def __post_init__(self) -> None:
        frozen(self, "kernel")

    @property
    def blocks(self) -> Integers:
        """The matrices, shape (blocks, inputs, outputs)."""
        return self.kernel.reshape(int(np.prod(self.kernel.shape[:-2])), *self.kernel.shape[-2:])

    def rows(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """The input `shape` as (blocks, rows, inputs).

        Raises:
            GraphError: the kernel does not fit.
        """
        leading = self.kernel.ndim - 2
        fits = self.kernel.ndim >= 2 and len(shape) > leading and shape[:leading] == self.kernel.shape[:-2]
        if not fits or shape[-1] != self.kernel.shape[-2]:
            message = f"a kernel of shape {self.kernel.shape} does not fit an input of shape {shape}"
            raise GraphError(message)
        rows = int(np.prod(shape[leading:-1], dtype=np.int64))
        return len(self.blocks), rows, shape[-1]

    def scaled(self, x: TensorType) -> tuple[Integers, Integers]:
        """The integer matrices (blocks, inputs, outputs) from codes to codes; exponents (blocks, outputs)."""
        steps = common_step(x.reshape(self.rows(x.shape)), (1,))
        if steps is None:
            message = "the rows of the input of Dense differ in their steps; quantise them alike"
            raise GraphError(message)
        column = steps[:, 0, :, np.newaxis] + self.exponent
        zero = self.blocks == 0
        lowest = np.where(zero, 1, self.blocks & -self.blocks)
        place = np.round(np.log2(lowest)).astype(np.int64) + column
        most = np.iinfo(np.int64).max
        lowest_place = np.where(zero, most, place).min(axis=1, initial=most)
        exponent = np.where(zero.all(axis=1), self.exponent, lowest_place)
        shift = column - exponent[:, np.newaxis]
        left, right = np.where(zero, 0, np.maximum(shift, 0)), np.where(zero, 0, np.maximum(-shift, 0))
        return (self.blocks << left) >> right, exponent

    def result(self, *types: TensorType) -> TensorType:
        """Sums of the extreme products."""
        (x,) = types
        shape = self.rows(x.shape)
        matrix, exponent = self.scaled(x)
        low, high = x.low.reshape(shape), x.high.reshape(shape)
        peak = np.maximum(high, -low).astype(float) @ np.abs(matrix).astype(float)
        if peak.max(initial=0.0) >= 2.0**62:
            message = "a sum of products needs more than 62 bits; quantise the input of the layer"
            raise GraphError(message)
        most = float(peak.max(initial=0.0))
        up, down = np.maximum(matrix, 0), np.minimum(matrix, 0)
        out = (*x.shape[:-1], matrix.shape[-1])
        least = _product(low, up, most) + _product(high, down, most)
        greatest = _product(high, up, most) + _product(low, down, most)
        full = np.broadcast_to(exponent[:, np.newaxis], least.shape)
        return TensorType(least.reshape(out), greatest.reshape(out), full.reshape(out))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Exact integer products."""
        (x,) = types
        matrix, _ = self.scaled(x)
        given = codes[0].reshape(len(codes[0]), *self.rows(x.shape))
        largest = float(np.abs(given).max(initial=0)) * float(np.abs(matrix).sum(axis=1).max(initial=0))
        product = _product(given, matrix, largest)
        return as_codes(product.reshape(len(codes[0]), *x.shape[:-1], matrix.shape[-1]))


def _product(x: Integers, matrix: Integers, most: float) -> Integers:
    """``x @ matrix`` where no sum of sizes is above `most`: exact, in floating point where that is."""
    if most < EXACT:
        return as_codes(x.astype(np.float64) @ matrix.astype(np.float64))
    return as_codes(x @ matrix)


@dataclass(frozen=True, eq=False)
class Einsum(Op):
    """Sums of products of two variable tensors, as `numpy.einsum` writes them without the batch axis.

    Attributes:
        equation: e.g. ``"qd,kd->qk"``; every index of the result stands in an operand, none stands twice in
            one operand.
    """

    operands = 2
    equation: str

    def __post_init__(self) -> None:
        match = re.fullmatch(r"([a-zA-Z]*),([a-zA-Z]*)->([a-zA-Z]*)", self.equation)
        groups = match.groups() if match else ()
        twice = any(len(set(group)) < len(group) for group in groups)
        if match is None or twice or not set(match[3]) <= set(match[1]) | set(match[2]):
            message = f"the equation of Einsum is of the form 'ij,jk->ik', not {self.equation!r}"
            raise GraphError(message)

    @property
    def indices(self) -> tuple[str, str, str]:
        """Indices of the first operand, the second and the result."""
        left, _, out = self.equation.partition("->")
        a, _, b = left.partition(",")
        return a, b, out

    def sizes(self, a: TensorType, b: TensorType) -> dict[str, int]:
        """Length of each index.

        Raises:
            GraphError: an operand has another number of axes, or the operands differ in an index.
        """
        sizes: dict[str, int] = {}
        for indices, type in zip(self.indices, (a, b), strict=False):
            if len(indices) != len(type.shape):
                message = f"Einsum {self.equation!r} does not fit the shapes {a.shape} and {b.shape}"
                raise GraphError(message)
            for index, size in zip(indices, type.shape, strict=True):
                if sizes.setdefault(index, size) != size:
                    message = f"Einsum {self.equation!r}: {index!r} differs in {a.shape} and {b.shape}"
                    raise GraphError(message)
        return sizes

    def summed(self, operand: int) -> tuple[int, ...]:
        """The axes of an operand that are summed over."""
        return tuple(n for n, i in enumerate(self.indices[operand]) if i not in self.indices[2])

    def spread(self, array: Integers, operand: int) -> Integers:
        """`array` of an operand with the axes of result and sum, length 1 where it has none."""
        own = self.indices[operand]
        order = self.indices[2] + self.contracted
        given = [own.index(i) for i in order if i in own]
        return np.expand_dims(array.transpose(given), [n for n, i in enumerate(order) if i not in own])

    @property
    def contracted(self) -> str:
        """The indices that are summed over."""
        return "".join(dict.fromkeys(i for i in "".join(self.indices[:2]) if i not in self.indices[2]))

    def result(self, *types: TensorType) -> TensorType:
        """Sums of the extremes of each product."""
        a, b = types
        self.sizes(a, b)
        steps = [common_step(t, self.summed(n)) for n, t in enumerate(types)]
        if steps[0] is None or steps[1] is None:
            message = "the elements that Einsum sums over differ in their steps; quantise them alike"
            raise GraphError(message)
        last = tuple(range(len(self.indices[2]), len(self.indices[2] + self.contracted)))
        peak = self.spread(np.maximum(a.high, -a.low), 0).astype(float) * self.spread(
            np.maximum(b.high, -b.low), 1
        ).astype(float)
        if peak.sum(axis=last).max(initial=0.0) >= 2.0**62:
            message = "a sum of products needs more than 62 bits; quantise the operands"
            raise GraphError(message)
        ends = [self.spread(x, 0) * self.spread(y, 1) for x in (a.low, a.high) for y in (b.low, b.high)]
        low = np.minimum.reduce(ends).sum(axis=last)
        high = np.maximum.reduce(ends).sum(axis=last)
        exponent = self.spread(steps[0], 0) + self.spread(steps[1], 1)
        return TensorType(low, high, np.broadcast_to(exponent.max(axis=last, initial=-(2**40)), low.shape))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Exact integer products."""
        a, b, out = ("".join(chr(ord(i)) for i in indices) for indices in self.indices)
        batch = next(i for i in "abcdefghijklmnopqrstuvwxyzABC" if i not in self.equation)
        return as_codes(np.einsum(f"{batch}{a},{batch}{b}->{batch}{out}", *codes))
