"""Text before and after `fold_constants`."""

from __future__ import annotations

import numpy as np

from helpers.pass_checks import assert_pass_holds, body, start
from nanosieve.compiler.graph import Add, Constant, Gather, Max, Relu
from nanosieve.compiler.passes import fold_constants


def test_an_op_of_constants_becomes_a_constant() -> None:
    builder, x = start()
    a = builder.constant(Constant(np.array([3, -4]), np.array([-1, 0])), layer="c", part="a")
    best = builder.add(Max(), a, layer="c", part="best")
    pair = builder.add(Gather(np.array([0, -1])), best, layer="c", part="pair")
    graph = builder.finish({"y": builder.add(Add(), x, pair, layer="sum")})
    assert body(assert_pass_holds(fold_constants, graph)) == [
        "c.a = Constant(codes=[3,-4], exponent=[-1,0])",
        "c.best = Constant(codes=[3], exponent=[-1])",
        "c.pair = Constant(codes=[3,0], exponent=[-1,-1])",
        "sum = Add(x, c.pair)",
        "output y = sum",
    ]


def test_a_range_of_one_code_is_a_constant() -> None:
    builder, x = start()
    negative = builder.add(
        Add(), x, builder.constant(Constant([-200, -200], [-4, -4]), layer="c", part="a"), layer="s"
    )
    graph = builder.finish({"y": builder.add(Relu(), negative, layer="relu")})
    assert "relu = Constant(codes=[0,0], exponent=[-4,-4])" in body(assert_pass_holds(fold_constants, graph))
