"""A quantiser moves into the layer whose value only it reads."""

from __future__ import annotations

import numpy as np

from helpers.pass_checks import assert_pass_holds, body, start
from nanosieve.compiler.graph import (
    Builder,
    Dense,
    Fixed,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    TensorType,
)
from nanosieve.compiler.passes import quantize_at_source

DENSE = Dense(np.array([[1, 2], [3, -4]]), 0)
NARROW = Quantize(TensorType.of(Fixed(4, 4), (2,)), Rounding.TRN, Overflow.WRAP)


def layer(builder: Builder, x: str, name: str) -> str:
    return builder.add(DENSE, builder.add(NARROW, x, layer=name, part="input"), layer=name)


def test_moved() -> None:
    builder, x = start()
    graph = builder.finish({"y": layer(builder, layer(builder, x, "one"), "two")})
    after = assert_pass_holds(quantize_at_source, graph)
    kernel = "kernel=[[1,2],[3,-4]], exponent=0"
    assert body(after) == [
        "one.input = Quantize(x, 2 fixed<4,4>, TRN, WRAP)",
        f"one.full = Dense(one.input, {kernel})",
        "one = Quantize(one.full, 2 fixed<4,4>, TRN, WRAP)",
        f"two = Dense(one, {kernel})",
        "output y = two",
    ]
    assert [node.layer for node in after.nodes] == ["x", "one", "one", "one", "two"]


def test_layers_stay_together() -> None:
    """The reader stands far behind the source: the moved quantiser does not."""
    builder, x = start()
    one = builder.add(DENSE, x, layer="one")
    other = builder.add(Relu(), x, layer="between")
    graph = builder.finish({"y": layer(builder, one, "two"), "z": other})
    after = assert_pass_holds(quantize_at_source, graph)
    assert [node.layer for node in after.nodes] == ["x", "one", "one", "between", "two"]


def test_kept_for_other_readers_outputs_ports_and_wires() -> None:
    builder, x = start()
    one = builder.add(DENSE, x, layer="one")
    two = builder.add(DENSE, layer(builder, one, "a"), layer="two")
    wires = builder.add(Reshape((2, 1)), builder.add(Reshape((1, 2)), two, layer="rows"), layer="wires")
    wide = Quantize(NARROW.target.reshape((2, 1)), Rounding.TRN, Overflow.SAT)
    outputs = {
        "shared": layer(builder, one, "b"),
        "one": one,
        "wires": builder.add(wide, wires, layer="c"),
    }
    graph = builder.finish(outputs)
    assert body(assert_pass_holds(quantize_at_source, graph)) == body(graph)
