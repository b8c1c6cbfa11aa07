"""A constant factor joins the dense product beside it."""

from __future__ import annotations

import numpy as np

from helpers.pass_checks import assert_pass_holds, body, start
from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
)
from nanosieve.compiler.passes import drop_dead_values, fold_batch_norm

KERNEL = np.array([[1, 2], [3, -4]])


def scaled(builder: Builder, x: str, codes: list[int], exponents: list[int], layer: str = "bn") -> str:
    factor = builder.constant(Constant(np.array(codes), np.array(exponents)), layer=layer, part="c")
    return builder.add(Multiply(), x, factor, layer=layer)


def folded(graph: Graph) -> list[str]:
    return body(drop_dead_values(assert_pass_holds(fold_batch_norm, graph)))


def test_behind() -> None:
    builder, x = start()
    dense = builder.add(Dense(KERNEL, -1), x, layer="dense")
    graph = builder.finish({"y": scaled(builder, dense, [5, 3], [-2, -1])})
    assert folded(graph) == ["bn = Dense(x, kernel=[[5,12],[15,-24]], exponent=-3)", "output y = bn"]


def test_before() -> None:
    builder, x = start()
    factor = scaled(builder, x, [5, 3], [-2, -1])
    graph = builder.finish({"y": builder.add(Dense(KERNEL, 0), factor, layer="dense")})
    assert folded(graph) == ["dense = Dense(x, kernel=[[5,10],[18,-24]], exponent=-2)", "output y = dense"]


def test_not_where_something_else_uses_it() -> None:
    """Neither the product of a dense layer nor its factor may be lost to another reader or an output."""
    builder, x = start()
    dense = builder.add(Dense(KERNEL, 0), x, layer="dense")
    graph = builder.finish({"y": scaled(builder, dense, [5, 3], [0, 0]), "z": dense})
    assert body(fold_batch_norm(graph)) == body(graph)
    builder, x = start()
    factor = scaled(builder, x, [5, 3], [0, 0])
    dense = builder.add(Dense(KERNEL, 0), factor, layer="dense")
    graph = builder.finish({"y": dense, "z": builder.add(Dense(KERNEL, 0), factor, layer="other")})
    assert body(fold_batch_norm(graph)) == body(graph)


def test_not_through_a_quantiser() -> None:
    builder, x = start()
    dense = builder.add(Dense(KERNEL, 0), x, layer="dense")
    target = TensorType.of(Fixed(5, 5), (2,))
    narrow = builder.add(Quantize(target, Rounding.TRN, Overflow.SAT), dense, layer="q")
    graph = builder.finish({"y": scaled(builder, narrow, [5, 3], [0, 0])})
    assert body(assert_pass_holds(fold_batch_norm, graph)) == body(graph)


def test_not_where_weights_become_too_wide() -> None:
    for codes, exponents in [([2**20 + 1, 1], [0, 0]), ([1, 1], [0, 60])]:
        builder, x = start(width=4)
        dense = builder.add(Dense(KERNEL * 9, 0), x, layer="dense")
        if max(exponents) > 30:
            exponents = [-60, 0]
        graph = builder.finish({"y": scaled(builder, dense, codes, exponents)})
        assert body(fold_batch_norm(graph)) == body(graph)
