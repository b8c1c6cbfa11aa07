"""Random graphs through real Verilog: what Verilator computes is what the interpreter computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.random_graphs import random_codes, random_graph
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Fixed,
    Graph,
    GreaterEqual,
    LeakyRelu,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Scale,
    Subtract,
    Sum,
    TensorType,
    interpret,
)
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.verification import simulate


def assert_rtl_is_graph(graph: Graph, folder: Path, budget: Budget | None = None, events: int = 300) -> None:
    """Every output of the RTL on random vectors and the ends of all ranges."""
    design = build_design(graph, budget or Budget(latency="10 us"), extra_depth=0)
    rng = np.random.default_rng(1)
    codes = {name: random_codes(rng, type, events) for name, type in graph.inputs.items()}
    found = simulate(design.write(folder), codes)
    for name, expected in interpret(graph, codes).items():
        wrong = np.argwhere(found.outputs[name] != expected.reshape(events, -1))
        assert not len(wrong), (
            f"output {name!r} ({graph.outputs[name]}), event and element {wrong[0].tolist()}"
        )


def test_a_random_graph(tmp_path: Path) -> None:
    assert_rtl_is_graph(random_graph(7, 40), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
def test_random_graphs(seed: int, tmp_path: Path) -> None:
    clock = ["50 MHz", "200 MHz", "230 MHz"][seed % 3]
    assert_rtl_is_graph(random_graph(seed, 40), tmp_path, Budget(latency="10 us", clock=clock))


def test_odd_graph(tmp_path: Path) -> None:
    """Names that Verilog does not take, wide and empty elements, outputs of all kinds and stages."""
    builder = Builder("module")
    x = builder.input("wire", TensorType.of(Fixed(24, 12), (3,)))
    y = builder.input("1/input", TensorType(np.array([0, 0, 5, -1]), np.array([0, 200, 5, 0]), np.zeros(4)))
    add = builder.add
    empty = TensorType(np.zeros(4), np.array([0, 15, 7, 0]), np.array([0, 2, 0, 0]))
    two_bits = TensorType.of(Fixed(2, 2, signed=False), (4,))
    values = {
        "wide": add(Multiply(square=True), x, x, layer="always"),
        "logic": add(Dense(np.array([[3, -5], [1000003, 7], [0, 1]]), -4), x, layer="logic"),
        "empty": add(Quantize(empty, Rounding.RND, Overflow.SAT), y, layer="a/b"),
        "wrapped constant": add(Quantize(two_bits, Rounding.TRN, Overflow.WRAP), y, layer="wrap"),
        "no weights": add(Dense(np.zeros((3, 2)), 0), x, layer="a_b"),
        "constant inputs": add(Dense(np.full((1, 2), 3), 0), _only(builder, y, 2), layer="a.b"),
        "untouched": x,
        "rewired": add(Scale(np.array([1, -3])), add(Reshape((2, 2)), y, layer="n1"), layer="n2"),
        "x_0_d1": add(Relu(), x, layer="u_wire"),
        "fixed": builder.constant(Constant(np.array([-7, 0, 9]), np.zeros(3)), layer="case", part="c"),
        "ünïcode": add(LeakyRelu(5, -4), x, layer="é"),
        "out": add(Concatenate(), x, y, layer="out"),
        "valid_in": add(Sum(), x, layer="clk"),
        "one bit": add(Subtract(), _bit(builder, x, "s1"), _bit(builder, x, "s2"), layer="module"),
    }
    late = values["wide"]
    for n in range(3):
        narrow = TensorType.of(Fixed(12, 12), (3,))
        late = add(Quantize(narrow, Rounding.RND_CONV, Overflow.SAT), late, layer=f"late{n}", part="q")
        late = add(Multiply(), late, late, layer=f"late{n}")
    values["late"] = late
    values["sum"] = add(Add(), late, x, layer="wor")
    assert_rtl_is_graph(builder.finish(values), tmp_path)


def _only(builder: Builder, y: str, n: int) -> str:
    """One element of `y`, by a matrix that is zero elsewhere."""
    return builder.add(Dense(np.eye(4, dtype=int)[:, [n]], 0), y, layer=f"only{n}")


def _bit(builder: Builder, x: str, layer: str) -> str:
    """A trigger bit for each element."""
    level = builder.constant(Constant(np.array([0, 100, -5000]), np.full(3, -12)), layer=layer, part="level")
    return builder.add(GreaterEqual(), x, level, layer=layer)


def test_a_wrong_adder_is_found(tmp_path: Path) -> None:
    """The comparison bites: a subtraction in place of an addition in the written Verilog is noticed."""
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(6, 6), (2,)))
    graph = builder.finish({"y": builder.add(Dense(np.array([[1], [3]]), 0), x, layer="dense")})
    folder = build_design(graph, Budget()).write(tmp_path)
    source = folder / "rtl" / "toy_dense.v"
    text = source.read_text()
    assert " + " in text
    source.write_text(text.replace(" + ", " - ", 1))
    codes = {"x": random_codes(np.random.default_rng(2), graph.inputs["x"], 50)}
    assert not np.array_equal(simulate(folder, codes).outputs["y"], interpret(graph, codes)["y"])
