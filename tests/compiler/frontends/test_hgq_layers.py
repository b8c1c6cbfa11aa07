"""Every layer of Keras and HGQ2 that the front end knows, with quantisers that differ element by element."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hgq.layers as q
import numpy as np
import pytest

from helpers.hgq_layers import LAYERS, WEIGHTS
from helpers.hgq_models import assert_exact, model_of, saved
from nanosieve.compiler.frontends.hgq.model import graph_of
from nanosieve.compiler.frontends.keras_model import framework_outputs
from nanosieve.compiler.graph import decode, encode, interpret

QUICK = ("shapes", "models in models", "softmax")


@pytest.mark.parametrize("name", QUICK)
def test_the_graph_is_the_framework(name: str, tmp_path: Path) -> None:
    shape, build = LAYERS[name]
    rng = np.random.default_rng(1)
    assert_exact(saved(model_of(build, shape, rng=rng), tmp_path), rng)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_the_graph_is_the_framework_for_every_layer(name: str, tmp_path: Path) -> None:
    shape, build = LAYERS[name]
    rng = np.random.default_rng(2)
    assert_exact(saved(model_of(build, shape, rng=rng), tmp_path), rng)


BITES = {
    "convolution": ((4, 2), lambda x: q.QConv1D(2, 2, name="found", **WEIGHTS)(x), "_kernel"),
    "einsum": (
        (3, 2),
        lambda x: q.QEinsumDense("bnc,nd->bdc", (2, 2), name="found", **WEIGHTS)(x),
        "_kernel",
    ),
    "recurrent": ((2, 2), lambda x: q.QSimpleRNN(2, name="found", **WEIGHTS)(x), "cell.recurrent_kernel"),
    "table": ((3,), lambda x: q.QAffinedUnaryFunctionLUT("tanh", name="found")(x), "bias"),
    "edges": ((3,), lambda x: q.QDenseT(2, name="found")(x), "module.layers.0.bias"),
    "attention": ((3, 2), lambda x: q.QMultiHeadAttention(1, 2, name="found")(x), "_value_dense._kernel"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BITES)
def test_a_wrong_weight_is_found(name: str, tmp_path: Path) -> None:
    """The comparison bites: a graph made of other weights differs."""
    shape, build, where = BITES[name]
    rng = np.random.default_rng(1)
    model = model_of(build, shape)
    path = saved(model, tmp_path)
    graph = assert_exact(path, rng)
    variable: Any = model.get_layer("found")
    for step in where.split("."):
        variable = variable[int(step)] if step.isdigit() else getattr(variable, step)
    variable.assign(variable.numpy() + 0.75)
    x = rng.uniform(-4, 4, (200, *shape)).astype(np.float32)
    after = framework_outputs(saved(model, tmp_path), x)["found"]
    codes = interpret(graph, encode(graph, {"x": x}))["found"]
    assert not np.array_equal(decode(codes, graph.types[graph.outputs["found"]]), after)


def test_steps_and_uses_have_names_of_their_own() -> None:
    def build(x: Any) -> Any:
        layer = q.QSimpleRNN(2, name="rnn", return_sequences=True, **WEIGHTS)
        return layer(layer(x))

    graph = graph_of(model_of(build, (2, 2)), name="named")
    names = {node.name for node in graph.nodes}
    assert {"rnn.t00.product", "rnn.t01.recurrent", "rnn", "rnn_1.t01.product", "rnn_1"} <= names
    assert {node.layer for node in graph.nodes} == {"x", "rnn", "rnn_1"}
    steps = [node.op for node in graph.nodes if node.name.endswith((".t00.recurrent", ".t01.recurrent"))]
    assert steps[0].kernel is steps[1].kernel  # type: ignore[attr-defined]
