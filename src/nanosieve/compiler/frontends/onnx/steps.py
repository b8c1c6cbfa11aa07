"""A step function of bounded integers as exact integer hardware: comparisons, one multiplication, or a table.

Between two quantisers a network computes in floating point, but from finitely many integers to few integers.
The function is evaluated in the framework's own arithmetic where its steps are, and written

- with up to `FEW` steps as comparisons with thresholds, counted (FINN, arXiv:1612.07119, section 4.1.2);
- as ``floor(m * x + b)`` with fixed-point ``m`` and ``b``, if that has the same steps, each one compared;
- else as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.onnx.values import OnnxNodes, Reals
from nanosieve.compiler.graph import (
    Add,
    Gather,
    GreaterEqual,
    Integers,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Reshape,
    Rounding,
    Sum,
    TensorType,
)

__all__ = ["FEW", "Steps", "compared", "stepped"]

FEW = 15
"""Most steps that are made of comparisons wherever another form exists."""
MANY = 255
"""Most steps that are made of comparisons at all."""
SMALL_TABLE = 1 << 8
LARGE_TABLE = 1 << 16
"""Entries up to which a table is preferred to, and is possible instead of, a multiplication."""
LARGEST = 1 << 26
"""Most entries of all tables of a node, or comparisons of it."""


@dataclass(frozen=True, eq=False)
class Steps:
    """A function of each element; element ``k`` of the flattened tensor has the one of row ``k % rows``.

    Attributes:
        function: from codes (rows, n) to integers (rows, n).
        low, high: reachable codes of each row.
        slope, offset: of the line that the function rounds down, where it rounds one: per code; None if not.
        monotonic: whether it is known to rise or fall throughout.
    """

    function: Callable[[Integers], Integers]
    low: Integers
    high: Integers
    slope: Reals | None
    offset: Reals | None
    monotonic: bool


@dataclass(frozen=True, eq=False)
class _Thresholds:
    """``base + sign * number of thresholds not above the code``; shapes (rows,), that of codes (rows, n)."""

    codes: Integers
    base: Integers
    sign: Integers

    def at(self, codes: Integers) -> Integers:
        """The function at codes (rows, n)."""
        pairs = zip(self.codes, codes, strict=True)
        counts = np.stack([np.searchsorted(levels, row, side="right") for levels, row in pairs])
        return np.asarray(self.base[:, np.newaxis] + self.sign[:, np.newaxis] * counts, dtype=np.int64)


def stepped(nodes: OnnxNodes, x: str, steps: Steps) -> str | None:
    """A node with the integers of the function; None where no form is exact and small enough."""
    entries = int((steps.high - steps.low).max(initial=0)) + 1
    table = None
    if entries <= LARGE_TABLE and entries * len(steps.low) <= LARGEST:
        codes = steps.low[:, np.newaxis] + np.arange(entries)
        table = steps.function(np.minimum(codes, steps.high[:, np.newaxis]))
    thresholds = _from_table(table, steps) if table is not None else _searched(steps)
    size = nodes.type(x).size
    if (
        thresholds is not None
        and thresholds.codes.shape[1] <= FEW
        and thresholds.codes.shape[1] * size <= LARGEST
    ):
        return compared(nodes, x, thresholds.codes, thresholds.base, thresholds.sign)
    if table is not None and entries <= SMALL_TABLE:
        return _looked_up(nodes, x, table, steps.low)
    if thresholds is not None:
        node = _multiplied(nodes, x, steps, thresholds)
        if node is not None:
            return node
    if table is not None:
        return _looked_up(nodes, x, table, steps.low)
    if (
        thresholds is not None
        and thresholds.codes.shape[1] <= MANY
        and thresholds.codes.shape[1] * size <= LARGEST
    ):
        return compared(nodes, x, thresholds.codes, thresholds.base, thresholds.sign)
    return None


def _from_table(table: Integers, steps: Steps) -> _Thresholds | None:
    """The thresholds of a tabulated function; None if it does not rise or fall throughout."""
    change = np.diff(table, axis=1)
    falls, rises = (change < 0).any(axis=1), (change > 0).any(axis=1)
    if np.any(falls & rises):
        return None
    sign = np.where(falls, -1, 1)
    height = np.abs(table[:, -1] - table[:, 0])
    most = int(height.max(initial=0))
    if most * len(table) > LARGEST:
        return None
    codes = np.repeat(steps.high[:, np.newaxis] + 1, most, axis=1)
    for row in range(len(table)):
        levels = np.abs(table[row] - table[row, 0])
        n = int(height[row])
        codes[row, :n] = steps.low[row] + np.searchsorted(levels, np.arange(1, n + 1))
    return _Thresholds(codes, table[:, 0], sign)


def _searched(steps: Steps) -> _Thresholds | None:
    """The thresholds of a monotonic function, by bisection."""
    if not steps.monotonic:
        return None
    first, last = (steps.function(end[:, np.newaxis])[:, 0] for end in (steps.low, steps.high))
    height = np.abs(last - first)
    most = int(height.max(initial=0))
    if most > LARGE_TABLE or most * len(first) > LARGEST // 16:
        return None
    sign = np.where(last < first, -1, 1)
    wanted = np.arange(1, most + 1)[np.newaxis, :]
    below = np.repeat(steps.low[:, np.newaxis], most, axis=1)  # the count here is too small
    above = np.repeat(steps.high[:, np.newaxis], most, axis=1)  # and here it is enough
    while np.any(above - below > 1):
        middle = (below + above) // 2
        count = sign[:, np.newaxis] * (steps.function(middle) - first[:, np.newaxis])
        enough = count >= wanted
        above, below = np.where(enough, middle, above), np.where(enough, below, middle)
    above = np.where(wanted > height[:, np.newaxis], steps.high[:, np.newaxis] + 1, above)
    return _Thresholds(above, first, sign)


def _spread(rows: NDArray[np.int64], shape: tuple[int, ...]) -> Integers:
    """Numbers of rows as those of the elements of `shape`, further axes behind."""
    places = np.arange(np.prod(shape, dtype=np.int64)) % len(rows)
    return np.asarray(rows[places].reshape(*shape, *rows.shape[1:]), dtype=np.int64)


def compared(nodes: OnnxNodes, x: str, thresholds: Integers, base: Integers, sign: Integers) -> str:
    """``base + sign * sum_j (x >= thresholds_j)`` in codes; thresholds (rows, n), base and sign (rows,)."""
    shape, n = nodes.shape(x), thresholds.shape[1]
    if not n:
        return nodes.codes(_spread(base, shape), 0, "level")
    spread = x
    if n > 1 or not shape:
        places = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        spread = nodes.add(Gather(np.repeat(places[..., np.newaxis], n, axis=-1)), x, part="spread")
    else:
        spread = nodes.add(Reshape((*shape, 1)), x, part="spread")
    levels = nodes.codes(_spread(thresholds, shape), nodes.type(x).exponent[..., np.newaxis], "thresholds")
    bits = nodes.add(GreaterEqual(), spread, levels, part="reached")
    node = nodes.add(Sum(), bits, part="count") if n > 1 else bits
    node = nodes.reshaped(node, shape, "level")
    if np.any(sign < 0):
        node = nodes.add(Multiply(), node, nodes.codes(_spread(sign, shape), 0, "sign"), part="signed")
    if base.any():
        node = nodes.add(Add(), node, nodes.codes(_spread(base, shape), 0, "base"), part="based")
    return node


def _looked_up(nodes: OnnxNodes, x: str, table: Integers, first: Integers) -> str:
    return nodes.add(Lookup(table, first, np.zeros_like(first)), x, part="table")


def _multiplied(nodes: OnnxNodes, x: str, steps: Steps, thresholds: _Thresholds) -> str | None:
    """``floor(m * x + b)`` between lowest and highest level, in the fewest bits that give the same steps."""
    if steps.slope is None or steps.offset is None:
        return None
    peak = float(np.maximum(np.abs(steps.low), np.abs(steps.high)).max(initial=1))
    reached = thresholds.codes <= steps.high[:, np.newaxis]
    count = reached.sum(axis=1)
    ends = np.stack([thresholds.base, thresholds.base + thresholds.sign * count])
    low, high = ends.min(axis=0), ends.max(axis=0)
    after = np.where(reached, thresholds.codes, steps.high[:, np.newaxis])
    where = np.concatenate([after, np.maximum(after - 1, steps.low[:, np.newaxis])], axis=1)
    expected = thresholds.at(where)
    for bits in range(2, 44):
        m, b = np.rint(steps.slope * 2.0**bits), np.rint(steps.offset * 2.0**bits)
        if max((np.abs(m).max(initial=0) + 2) * peak, np.abs(b).max(initial=0)) >= 2.0**60:
            return None
        factor, shift, fits = m.astype(np.int64), b.astype(np.int64), np.zeros(len(m), dtype=np.bool_)
        for nudge in (
            0,
            1,
            -1,
            2,
            -2,
        ):  # ties that the framework rounds to either side bend the line a little
            near = m.astype(np.int64) + nudge
            rest = (expected << bits) - near[:, np.newaxis] * where
            least = np.where(expected > low[:, np.newaxis], rest, -(2**61)).max(axis=1)
            most = np.where(expected < high[:, np.newaxis], rest + (1 << bits) - 1, 2**61).min(axis=1)
            new = ~fits & (least <= most)
            factor, shift = np.where(new, near, factor), np.where(new, np.clip(shift, least, most), shift)
            fits |= new
        if fits.all():
            break
    else:
        return None
    shape = nodes.shape(x)
    given = nodes.type(x).exponent
    node = nodes.add(
        Multiply(), x, nodes.codes(_spread(factor, shape), -bits - given, "factor"), part="scaled"
    )
    if shift.any():
        node = nodes.add(Add(), node, nodes.codes(_spread(shift, shape), -bits, "offset"), part="shifted")
    target = TensorType(_spread(low, shape), _spread(high, shape), np.zeros(shape, dtype=np.int64))
    return nodes.add(Quantize(target, Rounding.TRN, Overflow.SAT), node, part="stepped")
