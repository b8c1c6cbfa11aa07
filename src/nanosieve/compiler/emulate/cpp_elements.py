"""C++ expressions of the ops that work element by element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate.cpp_source import Source, bits_of, cast, integer, literal
from nanosieve.compiler.graph import (
    Add,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Multiply,
    Nonzero,
    Op,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Select,
    Subtract,
    TensorType,
)
from nanosieve.compiler.graph.fixed import Integers

__all__ = ["ELEMENTWISE", "FixedScalar", "Scalar", "expression", "varying"]


@dataclass(frozen=True)
class Scalar:
    """Element ``k`` of an operand.

    Attributes:
        written: the C++ expression of its code.
        bits: of the expression.
        type: of the whole tensor.
    """

    written: str
    bits: int
    type: TensorType

    @property
    def text(self) -> str:
        """The C++ expression of its code."""
        return self.written

    def at(self, bits: int) -> str:
        """The expression with so many bits."""
        return cast(self.text, self.bits, bits)


@dataclass(frozen=True)
class FixedScalar(Scalar):
    """Element ``k`` of a constant.

    Attributes:
        codes: of the whole tensor.
        source: takes in the array of them, if they differ and are used as they are.
    """

    codes: Integers
    source: Source

    @property
    def text(self) -> str:
        """The C++ expression of its code."""
        return self.source.term(self.codes)


def expression(source: Source, op: Op, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    """The C++ expression of element ``k`` of `op`, and its bits."""
    return ELEMENTWISE[type(op)](source, op, operands, result)


def varying(x: TensorType) -> NDArray[np.bool_]:
    """The elements that are not always zero: their steps matter."""
    return np.asarray((x.low != 0) | (x.high != 0))


def _aligned(source: Source, operands: list[Scalar], *more: Integers) -> tuple[list[str], int]:
    """The expressions of two operands at their finer step, and the bits that these and `more` need."""
    exponent = np.minimum(operands[0].type.exponent, operands[1].type.exponent)
    shifts, ends = [], list(more)
    for x in operands:
        care = varying(x.type)
        shifts.append(np.where(care, x.type.exponent - exponent, 0))
        ends += [x.type.low << shifts[-1], x.type.high << shifts[-1]]
    bits = bits_of(*ends)
    return [_shifted(source, x, shift, bits) for x, shift in zip(operands, shifts, strict=True)], bits


def _shifted(source: Source, x: Scalar, shift: Integers, bits: int) -> str:
    """``x * 2**shift`` of so many bits; a product, as C++17 does not define the shift of negative numbers."""
    if isinstance(x, FixedScalar):
        text = source.term(x.codes << shift)
        return cast(text, 32, bits)
    factor = source.term(np.int64(1) << shift, care=varying(x.type))
    return x.at(bits) if factor in ("0", "1") else f"{x.at(bits)} * {factor}"


def _add(source: Source, op: Any, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    (a, b), bits = _aligned(source, operands, result.low, result.high)
    return f"{a} {'+' if op.sign > 0 else '-'} {b}", bits


def _multiply(source: Source, op: Op, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    a, b = operands
    bits = bits_of(a.type.low, a.type.high, b.type.low, b.type.high, result.low, result.high)
    return f"{a.at(bits)} * {b.at(bits)}", bits


def _relu(source: Source, op: Op, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    bits = bits_of(operands[0].type.low, operands[0].type.high)
    return f"at_least<{integer(bits)}>({operands[0].text}, 0)", bits


def _leaky(source: Source, op: Any, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    (x,) = operands
    bits = bits_of(x.type.low, x.type.high, result.low, result.high, 1 << -op.exponent)
    return f"{x.at(bits)} * ({x.text} >= 0 ? {literal(1 << -op.exponent)} : {literal(op.code)})", bits


def _lookup(source: Source, op: Any, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    (x,) = operands
    rows, entries = op.tables.shape
    table, bits = source.array(op.tables)
    row = op.rows(x.type)
    span = bits_of(x.type.low, x.type.high, op.first, x.type.low - op.first[row], x.type.high - op.first[row])
    first = source.term(op.first, f"k % {rows}")
    index = f"static_cast<std::size_t>({x.at(span)} - {first})"
    if rows > 1:
        index = f"k % {rows} * {entries} + {index}"
    return f"{table}[{index}]", bits


def _select(source: Source, op: Op, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    (a, b), bits = _aligned(source, operands[1:])
    return f"{operands[0].text} != 0 ? {a} : {b}", bits


def _nonzero(source: Source, op: Op, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    return f"{operands[0].text} != 0 ? 1 : 0", 32


def _greater_equal(source: Source, op: Op, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    (a, b), _ = _aligned(source, operands)
    return f"{a} >= {b} ? 1 : 0", 32


def _quantize(source: Source, op: Any, operands: list[Scalar], result: TensorType) -> tuple[str, int]:
    (x,) = operands
    given, target, care = x.type, op.target, varying(x.type)
    shift = np.where(care, target.exponent - given.exponent, 0)
    up, down = np.maximum(-shift, 0), np.clip(shift, 0, 63)
    low, high = op.round(given.low, given.exponent), op.round(given.high, given.exponent)
    half = np.where((down > 0) & (op.rounding is not Rounding.TRN), np.int64(1) << np.maximum(down - 1, 0), 0)
    ends = [given.low << up, (given.high << up) + half, low, high]
    if down.max(initial=0) > 30:
        ends.append(np.int64(1) << 32)  # so far only int64 can be shifted
    outside = (low < target.low) | (high > target.high)
    if outside.any() and op.overflow is Overflow.WRAP:
        ends += [low - target.low, high - target.low, target.low, target.high, target.high - target.low]
    # ends of the range that no code comes near say the same as nearer ones, which need fewer bits
    least = np.maximum(target.low, low.min(initial=0))
    most = np.minimum(target.high, max(int(high.max(initial=0)), int(least.max(initial=0))))
    if outside.any():
        ends += [least, most]
    bits = bits_of(*ends)
    text = _shifted(source, x, up, bits)
    if down.any():
        text = f"{_ROUND[op.rounding]}<{integer(bits)}>({text}, {source.term(down, care=care)})"
    if outside.any() and op.overflow is Overflow.WRAP:
        mask, start = source.term(target.high - target.low), source.term(target.low)
        inside = text if start == "0" else f"({text} - {start})"
        text = f"({inside} & {mask})" if start == "0" else f"({inside} & {mask}) + {start}"
    elif outside.any():
        if np.any(low < target.low):
            text = f"at_least<{integer(bits)}>({text}, {source.term(least)})"
        if np.any(high > target.high):
            text = f"at_most<{integer(bits)}>({text}, {source.term(most)})"
    return text, bits


_ROUND = {
    Rounding.TRN: "floor_shift",
    Rounding.RND: "round_shift",
    Rounding.RND_CONV: "even_shift",
}

ELEMENTWISE: dict[type[Op], Callable[[Source, Any, list[Scalar], TensorType], tuple[str, int]]] = {
    Add: _add,
    GreaterEqual: _greater_equal,
    LeakyRelu: _leaky,
    Lookup: _lookup,
    Multiply: _multiply,
    Nonzero: _nonzero,
    Quantize: _quantize,
    Relu: _relu,
    Select: _select,
    Subtract: _add,
}
"""The ops that make a loop together with their neighbours."""
