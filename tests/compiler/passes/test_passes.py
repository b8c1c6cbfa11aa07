"""All passes on random graphs: the meaning stays, a second run changes nothing, a wrong pass is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.pass_checks import assert_pass_holds, assert_same_meaning, start
from helpers.random_graphs import random_graph
from nanosieve.compiler.graph import Graph, Quantize, Relu, Rounding
from nanosieve.compiler.passes import DEFAULT, Pass, run_passes
from nanosieve.errors import GraphError


@pytest.mark.parametrize("step", DEFAULT, ids=lambda step: step.__name__)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_each_pass_keeps_the_meaning(step: Pass, seed: int) -> None:
    assert_pass_holds(step, random_graph(seed, 15), seed)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_all_passes_keep_the_meaning(seed: int) -> None:
    graph = random_graph(seed, 25)
    assert_same_meaning(graph, run_passes(graph), seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(2))
def test_all_passes_on_many_graphs(block: int) -> None:
    for seed in range(1000 * block, 1000 * block + 50):
        for step in DEFAULT:
            assert_pass_holds(step, random_graph(seed, 20), seed)
        assert_same_meaning(random_graph(seed, 40), run_passes(random_graph(seed, 40)), seed)


def truncate(graph: Graph) -> Graph:
    """A wrong pass: it takes rounding for truncation."""

    def rule(node):
        if isinstance(node.op, Quantize) and node.op.rounding is Rounding.RND:
            return replace(node, op=Quantize(node.op.target, Rounding.TRN, node.op.overflow))
        return None

    return graph.rewrite(rule)


def test_a_wrong_pass_is_found() -> None:
    found = 0
    for seed in range(20):
        graph = random_graph(seed, 15)
        try:
            assert_same_meaning(graph, truncate(graph), seed)
        except AssertionError:
            found += 1
    assert found >= 10


def test_the_graph_is_verified_between_passes() -> None:
    def break_it(graph: Graph) -> Graph:
        return replace(graph, nodes=graph.nodes[1:])

    builder, x = start()
    graph = builder.finish({"y": builder.add(Relu(), x, layer="relu")})
    with pytest.raises(GraphError, match=r"node 'relu' uses 'x', which is not defined before it"):
        run_passes(graph, [break_it])


def test_each_result_can_be_looked_at() -> None:
    seen: list[str] = []
    graph = random_graph(1, 5)
    run_passes(graph, between=lambda name, result: seen.append(name))
    assert seen == [step.__name__ for step in DEFAULT]
