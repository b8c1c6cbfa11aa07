"""Folding along the inputs: the graph stays the same, and its partial sums roll like a recurrence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from helpers.kernels import differences, layer_nodes, reference
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Dense,
    Fixed,
    Graph,
    Lookup,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware.partial_sums import partial_sums
from nanosieve.compiler.hardware.rolling import slice_sums, split_steps, steps_of
from nanosieve.compiler.hardware.slices import Fold, slice_layer
from nanosieve.compiler.passes import run_passes
from nanosieve.errors import FoldingError

Finish = Callable[[LayerNodes, str], str]


def plain(b: LayerNodes, x: str) -> str:
    return x


def biased(b: LayerNodes, x: str) -> str:
    bias = b.codes(np.random.default_rng(1).integers(-99, 99, b.shape(x)), -5, "bias")
    x = b.add(Relu(), b.add(Add(), x, bias, part="sum"), part="relu")
    target = TensorType.of(Fixed(7, 6, signed=False), b.shape(x))
    return b.builder.add(Quantize(target, Rounding.RND, Overflow.SAT), x, layer="layer")


def looked_up(b: LayerNodes, x: str) -> str:
    type = b.type(x)
    first = type.low.min(keepdims=True).reshape(1)
    table = np.random.default_rng(2).integers(-9, 9, (1, int(type.high.max() - first[0]) + 1))
    return b.add(Lookup(table, first, np.zeros(1)), x, part="table")


def network(shape: tuple[int, ...], kernel: np.ndarray, finish: Finish) -> Graph:
    builder = Builder("network")
    x = builder.input("x", TensorType.of(Fixed(6, 3), shape))
    b = LayerNodes(builder, "layer")
    y = finish(b, b.add(Dense(kernel, -3), x, part="product"))
    return builder.finish({"y": builder.add(Relu(), y, layer="relu")})


def kernel(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-9, 10, shape)


@pytest.mark.parametrize("finish", [plain, biased, looked_up])
@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_parts_of_the_inputs(finish: Finish, parts: int) -> None:
    before = network((8,), kernel(8, 5), finish)
    graph = partial_sums(before, "layer", parts)
    truth, new = reference(before), reference(graph)
    for name in ("x", "layer.product", "layer.sum", "layer", "relu"):
        if name in truth and name in new:
            assert np.array_equal(truth[name], new[name])
            assert graph.types[name] == before.types[name]
    if parts == 1:
        assert graph is before
        return
    for each in (graph, run_passes(graph)):
        _, (steps,), after = split_steps(each, layer_nodes(each, "layer"))
        part = -(-8 // parts)
        assert len(steps.steps) == -(-8 // part)
        live = np.ones(5, dtype=bool)
        for columns in (1, 2, 5):
            rolled = slice_sums(each, steps, Fold(1, columns), live)
            assert len(rolled.writes) == -(-5 // columns)
            assert differences(each, [rolled]) == []
        if finish is not plain:
            rest = slice_layer(each, after, after[-1].name, Fold())
            assert differences(each, [rolled, rest]) == []


def test_rows_and_blocks() -> None:
    for shape, weights in (((3, 8), kernel(8, 5)), ((2, 3, 7), kernel(2, 7, 4))):
        before = network(shape, weights, biased)
        graph = partial_sums(before, "layer", 3)
        assert np.array_equal(reference(before)["relu"], reference(graph)["relu"])
        (steps,) = steps_of(graph, layer_nodes(graph, "layer"))
        live = np.random.default_rng(4).random(graph.types["layer.sum"].shape) < 0.7
        for fold in (Fold(1), Fold(2, 2), Fold(3, 4)):
            summed = slice_sums(graph, steps, fold, live)
            assert (summed.writes >= 0).sum() == 3 * live.sum()
            assert differences(graph, [summed]) == []


def test_a_step_that_gets_finer_is_brought_back() -> None:
    """Columns of which a slice has no weights at all: the value keeps its type, which a table depends on."""
    weights = 8 * kernel(8, 5)
    weights[:4, :3] = 0
    before = network((8,), weights, looked_up)
    graph = partial_sums(before, "layer", 2)
    assert graph.types["layer.product"] == before.types["layer.product"]
    assert np.array_equal(reference(before)["relu"], reference(graph)["relu"])


def test_what_cannot_be_parted() -> None:
    graph = network((8,), kernel(8, 5), plain)
    with pytest.raises(FoldingError, match="'layer': 8 inputs are folded into 1 to 8 parts, not 9"):
        partial_sums(graph, "layer", 9)
    with pytest.raises(FoldingError, match="'relu' has 0 products"):
        partial_sums(graph, "relu", 2)
