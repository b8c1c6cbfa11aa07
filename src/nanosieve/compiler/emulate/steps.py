"""The steps of a plan: each computes one block of values, exact in its tier, from blocks computed before.

A step is called with the blocks of its operands (events, elements), the block of its result and scratch
memory of its thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate import kernels
from nanosieve.compiler.emulate.runs import Runs
from nanosieve.compiler.emulate.stage import Apply
from nanosieve.compiler.emulate.tiers import FLOAT32, INT64, Tier, wider
from nanosieve.compiler.graph import Integers, Op, TensorType

__all__ = [
    "Apply2",
    "Block",
    "Choose",
    "Convert",
    "Elementwise",
    "Fill",
    "Join",
    "LookUp",
    "NotZero",
    "Pick",
    "PickReduce",
    "Product",
    "Reduce",
    "Reference",
    "SmallProducts",
    "SortRows",
    "Step",
    "WindowProduct",
]

Block = NDArray[Any]

SMALL = 2048
"""Multiplications up to which a product of matrices is not worth a call of BLAS."""
AT_ONCE = 1_000_000
"""Multiplications in one piece of a product: up to about so many OpenBLAS copies no operand first."""
FEWEST_ROWS = 100
"""For which a piece is worth it."""
TILE_BYTES = 1024 * 1024
"""Windows laid out at a time."""


class Step(Protocol):
    """What computes one value."""

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Fill `out`."""


@dataclass(frozen=True)
class Convert:
    """The same integers in another format."""

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Cast."""
        np.copyto(out, operands[0], casting="unsafe")


@dataclass(frozen=True)
class Fill:
    """A constant where an op has no better use of it."""

    codes: Block

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """The same for each event."""
        out[...] = self.codes


@dataclass(frozen=True)
class Elementwise:
    """A stage."""

    apply: Apply

    @property
    def tier(self) -> Tier:
        """Its arithmetic."""
        return self.apply.tier

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """One pass."""
        self.apply(operands[0].reshape(-1), out.reshape(-1))


@dataclass(frozen=True)
class Reference:
    """Element by element in int64, as the op itself defines it: where no float is exact."""

    op: Op
    types: tuple[TensorType, ...]

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Ask the op."""
        codes = (x.reshape(-1, *type.shape) for x, type in zip(operands, self.types, strict=True))
        out[...] = self.op.evaluate(self.types, *codes).reshape(out.shape)


@dataclass(frozen=True)
class Apply2:
    """A NumPy function of two aligned values."""

    function: np.ufunc

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Apply it; comparisons become 0 and 1."""
        self.function(*operands, out=out, casting="unsafe")


@dataclass(frozen=True)
class NotZero:
    """1 where the operand is not 0, else 0."""

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Compare."""
        np.not_equal(operands[0], 0, out=out, casting="unsafe")


@dataclass(frozen=True)
class Choose:
    """The second operand where the first is not 0, else the third."""

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Choose."""
        bit, a, b = operands
        np.copyto(out, b)
        np.copyto(out, a, where=bit != 0)


@dataclass(frozen=True)
class LookUp:
    """A table per element."""

    place: Integers
    table: Block

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """One read per element."""
        kernels.look_up(operands[0].reshape(-1), self.place, self.table, out.reshape(-1))


@dataclass(frozen=True)
class Reduce:
    """Rows of `length` elements to one."""

    length: int
    kind: int

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Row by row."""
        kernels.reduce_last(operands[0].reshape(-1, self.length), self.kind, out.reshape(-1))


@dataclass(frozen=True)
class SortRows:
    """Rows of `length` elements, the largest first."""

    length: int

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Row by row."""
        out.reshape(-1, self.length)[...] = np.sort(operands[0].reshape(-1, self.length), axis=-1)[:, ::-1]


@dataclass(frozen=True)
class Pick:
    """Elements by an index."""

    index: Integers
    runs: Runs

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Run by run."""
        kernels.pick(operands[0], self.runs.sources, self.runs.length, self.runs.step, out)


@dataclass(frozen=True)
class PickReduce:
    """`Pick`, then `Reduce`, without the values between: pooling; `index` is (members, elements)."""

    index: Integers
    runs: Runs
    kind: int

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Run by run."""
        sources = self.runs.sources.reshape(len(self.index), -1)
        kernels.pick_reduce(operands[0], sources, self.runs.length, self.runs.step, self.kind, out)


@dataclass(frozen=True)
class Join:
    """Operands side by side along the last axis of `widths`."""

    widths: tuple[int, ...]

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Copy each into its columns."""
        columns = out.reshape(-1, sum(self.widths))
        at = 0
        for x, width in zip(operands, self.widths, strict=True):
            columns[:, at : at + width] = x.reshape(-1, width)
            at += width


def _multiply(x: Block, matrix: Block, out: Block) -> None:
    """``x @ matrix``, some rows at a time within one call."""
    inputs, outputs = matrix.shape
    rows = AT_ONCE // max(1, inputs * outputs)
    whole = len(x) // rows * rows if rows >= FEWEST_ROWS else 0
    if whole:
        np.matmul(x[:whole].reshape(-1, rows, inputs), matrix, out=out[:whole].reshape(-1, rows, outputs))
    if whole < len(x):
        np.matmul(x[whole:], matrix, out=out[whole:])


@dataclass(frozen=True)
class Product:
    """Constant matrices (blocks, inputs, outputs) applied to (blocks, rows, inputs)."""

    matrix: Block
    rows: int

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """BLAS for floats that are worth it."""
        blocks, inputs, outputs = self.matrix.shape
        x = operands[0].reshape(-1, blocks, self.rows, inputs)
        y = out.reshape(-1, blocks, self.rows, outputs)
        if out.dtype == INT64 or (blocks > 1 and self.rows * inputs * outputs <= SMALL):
            kernels.products(x.reshape(-1, self.rows, inputs), self.matrix, y.reshape(-1, self.rows, outputs))
        elif blocks == 1:
            _multiply(x.reshape(-1, inputs), self.matrix[0], y.reshape(-1, outputs))
        elif self.rows == 1:
            for n in range(blocks):
                np.matmul(x[:, n, 0], self.matrix[n], out=y[:, n, 0])
        else:
            np.matmul(x, self.matrix, out=y)


@dataclass(frozen=True)
class SmallProducts:
    """Products of two variables: (groups, rows, terms) with (groups, terms, columns)."""

    groups: int
    rows: int
    terms: int
    columns: int

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """BLAS for floats that are worth it."""
        a = operands[0].reshape(-1, self.rows, self.terms)
        b = operands[1].reshape(-1, self.terms, self.columns)
        y = out.reshape(-1, self.rows, self.columns)
        if out.dtype == INT64 or self.rows * self.terms * self.columns <= SMALL:
            kernels.products(a, b, y)
        else:
            np.matmul(a, b, out=y)


@dataclass(frozen=True)
class WindowProduct:
    """`Pick` of windows, a `Product` with one matrix, a pooling and a stage, tile by tile.

    Attributes:
        sources: where the runs of each window begin, (members of a pool, windows, runs); one member where
            nothing is pooled.
        length: of the runs.
        matrix: (inputs, outputs).
        kind: of the pooling.
        apply: the stage.
        tile: windows, or pools of them, that fit the cache.
    """

    sources: Integers
    length: int
    matrix: Block
    kind: int
    apply: Apply | None
    tile: int

    @property
    def tier(self) -> Tier:
        """Its arithmetic, the widest."""
        return wider(self.matrix.dtype, self.apply.tier if self.apply else FLOAT32)

    @property
    def scratch(self) -> int:
        """Bytes of scratch memory."""
        inputs, outputs = self.matrix.shape
        return int(self.tile * len(self.sources) * (inputs + outputs) * self.matrix.itemsize)

    def __call__(self, operands: list[Block], out: Block, scratch: Block) -> None:
        """Lay out, multiply, pool and finish a tile while it is in the cache."""
        inputs, outputs = self.matrix.shape
        members = len(self.sources)
        y = out.reshape(-1, outputs)
        memory = scratch[: self.scratch].view(self.matrix.dtype)
        for first in range(0, len(y), self.tile):
            made = y[first : first + self.tile]
            count = len(made)
            laid = memory[: members * count * inputs].reshape(-1, inputs)
            raw = memory[laid.size :][: members * made.size].reshape(-1, outputs)
            kernels.windows(operands[0], self.sources, self.length, first, count, laid)
            if members == 1 and self.apply is None:
                _multiply(laid, self.matrix, made)
                continue
            _multiply(laid, self.matrix, raw)
            if members > 1:
                kernels.pool(raw.reshape(members, -1), self.kind)
            if self.apply is not None:
                self.apply(raw[:count].reshape(-1), made.reshape(-1))
            else:
                np.copyto(made, raw[:count])
