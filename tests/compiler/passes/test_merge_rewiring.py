"""Text before and after `merge_rewiring`."""

from __future__ import annotations

import numpy as np

from helpers.pass_checks import assert_pass_holds, body, start
from nanosieve.compiler.graph import Gather, Relu, Reshape
from nanosieve.compiler.passes import drop_dead_values, merge_rewiring


def test_a_gather_of_a_gather() -> None:
    builder, x = start(size=3)
    first = builder.add(Gather(np.array([[2, -1], [0, 1]])), x, layer="turn", part="padded")
    flat = builder.add(Reshape((4,)), first, layer="turn", part="flat")
    graph = builder.finish({"y": builder.add(Gather(np.array([1, 3, 0, -1])), flat, layer="turn")})
    after = assert_pass_holds(merge_rewiring, graph)
    assert body(drop_dead_values(after)) == ["turn = Gather(x, index=[-1,1,2,-1])", "output y = turn"]


def test_what_changes_nothing_is_dropped() -> None:
    builder, x = start(size=2)
    same = builder.add(Gather(np.array([0, 1])), x, layer="relu", part="same")
    graph = builder.finish({"y": builder.add(Relu(), same, layer="relu")})
    assert body(assert_pass_holds(merge_rewiring, graph)) == ["relu = Relu(x)", "output y = relu"]


def test_layers_stay_apart() -> None:
    builder, x = start(size=2)
    turned = builder.add(Gather(np.array([1, 0])), x, layer="first")
    graph = builder.finish({"y": builder.add(Gather(np.array([1, 0])), turned, layer="second")})
    assert body(assert_pass_holds(merge_rewiring, graph)) == body(graph)
