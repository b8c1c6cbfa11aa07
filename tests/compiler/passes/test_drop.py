"""Passes that only leave out: quantisers that change nothing and values that nobody reads."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.pass_checks import assert_pass_holds, body, start
from nanosieve.compiler.graph import Dense, Fixed, Overflow, Quantize, Relu, Rounding, TensorType
from nanosieve.compiler.passes import drop_dead_values, drop_idle_quantizers


def quantize(format: str, overflow: Overflow = Overflow.SAT) -> Quantize:
    return Quantize(TensorType.of(Fixed.parse(format), (2,)), Rounding.RND, overflow)


@pytest.mark.parametrize("overflow", list(Overflow))
def test_a_quantiser_that_fits_is_dropped(overflow: Overflow) -> None:
    builder, x = start()
    wide = builder.add(quantize("fixed<10,6>", overflow), x, layer="wide")
    graph = builder.finish({"y": builder.add(Relu(), wide, layer="relu"), "z": wide})
    after = assert_pass_holds(drop_idle_quantizers, graph)
    assert body(after) == ["relu = Relu(x)", "output y = relu", "output z = x"]


@pytest.mark.parametrize("format", ["fixed<7,3>", "fixed<7,4>", "fixed<9,4>", "ufixed<8,4>"])
def test_a_quantiser_with_an_effect_stays(format: str) -> None:
    builder, x = start()
    graph = builder.finish({"y": builder.add(quantize(format), x, layer="q")})
    assert body(assert_pass_holds(drop_idle_quantizers, graph)) == body(graph)


def test_dead_values_are_dropped_and_ports_stay() -> None:
    builder, x = start()
    builder.input("unused", TensorType.of(Fixed(3, 3), (1,)))
    builder.add(Relu(), builder.add(Dense(np.ones((2, 2)), 0), x, layer="dead"), layer="dead too")
    graph = builder.finish({"y": builder.add(Relu(), x, layer="live")})
    after = assert_pass_holds(drop_dead_values, graph)
    assert body(after) == ["live = Relu(x)", "output y = live"]
    assert list(after.inputs) == ["x", "unused"]
