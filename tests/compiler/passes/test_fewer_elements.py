"""Text before and after `sum_varying` and `gather_early`, which together leave out what is constant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.pass_checks import assert_pass_holds, assert_same_meaning, body, start
from helpers.random_graphs import random_graph
from nanosieve.compiler.graph import (
    Gather,
    Graph,
    Lookup,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Sum,
    TensorType,
)
from nanosieve.compiler.passes import FEWER_ELEMENTS, Pass, gather_early, run_passes, sum_varying


def edges() -> Graph:
    """Six tables on three inputs; all but two of them are constant."""
    builder, x = start(size=3)
    spread = builder.add(Gather(np.repeat(np.arange(3), 2).reshape(3, 2)), x, layer="edges", part="spread")
    target = TensorType(np.zeros((3, 2)), np.full((3, 2), 1), np.zeros((3, 2)))
    bits = builder.add(Quantize(target, Rounding.TRN, Overflow.SAT), spread, layer="edges", part="bits")
    tables = np.array([[5, 5], [0, 0], [1, 4], [2, 2], [-1, 7], [0, 0]])
    looked = builder.add(Lookup(tables, np.zeros(6), np.zeros(6)), bits, layer="edges", part="tables")
    return builder.finish({"y": builder.add(Sum(), looked, layer="edges")})


def test_a_sum_of_what_varies() -> None:
    assert body(assert_pass_holds(sum_varying, edges()))[3:] == [
        "edges.varying = Gather(edges.tables, index=[2,4])",
        "edges.product = Dense(edges.varying, kernel=[[0,1,0],[0,0,1]], exponent=0)",
        "edges.constant = Constant(codes=[5,2,0], exponent=[0,0,0])",
        "edges.sum = Add(edges.product, edges.constant)",
        "edges = Reshape(edges.sum, shape=(3, 1))",
        "output y = edges",
    ]


def test_only_what_varies_is_looked_up() -> None:
    graph = edges()
    after = run_passes(graph, FEWER_ELEMENTS)
    assert_same_meaning(graph, after)
    assert body(after)[:3] == [
        "edges.varying.early.early = Gather(x, index=[1,2])",
        "edges.varying.early = Quantize(edges.varying.early.early, 2 ufixed<1,1>, TRN, SAT)",
        "edges.varying = Lookup(edges.varying.early, tables=[[1,4],[-1,7]], first=[0,0], exponent=[0,0])",
    ]


def test_a_value_that_others_read_stays() -> None:
    builder, x = start(size=3)
    relu = builder.add(Relu(), x, layer="relu", part="all")
    one = builder.add(Gather(np.array([1])), relu, layer="relu")
    graph = builder.finish({"y": one, "all": relu})
    assert body(assert_pass_holds(gather_early, graph)) == body(graph)


@pytest.mark.parametrize("step", [sum_varying, gather_early], ids=lambda step: step.__name__)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_meaning_stays(step: Pass, seed: int) -> None:
    assert_pass_holds(step, random_graph(seed, 15), seed)
