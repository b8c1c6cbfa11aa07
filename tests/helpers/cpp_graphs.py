"""Graphs at the edges of what the C++ source has to cope with."""

from __future__ import annotations

from functools import partial

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Gather,
    Graph,
    LeakyRelu,
    Lookup,
    Max,
    Min,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Scale,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
    Weights,
    Windows,
)

STRICT = (
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Werror",
)
SANITIZED = ("-g1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")


def odd_names() -> Graph:
    """Names that C++ reserves, cannot spell, or could be led astray by."""
    builder = Builder("class µ\\")
    ports = ["class", "π/µ", "2nd event", "a-b", "a/b", "in", "std", "Inputs", "x\n#error\\", "@CALLS@"]
    values = [builder.input(name, TensorType.of(Fixed(6, 6), (2,))) for name in ports]
    total = values[0]
    for n, value in enumerate(values[1:]):
        total = builder.add(Add(), total, value, layer=f"layer {n} \\\u202e\n// */", part="double")
    return builder.finish(
        {"int": total, "x": values[1], "class": values[0], "NULL": total, "@ENCODE@ \\": total}
    )


def wide(rounding: Rounding) -> Graph:
    """Codes of up to 62 bits, and the ends of int32."""
    builder = Builder(f"wide_{rounding}")
    add = partial(builder.add, layer="wide")
    x = builder.input("x", TensorType.of(Fixed(62, 62), (4,)))
    y = builder.input("y", TensorType.of(Fixed(31, 20), (4,)))
    z = builder.input("z", TensorType.of(Fixed(32, 32), (4,)))
    outputs = [x, y, z]
    for n, shift in enumerate(([0, 1, 30, 31], [32, 61, 62, 63], [70, 1, 0, 2])):
        full = TensorType.of(Fixed(62, 62), (4,))
        for overflow in Overflow:
            target = TensorType(full.low, full.high, np.array(shift))
            outputs.append(add(Quantize(target, rounding, overflow), x, part=f"q{n}{overflow}"))
            small = TensorType(np.full(4, -(2**4)), np.full(4, 2**4 - 1), np.array(shift))
            outputs.append(add(Quantize(small, rounding, overflow), x, part=f"s{n}{overflow}"))
            outputs.append(add(Quantize(small, rounding, overflow), z, part=f"z{n}{overflow}"))
    outputs.append(add(Multiply(), y, y, part="product"))
    outputs.append(add(Multiply(square=True), y, y, part="square"))
    outputs.append(add(Add(), z, z, part="double"))
    outputs.append(add(Subtract(), z, y, part="difference"))
    outputs.append(add(LeakyRelu(2**20 + 1, -21), z, part="leaky"))
    kernel = np.array([[2**28, -1], [3, 5], [0, 1], [-7, 2**27]])
    outputs.append(add(Dense(kernel, 0), z, part="dense"))
    outputs.append(add(Einsum("i,j->ij"), y, y, part="outer"))
    for op in (Sum(), Max(), Min(), Sort(), ArgMax()):
        outputs.append(add(op, y, part=f"y{type(op).__name__}"))
        outputs.append(add(op, z, part=f"z{type(op).__name__}"))
    halves = add(Scale(np.array([-1, 0, 1, 2])), y, part="scaled")
    outputs.append(add(Sum(), halves, part="aligned"))
    row = add(Reshape((4, 1)), x, part="row")
    outputs.append(add(Windows((3,), (1,), (1,), ((1, 1),)), row, part="windows"))
    edge = Constant(np.array([-(2**31), 2**31 - 1, 2**31, 2**62 - 1]), np.zeros(4))
    outputs.append(builder.constant(edge, layer="wide", part="edge"))
    return builder.finish({f"o{n}": name for n, name in enumerate(outputs)})


def trivial() -> Graph:
    """Elements that never change, tensors without elements, outputs that are inputs or constants."""
    builder = Builder("trivial")
    add = partial(builder.add, layer="trivial")
    never = builder.input("never", TensorType(np.zeros(3), np.zeros(3), np.array([5, -900, 0])))
    empty = builder.input("empty", TensorType(*np.zeros((3, 2, 0))))
    scalar = builder.input("scalar", TensorType(np.array(-3), np.array(5), np.array(-2)))
    same = builder.constant(Constant(np.full((3,), 7), np.full(3, -2)), layer="trivial", part="same")
    three = builder.constant(Constant(np.array([3, -1, 2]), np.zeros(3)), layer="trivial", part="three")
    outputs = [never, empty, scalar, same, three, same]
    outputs.append(add(Dense(np.zeros((3, 2)), 3), never, part="by nothing"))
    outputs.append(add(Relu(), empty, part="relu"))
    outputs.append(add(Gather(np.full((2, 2), -1)), never, part="zeros"))
    outputs.append(add(Concatenate(), empty, outputs[-1], empty, part="beside"))
    outputs.append(add(Gather(np.array([[-1]])), never, part="zero"))
    outputs.append(add(Einsum("ij,kj->ik"), empty, empty, part="einsum"))
    table = Lookup(np.array([[9]]), np.array([0]), np.array([1]))
    outputs.append(add(table, never, part="table"))
    outputs.append(add(Add(), same, three, part="constants"))
    stored = Weights(np.array([1, -2, 0]), TensorType.of(Fixed(3, 3), (3,)))
    outputs.append(add(Add(), same, add(stored, part="stored"), part="weights"))
    one = add(Reshape((1,)), scalar, part="one")
    for op in (Sum(), Max(), Sort(), ArgMax(), Windows((), (), (), ())):
        outputs.append(add(op, one, part=type(op).__name__))
    bit = builder.constant(Constant(np.array([1, 0, 1]), np.zeros(3)), layer="trivial", part="bit")
    outputs.append(add(Select(), bit, same, three, part="select"))
    add(Multiply(), same, three, part="dead")
    return builder.finish({f"o{n}": name for n, name in enumerate(outputs)})


def large() -> Graph:
    """A workspace too large for the stack, an index of two axes with gaps, and channels that share tables."""
    builder = Builder("large")
    x = builder.input("x", TensorType.of(Fixed(7, 3), (6, 5, 2)))
    index = np.add.outer(np.arange(20000) * 7 % 60, np.array([0, 0])).clip(0, 59)
    many = builder.add(Gather(index), x, layer="many")
    reverse = builder.add(Gather(np.arange(60).reshape(6, 5, 2)[::-1, 1::2, ::-1]), x, layer="reverse")
    tables = Lookup(np.arange(256).reshape(2, 128) % 37, np.array([-64, -64]), np.array([0, -1]))
    looked = builder.add(tables, x, layer="tables")
    windows = builder.add(Windows((2, 3), (2, 1), (2, 1), ((1, 2), (0, 1))), looked, layer="windows")
    total = builder.add(Sum(), many, layer="total")
    return builder.finish({"total": total, "reverse": reverse, "windows": windows})


EDGES = {
    "odd": odd_names,
    "wide_TRN": lambda: wide(Rounding.TRN),
    "wide_RND": lambda: wide(Rounding.RND),
    "wide_RND_CONV": lambda: wide(Rounding.RND_CONV),
    "trivial": trivial,
    "large": large,
}
"""C++ name → what builds the graph."""
