"""QONNX's quantisers: each of their parameters, exactly, and refused where they cannot be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers.onnx_models import QONNX, assert_exact, constants, model_of, node, quant, saved, values
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.onnx.file import node_of
from nanosieve.compiler.frontends.onnx.quantisers import ROUNDINGS, quantiser
from nanosieve.compiler.graph import Dense, GreaterEqual, Lookup, Multiply, Quantize
from nanosieve.errors import InexactModelError, UnsupportedLayerError

RNG = np.random.default_rng(3)
W = RNG.normal(size=(6, 4)).astype(np.float32)
HALVES = {
    "ROUND": lambda x: round(x),
    "HALF_EVEN": lambda x: round(x),
    "CEIL": lambda x: -((-x) // 1),
    "FLOOR": lambda x: x // 1,
    "UP": lambda x: -((-x) // 1) if x > 0 else x // 1,
    "DOWN": lambda x: x // 1 if x > 0 else -((-x) // 1),
    "HALF_UP": lambda x: (x + Fraction(1, 2)) // 1 if x > 0 else -((-x + Fraction(1, 2)) // 1),
    "HALF_DOWN": lambda x: -((-x + Fraction(1, 2)) // 1) if x > 0 else (x + Fraction(1, 2)) // 1,
}
HALVES["HALF_DOWN"] = lambda x: -((Fraction(1, 2) - x) // 1) if x > 0 else (x + Fraction(1, 2)) // 1


def dense(*, after=(), opset=17, **arrays):
    """Input quantiser of 6 bits, product with quantised weights, and what comes after it."""
    nodes = [
        quant("x", "xq", "xs", "z", "xb"),
        quant("w", "wq", "ws", "z", "wb", narrow=1),
        node("MatMul", "xq wq", "h"),
        *after,
    ]
    stated = constants(xs=0.25, z=0.0, xb=6.0, w=W, ws=0.125, wb=5.0)
    return model_of(nodes, {**stated, **constants(**arrays)}, ["n", 6], opset=opset)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding_by_its_definition(rounding):
    x = np.arange(-40, 41, dtype=np.float32) / 8
    expected = [float(HALVES[rounding](Fraction(float(v)))) for v in x]
    assert ROUNDINGS[rounding](x).tolist() == expected


@pytest.mark.parametrize("scale", [0.5, 0.3], ids=["power of two", "other"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding_inside_the_graph(tmp_path, rounding, scale):
    for signed in (0, 1):
        after = [quant("h", "y", "s", "z", "b", rounding_mode=rounding, signed=signed)]
        assert_exact(saved(dense(after=after, s=scale, b=4.0), tmp_path))


def test_a_wrong_rounding_is_seen(tmp_path):
    graphs = [
        load_model(
            saved(dense(after=[quant("h", "y", "s", "z", "b", rounding_mode=r)], s=0.5, b=6.0), tmp_path)
        )
        for r in ("HALF_UP", "HALF_DOWN")
    ]
    x = {"x": RNG.integers(-20, 20, (500, 6)) / 4}
    assert np.any(values(graphs[0], x)["y"] != values(graphs[1], x)["y"])


@pytest.mark.parametrize("seed", range(24))
def test_random_parameters(tmp_path, seed):
    rng = np.random.default_rng(seed)
    channels = bool(rng.integers(2))
    power = bool(rng.integers(2))
    shape = (1, 4) if channels else ()
    scale = np.exp2(rng.integers(-4, 3, shape)) if power else rng.uniform(0.02, 3, shape)
    weights = np.exp2(rng.integers(-4, 1, (1, 4) if channels else ())) * (1.0 if power else 0.7)
    after = [
        quant(
            "h", "y", "s", "z", "b",
            rounding_mode=str(rng.choice([r for r in ROUNDINGS if power or "HALF" in r])),
            signed=int(rng.integers(2)),
            narrow=int(rng.integers(2)),
            domain=str(rng.choice([QONNX, "finn.custom_op.general", "onnx.brevitas"])),
        )
    ]  # fmt: skip
    bits = float(rng.integers(1, 17))
    path = saved(dense(after=after, s=scale, ws=weights, b=bits, wb=float(rng.integers(2, 9))), tmp_path)
    if not power and channels:
        with pytest.raises(InexactModelError, match=r"output 'y' ends in floating point"):
            load_model(path)
        after.append(quant("y", "y2", "s2", "z", "b2"))
        model = dense(after=after, s=scale, ws=weights, b=bits, s2=0.25, b2=9.0)
        model.graph.output[0].name = "y2"
        path = saved(model, tmp_path)
    assert_exact(path, seed, promised=power)


@pytest.mark.parametrize("zero", [3.0, -2.0, 0.5])
def test_zero_point(tmp_path, zero):
    after = [quant("h", "y", "s", "zy", "b", signed=0)]
    assert_exact(saved(dense(after=after, s=0.5, b=5.0, zy=zero), tmp_path))


def test_one_signed_bit_is_a_sign(tmp_path):
    graph = assert_exact(saved(dense(after=[quant("h", "y", "s", "z", "b")], s=0.5, b=1.0), tmp_path))
    assert set(np.unique(values(graph, {"x": RNG.normal(size=(50, 6))})["y"])) == {-0.5, 0.5}


@pytest.mark.parametrize("scale", [0.5, 0.3, 1.0])
def test_bipolar(tmp_path, scale):
    after = [node("BipolarQuant", "h s", "y", QONNX)]
    assert_exact(saved(dense(after=after, s=scale), tmp_path))


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND", "CEIL"])
@pytest.mark.parametrize("scale", [0.03125, 0.03])
def test_truncation(tmp_path, rounding, scale):
    old = node("Trunc", "h s z b b2", "y", QONNX, rounding_mode=rounding)
    new = node("Trunc", "h s z b s2 b2", "y", QONNX, rounding_mode=rounding, signed=1, narrow=1)
    for trunc in (old, new):
        model = dense(after=[trunc], s=scale, b=12.0, b2=6.0, s2=scale * 16)
        assert_exact(saved(model, tmp_path))


def test_average_pool_as_brevitas_writes_it(tmp_path):
    nodes = [
        quant("x", "xq", "xs", "z", "xb", signed=0),
        node("AveragePool", "xq", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Mul", "p four", "q"),
        node("Trunc", "q xs z tb xb", "y", QONNX, rounding_mode="FLOOR"),
    ]
    arrays = constants(xs=0.25, z=0.0, xb=5.0, four=4.0, tb=7.0)
    assert_exact(saved(model_of(nodes, arrays, [1, 3, 4, 4]), tmp_path))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(("scale", "bias"), [(1.0, 0.0), (0.5, -2.0), (2.0, -3.0)])
def test_multi_threshold(tmp_path, layout, scale, bias):
    levels = np.sort(RNG.normal(size=(3, 7)), axis=1).astype(np.float32)
    attributes = {"out_scale": scale, "out_bias": bias, "data_layout": layout, "out_dtype": "INT4"}
    nodes = [
        quant("x", "xq", "xs", "z", "xb"),
        node("MultiThreshold", "xq levels", "y", QONNX, **attributes),
    ]
    shape = [1, 3, 2, 4] if layout == "NCHW" else [1, 2, 4, 3]
    arrays = constants(xs=0.25, z=0.0, xb=5.0, levels=levels)
    graph = assert_exact(saved(model_of(nodes, arrays, shape), tmp_path))
    assert any(isinstance(n.op, GreaterEqual) for n in graph.nodes)


def test_forms_of_a_step_function(tmp_path):
    """Few steps are compared, many are multiplied, and a table stands where both do not do."""
    ops = {}
    for bits, chain in ((2.0, ["Relu"]), (8.0, ["Relu"]), (8.0, ["Sigmoid"])):
        after = [
            node("Mul", "h a", "t"),
            node("Add", "t c", "u"),
            node(chain[0], "u", "v"),
            quant("v", "y", "s", "z", "b", signed=0),
        ]
        after.append(quant("y", "y2", "s2", "z", "b2"))
        c = np.float32([0.3, -0.2, 0.11, 0.7])  # some steps lie on ties of the framework's rounding
        model = dense(after=after, a=0.37, c=c, s=0.031, b=bits, s2=0.25, b2=6.0)
        model.graph.output[0].name = "y2"
        graph = assert_exact(saved(model, tmp_path))
        ops[bits, chain[0]] = {type(n.op) for n in graph.nodes if n.layer == "quant_y"}
    assert GreaterEqual in ops[2.0, "Relu"]
    assert {Multiply, Quantize} <= ops[8.0, "Relu"]
    assert Lookup in ops[8.0, "Sigmoid"]


def test_wide_sums_need_no_table(tmp_path):
    """A range far beyond any table: the steps are found by bisection."""
    rng = np.random.default_rng(1)
    nodes = [
        quant("x", "xq", "xs", "z", "xb"),
        quant("w", "wq", "ws", "z", "wb"),
        node("MatMul", "xq wq", "h"),
        node("BatchNormalization", "h g be mu va", "n"),
        node("Relu", "n", "r"),
        quant("r", "q", "s", "z", "b", signed=0),
        quant("q", "y", "s2", "z", "b"),
    ]
    arrays = constants(
        xs=1.0, z=0.0, xb=12.0, w=rng.normal(size=(20, 5)) * 100, ws=1.0, wb=10.0,
        g=rng.uniform(-2, 2, 5), be=rng.normal(size=5), mu=rng.normal(size=5) * 100,
        va=rng.uniform(1, 9, 5) * 1e6,
        s=0.017, b=8.0, s2=0.0625,
    )  # fmt: skip
    arrays = {name: a.astype(np.float32) for name, a in arrays.items()}
    graph = assert_exact(saved(model_of(nodes, arrays, ["n", 20]), tmp_path))
    dense_node = next(n for n in graph.nodes if isinstance(n.op, Dense))
    assert graph.types[dense_node.name].width.max() > 20
    assert not any(isinstance(n.op, Lookup) and n.op.tables.shape[1] > 1 << 12 for n in graph.nodes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"s": 0.0}, r"scale of 0 or less; train"),
        ({"s": np.float32(np.inf)}, r"not finite"),
        ({"b": 2.5}, r"a width of 2.5 bits; accepted are whole numbers from 1 to 32"),
        ({"b": 40.0}, r"a width of 40.0 bits"),
        ({"s": np.ones((7,), np.float32)}, r"parameters do not fit the input; one each"),
    ],
)
def test_parameters_out_of_their_domain(tmp_path, changes, message):
    path = saved(dense(after=[quant("h", "y")], **{"s": 0.5, "b": 4.0, **changes}), tmp_path)
    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        load_model(path)
    assert "'quant_y'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_rounding_and_a_computed_scale(tmp_path):
    path = saved(dense(after=[quant("h", "y", rounding_mode="ODD")], s=0.5, b=4.0), tmp_path)
    with pytest.raises(UnsupportedLayerError, match=r"rounding_mode 'ODD'; accepted are ROUND"):
        load_model(path)
    path = saved(dense(after=[quant("h", "y", "h", "z", "b")], b=4.0), tmp_path)
    with pytest.raises(UnsupportedLayerError, match=r"a scale, zero-point or width that is computed"):
        load_model(path)


def test_the_trunc_of_too_few_inputs():
    proto = node("Trunc", "h s z", "y", QONNX)
    with pytest.raises(UnsupportedLayerError, match=r"3 inputs; it takes 5 or 6"):
        quantiser(node_of(proto), [np.ones(()), np.zeros(())])
