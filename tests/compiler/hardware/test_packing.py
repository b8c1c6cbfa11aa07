"""Two columns in one multiplier: exact, with half the products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.kernels import differences, layer_nodes, sliced
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Dense,
    Fixed,
    Graph,
    Input,
    Lookup,
    Multiply,
    Node,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware.kernel import Fold, Kernel
from nanosieve.compiler.hardware.packing import pack_columns
from nanosieve.compiler.hardware.partial_sums import partial_sums
from nanosieve.compiler.hardware.rolling import slice_sums, steps_of


def dense(inputs: int, outputs: int, width: int = 8, bits: int = 8, *, sparse: float = 0.0) -> Graph:
    """A layer of `width`-bit weights on `bits`-bit inputs, the ends of both ranges among them."""
    rng = np.random.default_rng(0)
    builder = Builder("network")
    x = builder.input("x", TensorType.of(Fixed(bits, 3), (inputs,)))
    b = LayerNodes(builder, "layer")
    half = 1 << (width - 1)
    kernel = rng.choice([-half, half - 1, *range(-half, half)], (inputs, outputs))
    kernel = np.where(rng.random(kernel.shape) < sparse, 0, kernel)
    y = b.add(Dense(kernel, -7), x, part="product")
    y = b.add(Add(), y, b.codes(rng.integers(-99, 99, outputs), -7, "bias"), part="sum")
    target = TensorType.of(Fixed(8, 4, signed=False), (outputs,))
    y = builder.add(
        Quantize(target, Rounding.RND, Overflow.SAT), b.add(Relu(), y, part="relu"), layer="layer"
    )
    return builder.finish({"y": builder.add(Relu(), y, layer="relu")})


def products(kernel: Kernel) -> int:
    """Products of two variables, those with a constant zero not counted."""
    graph, count = kernel.graph, 0
    for node in graph.nodes:
        if isinstance(node.op, Multiply):
            type = graph.types[node.name]
            count += int(np.count_nonzero((type.low != 0) | (type.high != 0)))
    return count


def widths(kernel: Kernel) -> tuple[int, int]:
    """The widest factors, signed bits."""
    found = [0, 0]
    for node in kernel.graph.nodes:
        if isinstance(node.op, Multiply):
            for n, name in enumerate(node.inputs):
                type = kernel.graph.types[name]
                found[n] = max(found[n], int((type.width + ~type.signed).max()))
    return found[0], found[1]


@pytest.mark.parametrize("columns", [2, 4, 8])
@pytest.mark.parametrize(("width", "bits"), [(8, 8), (6, 9), (6, 12), (4, 8)])
def test_half_the_products(columns: int, width: int, bits: int) -> None:
    graph = dense(24, 16, width, bits)
    kernel = sliced(graph, "layer", Fold(1, columns))
    packed = pack_columns(kernel)
    assert packed is not None
    assert products(packed) <= 0.52 * products(kernel)  # a few weights are zero
    assert differences(graph, [packed]) == []
    assert widths(packed)[0] <= 18
    assert widths(packed)[1] <= 27
    assert packed.base == kernel.base
    assert np.array_equal(packed.writes, kernel.writes)
    out = packed.graph.types[packed.graph.outputs["out"]]
    assert np.array_equal(out.width, kernel.graph.types[kernel.graph.outputs["out"]].width)


def test_eight_bits_are_packed_in_fours_or_more() -> None:
    packed = pack_columns(sliced(dense(24, 16), "layer", Fold(1, 8)))
    assert packed is not None
    low = [node for node in packed.graph.nodes if node.name.endswith(".low")]
    assert low
    assert all(packed.graph.types[node.name].size <= 24 // 4 for node in low)


def test_a_table_behind_packed_columns() -> None:
    """Its entries end at what the sums can reach, which is proven less sharply of packed ones."""
    graph = dense(24, 16, 6, 9)
    type = graph.types["layer"]
    first = type.low.min(keepdims=True)
    table = Lookup(np.arange(int(type.high.max()) + 1)[np.newaxis] ** 2, first, np.zeros(1))
    nodes = [replace(n, name="layer.in") if n.name == "layer" else n for n in graph.nodes]
    nodes.insert(-1, Node("layer", table, ("layer.in",), "layer"))
    graph = replace(graph, nodes=tuple(nodes)).verify()
    kernel = sliced(graph, "layer", Fold(1, 2))
    packed = pack_columns(kernel)
    assert packed is not None
    assert differences(graph, [packed]) == []


@pytest.mark.parametrize("outputs", [15, 9])
def test_a_column_alone(outputs: int) -> None:
    graph = dense(12, outputs)
    kernel = sliced(graph, "layer", Fold(1, 3))
    packed = pack_columns(kernel)
    assert packed is not None
    assert products(kernel) // 2 < products(packed) < products(kernel)
    assert differences(graph, [packed]) == []


def test_sparse_columns() -> None:
    graph = dense(24, 16, sparse=0.3)
    packed = pack_columns(sliced(graph, "layer", Fold(1, 4)))
    assert packed is not None
    assert differences(graph, [packed]) == []


def test_partial_sums_are_packed() -> None:
    graph = partial_sums(dense(24, 16), "layer", 3)
    (steps,) = steps_of(graph, layer_nodes(graph, "layer"))
    kernel = slice_sums(graph, steps, Fold(1, 4), np.ones(16, dtype=bool))
    packed = pack_columns(kernel)
    assert packed is not None
    assert products(packed) == products(kernel) // 2 == 8 * 4 // 2
    assert differences(graph, [packed]) == []


def test_inputs_that_are_one_number() -> None:
    """Several constants of the same value are one port, whose weights add up."""
    graph = dense(24, 16)
    x = graph.types["x"]
    low, high = x.low.copy(), x.high.copy()
    low[3:9:2] = high[3:9:2] = 5
    nodes = (replace(graph.nodes[0], op=Input(TensorType(low, high, x.exponent))), *graph.nodes[1:])
    fixed = replace(graph, nodes=nodes).verify()
    packed = pack_columns(sliced(fixed, "layer", Fold(1, 4)))
    assert packed is not None
    assert differences(fixed, [packed]) == []


@pytest.mark.parametrize(
    ("width", "bits", "columns"),
    [(16, 8, 4), (8, 12, 4), (8, 18, 4), (2, 2, 4), (8, 8, 16), (8, 8, 1)],
    ids=["wide weights", "wide products", "wide inputs", "small products", "one column", "unrolled"],
)
def test_what_does_not_pay(width: int, bits: int, columns: int) -> None:
    assert pack_columns(sliced(dense(12, 16, width, bits), "layer", Fold(1, columns))) is None


def test_a_fault_is_found() -> None:
    """One more in the low part of a packed coefficient is seen."""
    graph = dense(24, 16)
    packed = pack_columns(sliced(graph, "layer", Fold(1, 8)))
    assert packed is not None
    type = packed.graph.types["in"]
    port = int(np.argmax(type.high))
    slot = int(np.argmin(packed.constants[port]))
    constants = packed.constants.copy()
    constants[port, slot] += 40
    assert differences(graph, [replace(packed, constants=constants)]) != []
