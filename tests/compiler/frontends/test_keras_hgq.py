"""Every layer the front end knows: the graph is the framework, bit for bit, whatever the quantisers are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hgq.layers as q
import keras
import numpy as np
import pytest
from hgq.quantizer import Quantizer

from helpers.hgq_models import assert_exact, kbi, kif, model_of, saved
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.keras_hgq import graph_of
from nanosieve.compiler.frontends.keras_layers import (
    InputPort,
    Nonzero,
    PhysicalRangeLUT,
    PowerOfTwoScale,
    Threshold,
    variance_divergence,
)
from nanosieve.compiler.frontends.keras_layers_to_ops import CONVERTERS
from nanosieve.compiler.frontends.keras_model import framework_outputs
from nanosieve.compiler.graph import decode, encode, interpret
from nanosieve.errors import InexactModelError, UnsupportedLayerError

Build = Callable[[Any], Any]
WEIGHTS = {"kq_conf": kbi(), "bq_conf": kif("bias")}
IN_OUT = {"iq_conf": kif(), "oq_conf": kif(rounding="TRN", overflow="WRAP"), "enable_oq": True}
NO_IN = {"enable_iq": False, "enable_ebops": False}


def fresh(x: Any, **bits: int) -> Any:
    """A quantised value, so that sums stay narrow enough for float32."""
    return Quantizer(kif(overflow="WRAP", rounding="TRN", **bits))(x)


def table(x: Any) -> Any:
    out = kif("table", "RND_CONV", "SAT_SYM")
    layer = PhysicalRangeLUT([None, 3.0, 0.0, 2.5, 1.0], iq_conf=kif(), oq_conf=out)
    return layer(x)


MODELS: dict[str, Build] = {
    "dense": lambda x: q.QDense(4, **WEIGHTS, **IN_OUT)(x),
    "dense without bias": lambda x: q.QDense(4, use_bias=False, **WEIGHTS, iq_conf=kif())(x),
    "dense with relu": lambda x: q.QDense(4, activation="relu", **WEIGHTS, **IN_OUT)(x),
    "dense without input quantiser": lambda x: q.QDense(4, **WEIGHTS, **NO_IN)(fresh(x)),
    "dense, default quantisers": lambda x: q.QDense(4)(x),
    "dense on rows": lambda x: q.QDense(3, **WEIGHTS)(keras.layers.Reshape((1, 5))(x)),
    "batch norm dense": lambda x: q.QBatchNormDense(4, activation="relu", **WEIGHTS, **IN_OUT)(x),
    "batch norm": lambda x: q.QBatchNormalization(kq_conf=kif("weight"), bq_conf=kif("bias"), **IN_OUT)(x),
    "batch norm without scale": lambda x: q.QBatchNormalization(scale=False, iq_conf=kif())(x),
    "einsum": lambda x: q.QEinsumDense("bc,cd->bd", 4, bias_axes="d", **WEIGHTS, **IN_OUT)(x),
    "einsum on rows": lambda x: q.QEinsumDense("bnc,cd->bnd", (5, 3), bias_axes="d", **WEIGHTS)(
        keras.layers.Reshape((5, 1))(x)
    ),
    "einsum batch norm": lambda x: q.QEinsumDenseBatchnorm(
        "bc,cd->bd", 4, bias_axes="d", activation="relu", **WEIGHTS
    )(x),
    "leaky relu": lambda x: keras.layers.LeakyReLU(negative_slope=0.3125)(x),
    "relu": lambda x: keras.layers.ReLU()(x),
    "relu with a slope": lambda x: keras.layers.ReLU(negative_slope=0.25)(x),
    "leaky relu of slope 0": lambda x: keras.layers.LeakyReLU(negative_slope=0.0)(x),
    "activation": lambda x: keras.layers.Activation("relu")(keras.layers.Activation("linear")(x)),
    "tanh": lambda x: q.QUnaryFunctionLUT("tanh", iq_conf=kif(), oq_conf=kif("table"))(x),
    "our own function": lambda x: q.QUnaryFunctionLUT(
        variance_divergence, iq_conf=kif(), oq_conf=kif("table", "TRN", "WRAP")
    )(x),
    "physical ranges": table,
    "add": lambda x: q.QAdd(iq_confs=[kif(), kif()], **{k: v for k, v in IN_OUT.items() if k != "iq_conf"})(
        [x, fresh(x)]
    ),
    "subtract": lambda x: q.QSubtract(iq_confs=[kif(), kif(rounding="TRN")])([x, fresh(x)]),
    "multiply": lambda x: q.QMultiply(iq_confs=[kif(), kif(overflow="WRAP")])([x, fresh(x)]),
    "square": lambda x: q.QMultiply(**NO_IN)([(y := fresh(x)), y]),
    "sum": lambda x: q.QSum(iq_conf=kif(), scale=0.25)(x),
    "sum of rows": lambda x: q.QSum(iq_conf=kif(), keepdims=True)(keras.layers.Reshape((5, 1))(x)),
    "shapes": lambda x: keras.layers.Concatenate()([keras.layers.Flatten()(table(x)), fresh(x)]),
    "rows side by side": lambda x: keras.layers.Concatenate(axis=2)(
        [(y := keras.layers.Reshape((5, 1))(fresh(x))), keras.layers.ReLU()(y)]
    ),
    "powers of two": lambda x: PowerOfTwoScale([3, -2, 0, 1, -7])(PowerOfTwoScale(2)(x)),
    "mask": lambda x: Nonzero()(fresh(x)),
    "threshold": lambda x: Threshold(-1.25)(fresh(x)),
    "dropout": lambda x: keras.layers.Dropout(0.5)(q.QDense(3, **WEIGHTS)(x)),
    "two outputs": lambda x: [q.QDense(2, name="a", **WEIGHTS)(x), Threshold(0.5, name="b")(x)],
    "port inside": lambda x: InputPort(5, 3, signed=False, name="inner")(PowerOfTwoScale(-1)(x)),
    "port behind the port": lambda x: InputPort(6, 3, name="second")(x),
}
MODELS |= {
    f"quantiser {rounding} {overflow}": lambda x, r=rounding, o=overflow: Quantizer(kif("datalane", r, o))(x)
    for rounding in ("TRN", "RND", "RND_CONV")
    for overflow in ("WRAP", "SAT", "SAT_SYM")
}


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_is_the_framework(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    assert_exact(saved(model_of(MODELS[name], rng=rng), tmp_path), rng)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_graph_is_the_framework_for_many_quantisers(name: str, tmp_path: Path) -> None:
    for seed in range(2, 12):
        rng = np.random.default_rng(seed)
        assert_exact(saved(model_of(MODELS[name], rng=rng), tmp_path), rng)


def test_every_converter_is_tried() -> None:
    tried = {type(layer).__name__ for build in MODELS.values() for layer in model_of(build).layers}
    assert set(CONVERTERS) <= tried


def test_a_network_as_they_are_trained(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        for width in (6, 5, 3):
            x = q.QBatchNormDense(width, **WEIGHTS, iq_conf=kif(overflow="WRAP", rounding="TRN"))(x)
            x = keras.layers.LeakyReLU(negative_slope=0.3125)(x)
        score = q.QSum(iq_conf=kif(), name="score")(q.QMultiply(**NO_IN)([(y := fresh(x)), y]))
        return [score, Threshold(2.0, name="trigger")(score)]

    rng = np.random.default_rng(3)
    graph = assert_exact(saved(model_of(build, rng=rng), tmp_path), rng)
    assert list(graph.outputs) == ["score", "trigger"]
    assert graph.source == tmp_path / "tiny.keras"


def test_port_without_an_input_port(tmp_path: Path) -> None:
    """The input quantiser of the only layer that reads the input states the port."""
    x = keras.Input((4,), name="x")
    layer = q.QDense(3, iq_conf=kif(rounding="TRN", overflow="WRAP"), kq_conf=kbi(), bq_conf=kif("bias"))
    assert_exact(saved(keras.Model(x, layer(x)), tmp_path), np.random.default_rng(1))
    x = keras.Input((4,), name="x")
    quantizer = Quantizer(kif(rounding="RND_CONV", overflow="SAT_SYM"))
    assert_exact(saved(keras.Model(x, quantizer(x)), tmp_path), np.random.default_rng(1))


def test_a_wrong_weight_is_found(tmp_path: Path) -> None:
    """The comparison bites: a model whose graph was made of other weights differs."""
    rng = np.random.default_rng(5)
    model = model_of(lambda x: q.QDense(4, name="dense", **WEIGHTS)(x), rng=rng)
    graph = graph_of(model, name="before")
    kernel = model.get_layer("dense")._kernel
    kernel.assign(kernel.numpy() + 0.5)
    x = rng.uniform(-4, 4, (50, 5)).astype(np.float32)
    after = framework_outputs(saved(model, tmp_path), x)["dense"]
    codes = interpret(graph, encode(graph, {"x": x}))["dense"]
    assert not np.array_equal(decode(codes, graph.types["dense"]), after)


def used_twice(x: Any) -> Any:
    layer = q.QDense(5, name="dense", **WEIGHTS)
    return layer(layer(x))


REFUSED: dict[str, tuple[Build, str]] = {
    "unknown layer": (
        lambda x: keras.layers.Softmax(name="soft")(x),
        r"^layer 'soft': unknown layer 'Softmax'; .*known: Activation, Concatenate",
    ),
    "near name": (
        lambda x: keras.layers.Dense(2, name="d")(x),
        r"^layer 'd': unknown layer 'Dense'; nearest: QDense, ",
    ),
    "softmax inside": (
        lambda x: q.QDense(2, activation="softmax", name="d")(x),
        r"^layer 'd' \(QDense\): activation 'softmax' inside the layer; use a ReLU, LeakyReLU or QUnary",
    ),
    "activation softmax": (
        lambda x: keras.layers.Activation("softmax", name="a")(x),
        r"^layer 'a' \(Activation\): activation 'softmax'",
    ),
    "used twice": (
        used_twice,
        r"^layer 'dense' \(QDense\): it is used twice; give each use a layer of its own$",
    ),
    "table too large": (
        lambda x: q.QUnaryFunctionLUT("tanh", iq_conf=kif(f0=14), name="t")(x),
        r"^layer 't' \(QUnaryFunctionLUT\): a table of [\d,]+ entries; quantise its input to 16 bits or l",
    ),
    "relu with a maximum": (
        lambda x: keras.layers.ReLU(max_value=6.0, name="r")(x),
        r"^layer 'r' \(ReLU\): a maximum or threshold; use plain ReLU; the next quantiser saturates$",
    ),
    "sum of another axis": (
        lambda x: q.QSum(axes=1, name="s")(keras.layers.Reshape((5, 1))(x)),
        r"^layer 's' \(QSum\): axes \(1,\); sum over the last axis$",
    ),
    "three at once": (
        lambda x: q.QAdd(name="m")([x, x, x]),
        r"^layer 'm' \(QAdd\): 3 inputs; merge two at a time$",
    ),
    "joined along another axis": (
        lambda x: keras.layers.Concatenate(axis=1, name="c")([keras.layers.Reshape((5, 1))(x)] * 2),
        r"^layer 'c' \(Concatenate\): axis 1; concatenate along the last axis$",
    ),
    "einsum over another axis": (
        lambda x: q.QEinsumDense("bnc,nd->bdc", (2, 1), name="e")(keras.layers.Reshape((5, 1))(x)),
        r"^layer 'e' \(QEinsumDense\): equation 'bnc,nd->bdc'; only products over the last axis",
    ),
    "quantiser with a factor": (
        lambda x: Quantizer(kif(scaler=3.0), name="f")(x),
        r"^layer 'f': quantized: quantiser .* is not supported; use a kif or kbi quantiser",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exact_is_refused(name: str, tmp_path: Path) -> None:
    build, message = REFUSED[name]
    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        load_model(saved(model_of(build), tmp_path))
    assert "\n" not in str(caught.value)


def test_slopes_that_are_no_binary_fraction(tmp_path: Path) -> None:
    path = saved(model_of(lambda x: keras.layers.LeakyReLU(negative_slope=0.3, name="leaky")(x)), tmp_path)
    nearest = r"layer 'leaky': slope 0\.3\d* is not fixed point.*0\.296875 = 19/64 is the nearest in six bits"
    with pytest.raises(InexactModelError, match=nearest):
        load_model(path)


def test_the_type_of_a_port_must_be_stated(tmp_path: Path) -> None:
    x = keras.Input((4,), name="jets")
    message = (
        r"^input 'jets': its fixed-point type is not stated; put an InputPort\(width, integer\) behind it"
    )
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(saved(keras.Model(x, keras.layers.ReLU()(x)), tmp_path))
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(saved(keras.Model(x, [Quantizer(kif())(x), Quantizer(kif())(x)]), tmp_path))


def test_outputs_have_names_of_their_own(tmp_path: Path) -> None:
    def twice(x: Any) -> Any:
        y = keras.layers.ReLU(name="r")(x)
        return [y, y]

    with pytest.raises(
        UnsupportedLayerError, match=r"^two outputs of the model come from one layer \(r, r\)"
    ):
        load_model(saved(model_of(twice), tmp_path))
