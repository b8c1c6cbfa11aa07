"""Rounding becomes truncation where half a step can join a constant that is added anyway."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.pass_checks import assert_pass_holds, body, start
from helpers.random_graphs import random_target, random_type
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Fixed,
    Graph,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Subtract,
    TensorType,
)
from nanosieve.compiler.passes import absorb_rounding, drop_dead_values


def rounded(builder: Builder, value: str, bits: str = "fixed<5,4>", rounding: Rounding = Rounding.RND) -> str:
    return builder.add(
        Quantize(TensorType.of(Fixed.parse(bits), (2,)), rounding, Overflow.SAT), value, layer="q"
    )


def biased(builder: Builder, x: str, op: Add | None = None) -> str:
    bias = builder.constant(Constant(np.array([3, -5]), np.array([-2, -4])), layer="sum", part="bias")
    return builder.add(op or Add(), x, bias, layer="sum")


@pytest.mark.parametrize("relu", [False, True])
def test_half_a_step_joins_the_bias(relu: bool) -> None:
    """x has the step 1/16 and q the step 1/2: a quarter is added to 3/4 and to -5/16."""
    builder, x = start()
    value = biased(builder, x)
    value = builder.add(Relu(), value, layer="relu") if relu else value
    graph = builder.finish({"y": rounded(builder, value)})
    after = drop_dead_values(assert_pass_holds(absorb_rounding, graph))
    assert body(after) == [
        "sum.rounded = Constant(codes=[4,-1], exponent=[-2,-4])",
        "sum = Add(x, sum.rounded)",
        *(["relu = Relu(sum)"] if relu else []),
        f"q = Quantize({'relu' if relu else 'sum'}, 2 fixed<5,4>, TRN, SAT)",
        "output y = q",
    ]


def test_nothing_is_added_where_nothing_is_rounded() -> None:
    builder, x = start()
    graph = builder.finish({"y": rounded(builder, biased(builder, x), "fixed<8,4>")})
    after = drop_dead_values(assert_pass_holds(absorb_rounding, graph))
    assert body(after)[0] == "sum.rounded = Constant(codes=[3,-5], exponent=[-2,-4])"


def test_kept_where_it_would_not_be_the_same() -> None:
    def shared(builder: Builder, x: str) -> Graph:
        value = biased(builder, x)
        return builder.finish({"y": rounded(builder, value), "z": value})

    def subtracted(builder: Builder, x: str) -> Graph:
        return builder.finish({"y": rounded(builder, biased(builder, x, Subtract()))})

    def to_even(builder: Builder, x: str) -> Graph:
        return builder.finish({"y": rounded(builder, biased(builder, x), rounding=Rounding.RND_CONV)})

    def no_bias(builder: Builder, x: str) -> Graph:
        return builder.finish({"y": rounded(builder, builder.add(Add(), x, x, layer="sum"))})

    for build in (shared, subtracted, to_even, no_bias):
        graph = build(*start())
        assert body(assert_pass_holds(absorb_rounding, graph)) == body(graph), build.__name__


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_exact_for_any_steps(seed: int) -> None:
    """Steps of input, bias and quantiser that differ from element to element, with and without a ReLU."""
    rng = np.random.default_rng(seed)
    builder = Builder()
    x = builder.input("x", random_type(rng, 4))
    bias = Constant(rng.integers(-40, 40, 4), rng.integers(-6, 4, 4))
    value = builder.add(Add(), x, builder.constant(bias, layer="sum", part="bias"), layer="sum")
    if rng.random() < 0.5:
        value = builder.add(Relu(), value, layer="relu")
    op = Quantize(random_target(rng, 4), Rounding.RND, rng.choice(list(Overflow)))
    graph = builder.finish({"y": builder.add(op, value, layer="q")})
    after = assert_pass_holds(absorb_rounding, graph, seed)
    assert after.by_name["q"].op.rounding is Rounding.TRN
