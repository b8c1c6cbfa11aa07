"""Every op against an independent rational meaning, and its proven range against what occurs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.exact import quantized, rational
from helpers.random_graphs import BINARY, UNARY, random_codes, random_type
from nanosieve.compiler.graph import (
    OPS,
    Add,
    Concatenate,
    Constant,
    Dense,
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
    Scale,
    Subtract,
    Sum,
    TensorType,
)
from nanosieve.errors import GraphError

EVENTS = 24


def meaning(  # noqa: C901 - one arm for each op
    op: Op, types: list[TensorType], codes: list[np.ndarray]
) -> list[Fraction]:
    """What the op computes for one event, in rational numbers."""
    values = [rational(c, t) for c, t in zip(codes, types, strict=True)]
    x = values[0]
    match op:
        case Quantize():
            return quantized(op, x)
        case Dense():
            step = Fraction(2) ** op.exponent
            return [sum(x[i] * int(w) * step for i, w in enumerate(column)) for column in op.kernel.T]
        case Add() | Subtract():
            sign = -1 if isinstance(op, Subtract) else 1
            return [a + sign * b for a, b in zip(*values, strict=True)]
        case Multiply():
            return [a * b for a, b in zip(*values, strict=True)]
        case GreaterEqual():
            return [Fraction(a >= b) for a, b in zip(*values, strict=True)]
        case Relu():
            return [max(v, Fraction(0)) for v in x]
        case LeakyRelu():
            return [v if v >= 0 else v * op.code * Fraction(2) ** op.exponent for v in x]
        case Lookup():
            index = (codes[0] - types[0].low).reshape(-1)
            steps = op.exponent.reshape(-1)
            return [int(op.tables[n, i]) * Fraction(2) ** int(steps[n]) for n, i in enumerate(index)]
        case Nonzero():
            return [Fraction(v != 0) for v in x]
        case Scale():
            return [v * Fraction(2) ** int(s) for v, s in zip(x, op.shift.reshape(-1), strict=True)]
        case Sum():
            return [sum(x, Fraction(0))]
        case Concatenate():
            return [v for part in values for v in part]
        case _:
            return x


def check(op: Op, types: list[TensorType], rng: np.random.Generator) -> None:
    out = op.result(*types)
    codes = [random_codes(rng, t, EVENTS) for t in types]
    if isinstance(op, Multiply) and op.square:
        codes[1] = codes[0]
    results = np.broadcast_to(op.evaluate(tuple(types), *codes), (EVENTS, *out.shape))
    assert out.holds(results).all(), f"{type(op).__name__} leaves its proven range"
    for event in range(EVENTS):
        expected = meaning(op, types, [c[event] for c in codes])
        assert rational(results[event], out) == expected


@pytest.mark.parametrize("name", sorted(UNARY))
@given(seed=st.integers(0, 2**32 - 1))
def test_unary_op(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = random_type(rng, int(rng.integers(1, 6)))
    check(UNARY[name](rng, x), [x], rng)


@pytest.mark.parametrize("name", sorted(BINARY))
@given(seed=st.integers(0, 2**32 - 1))
def test_binary_op(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 5))
    check(BINARY[name], [random_type(rng, size), random_type(rng, size)], rng)


@given(seed=st.integers(0, 2**32 - 1))
def test_square_and_concatenate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = random_type(rng, 3), random_type(rng, 2)
    check(Multiply(square=True), [x, x], rng)
    check(Concatenate(), [x, y], rng)


def test_every_op_is_covered() -> None:
    covered = set(UNARY) | set(BINARY) | {"Concatenate", "Constant", "Input"}
    assert covered == set(OPS)


@given(seed=st.integers(0, 2**32 - 1))
def test_ranges_are_tight_at_the_ends(seed: int) -> None:
    """The proven ends occur, for the ops whose elements are independent: a wider range would cost bits."""
    rng = np.random.default_rng(seed)
    x = random_type(rng, 3)
    op = UNARY["Dense"](rng, x)
    assert isinstance(op, Dense)
    out = op.result(x)
    matrix, _ = op.scaled(x)
    for j in range(matrix.shape[1]):
        best = np.where(matrix[:, j] > 0, x.high, x.low)[np.newaxis]
        worst = np.where(matrix[:, j] > 0, x.low, x.high)[np.newaxis]
        assert op.evaluate((x,), best)[0, j] == out.high[j]
        assert op.evaluate((x,), worst)[0, j] == out.low[j]


def test_the_check_bites() -> None:
    """A wrong meaning is found: truncation is not rounding."""
    rng = np.random.default_rng(3)
    x = TensorType(np.full(4, -32), np.full(4, 31), np.full(4, -3))
    right = Quantize(TensorType(np.full(4, -8), np.full(4, 7), np.full(4, -1)), Rounding.RND, Overflow.SAT)
    wrong = Quantize(right.target, Rounding.TRN, Overflow.SAT)
    codes = random_codes(rng, x, EVENTS)
    assert not np.array_equal(right.evaluate((x,), codes), wrong.evaluate((x,), codes))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Add().result(_bits(2), _bits(3)),
            r"^Add takes two tensors of one shape, not \(2,\) and \(3,\)$",
        ),
        (lambda: Dense(np.ones((3, 2)), 0).result(_bits(2)), r"kernel of shape \(3, 2\) does not fit"),
        (lambda: Lookup(np.zeros((2, 1)), np.zeros(2)).result(_bits(2)), r"do not cover 2 elements"),
        (lambda: LeakyRelu(4, -2).result(_bits(2)), r"slope of LeakyRelu is between 0 and 1"),
        (
            lambda: Quantize(
                TensorType(np.zeros(1), np.full(1, 4), np.zeros(1)), Rounding.TRN, Overflow.WRAP
            ),
            r"WRAP needs a range",
        ),
        (lambda: Multiply().result(_wide(40), _wide(40)), r"a product needs more than 62 bits"),
        (lambda: Constant(np.array([2**62]), np.array([0])).result(), r"needs more than 62 bits"),
        (lambda: TensorType(np.ones(1), np.zeros(1), np.zeros(1)), r"range of a type is empty"),
        (
            lambda: Dense(np.full((8, 1), 2**30 - 1), 0).result(_wide(33, 8)),
            r"sum of products needs more than 62",
        ),
    ],
)
def test_bad_ops_are_refused(build: object, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        build()  # type: ignore[operator]


def _bits(size: int) -> TensorType:
    return TensorType(np.zeros(size), np.ones(size), np.zeros(size))


def _wide(bits: int, size: int = 1) -> TensorType:
    return TensorType(np.zeros(size), np.full(size, 2**bits - 1), np.zeros(size))
