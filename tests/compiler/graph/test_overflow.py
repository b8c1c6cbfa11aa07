"""Overflow is reported exactly where a value can leave its range."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.random_graphs import random_codes, random_graph
from nanosieve.compiler.graph import (
    Builder,
    Fixed,
    Overflow,
    Quantize,
    Rounding,
    Scale,
    TensorType,
    interpret,
    overflows,
)


def test_layer_element_and_range_are_named() -> None:
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (3,)))
    wide = builder.add(Scale(np.array([0, 2, -3])), x, layer="wide")
    narrow = Quantize(TensorType.of(Fixed(6, 3), (3,)), Rounding.RND, Overflow.WRAP)
    builder.add(narrow, wide, layer="narrow")
    builder.add(Quantize(TensorType.of(Fixed(9, 3), (3,)), Rounding.TRN, Overflow.SAT), wide, layer="clip")
    graph = builder.finish({"narrow": "narrow", "clip": "clip"})
    first, second = overflows(graph)
    assert str(first) == (
        "layer 'narrow' (narrow) wraps where a value leaves its range, in 2 elements; "
        "the worst is element 1: fixed<6,3> where fixed<9,6> holds every value"
    )
    assert (second.layer, second.overflow, str(second.needs)) == ("clip", Overflow.SAT, "fixed<12,6>")
    assert overflows(graph, Overflow.WRAP) == [first]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_not_reported_does_not_overflow(seed: int) -> None:
    graph = random_graph(seed, 20)
    reported = {excess.node for excess in overflows(graph)}
    rng = np.random.default_rng(seed)
    codes = {name: random_codes(rng, type, 64) for name, type in graph.inputs.items()}
    values = interpret(graph, codes, keep_all=True)
    quantizers = [node for node in graph.nodes if isinstance(node.op, Quantize)]
    assert quantizers
    for node in quantizers:
        assert isinstance(node.op, Quantize)
        given = graph.types[node.inputs[0]]
        rounded = node.op.round(values[node.inputs[0]], given.exponent)
        if node.name not in reported:
            assert node.op.target.holds(rounded).all()
