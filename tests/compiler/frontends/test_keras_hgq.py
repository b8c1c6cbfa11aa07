"""Every layer the front end knows: the graph is the framework, bit for bit, whatever the quantisers are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import hgq.layers as q
import keras
import numpy as np
import pytest
from hgq.quantizer import Quantizer, QuantizerConfig

from helpers import hgq_layers
from helpers.hgq_layers import IN_OUT, WEIGHTS, Build, fresh
from helpers.hgq_models import assert_exact, kbi, kif, model_of, randomise, saved
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.hgq.layers_to_ops import CONVERTERS, OPERATIONS
from nanosieve.compiler.frontends.hgq.model import graph_of
from nanosieve.compiler.frontends.keras_layers import (
    InputPort,
    Nonzero,
    PhysicalRangeLUT,
    PowerOfTwoScale,
    Threshold,
    variance_divergence,
)
from nanosieve.compiler.frontends.keras_model import framework_outputs
from nanosieve.compiler.graph import decode, encode, interpret
from nanosieve.errors import InexactModelError, UnsupportedLayerError

NO_IN = {"enable_iq": False, "enable_ebops": False}


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
    "dense used twice": lambda x: (layer := q.QDense(5, **WEIGHTS))(layer(x)),
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
    "no quantiser": lambda x: Quantizer(QuantizerConfig("dummy", "datalane"))(fresh(x)),
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


GROUPS = [list(MODELS)[start : start + 12] for start in range(0, len(MODELS), 12)]
"""Models that are built and compiled as one, to save time."""


def together(names: list[str]) -> Build:
    """All outputs of the models."""

    def build(x: Any) -> list[Any]:
        outputs = [MODELS[name](x) for name in names]
        return [tensor for output in outputs for tensor in (output if isinstance(output, list) else [output])]

    return build


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_the_graph_is_the_framework(names: list[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    assert_exact(saved(model_of(together(names), rng=rng), tmp_path), rng)


@pytest.mark.slow
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_the_graph_is_the_framework_for_many_quantisers(names: list[str], tmp_path: Path) -> None:
    for seed in (2, 3):
        rng = np.random.default_rng(seed)
        assert_exact(saved(model_of(together(names), rng=rng), tmp_path), rng)


def test_every_converter_is_tried() -> None:
    models = Path(__file__).read_text(encoding="utf-8") + Path(hgq_layers.__file__).read_text(
        encoding="utf-8"
    )
    assert not {name for name in CONVERTERS if not re.search(rf"\b{name}\(", models)}
    functions = {name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in OPERATIONS}
    unnamed = {name for name, function in functions.items() if f"ops.{function}" not in models}
    operators = {"GetItem", "Multiply", "Negative", "Subtract", "TrueDivide"}
    alike = {"Absolute", "Amax", "Amin", "Copy", "Slice", "StopGradient", "Unstack"}
    assert unnamed == operators | alike


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


def test_several_inputs_and_a_sequential_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    x, y = keras.Input((3,), name="x"), keras.Input((2, 2), name="y")
    rows = keras.layers.Flatten()(InputPort(6, 3, name="port")(y))
    model = keras.Model(
        [x, y], q.QDense(2, name="sum", **WEIGHTS)(keras.layers.Concatenate()([q.QDense(2)(x), rows]))
    )
    path = saved(model, tmp_path)
    graph = load_model(path)
    assert list(graph.inputs) == ["x", "y"]
    given = {"x": rng.uniform(-9, 9, (300, 3)), "y": rng.uniform(-5, 5, (300, 2, 2))}
    codes = interpret(graph, encode(graph, given))["sum"]
    assert np.array_equal(decode(codes, graph.types["sum"]), framework_outputs(path, given)["sum"])
    assert_exact(
        saved(keras.Sequential([keras.Input((3,), name="x"), q.QDense(2), q.QDense(2)]), tmp_path), rng
    )


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


def pair(x: Any) -> tuple[Any, Any]:
    """The same values as rows and as a matrix."""
    return keras.layers.Reshape((5, 1))(x), fresh(x)


REFUSED: dict[str, tuple[Build, str]] = {
    "unknown layer": (
        lambda x: keras.layers.Softmax(name="soft")(x),
        r"^layer 'soft': unknown layer 'Softmax'; .*known: Activation, ActivityRegularization",
    ),
    "near name": (
        lambda x: keras.layers.Dense(2, name="d")(x),
        r"^layer 'd': unknown layer 'Dense'; nearest: QDense, ",
    ),
    "unknown operation": (
        lambda x: keras.ops.cumsum(x, axis=1),
        r"^layer 'cumsum\w*': unknown operation 'Cumsum'; .*known: Abs, ",
    ),
    "softmax inside": (
        lambda x: q.QDense(2, activation="softmax", name="d")(x),
        r"^layer 'd' \(QDense\): activation 'softmax' inside the layer; use a QSoftmax layer$",
    ),
    "activation of a wide sum": (
        lambda x: q.QDense(2, activation="tanh", iq_conf=kif(f0=9), name="d", **WEIGHTS)(x),
        r"^layer 'd' \(QDense\): activation 'tanh' of a wide value; use a ReLU, LeakyReLU or QUnary",
    ),
    "table too large": (
        lambda x: q.QUnaryFunctionLUT("tanh", iq_conf=kif(f0=14), name="t")(x),
        r"^layer 't' \(QUnaryFunctionLUT\): a table of [\d,]+ entries; quantise its input to 16 bits or l",
    ),
    "relu with a slope and a maximum": (
        lambda x: keras.layers.ReLU(max_value=6.0, negative_slope=0.5, name="r")(x),
        r"^layer 'r' \(ReLU\): a slope beside a maximum or threshold; use LeakyReLU; ",
    ),
    "quantiser with a factor": (
        lambda x: Quantizer(kif(scaler=3.0), name="f")(x),
        r"^layer 'f': quantized: a quantiser with scaler or factor 3\.0 is not supported; use a power of",
    ),
    "another rounding": (
        lambda x: Quantizer(kif(rounding="RND_ZERO"), name="f")(x),
        r"^layer 'f': quantized: quantiser .* is not supported; use a kif or kbi quantiser",
    ),
    "average of three": (
        lambda x: keras.layers.AveragePooling1D(3, name="p")(pair(x)[0]),
        r"^layer 'p' \(AveragePooling1D\): an average of 3 elements; only a division by a power of two is ",
    ),
    "mean of three": (
        lambda x: keras.layers.Average(name="m")([x, x, x]),
        r"^layer 'm' \(Average\): an average of 3; only a division by a power of two is exact",
    ),
    "division": (
        lambda x: keras.ops.divide(x, 3.0),
        r"^layer 'divide\w*' \(Divide\): a division by 3; only a division by a power of two is exact",
    ),
    "division of a variable": (
        lambda x: keras.ops.divide(x, fresh(x)),
        r"^layer 'divide\w*' \(Divide\): a division; only a division by 2, 4, 8, … is exact; use a QUnary",
    ),
    "mean over the events": (
        lambda x: keras.ops.sum(x),
        r"^layer 'sum\w*' \(Sum\): a reduction over the axis of the events; state the other axes$",
    ),
    "events mixed": (
        lambda x: keras.ops.flip(x, axis=0),
        r"^layer 'flip\w*' \(Flip\): the axis of the events takes part; leave the first axis as it is$",
    ),
    "ranks": (
        lambda x: keras.ops.add(*pair(x)),
        r"^layer 'add\w*' \(Add\): operands of different ranks; give both the same number of axes$",
    ),
    "product with a constant": (
        lambda x: keras.ops.matmul(x, np.ones((5, 2), dtype=np.float32)),
        r"^layer 'matmul\w*' \(Matmul\): a product with a constant, or of different ranks; use QEinsum",
    ),
    "interpolation": (
        lambda x: keras.layers.UpSampling2D(interpolation="bilinear", name="u")(
            keras.layers.Reshape((5, 1, 1))(x)
        ),
        r"^layer 'u' \(UpSampling2D\): interpolation 'bilinear'; use interpolation='nearest'$",
    ),
    "normalised product": (
        lambda x: keras.layers.Dot(axes=1, normalize=True, name="d")([x, fresh(x)]),
        r"^layer 'd' \(Dot\): normalize=True; no hardware computes the norm exactly; leave it out$",
    ),
    "causal attention": (
        lambda x: q.QMultiHeadAttention(1, 2, name="a")(*[pair(x)[0]] * 2, use_causal_mask=True),
        r"^layer 'a' \(QMultiHeadAttention\): use_causal_mask=True; leave the mask out$",
    ),
    "masked attention": (
        lambda x: q.QMultiHeadAttention(1, 2, name="a")(
            *[pair(x)[0]] * 2, attention_mask=keras.ops.greater(keras.layers.RepeatVector(5)(x), 0.0)
        ),
        r"^layer 'a' \(QMultiHeadAttention\): attention_mask; pad with zeros and leave the mask out$",
    ),
    "another layer in both directions": (
        lambda x: keras.layers.Bidirectional(keras.layers.GRU(2), name="b")(pair(x)[0]),
        r"^layer 'b' \(Bidirectional\): a GRU inside; use one of QGRU, QSimpleRNN$",
    ),
    "a diagonal": (
        lambda x: q.QEinsum("bii,bi->bi", name="e")([keras.layers.RepeatVector(5)(x), x]),
        r"^layer 'e': equation 'bii,bi->bi' is not supported; write it with an arrow, the batch as the first",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exact_is_refused(name: str) -> None:
    build, message = REFUSED[name]
    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        graph_of(model_of(build), name="refused")
    assert "\n" not in str(caught.value)


def test_a_state_that_is_kept() -> None:
    x = keras.Input(batch_shape=(1, 5, 2), name="x")
    model = keras.Model(x, q.QSimpleRNN(2, stateful=True, name="r")(x))
    message = r"^layer 'r' \(QSimpleRNN\): stateful=True; every event starts anew; give the state as an inp"
    with pytest.raises(UnsupportedLayerError, match=message):
        graph_of(model, name="kept")


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
    with pytest.raises(
        UnsupportedLayerError, match=r"^input 'jets': layer 'r' reads it without an input quan"
    ):
        graph_of(keras.Model(x, keras.layers.ReLU(name="r")(x)), name="plain")
    two = [Quantizer(kif(overflow="SAT"))(x), Quantizer(kif(overflow="WRAP"))(x)]
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(saved(keras.Model(x, two), tmp_path))


@pytest.mark.parametrize("overflow", ["WRAP", "SAT"])
def test_a_port_that_several_quantisers_read(overflow: str, tmp_path: Path) -> None:
    """It keeps what each of them needs: the outputs are equal for numbers off its grid as well."""
    rng = np.random.default_rng(2)
    x = keras.Input((6,), name="x")
    readers = [Quantizer(kif(rounding=rounding, overflow=overflow)) for rounding in ("TRN", "RND", "RND")]
    model = keras.Model(x, [reader(x) for reader in readers])
    randomise(model, rng)
    graph = assert_exact(saved(model, tmp_path), rng)
    assert graph.inputs["x"].width.max() <= 24
    model = keras.Model(x, q.QDenseT(2, iq_conf=kif(overflow=overflow))(x))
    randomise(model, rng)
    assert_exact(saved(model, tmp_path), rng)


def test_outputs_have_names_of_their_own(tmp_path: Path) -> None:
    def twice(x: Any) -> Any:
        y = keras.layers.ReLU(name="r")(x)
        return [y, y]

    with pytest.raises(
        UnsupportedLayerError, match=r"^two outputs of the model come from one layer \(r, r\)"
    ):
        load_model(saved(model_of(twice), tmp_path))
