"""Every op against an independent rational meaning, and its proven range against what occurs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.exact import quantized, rational
from helpers.random_graphs import (
    ALIKE,
    EQUATIONS,
    ONE,
    aligned_operands,
    random_codes,
    random_shape,
    random_type,
)
from nanosieve.compiler.graph import (
    OPS,
    Add,
    ArgMax,
    Concatenate,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Gather,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Max,
    Min,
    Multiply,
    Nonzero,
    Op,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Scale,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
    Weights,
    Windows,
    aligning,
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
            return _products(op, types[0].shape, x)
        case Einsum():
            return _sums_of_products(op, types, values)
        case Max() | Min() | Sum():
            fold = {Max: max, Min: min, Sum: lambda row: sum(row, Fraction(0))}[type(op)]
            return [fold(row) for row in _rows(x, types[0])]
        case ArgMax():
            return [Fraction(row.index(max(row))) for row in _rows(x, types[0])]
        case Sort():
            return [v for row in _rows(x, types[0]) for v in sorted(row, reverse=True)]
        case Select():
            return [a if bit else b for bit, a, b in zip(*values, strict=True)]
        case Gather():
            return [x[n] if n >= 0 else Fraction(0) for n in op.index.reshape(-1)]
        case Windows():
            return _windows(op, types[0].shape, x)
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
            rows, c = len(op.tables), codes[0].reshape(-1)
            entries = [int(op.tables[n % rows, code - op.first[n % rows]]) for n, code in enumerate(c)]
            return [e * Fraction(2) ** int(op.exponent[n % rows]) for n, e in enumerate(entries)]
        case Nonzero():
            return [Fraction(v != 0) for v in x]
        case Scale():
            return [v * Fraction(2) ** int(s) for v, s in zip(x, op.shift.reshape(-1), strict=True)]
        case Concatenate():
            rows = [_rows(part, t) for part, t in zip(values, types, strict=True)]
            return [v for parts in zip(*rows, strict=True) for part in parts for v in part]
        case _:
            return x


def _rows(values: list[Fraction], type: TensorType) -> list[list[Fraction]]:
    length = type.shape[-1]
    return [values[n : n + length] for n in range(0, len(values), length)]


def _products(op: Dense, shape: tuple[int, ...], x: list[Fraction]) -> list[Fraction]:
    step, results = Fraction(2) ** op.exponent, []
    for *place, j in np.ndindex(*shape[:-1], op.kernel.shape[-1]):
        column = op.kernel[(*place[: op.kernel.ndim - 2], slice(None), j)]
        at = [int(np.ravel_multi_index((*place, i), shape)) for i in range(shape[-1])]
        results.append(sum((x[n] * int(w) * step for n, w in zip(at, column, strict=True)), Fraction(0)))
    return results


def _sums_of_products(op: Einsum, types: list[TensorType], values: list[list[Fraction]]) -> list[Fraction]:
    a, b, out = op.indices
    sizes = dict(zip(a + b, types[0].shape + types[1].shape, strict=True))
    others = [i for i in sizes if i not in out]
    results = []
    for place in np.ndindex(*(sizes[i] for i in out)):
        total = Fraction(0)
        for rest in np.ndindex(*(sizes[i] for i in others)):
            at = dict(zip([*out, *others], place + rest, strict=True))
            picked = [
                v[int(np.ravel_multi_index([at[i] for i in own], t.shape))] if own else v[0]
                for own, t, v in zip((a, b), types, values, strict=True)
            ]
            total += picked[0] * picked[1]
        results.append(total)
    return results


def _windows(op: Windows, shape: tuple[int, ...], x: list[Fraction]) -> list[Fraction]:
    counts = [
        (n + sum(pad) - (size - 1) * dilation - 1) // stride + 1
        for n, size, stride, dilation, pad in zip(
            shape[:-1], op.size, op.strides, op.dilation, op.padding, strict=True
        )
    ]
    results = []
    for *place, channel in np.ndindex(*counts, *op.size, shape[-1]):
        position, inside = place[: len(counts)], place[len(counts) :]
        at = [
            p * s + w * d - pad[0]
            for p, s, w, d, pad in zip(position, op.strides, inside, op.dilation, op.padding, strict=True)
        ]
        within = all(0 <= k < n for k, n in zip(at, shape[:-1], strict=True))
        results.append(x[int(np.ravel_multi_index((*at, channel), shape))] if within else Fraction(0))
    return results


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


def aligned(x: TensorType) -> TensorType:
    """One step for each element of the last axis, as `Dense` takes it."""
    op = aligning(x, tuple(range(len(x.shape) - 1)))
    return x if op is None else op.target


@pytest.mark.parametrize("name", sorted(ONE))
@given(seed=st.integers(0, 2**32 - 1))
def test_op_of_one_operand(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 9))
    x = random_type(rng, size).reshape(random_shape(rng, size))
    if name == "Dense":
        x = aligned(x)
    check(ONE[name](rng, x), [x], rng)


@pytest.mark.parametrize("name", sorted(ALIKE))
@given(seed=st.integers(0, 2**32 - 1))
def test_op_of_two_operands(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 5))
    shape = random_shape(rng, size)
    x, y = random_type(rng, size).reshape(shape), random_type(rng, size).reshape(shape)
    check(ALIKE[name], [x, x if name == "Square" else y], rng)


@given(seed=st.integers(0, 2**32 - 1))
def test_concatenate_and_select(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = random_type(rng, 6).reshape((2, 3)), random_type(rng, 4).reshape((2, 2))
    check(Concatenate(), [x, y], rng)
    size = int(rng.integers(1, 5))
    low = rng.integers(0, 2, size)
    bit = TensorType(low, np.maximum(low, rng.integers(0, 2, size)), np.zeros(size))
    check(Select(), [bit, random_type(rng, size), random_type(rng, size)], rng)


@pytest.mark.parametrize("equation", EQUATIONS)
@given(seed=st.integers(0, 2**32 - 1))
def test_einsum(equation: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check(Einsum(equation), aligned_operands(rng, equation), rng)


def test_weights_have_the_range_of_their_type() -> None:
    type = TensorType.of(Fixed(4, 2), (2,))
    assert Weights(np.array([-8, 3]), type).result() == type
    assert Weights(np.array([-8, 3]), type).evaluate(()).tolist() == [[-8, 3]]
    for codes in ([-9, 3], [8, 0], [1]):
        with pytest.raises(GraphError, match="no codes of 2 fixed<4,2>"):
            Weights(np.array(codes), type).result()


def test_every_op_is_covered() -> None:
    covered = (set(ONE) | set(ALIKE) | {"Constant", "Einsum", "Input", "Select", "Weights"}) - {"Square"}
    assert covered == set(OPS)


@given(seed=st.integers(0, 2**32 - 1))
def test_ranges_are_tight_at_the_ends(seed: int) -> None:
    """The proven ends occur, for the ops whose elements are independent: a wider range would cost bits."""
    rng = np.random.default_rng(seed)
    x = random_type(rng, 3)
    op = ONE["Dense"](rng, x)
    assert isinstance(op, Dense)
    out = op.result(x)
    (matrix,), _ = op.scaled(x)
    for j in range(matrix.shape[1]):
        best = np.where(matrix[:, j] > 0, x.high, x.low)[np.newaxis]
        worst = np.where(matrix[:, j] > 0, x.low, x.high)[np.newaxis]
        assert op.evaluate((x,), best)[0, j] == out.high[j]
        assert op.evaluate((x,), worst)[0, j] == out.low[j]


def test_nothing_in_nothing_out() -> None:
    empty = TensorType(np.zeros(0), np.zeros(0), np.zeros(0))
    assert Gather(np.array([-1])).result(empty).high.tolist() == [0]
    assert Dense(np.zeros((0, 2)), 0).result(empty).shape == (2,)
    assert Dense(np.zeros((0, 2)), 0).evaluate((empty,), np.zeros((3, 0), dtype=int)).tolist() == [[0, 0]] * 3


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
        (
            lambda: Lookup(np.zeros((2, 1)), np.zeros(2), np.zeros(2)).result(_bits(2)),
            r"^the table of element 0 covers the codes 0 … 0, but its input reaches 0 … 1$",
        ),
        (
            lambda: Lookup(np.zeros((2, 2)), np.zeros(2), np.zeros(2)).result(_bits(3)),
            r"^2 tables do not serve 3 elements in turn$",
        ),
        (lambda: Gather(np.array([0, 2])).result(_bits(2)), r"^an index 0 … 2 does not fit 2 elements$"),
        (
            lambda: Windows((3,), (1,), (2,), ((0, 0),)).result(_bits(2).reshape((2, 1))),
            r"larger than the inp",
        ),
        (lambda: Windows((3,), (0,), (2,), ((0, 0),)), r"stride and dilation of 1 or more"),
        (lambda: Select().result(_wide(3), _bits(1), _bits(1)), r"first operand of Select is a bit"),
        (lambda: Einsum("ii,i->i"), r"of the form 'ij,jk->ik', not 'ii,i->i'"),
        (lambda: Einsum("i,i->").result(_bits(2), _bits(3)), r"'i' differs in \(2,\) and \(3,\)"),
        (lambda: LeakyRelu(4, -2).result(_bits(2)), r"slope of LeakyRelu is between 0 and 1"),
        (
            lambda: Quantize(
                TensorType(np.zeros(1), np.full(1, 4), np.zeros(1)), Rounding.TRN, Overflow.WRAP
            ),
            r"WRAP needs a range",
        ),
        (lambda: Multiply().result(_wide(40), _wide(40)), r"a product needs more than 62 bits"),
        (lambda: Add().result(_wide(40), _coarse(30)), r"differ too much in their steps"),
        (lambda: GreaterEqual().result(_wide(40), _coarse(30)), r"differ too much in their steps"),
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


def _coarse(exponent: int) -> TensorType:
    return TensorType(np.zeros(1), np.full(1, 2**40 - 1), np.full(1, exponent))


def _wide(bits: int, size: int = 1) -> TensorType:
    return TensorType(np.zeros(size), np.full(size, 2**bits - 1), np.zeros(size))
