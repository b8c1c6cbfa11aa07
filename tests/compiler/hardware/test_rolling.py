"""Recurrent layers: one kernel for the steps of a cell, in as many copies as wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.kernels import differences, layer_nodes, written
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Dense,
    Fixed,
    Graph,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.rolling import slice_steps, split_steps, steps_of
from nanosieve.compiler.hardware.slices import Fold, slice_layer
from nanosieve.compiler.passes import drop_dead_values, run_passes
from nanosieve.errors import FoldingError

STEPS = 5


def cell(*, sequences: bool = False, spoilt: bool = False, start: int = 0, steps: int = STEPS) -> Graph:
    """A small gated cell with a state of three elements; `spoilt` gives one step other weights."""
    rng = np.random.default_rng(0)
    builder = Builder("cell")
    x = builder.input("x", TensorType.of(Fixed(6, 3), (steps, 2)))
    b = LayerNodes(builder, "rnn")
    kernel, recurrent = Dense(rng.integers(-9, 10, (2, 3)), -2), Dense(rng.integers(-9, 10, (3, 3)), -3)
    table = Lookup(rng.integers(-16, 16, (1, 64)), np.array([-32]), np.array([-3]))
    state = b.codes(np.full(3, start), -3, "start")
    states = []
    for n in range(steps):
        t = b.within(f"t{n}")
        row = t.rewired(x, lambda i, n=n: i[n], "input")
        own = Dense(kernel.kernel + 1, -2) if spoilt and n == 2 else kernel
        total = t.add(Add(), t.add(own, row, part="product"), t.codes(np.arange(3), -2, "bias"), part="sum")
        total = t.add(Add(), total, t.add(recurrent, state, part="recurrent"), part="total")
        target = TensorType.of(Fixed(6, 4), (3,))
        bounded = t.add(Quantize(target, Rounding.RND, Overflow.SAT), total, part="bounded")
        gate = t.add(table, bounded, part="gate")
        kept = t.add(Multiply(), gate, state, part="kept")
        mixed = t.add(Add(), kept, gate, part="mixed")
        target = TensorType.of(Fixed(6, 3), (3,))
        cut = Quantize(target, Rounding.RND, Overflow.SAT)
        last = n == steps - 1 and not sequences
        state = builder.add(cut, mixed, layer="rnn", part="" if last else f"t{n}.state")
        states.append(state)
    y = b.joined(states, 0, "sequence") if sequences else state
    y = builder.add(Dense(rng.integers(-9, 10, (builder.types[y].size, 2)), 0), y, layer="dense")
    return builder.finish({"y": y})


def rolled(graph: Graph, layer: str, copies: int) -> list[Kernel]:
    """The kernels of a layer, checked against the interpreter."""
    before, found, after = split_steps(graph, layer_nodes(graph, layer))
    names = {n.name for n in [*before, *after]} | {n.name for s in found for step in s.steps for n in step}
    assert names == {node.name for node in layer_nodes(graph, layer)}
    assert found
    kernels = []
    for steps in found:
        own = slice_steps(graph, steps, min(copies, len(steps.steps)))
        assert len(own) == min(copies, len(steps.steps))
        assert sum(kernel.slots for kernel in own) == len(steps.steps)
        kernels += own
    for kernel in kernels:
        kernel.graph.verify()
    assert differences(graph, kernels) == []
    return kernels


@pytest.mark.parametrize("copies", [1, 2, STEPS])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("passes", [False, True])
def test_copies_of_a_cell(copies: int, sequences: bool, start: int, passes: bool) -> None:
    graph = cell(sequences=sequences, start=start)
    graph = run_passes(graph) if passes else graph
    kernels = rolled(graph, "rnn", copies)
    assert all(len(kernel.writes) == 3 for kernel in kernels)
    if copies == 1:
        assert len(kernels[0].reads) == 2 + 3  # no weights among the ports
        state = kernels[0].reads[:, 1:][np.isin(kernels[0].reads[:, 1:], kernels[0].writes[:, :-1])]
        assert len(state) == 3 * (STEPS - 1)


@pytest.mark.parametrize("columns", [2, 3, 7])
@pytest.mark.parametrize("copies", [1, 2])
def test_columns_of_a_cell(columns: int, copies: int) -> None:
    """Parts of the state one behind the other; the weights of a part are ports."""
    graph = cell()
    (steps,) = steps_of(graph, layer_nodes(graph, "rnn"))
    kernels = slice_steps(graph, steps, copies, columns=columns)
    assert sum(kernel.slots for kernel in kernels) == STEPS * (2 if columns == 2 else 3)
    assert all(len(kernel.writes) == (2 if columns == 2 else 1) for kernel in kernels)
    assert differences(graph, kernels) == []


def test_passes_keep_steps_alike() -> None:
    """What the first step alone could leave out stays; the same cell without a state to start from is cut."""
    graph = run_passes(cell())
    (steps,) = steps_of(graph, layer_nodes(graph, "rnn"))
    kinds = {tuple(type(node.op).__name__ for node in step) for step in steps.steps}
    assert len(kinds) == 1
    assert "rnn.t0.recurrent" in graph.by_name


def test_weights_that_differ_are_ports() -> None:
    (kernel,) = rolled(cell(spoilt=True), "rnn", 1)
    assert 4 <= (kernel.reads < 0).all(axis=1).sum() <= 6  # equal ones share a port


def test_more_copies_than_steps() -> None:
    graph = cell()
    (steps,) = steps_of(graph, layer_nodes(graph, "rnn"))
    with pytest.raises(FoldingError, match="'rnn': 5 steps have 1 to 5 copies of their hardware"):
        slice_steps(graph, steps, 6)


def test_steps_that_are_not_alike() -> None:
    graph = cell()
    changed = graph.rewrite(
        lambda node: replace(node, inputs=node.inputs[::-1]) if node.name == "rnn.t2.total" else None
    )
    assert steps_of(changed, layer_nodes(changed, "rnn")) == []
    with_other_op = graph.rewrite(
        lambda node: replace(node, op=Multiply()) if node.name == "rnn.t2.mixed" else None
    )
    assert steps_of(with_other_op, layer_nodes(with_other_op, "rnn")) == []
    single = cell(steps=1)
    assert steps_of(single, layer_nodes(single, "rnn")) == []


def test_a_fault_is_found() -> None:
    graph = cell()
    (kernel,) = rolled(graph, "rnn", 1)
    port, slot = np.argwhere(np.isin(kernel.reads, kernel.writes[:, 0]))[0]
    reads = kernel.reads.copy()
    reads[port, slot] = kernel.reads[port - 1, slot]
    assert differences(graph, [replace(kernel, reads=reads)]) != []


def test_a_long_sequence() -> None:
    rolled(cell(steps=100), "rnn", 1)
    rolled(cell(steps=100), "rnn", 7)


def all_rolled(graph: Graph, least: int) -> None:
    """Every recurrent layer of `graph`, in some copies, with and without passes."""
    for each in (drop_dead_values(graph), run_passes(graph)):
        count, live = 0, live_elements(each)
        for layer in dict.fromkeys(node.layer for node in each.nodes):
            nodes = layer_nodes(each, layer)
            for steps in steps_of(each, nodes):
                count += 1
                if not any(live[node.name].any() for node in steps.steps[-1]):
                    continue
                for copies in (1, 2, len(steps.steps)):
                    assert differences(each, slice_steps(each, steps, copies)) == []
            if not steps_of(each, nodes):
                continue
            _, _, after = split_steps(each, nodes)
            outputs = [n.name for n in after if n.name in each.outputs.values() or n.name == layer]
            if outputs:
                kernel = slice_layer(each, after, outputs[0], Fold())
                assert set(written(each, kernel)) == {outputs[0]}
                assert differences(each, [kernel]) == []
        assert count >= least


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("sequences", [False, True])
def test_keras_layers(kind: str, sequences: bool, tmp_path: Path) -> None:
    import keras

    from nanosieve.compiler.frontends import Calibration, load_model

    keras.utils.set_random_seed(0)
    x = keras.Input((4, 3))
    y = getattr(keras.layers, kind)(4, return_sequences=sequences, name="rnn")(x)
    y = keras.layers.Dense(2)(keras.layers.Flatten()(y) if sequences else y)
    keras.Model(x, y).save(tmp_path / "model.keras")
    sample = np.random.default_rng(0).normal(size=(200, 4, 3))
    all_rolled(load_model(tmp_path / "model.keras", Calibration(sample, "fixed<10,4>")), 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("recurrent", 4), ("recurrent, both ways", 8)])
def test_hgq_layers(name: str, least: int, tmp_path: Path) -> None:
    """Quantisers differ from element to element here, but not from step to step."""
    from helpers.hgq_layers import LAYERS
    from helpers.hgq_models import model_of, saved
    from nanosieve.compiler.frontends import load_model

    shape, build = LAYERS[name]
    model: Any = model_of(build, shape, np.random.default_rng(1))
    all_rolled(load_model(saved(model, tmp_path)), least)
