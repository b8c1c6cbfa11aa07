"""Slots over positions and columns: every kernel equals the interpreter of the graph it is made from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from helpers.kernels import differences, layer_nodes, output_of, reference, sliced
from helpers.random_graphs import random_graph
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.frontends.windows import convolution, pad_amounts, pooled
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Gather,
    Graph,
    Lookup,
    Max,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Sum,
    TensorType,
    Windows,
    interpret,
)
from nanosieve.compiler.hardware.kernel import Fold, addressed, interpret_kernel
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.slices import slice_layer, split_layer
from nanosieve.errors import FoldingError

RNG = np.random.default_rng


def quantize(width: int, integer: int, shape: tuple[int, ...], *, signed: bool = False) -> Quantize:
    return Quantize(TensorType.of(Fixed(width, integer, signed), shape), Rounding.RND, Overflow.SAT)


def image(
    shape: tuple[int, ...], layer: Callable[[LayerNodes, str], str], *, first: Quantize | None = None
) -> Graph:
    """A graph of one layer on an image of 6-bit numbers."""
    builder = Builder("image")
    x = builder.input("x", TensorType.of(Fixed(6, 3), shape))
    b = LayerNodes(builder, "layer")
    x = b.add(first, x, part="input") if first else x
    return builder.finish({"y": layer(b, x)})


def convolved(
    kind: str, strides: tuple[int, int], groups: int = 1, filters: int = 4
) -> Callable[[LayerNodes, str], str]:
    """Convolution, bias, ReLU and quantiser."""

    def build(b: LayerNodes, x: str) -> str:
        rng, channels = RNG(1), b.shape(x)[-1]
        kernel = rng.integers(-9, 10, (3, 3, channels // groups, filters))
        padding = pad_amounts(kind, b.shape(x)[:2], (3, 3), strides)
        y = convolution(b, x, kernel, -3, strides=strides, dilation=(1, 1), padding=padding, groups=groups)
        bias = np.broadcast_to(rng.integers(-9, 10, filters), b.shape(y))
        y = b.add(Add(), y, b.codes(bias, -2, "bias"), part="sum")
        return b.builder.add(quantize(6, 4, b.shape(y)), b.add(Relu(), y, part="relu"), layer="layer")

    return build


@pytest.mark.parametrize("kind", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("fold", [Fold(1, 1), Fold(2, 1), Fold(3, 1), Fold(2, 3), Fold(99, 4)])
def test_a_convolution(kind: str, strides: tuple[int, int], fold: Fold) -> None:
    rows, columns = (-(-(n - 2 * (kind == "valid")) // s) for n, s in zip((6, 7), strides, strict=True))
    kernel = sliced(image((6, 7, 2), convolved(kind, strides)), "layer", fold)
    parts = -(-4 // -(-4 // fold.columns))
    assert kernel.slots == rows * -(-columns // fold.positions) * parts


def test_positions_share_the_window() -> None:
    graph = image((6, 7, 2), convolved("same", (1, 1)))
    ports = [sliced(graph, "layer", Fold(p)).reads.shape[0] for p in (1, 2, 3)]
    assert ports == [3 * 3 * 2, 3 * 4 * 2, 3 * 5 * 2]


def test_the_padding_is_a_constant_of_the_ports() -> None:
    kernel = sliced(image((4, 4, 1), convolved("same", (1, 1))), "layer", Fold())
    corner = kernel.reads[:, 0]
    assert (corner < 0).sum() == 5
    assert not kernel.constants[:, 0].any()


def test_a_quantiser_in_front_of_the_window_passes_the_padding_on() -> None:
    graph = image((5, 5, 2), convolved("same", (1, 1)), first=quantize(4, 2, (5, 5, 2), signed=True))
    kernel = sliced(graph, "layer", Fold(2))
    assert [type(node.op).__name__ for node in kernel.graph.nodes].count("Select") == 0


def test_a_table_in_front_of_the_window_is_masked() -> None:
    def build(b: LayerNodes, x: str) -> str:
        table = b.add(Lookup(RNG(2).integers(1, 9, (1, 64)), np.array([-32]), np.array([0])), x, part="table")
        return b.add(Sum(), b.add(Windows((3,), (1,), (1,), ((1, 1),)), table, part="windows"), part="sum")

    kernel = sliced(image((5, 1), build), "layer", Fold())
    assert "Select" in {type(node.op).__name__ for node in kernel.graph.nodes}


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("fold", [Fold(1), Fold(2, 1), Fold(1, 2), Fold(2, 4)])
def test_groups_and_depthwise(groups: int, fold: Fold) -> None:
    sliced(image((4, 5, 4), convolved("same", (1, 1), groups, 8)), "layer", fold)


@pytest.mark.parametrize("fold", [Fold(1), Fold(2), Fold(3, 2), Fold(1, 3)])
def test_pooling(fold: Fold) -> None:
    def build(b: LayerNodes, x: str) -> str:
        return pooled(b, x, Max(), (2, 2), (2, 2), ((0, 0), (0, 0)))

    sliced(image((6, 8, 3), build), "layer", fold)


@pytest.mark.parametrize("fold", [Fold(1), Fold(2), Fold(3, 2)])
def test_upsampling(fold: Fold) -> None:
    def build(b: LayerNodes, x: str) -> str:
        y = b.rewired(x, lambda i: i.repeat(2, axis=0).repeat(2, axis=1), "repeated")
        return b.add(Relu(), y, part="relu")

    sliced(image((3, 4, 3), build), "layer", fold)


def dense(inputs: int, outputs: int, *, per_channel: bool = False, sparse: float = 0.0) -> Graph:
    def build(b: LayerNodes, x: str) -> str:
        rng = RNG(3)
        kernel = np.where(
            rng.random((inputs, outputs)) < sparse, 0, rng.integers(-99, 100, (inputs, outputs))
        )
        y = b.product(x, kernel, -4)
        y = b.add(Add(), y, b.codes(rng.integers(-9, 9, outputs), -2, "bias"), part="sum")
        target = TensorType.of(Fixed(7, 5), (outputs,))
        if per_channel:
            exponent = -(np.arange(outputs) % 3)
            target = TensorType(target.low, target.high, exponent)
        return b.builder.add(Quantize(target, Rounding.RND, Overflow.SAT), y, layer="layer")

    return image((inputs,), build)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 7, 10, 11])
def test_columns_with_a_ragged_part(columns: int) -> None:
    kernel = sliced(dense(5, 10), "layer", Fold(1, columns))
    part = -(-10 // min(columns, 10))
    assert kernel.writes.shape == (part, -(-10 // part))
    if part < 10:
        coefficients = (kernel.reads < 0).all(axis=1).sum()
        assert coefficients > 0
        assert len(kernel.reads) == coefficients + 5


def test_weights_of_zero_are_not_read() -> None:
    graph = dense(12, 6, sparse=0.85)
    live = live_elements(graph)["x"]
    read = np.unique(sliced(graph, "layer", Fold(1, 3)).reads)
    assert np.array_equal(read[read >= 0], np.flatnonzero(live))
    assert not live.all()


def test_quantisers_of_each_channel_stay_behind_the_fold() -> None:
    graph = dense(5, 9, per_channel=True)
    nodes, output = layer_nodes(graph, "layer"), "layer"
    with pytest.raises(FoldingError, match="'layer' cannot be shared by slots: its format differs") as error:
        slice_layer(graph, nodes, output, Fold(1, 2))
    front, cut, rest = split_layer(graph, nodes, output, error.value.node)
    assert cut == "layer.sum"
    assert [node.name for node in rest] == ["layer"]
    kernels = [slice_layer(graph, front, cut, Fold(1, 2)), slice_layer(graph, rest, output, Fold())]
    assert differences(graph, kernels) == []
    assert sliced(graph, "layer", Fold(1, 3)).slots == 3  # three columns have all formats in every part


def test_a_layer_that_cannot_be_cut() -> None:
    graph = dense(3, 3)
    with pytest.raises(FoldingError, match=r"'layer' cannot be cut in front of 'layer\.product'"):
        split_layer(graph, layer_nodes(graph, "layer"), "layer", "layer.product")


@pytest.mark.parametrize("positions", [1, 2, 4])
def test_softmax_of_rows(positions: int) -> None:
    def build(b: LayerNodes, x: str) -> str:
        table = RNG(4).integers(0, 60, (1, 64))
        share = b.add(Lookup(table, np.array([-32]), np.array([-4])), x, part="exponential")
        total = b.add(quantize(6, 6, (5, 1)), b.add(Sum(), share, part="sum"), part="total")
        inverse = b.add(
            Lookup(RNG(5).integers(0, 60, (1, 64)), np.zeros(1), np.array([-6])), total, part="inverse"
        )
        wide = b.broadcast(inverse, (5, 6), "wide")
        return b.add(Einsum("ij,ij->ij"), share, wide, part="share")

    sliced(image((5, 6), build), "layer", Fold(positions))


def test_attention_by_rows_of_queries() -> None:
    def build(b: LayerNodes, x: str) -> str:
        rng = RNG(6)
        query, key = (b.product(x, rng.integers(-5, 6, (4, 3)), 0, part) for part in ("query", "key"))
        query, key = (b.add(quantize(6, 5, (5, 3), signed=True), n, part=f"{n[6:]}_q") for n in (query, key))
        scores = b.add(Einsum("qd,kd->qk"), query, key, part="scores")
        return b.add(
            Einsum("qk,kd->qd"), b.add(quantize(5, 5, (5, 5)), scores, part="shares"), key, part="mixed"
        )

    graph = image((5, 4), build)
    assert sliced(graph, "layer", Fold(1)).slots == 5
    assert sliced(graph, "layer", Fold(2)).slots == 3


def test_lanes_that_nobody_reads() -> None:
    builder = Builder("some")
    x = builder.input("x", TensorType.of(Fixed(6, 3), (7, 3)))
    y = builder.add(Dense(RNG(7).integers(-9, 9, (3, 4)), 0), x, layer="first")
    y = builder.add(Gather(np.array([0, 2, 9, 12, 14])), y, layer="second")
    y = builder.add(Relu(), y, layer="relu")
    graph = builder.finish({"y": y})
    kernel = sliced(graph, "first", Fold(2, 2))
    assert kernel.slots == 4
    assert (kernel.writes >= 0).sum() == 5


def test_a_fault_is_found() -> None:
    """The comparison bites: one port reading another element, or another constant, is found."""
    graph = image((5, 5, 2), convolved("same", (1, 1)))
    kernel = sliced(graph, "layer", Fold(2))
    rng = RNG(8)
    for _ in range(20):
        port, slot = rng.choice(np.argwhere(kernel.reads >= 0))
        reads = kernel.reads.copy()
        reads[port, slot] = (reads[port, slot] + 1) % 50
        assert differences(graph, [replace(kernel, reads=reads)]) != []
    folded = sliced(dense(5, 8), "layer", Fold(1, 4))
    port, slot = np.argwhere(folded.constants != 0)[3]
    constants = folded.constants.copy()
    constants[port, slot] += 1 if constants[port, slot] < constants[port].max() else -1
    assert differences(dense(5, 8), [replace(folded, constants=constants)]) != []


def test_addresses() -> None:
    graph = dense(3, 4)
    kernel = sliced(graph, "layer", Fold())
    assert addressed(kernel, graph, kernel.base["x"] + 2) == ("x", 2)
    assert addressed(kernel, graph, kernel.base["layer"] + 3) == ("layer", 3)


def test_slots_that_were_never_read_before() -> None:
    """What a kernel writes does not depend on what stood there."""
    graph = dense(3, 4)
    truth = reference(graph)
    made = interpret_kernel(sliced(graph, "layer", Fold(1, 2)), graph, {"x": truth["x"]})
    assert np.array_equal(made["layer"], truth["layer"])


def test_live_elements_are_those_that_change_an_output() -> None:
    """By brute force: an element that is not live changes nothing."""
    for seed in range(30):
        graph = random_graph(seed, 5)
        live = live_elements(graph)
        rng = RNG(seed)
        codes = {n: rng.integers(t.low, t.high + 1, (20, *t.shape)) for n, t in graph.inputs.items()}
        before = interpret(graph, codes)
        for name, type in graph.inputs.items():
            other = np.where(
                live[name], codes[name], rng.integers(type.low, type.high + 1, codes[name].shape)
            )
            after = interpret(graph, {**codes, name: other})
            assert all(np.array_equal(before[n], after[n]) for n in before)


def test_a_layer_of_900_positions_is_quick() -> None:
    graph = image((32, 32, 3), convolved("valid", (1, 1), filters=16))
    nodes, live = layer_nodes(graph, "layer"), live_elements(graph)["layer"]
    start = time.perf_counter()
    kernel = slice_layer(graph, nodes, "layer", Fold(), live)
    assert time.perf_counter() - start < 1.0
    assert kernel.slots == 900
    assert len(kernel.reads) == 27


def fold_random(seeds: range) -> tuple[int, int]:
    """Layers of random graphs under random folds: how many fold, and how many are refused."""
    folded = refused = 0
    for seed in seeds:
        graph, rng = random_graph(seed, 6), RNG(seed)
        live = live_elements(graph)
        for layer in dict.fromkeys(node.layer for node in graph.nodes if node.name not in graph.inputs):
            fold = Fold(100) if rng.random() < 0.1 else Fold(*map(int, rng.integers(1, 4, 2)))
            if live[output_of(graph, layer_nodes(graph, layer))].any():
                try:
                    sliced(graph, layer, fold)
                    folded += 1
                except FoldingError as error:
                    refused += bool(error.node)
    return folded, refused


def test_random_graphs() -> None:
    folded, refused = fold_random(range(80))
    assert folded > 2 * refused > 0


@pytest.mark.slow
def test_many_random_graphs() -> None:
    folded, refused = fold_random(range(1000, 1500))
    assert folded > 2 * refused > 0


def test_operands_that_change_from_slot_to_slot_come_from_ports() -> None:
    """A concatenation of inputs is seen through, one of computed values is refused."""

    def build(b: LayerNodes, x: str) -> str:
        y = b.codes(np.arange(6).reshape(2, 3), 0, "y")
        return b.add(Relu(), b.add(Concatenate(), x, y, part="joined"), part="relu")

    sliced(image((2, 3), build), "layer", Fold(1, 6))

    def refused(b: LayerNodes, x: str) -> str:
        return b.add(Concatenate(), b.add(Relu(), x, part="relu"), x, part="joined")

    with pytest.raises(FoldingError, match="the operand it takes differs"):
        sliced(image((2, 3), refused), "layer", Fold(1, 6))


def test_a_fold_of_nothing() -> None:
    graph = dense(3, 4)
    with pytest.raises(FoldingError, match="a fold has one or more positions"):
        sliced(graph, "layer", Fold(0))
    dead = np.zeros(4, dtype=bool)
    with pytest.raises(FoldingError, match="'layer': no output of the network depends on it"):
        slice_layer(graph, layer_nodes(graph, "layer"), "layer", Fold(), dead)


def test_tables_that_agree_are_one() -> None:
    """Two tables trimmed to their ranges count as equal, two that differ do not."""

    def build(entries: np.ndarray) -> Callable[[LayerNodes, str], str]:
        def tables(b: LayerNodes, x: str) -> str:
            low = np.array([[-16, -8], [-4, -8]])
            target = TensorType(low, -low - 1, np.zeros((2, 2)))
            x = b.add(Quantize(target, Rounding.RND, Overflow.SAT), x, part="input")
            y = b.add(Lookup(entries, np.full(len(entries), -16), np.zeros(len(entries))), x, part="table")
            return b.add(Reshape((4, 1)), y, part="shaped")

        return tables

    one = RNG(9).integers(-50, 50, (1, 32))
    image((2, 2), build(one))
    other = np.concatenate([one, one])
    other[1, 16] += 1
    with pytest.raises(FoldingError, match="its format differs"):
        sliced(image((2, 2), build(one)), "layer", Fold())
    builder = Builder("tables")
    low = np.array([[-16], [-4]])
    x = builder.input("x", TensorType(low, -low - 1, np.zeros((2, 1))))
    for entries, fits in ((one, True), (np.concatenate([one, one]), True), (other, False)):
        own = Builder("tables", [*builder.nodes], dict(builder.types))
        y = own.add(Lookup(entries, np.full(len(entries), -16), np.zeros(len(entries))), x, layer="layer")
        if fits:
            sliced(own.finish({"y": y}), "layer", Fold())
        else:
            with pytest.raises(FoldingError, match="its tables differ"):
                sliced(own.finish({"y": y}), "layer", Fold())


def test_constants_of_another_layer_are_numbers() -> None:
    builder = Builder("constants")
    x = builder.input("x", TensorType.of(Fixed(6, 3), (4,)))
    c = builder.constant(Constant(np.arange(4), np.zeros(4)), layer="other", part="c")
    y = builder.add(Add(), x, c, layer="layer")
    kernel = sliced(builder.finish({"y": y}), "layer", Fold(1, 4))
    assert set(kernel.base) == {"x", "layer"}
    assert len(kernel.reads) == 2
