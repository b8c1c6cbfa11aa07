"""Where float32 is too narrow for a framework: the proof is checked against float32 itself."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from nanosieve.compiler.frontends.hgq.float32 import report_wide_values, wide_values
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Graph,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    Sum,
    TensorType,
)


def dense(width: int, inputs: int, weight: int = 1) -> Graph:
    b = Builder()
    x = b.input("x", TensorType.of(Fixed(width, width, signed=False), (inputs,)))
    return b.finish({"y": b.add(Dense(np.full((inputs, 1), weight), 0), x, layer="sum")})


def test_sums_up_to_the_last_bit_of_float32() -> None:
    assert wide_values(dense(20, 16)) == {}  # 16 * (2**20 - 1) < 2**24
    assert wide_values(dense(20, 17)) == {"sum": 25}
    assert np.float32(2**24) + np.float32(1) == np.float32(2**24)  # what would go wrong


def test_terms_of_different_signs_do_not_add_up() -> None:
    b = Builder()
    x = b.input("x", TensorType.of(Fixed(20, 20, signed=False), (16,)))
    kernel = np.array([[1], [-1]] * 8) * 2 + np.array([[1]] + [[0]] * 15)
    graph = b.finish({"y": b.add(Dense(kernel, 0), x, layer="sum")})
    assert wide_values(graph) == {"sum": 25}  # 17 * 2**20; were all of one sign, 33 * 2**20


@pytest.mark.parametrize("width", [11, 13])
def test_products(width: int) -> None:
    b = Builder()
    x, y = (b.input(n, TensorType.of(Fixed(width, width, signed=False), (4,))) for n in "xy")
    outputs = {
        "product": b.add(Multiply(), x, y, layer="product"),
        "einsum": b.add(Einsum("i,i->"), x, y, layer="einsum"),
        "total": b.add(Sum(), b.add(Multiply(), x, y, layer="terms"), layer="total"),
        "more": b.add(Add(), "product", "terms", layer="more"),
    }
    wide = wide_values(b.finish(outputs))
    assert wide == (
        {} if width == 11 else {"product": 26, "einsum": 28, "terms": 26, "total": 28, "more": 27}
    )


def quantized(x: TensorType, target: Fixed, rounding: Rounding, overflow: Overflow) -> Graph:
    b = Builder()
    op = Quantize(TensorType.of(target, x.shape), rounding, overflow)
    return b.finish({"y": b.add(op, b.input("x", x), layer="q")})


def test_rounding_adds_a_half() -> None:
    fine = TensorType.of(Fixed(23, -1), (1,))
    assert wide_values(quantized(fine, Fixed(4, 0), Rounding.RND, Overflow.SAT)) == {}
    finer = TensorType.of(Fixed(26, -3), (1,))
    assert wide_values(quantized(finer, Fixed(4, 0), Rounding.RND, Overflow.SAT)) == {"x": 26, "q": 26}
    assert wide_values(quantized(finer, Fixed(4, 0), Rounding.TRN, Overflow.SAT)) == {"x": 26}
    assert wide_values(quantized(finer, Fixed(4, 3), Rounding.RND, Overflow.SAT)) == {"x": 26}  # below a tie
    x = np.float32(2.0**-5 - 2.0**-29)  # a code of `finer`, just below the tie of a step of 2**-4
    assert x < 2.0**-5
    assert np.floor(x * np.float32(16) + np.float32(0.5)) == 1


def test_wrapping_adds_half_the_range() -> None:
    x = TensorType.of(Fixed(24, 24), (1,))
    assert wide_values(quantized(x, Fixed(24, 24), Rounding.TRN, Overflow.WRAP)) == {}
    assert wide_values(quantized(x, Fixed(25, 25), Rounding.TRN, Overflow.WRAP)) == {"q": 25}
    assert wide_values(quantized(x, Fixed(25, 25), Rounding.TRN, Overflow.SAT)) == {}


@pytest.mark.parametrize(("entry", "harmless"), [(2.0**-6, True), (2.0**-5 - 2.0**-30, False)])
def test_the_entries_of_a_table_are_looked_at(entry: float, harmless: bool) -> None:
    b = Builder()
    x = b.input("x", TensorType.of(Fixed(1, 1, signed=False), (1,)))
    codes = np.array([[0, int(entry * 2**40)]])
    table = b.add(Lookup(codes, np.array([0]), np.array([-40])), x, layer="table")
    op = Quantize(TensorType.of(Fixed(4, 0), (1,)), Rounding.RND, Overflow.SAT)
    assert (wide_values(b.finish({"y": b.add(op, table, layer="q")})) == {}) is harmless


def test_a_warning_names_the_layer(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert report_wide_values(dense(20, 16))
        assert not caplog.records
        assert not report_wide_values(dense(20, 17))
    assert "layer 'sum': node 'sum' can take 25 bits and the framework's float32 holds 24" in caplog.text


def test_constants_are_exact() -> None:
    b = Builder()
    x = b.constant(Constant(np.array([2**30]), np.array([0])), layer="c", part="x")
    assert wide_values(b.finish({"y": x})) == {}
