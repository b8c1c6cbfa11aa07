"""C++ functions of the ops that combine elements: products, reductions and rewiring.

Each gives the lines of a function from pointers ``x0``, ``x1`` … to a pointer ``y``, row-major.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from nanosieve.compiler.emulate.cpp_elements import varying
from nanosieve.compiler.emulate.cpp_source import Source, bits_of, cast, integer, loops, offset
from nanosieve.compiler.graph import (
    ArgMax,
    Concatenate,
    Dense,
    Einsum,
    Gather,
    Max,
    Min,
    Op,
    Sort,
    Sum,
    TensorType,
    Windows,
)
from nanosieve.compiler.graph.fixed import Integers
from nanosieve.compiler.graph.steps import finest_step

__all__ = ["TENSOR_OPS", "Tensor", "body"]

LANES = 8
"""16-bit integers in the vectors that every x86-64 and ARMv8 has."""


@dataclass(frozen=True)
class Tensor:
    """An operand or the result.

    Attributes:
        name: of the pointer.
        bits: of the integers in memory.
        type: of the codes.
    """

    name: str
    bits: int
    type: TensorType

    def at(self, index: str, bits: int) -> str:
        """The element at `index`, as an expression of so many bits."""
        return cast(f"{self.name}[{index}]", self.bits, bits)

    def store(self, index: str, text: str, bits: int) -> str:
        """The statement that puts `text`, of so many bits, at `index`."""
        value = text if max(bits, 32) == self.bits else f"static_cast<{integer(self.bits)}>({text})"
        return f"{self.name}[{index}] = {value};"

    @property
    def peak(self) -> Integers:
        """Largest magnitude of each element."""
        return np.maximum(self.type.high, -self.type.low)


def body(source: Source, op: Op, operands: Sequence[Tensor], result: Tensor) -> list[str]:
    """The lines of the function of `op`; nothing for an empty result."""
    return TENSOR_OPS[type(op)](source, op, operands, result) if result.type.size else []


def _dense(source: Source, op: Any, operands: Sequence[Tensor], y: Tensor) -> list[str]:
    (x,) = operands
    matrix, _ = op.scaled(x.type)
    blocks, rows, n = op.rows(x.type.shape)
    m = matrix.shape[-1]
    most = (x.peak.reshape(blocks, rows, n).astype(float) @ np.abs(matrix).astype(float)).max(initial=0.0)
    bits = bits_of(x.type.low, x.type.high, matrix, int(most))
    kernel, _ = source.array(matrix.transpose(0, 2, 1), narrowest=16)  # products of int16 vectorise best
    given = offset(("b", blocks, rows * n), ("r", rows, n), ("i", n, 1))
    weight = offset(("b", blocks, m * n), ("j", m, n), ("i", n, 1))
    to = offset(("b", blocks, rows * m), ("r", rows, m), ("j", m, 1))
    product = f"sum += {x.at(given, bits)} * {kernel}[{weight}];"
    whole = n - n % LANES if n > LANES else n
    total = [f"{integer(bits)} sum = 0;", *loops([("i", whole)], [product])]
    if whole < n:  # compilers turn a loop of whole vectors into vector code more readily
        total.append(f"for (std::size_t i = {whole}; i < {n}; ++i) {product}")
    total.append(y.store(to, "sum", bits))
    return loops([("b", blocks), ("r", rows), ("j", m)], total)


def _einsum(source: Source, op: Any, operands: Sequence[Tensor], y: Tensor) -> list[str]:
    a, b = operands
    sizes = op.sizes(a.type, b.type)
    indices, out, contracted = op.indices, op.indices[2], op.contracted
    last = tuple(range(len(out), len(out + contracted)))
    products = op.spread(a.peak, 0).astype(float) * op.spread(b.peak, 1).astype(float)
    most = int(products.sum(axis=last).max(initial=0.0))
    bits = bits_of(a.type.low, a.type.high, b.type.low, b.type.high, most)

    def place(letters: str) -> str:
        lengths = [sizes[i] for i in letters]
        return offset(*((f"i_{i}", sizes[i], prod(lengths[n + 1 :])) for n, i in enumerate(letters)))

    product = f"sum += {a.at(place(indices[0]), bits)} * {b.at(place(indices[1]), bits)};"
    total = [
        f"{integer(bits)} sum = 0;",
        *loops([(f"i_{i}", sizes[i]) for i in contracted], [product]),
        y.store(place(out), "sum", bits),
    ]
    return loops([(f"i_{i}", sizes[i]) for i in out], total)


def _aligned(source: Source, x: Tensor, bits: int, shift: Integers) -> str:
    """Element ``n`` of row ``r`` at the finest step of the row."""
    index = offset(("r", x.type.size // x.type.shape[-1], x.type.shape[-1]), ("n", x.type.shape[-1], 1))
    factor = source.term(np.int64(1) << shift, index, inner="n", care=varying(x.type))
    text = x.at(index, bits)
    return text if factor in ("0", "1") else f"{text} * {factor}"


def _reduction(start: str, step: str) -> Callable[[Source, Any, Sequence[Tensor], Tensor], list[str]]:
    """A loop over the last axis: `start` declares, `step` takes in ``value`` of element ``n``."""

    def lines(source: Source, op: Any, operands: Sequence[Tensor], y: Tensor) -> list[str]:
        (x,) = operands
        _, shift = finest_step(x.type, (-1,))
        length = x.type.shape[-1]
        sums = (x.peak << shift).sum(axis=-1) if isinstance(op, Sum) else x.peak << shift
        bits = bits_of(x.type.low, x.type.high, x.type.low << shift, x.type.high << shift, sums)
        rows = x.type.size // length
        value = _aligned(source, x, bits, shift)
        words = {"@T": integer(bits)}
        inner = [f"const {integer(bits)} value = {value};", *_filled(step, words)]
        if length == 1:
            inner = ["[[maybe_unused]] const std::size_t n = 0;", *inner]
        store = y.store(offset(("r", rows, 1)), "result", 32 if isinstance(op, ArgMax) else bits)
        return loops([("r", rows)], [*_filled(start, words), *loops([("n", length)], inner), store])

    return lines


def _filled(text: str, words: dict[str, str]) -> list[str]:
    for word, value in words.items():
        text = text.replace(word, value)
    return text.split("\n") if text else []


def _sort(source: Source, op: Op, operands: Sequence[Tensor], y: Tensor) -> list[str]:
    (x,) = operands
    _, shift = finest_step(x.type, (-1,))
    length = x.type.shape[-1]
    rows = x.type.size // length
    bits = bits_of(x.type.low << shift, x.type.high << shift)
    index = offset(("r", rows, length), ("n", length, 1))
    copy = loops([("n", length)], [y.store(index, _aligned(source, x, bits, shift), bits)])
    start = f"y + r * {length}" if rows > 1 else "y"
    order = f"std::sort({start}, {start} + {length}, std::greater<{integer(y.bits)}>());"
    return loops([("r", rows)], [*copy, order])


def _concatenate(source: Source, op: Op, operands: Sequence[Tensor], y: Tensor) -> list[str]:
    lines: list[str] = []
    total, at = y.type.shape[-1], 0
    rows = y.type.size // total
    for x in operands:
        length = x.type.shape[-1]
        if length:
            to = offset(("r", rows, total), ("n", length, 1))
            given = x.at(offset(("r", rows, length), ("n", length, 1)), max(x.bits, 32))
            copy = y.store(to if not at else f"{to} + {at}", given, x.bits)
            lines += loops([("r", rows), ("n", length)], [copy])
        at += length
    return lines


def _gather(source: Source, op: Any, operands: Sequence[Tensor], y: Tensor) -> list[str]:
    (x,) = operands
    axes = _regular(op.index)
    if axes is not None:
        lengths = [length for length, _ in axes]
        to = offset(*((f"i{n}", length, prod(lengths[n + 1 :])) for n, length in enumerate(lengths)))
        strides = [(f"i{n}", 2, abs(stride), stride < 0) for n, (_, stride) in enumerate(axes) if stride]
        place = str(int(op.index.flat[0]))
        for index, _, stride, backwards in strides:
            place += f" {'-' if backwards else '+'} {offset((index, 2, stride))}"
        place = place.removeprefix("0 + ")
        pick = y.store(to, x.at(place, max(x.bits, 32)), x.bits)
        return loops([(f"i{n}", length) for n, length in enumerate(lengths)], [pick])
    index, _ = source.array(op.index)
    value = x.at(f"static_cast<std::size_t>({index}[k])", max(x.bits, 32))
    if np.any(op.index < 0):
        value = f"{index}[k] < 0 ? 0 : {value}"
    picks = loops([("k", y.type.size)], [y.store("k", value, x.bits)])
    return picks if y.type.size > 1 else ["const std::size_t k = 0;", *picks]


def _regular(index: Integers) -> list[tuple[int, int]] | None:
    """The axes (length, stride) if `index` has one stride along each: a slice, permutation or repetition."""
    axes: list[tuple[int, int]] = []
    origin = (0,) * index.ndim
    rebuilt = index[origin]
    for n, length in enumerate(index.shape):
        second = tuple(int(m == n) for m in range(index.ndim))
        stride = int(index[second] - index[origin]) if length > 1 else 0
        rebuilt = rebuilt[..., np.newaxis] + stride * np.arange(length)
        axes.append((length, stride))
    if np.any(index < 0) or not np.array_equal(rebuilt, index):
        return None
    merged: list[tuple[int, int]] = []
    for length, stride in axes:
        if length == 1:
            continue
        if merged and merged[-1][1] == stride * length:
            merged[-1] = (merged[-1][0] * length, stride)
        else:
            merged.append((length, stride))
    return merged


def _windows(source: Source, op: Any, operands: Sequence[Tensor], y: Tensor) -> list[str]:
    (x,) = operands
    *lengths, channels = x.type.shape
    places, windows, inside, axes = [], [], [], []
    starts: list[str] = []
    for n, length in enumerate(lengths):
        before, after = op.padding[n]
        span = (op.size[n] - 1) * op.dilation[n] + 1
        count = (length + before + after - span) // op.strides[n] + 1
        places.append((f"p{n}", count))
        windows.append((f"w{n}", op.size[n]))
        at = offset((f"p{n}", count, op.strides[n]), (f"w{n}", op.size[n], op.dilation[n]))
        starts.append(f"const std::size_t q{n} = {at};")
        if before:
            inside.append(f"q{n} >= {before}")
        if before or after:
            inside.append(f"q{n} < {before + length}")
        axes.append((f"(q{n} - {before})" if before else f"q{n}", prod(lengths[n + 1 :]) * channels))
    value = x.at(offset(*((i, 2, stride) for i, stride in axes), ("c", channels, 1)), max(x.bits, 32))
    if inside:
        value = f"{' && '.join(inside)} ? {value} : 0"
    pick = loops([("c", channels)], [y.store("k++", value, x.bits)])
    return ["std::size_t k = 0;", *loops(places, loops(windows, [*starts, *pick]))]


TENSOR_OPS: dict[type[Op], Callable[[Source, Any, Sequence[Tensor], Tensor], list[str]]] = {
    ArgMax: _reduction(
        "@T best = 0;\nstd::int32_t result = 0;",
        "if (n == 0 || value > best) {\n    best = value;\n    result = static_cast<std::int32_t>(n);\n}",
    ),
    Concatenate: _concatenate,
    Dense: _dense,
    Einsum: _einsum,
    Gather: _gather,
    Max: _reduction("@T result = 0;", "result = n == 0 ? value : at_least<@T>(result, value);"),
    Min: _reduction("@T result = 0;", "result = n == 0 ? value : at_most<@T>(result, value);"),
    Sort: _sort,
    Sum: _reduction("@T result = 0;", "result += value;"),
    Windows: _windows,
}
"""The ops that have a function of their own."""
