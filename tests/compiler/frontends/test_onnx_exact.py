"""Every op of an ONNX file between quantisers, exactly; shape arithmetic; forms that exporters write."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.onnx_models import QONNX, assert_exact, constants, model_of, node, quant, saved, values
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.formats import run_model
from nanosieve.compiler.frontends.onnx.model import output_units
from nanosieve.errors import InexactModelError, UnsupportedLayerError

RNG = np.random.default_rng(11)
BASE = constants(xs=0.25, z=0.0, xb=5.0, ws=0.125, wb=4.0, s=0.5, b=6.0, s3=0.3)
QX = quant("x", "q", "xs", "z", "xb")


def weights(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def ints(*numbers):
    return np.array(numbers, dtype=np.int64)


def graph_of(tmp_path, nodes, shape, *, promised=True, opset=17, outputs=("y",), **arrays):
    model = model_of([QX, *nodes], {**BASE, **constants(**arrays)}, shape, opset=opset, outputs=outputs)
    return assert_exact(saved(model, tmp_path), promised=promised)


WQ = quant("w", "wq", "ws", "z", "wb")
IMAGE = ["n", 4, 6, 5]
CONVOLUTIONS = {
    "plain": ((3, 4, 3, 3), {}),
    "padded, strided": ((3, 4, 3, 2), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
    "dilated": ((3, 4, 2, 2), {"dilations": [2, 3]}),
    "grouped": ((6, 2, 2, 2), {"group": 2}),
    "depthwise": ((8, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "same upper": ((2, 4, 2, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((2, 4, 2, 4), {"auto_pad": "SAME_LOWER"}),
    "valid": ((2, 4, 2, 2), {"auto_pad": "VALID"}),
    "pointwise": ((5, 4, 1, 1), {}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions(tmp_path, case):
    shape, attributes = CONVOLUTIONS[case]
    bias = np.round(weights(shape[0]) * 32) / 32
    nodes = [WQ, node("Conv", "q wq bias", "y", kernel_shape=list(shape[2:]), **attributes)]
    graph_of(tmp_path, nodes, IMAGE, w=weights(*shape), bias=bias)


def test_convolution_of_a_sequence(tmp_path):
    nodes = [WQ, node("Conv", "q wq", "c", strides=[2], pads=[1, 1]), node("Relu", "c", "y")]
    graph_of(tmp_path, nodes, ["n", 3, 9], w=weights(4, 3, 3))


def test_a_scale_for_each_output_channel(tmp_path):
    scales = RNG.uniform(0.05, 0.2, (6, 1, 1, 1)).astype(np.float32)
    nodes = [
        WQ,
        node("Conv", "q wq bias", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c g be mu va", "n"),
        node("Relu", "n", "r"),
        quant("r", "y", "s", "z", "b", signed=0),
    ]
    arrays = {"g": RNG.uniform(-1, 2, 6), "be": weights(6), "mu": weights(6), "va": RNG.uniform(0.5, 2, 6)}
    graph_of(
        tmp_path, nodes, IMAGE, promised=False, w=weights(6, 4, 3, 3), ws=scales, bias=weights(6), s=0.25,
        **{k: v.astype(np.float32) for k, v in arrays.items()},
    )  # fmt: skip


NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
MOVES = {
    "Reshape": (["n", 4, 6], [node("Reshape", "q to", "y")], {"to": ints(0, 3, -1)}),
    "Flatten": (["n", 4, 6], [node("Flatten", "q", "y")], {}),
    "Transpose": (["n", 4, 6, 2], [node("Transpose", "q", "y", perm=[0, 3, 1, 2])], {}),
    "Squeeze": (["n", 4, 1, 3], [node("Squeeze", "q a", "y")], {"a": ints(2)}),
    "Unsqueeze": (["n", 4], [node("Unsqueeze", "q a", "y")], {"a": ints(1, 3)}),
    "Slice": (["n", 4, 6], [node("Slice", "q a e i t", "y")],
              {"a": ints(5, 1), "e": ints(-9, 4), "i": ints(2, 1), "t": ints(-2, 1)}),
    "Gather": (["n", 4, 6], [node("Gather", "q i", "y", axis=2)], {"i": ints(5, 0, 0)}),
    "Gather one": (["n", 4, 6], [node("Gather", "q i", "y", axis=1)], {"i": np.array(2)}),
    "Pad": (["n", 4, 6], [node("Pad", "q p", "y")], {"p": ints(0, 1, 0, 0, 0, 2)}),
    "Pad reflect": (["n", 4, 6], [node("Pad", "q p", "y", mode="reflect")], {"p": ints(0, 0, 2, 0, 0, 1)}),
    "Expand": (["n", 4, 1], [node("Expand", "q to", "y")], {"to": ints(1, 4, 3)}),
    "Tile": (["n", 4, 2], [node("Tile", "q to", "y")], {"to": ints(1, 2, 1)}),
    "DepthToSpace": (["n", 8, 2, 3], [node("DepthToSpace", "q", "y", blocksize=2)], {}),
    "SpaceToDepth": (["n", 2, 4, 2], [node("SpaceToDepth", "q", "y", blocksize=2)], {}),
    "Resize": (["n", 2, 3, 2], [node("Resize", "q _ t", "y", **NEAREST)], {"t": np.float32([1, 1, 2, 3])}),
    "Resize to sizes": (["n", 2, 3, 2], [node("Resize", "q _ _ t", "y", mode="nearest")],
                        {"t": ints(1, 2, 6, 4)}),
    "Identity": (["n", 4],
                 [node("Identity", "q", "i"), node("Dropout", "i", "d"), node("Cast", "d", "y", to=1)], {}),
    "Concat": (["n", 4, 3],
               [node("Relu", "q", "r"), node("Concat", "q r c", "y", axis=1)],
               {"c": np.full((1, 2, 3), 0.75, np.float32)}),
    "Concat last": (["n", 4, 3], [node("Neg", "q", "r"), node("Concat", "q r", "y", axis=-1)], {}),
    "no batch": ([4, 3], [node("Transpose", "q", "y")], {}),
    "no batch, one row": ([4, 3], [node("Reshape", "q to", "y")], {"to": ints(1, 12)}),
}  # fmt: skip


@pytest.mark.parametrize("case", MOVES)
def test_moves(tmp_path, case):
    shape, nodes, arrays = MOVES[case]
    one_event = case in ("Concat", "Expand", "Tile")  # their constants state a batch of one
    graph_of(tmp_path, nodes, [1, *shape[1:]] if one_event else shape, **arrays)


def test_split(tmp_path):
    graph_of(
        tmp_path, [node("Split", "q parts", "y u", axis=1)], ["n", 5, 2], outputs=("y", "u"), parts=ints(2, 3)
    )


def test_scales_move_with_their_elements(tmp_path):
    """Scales that are no powers of two, through every kind of move."""
    nodes = [
        node("Mul", "q per", "m"),
        node("Transpose", "m", "t", perm=[0, 2, 1]),
        node("Slice", "t a e i", "l"),
        node("Reshape", "l to", "r"),
        quant("r", "y", "s", "z", "b"),
    ]
    per = RNG.uniform(0.3, 2, (1, 4, 1)).astype(np.float32)
    graph_of(tmp_path, nodes, ["n", 4, 3], per=per, a=ints(1), e=ints(3), i=ints(2), to=ints(0, -1))


ELEMENTWISE = {
    "Add": [node("Add", "q k", "y")],
    "Sub": [node("Sub", "k q", "y")],
    "Mul by a power of two": [node("Mul", "q p", "y")],
    "Mul": [node("Mul", "k q", "y")],
    "Div by a power of two": [node("Div", "q p", "y")],
    "Neg": [node("Neg", "q", "y")],
    "sum of two": [node("Relu", "q", "r"), node("Add", "r q", "y")],
    "difference of two": [node("Relu", "q", "r"), node("Sub", "r q", "y")],
    "product of two": [node("Relu", "q", "r"), node("Mul", "r q", "y")],
    "square": [node("Mul", "q q", "y")],
    "Pow": [node("Pow", "q two", "y")],
    "Max of two": [node("Neg", "q", "r"), node("Max", "r q", "y")],
    "Min of two": [node("Neg", "q", "r"), node("Min", "r q", "y")],
    "Clip": [node("Clip", "q lo hi", "y")],
    "LeakyRelu": [node("LeakyRelu", "q", "y", alpha=0.1015625)],
    "Relu": [node("Relu", "q", "y")],
}


@pytest.mark.parametrize("case", ELEMENTWISE)
def test_elementwise(tmp_path, case):
    k = np.float32([0.5, -1.25, 0.75])
    p = np.float32([[[2], [0.25], [1], [8]]])
    arrays = {"k": k, "p": p, "two": 2.0, "lo": -1.5, "hi": 2.0}
    graph_of(tmp_path, ELEMENTWISE[case], ["n", 4, 3], **arrays)


FUNCTIONS = {
    "Abs": {}, "Ceil": {}, "Celu": {"alpha": 0.7}, "Cos": {}, "Elu": {"alpha": 1.3}, "Erf": {}, "Exp": {},
    "Floor": {}, "HardSigmoid": {"alpha": 0.3}, "HardSwish": {}, "LeakyRelu": {"alpha": 0.3}, "Mish": {},
    "Relu": {}, "Round": {}, "Selu": {}, "Sigmoid": {}, "Sign": {}, "Sin": {}, "Softplus": {}, "Softsign": {},
    "Tanh": {}, "ThresholdedRelu": {"alpha": 0.4},
}  # fmt: skip


@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_before_a_quantiser(tmp_path, op):
    nodes = [node("Mul", "q k", "m"), node(op, "m", "f", **FUNCTIONS[op]), quant("f", "y", "s", "z", "b")]
    graph_of(tmp_path, nodes, ["n", 4, 3], opset=18, k=np.float32([0.7, 1.1, 0.35]), s=0.125, b=8.0)


def test_gelu_and_prelu_and_limits(tmp_path):
    slope = np.float32([[0.3], [-0.2], [1.7], [0]])
    nodes = [
        node("Gelu", "q", "g", approximate="tanh"),
        node("PRelu", "g slope", "p"),
        node("Max", "p lo", "m"),
        node("Clip", "m lo hi", "c"),
        quant("c", "y", "s", "z", "b"),
    ]
    graph_of(tmp_path, nodes, ["n", 4, 3], opset=20, slope=slope, lo=-0.6, hi=2.2, s=0.125)


def test_reciprocals_and_roots_of_positive_numbers(tmp_path):
    nodes = [
        node("Abs", "q", "a"), node("Add", "a one", "p"), node("Sqrt", "p", "r"), node("Log", "r", "l"),
        node("Add", "l one", "l2"), node("Div", "one l2", "d"),
        node("Reciprocal", "d", "e"), node("Pow", "e third", "f"), quant("f", "y", "s", "z", "b"),
    ]  # fmt: skip
    graph_of(tmp_path, nodes, ["n", 4], one=1.0, third=0.33, s=0.0625)


POOLS = {
    "MaxPool": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "MaxPool padded": {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]},
    "MaxPool dilated": {"kernel_shape": [2, 2], "dilations": [2, 2]},
    "AveragePool": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "AveragePool same": {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER", "count_include_pad": 1},
    "GlobalMaxPool": {},
}


@pytest.mark.parametrize("case", POOLS)
def test_pooling(tmp_path, case):
    graph_of(tmp_path, [node(case.split()[0], "q", "y", **POOLS[case])], IMAGE)


def test_means_that_are_no_powers_of_two(tmp_path):
    nodes = [node("GlobalAveragePool", "q", "m"), quant("m", "y", "s", "z", "b")]
    graph_of(tmp_path, nodes, IMAGE, promised=True)
    nodes = [
        node("AveragePool", "q", "m", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        quant("m", "y", "s", "z", "b"),
    ]
    graph_of(tmp_path, nodes, IMAGE, promised=True)


REDUCTIONS = {
    "ReduceMax": (13, {"axes": [1]}),
    "ReduceMin": (13, {"axes": [-1], "keepdims": 0}),
    "ReduceSum": (11, {"axes": [1, 2]}),
    "ReduceMean": (13, {"axes": [2], "keepdims": 0}),
    "ArgMax": (13, {"axis": 1}),
    "ArgMax last": (13, {"axis": 2, "keepdims": 0}),
}


@pytest.mark.parametrize("case", REDUCTIONS)
def test_reductions(tmp_path, case):
    opset, attributes = REDUCTIONS[case]
    graph_of(tmp_path, [node(case.split()[0], "q", "y", **attributes)], ["n", 3, 4], opset=opset)


def test_the_largest_of_a_sorted_axis(tmp_path):
    graph_of(tmp_path, [node("TopK", "q k", "y i", axis=1)], ["n", 5, 2], k=ints(3))
    model = model_of([QX, node("TopK", "q k", "v y")], {**BASE, "k": ints(2)}, ["n", 5])
    with pytest.raises(UnsupportedLayerError, match="or their indices; take the values of the largest"):
        load_model(saved(model, tmp_path))


GEMMS = {
    "Gemm": [WQ, node("Gemm", "q wq bias", "y", beta=2.0)],
    "Gemm transposed": [WQ, node("Transpose", "wq", "wt"), node("Gemm", "q wt bias", "y", transB=1)],
    "MatMul": [WQ, node("MatMul", "q wq", "y")],
}


@pytest.mark.parametrize("case", GEMMS)
def test_products(tmp_path, case):
    graph_of(tmp_path, GEMMS[case], ["n", 6], w=weights(6, 3), bias=np.float32([0.5, 0, -0.25]))


def test_products_of_rows_from_both_sides(tmp_path):
    nodes = [WQ, node("MatMul", "q wq", "a"), quant("v", "vq", "ws", "z", "wb"), node("MatMul", "vq a", "y")]
    graph_of(tmp_path, nodes, ["n", 4, 6], w=weights(6, 3), v=weights(5, 4))


def test_attention(tmp_path):
    """Products of variables, and scales that are no powers of two on either side."""
    nodes = [
        node("Transpose", "q", "t", perm=[0, 2, 1]),
        node("MatMul", "q t", "a"),
        node("Mul", "a s3", "m"),
        quant("m", "mq", "s", "z", "b"),
        node("MatMul", "mq q", "y"),
    ]
    graph_of(tmp_path, nodes, ["n", 4, 3])


def test_like_scales_are_added_and_unlike_ones_refused(tmp_path):
    nodes = [
        node("Mul", "q s3", "m"),
        node("Relu", "m", "r"),
        node("Add", "m r", "a"),
        quant("a", "y", "s", "z", "b"),
    ]
    graph_of(tmp_path, nodes, ["n", 4], promised=False)
    nodes[1] = node("Mul", "q other", "r")
    model = model_of([QX, *nodes], {**BASE, "other": np.float32(0.7001)}, ["n", 4])
    with pytest.raises(
        UnsupportedLayerError, match=r"'add_a' .* scales that are no powers of two and not al"
    ):
        load_model(saved(model, tmp_path))


def test_shape_arithmetic_is_folded(tmp_path):
    """As PyTorch writes ``x.view(x.size(0), -1)``, with constants from nodes."""
    nodes = [
        node("Shape", "x", "sh"),
        node("Constant", "", "zero", value_int=0),
        node("Gather", "sh zero", "size"),
        node("Unsqueeze", "size ax", "one"),
        node("Concat", "one minus", "to", axis=0),
        node("Reshape", "x to", "f"),
        quant("f", "fq", "xs", "z", "xb"),
        WQ,
        node("MatMul", "fq wq", "y"),
    ]
    arrays = {**BASE, **constants(w=weights(12, 3), ax=ints(0), minus=ints(-1))}
    graph = assert_exact(saved(model_of(nodes, arrays, ["n", 3, 2, 2]), tmp_path))
    assert graph.inputs["x"].shape == (3, 2, 2)
    assert [n.layer for n in graph.nodes][-1] == "matmul_y"


def test_weights_that_are_moved_behind_their_quantiser(tmp_path):
    nodes = [WQ, node("Reshape", "wq to", "w3"), node("Transpose", "w3", "w4"), node("MatMul", "q w4", "y")]
    scale = RNG.uniform(0.05, 0.2, (1, 3, 1)).astype(np.float32)
    model = model_of(
        [QX, *nodes], {**BASE, **constants(w=weights(1, 3, 6), ws=scale, to=ints(3, 6))}, ["n", 6]
    )
    with pytest.raises(
        InexactModelError, match=r"output 'y' ends in floating point.*put a Quant node at its"
    ):
        load_model(saved(model, tmp_path))
    model.graph.node.append(quant("y", "y2", "s", "z", "b"))
    model.graph.output[0].name = "y2"
    assert_exact(saved(model, tmp_path), promised=False)


def test_channels_last_ops(tmp_path):
    last = "qonnx.custom_op.channels_last"
    nodes = [
        quant("w", "wq", "ws", "z", "wb"),
        node("Conv", "q wq", "c", last, pads=[1, 1, 1, 1], kernel_shape=[3, 3], group=2),
        node("BatchNormalization", "c g be mu va", "n", last),
        quant("n", "nq", "s", "z", "b"),
        node("MaxPool", "nq", "y", last, kernel_shape=[2, 2], strides=[2, 2]),
    ]
    arrays = {k: RNG.uniform(0.5, 2, 4).astype(np.float32) for k in ("g", "be", "mu", "va")}
    graph_of(tmp_path, nodes, ["n", 6, 4, 2], w=weights(4, 3, 3, 1), **arrays)


class TestInputs:
    def test_scales_and_offsets_before_the_first_quantiser(self, tmp_path):
        """The port takes the steps that they make; only inputs half-way between two steps may differ."""
        nodes = [node("Mul", "x two", "a"), node("Sub", "a one", "c"), quant("c", "y", "one", "z", "b")]
        model = model_of(nodes, {**BASE, **constants(two=2.0, one=1.0, b=2.0)}, [1, 7])
        x = {"x": RNG.uniform(-2, 2, (500, 7)).astype(np.float32)}
        graph = assert_exact(saved(model, tmp_path), x=x)
        assert graph.inputs["x"].exponent.tolist() == [-1] * 7

    def test_a_step_for_each_channel(self, tmp_path):
        scale = np.exp2(RNG.integers(-3, 2, (1, 3, 1))).astype(np.float32)
        model = model_of([quant("x", "y", "s", "z", "b")], {**BASE, "s": scale}, ["n", 3, 4])
        graph = assert_exact(saved(model, tmp_path))
        assert np.array_equal(np.exp2(graph.inputs["x"].exponent), np.broadcast_to(scale[0], (3, 4)))

    def test_two_inputs_and_two_readers(self, tmp_path):
        nodes = [QX, quant("x2", "q2", "xs", "z", "b"), quant("x", "q3", "xs", "z", "xb"),
                 node("Add", "q q2", "a"), node("Mul", "a q3", "y")]  # fmt: skip
        graph = assert_exact(saved(model_of(nodes, BASE, ["n", 3], inputs=("x", "x2")), tmp_path))
        assert set(graph.inputs) == {"x", "x2"}

    def test_one_input_quantised_in_two_ways(self, tmp_path):
        nodes = [QX, quant("x", "q2", "s", "z", "xb"), node("Add", "q q2", "y")]
        with pytest.raises(UnsupportedLayerError, match=r"input 'x' is quantised in two ways; put one Quant"):
            load_model(saved(model_of(nodes, BASE, ["n", 3]), tmp_path))

    @pytest.mark.parametrize("rounding", ["CEIL", "HALF_UP"])
    def test_a_rounding_that_no_port_has(self, tmp_path, rounding):
        nodes = [quant("x", "y", "xs", "z", "xb", rounding_mode=rounding)]
        with pytest.raises(
            UnsupportedLayerError, match=r"input 'x': its fixed-point type is not stated; put"
        ):
            load_model(saved(model_of(nodes, BASE, ["n", 3]), tmp_path))

    def test_a_batch_of_a_fixed_number(self, tmp_path):
        """The number of events that the exporter happened to use is no part of the network."""
        model = model_of(
            [QX, WQ, node("MatMul", "q wq", "y")], {**BASE, **constants(w=weights(4, 2))}, [64, 4]
        )
        shape = model.graph.output[0].type.tensor_type.shape
        shape.dim.add().dim_value = 64
        shape.dim.add().dim_value = 2
        assert assert_exact(saved(model, tmp_path)).inputs["x"].shape == (4,)


class TestOutputs:
    def test_in_units_of_a_scale(self, tmp_path, caplog):
        nodes = [QX, WQ, node("MatMul", "q wq", "h"), node("Mul", "h k", "m"), node("Add", "m c", "y")]
        arrays = {**BASE, **constants(w=weights(5, 3), k=0.37, c=-1.3)}
        path = saved(model_of(nodes, arrays, ["n", 5]), tmp_path)
        graph = assert_exact(path)
        unit = output_units(path)["y"]
        assert (unit.scale, unit.offset) == (np.float32(0.37), np.float32(-1.3))
        assert (
            "output 'y' of tiny.onnx is in units of its scale: real value = 0.37 * output + -1.3"
            in caplog.text
        )
        model = model_of(nodes[:3], arrays, ["n", 5], outputs=("h",))
        x = {"x": RNG.normal(size=(20, 5)).astype(np.float32)}
        whole = run_model(saved(model, tmp_path, "h.onnx"), x)["h"]
        assert np.array_equal(values(graph, x)["y"], whole)

    def test_a_wrong_weight_is_seen(self, tmp_path):
        """The comparison that all tests here use fails where it should."""
        arrays = {**BASE, **constants(w=weights(5, 3))}
        model = model_of([QX, WQ, node("MatMul", "q wq", "y")], arrays, ["n", 5])
        graph = load_model(saved(model, tmp_path))
        arrays["w"][2, 1] += 0.125
        other = saved(model_of([QX, WQ, node("MatMul", "q wq", "y")], arrays, ["n", 5]), tmp_path)
        x = {"x": RNG.normal(size=(50, 5)).astype(np.float32)}
        assert np.any(values(graph, x)["y"] != run_model(other, x)["y"])

    def test_constants_and_functions_are_refused(self, tmp_path):
        model = model_of([QX, node("Relu", "q", "y")], {**BASE}, ["n", 5], outputs=("y", "xs"))
        with pytest.raises(UnsupportedLayerError, match=r"'output_1' \(output\): it depends on no input"):
            load_model(saved(model, tmp_path))
        model = model_of([QX, node("Sigmoid", "q", "y")], {**BASE}, ["n", 5])
        with pytest.raises(InexactModelError, match=r"output 'y' ends in floating point: a function"):
            load_model(saved(model, tmp_path))
        model = model_of([QX, node("Softmax", "q", "y")], {**BASE}, ["n", 5])
        with pytest.raises(
            UnsupportedLayerError, match=r"no integer arithmetic equals it; give calibrate .*"
        ):
            load_model(saved(model, tmp_path))

    def test_floating_point_in_the_middle(self, tmp_path):
        nodes = [QX, node("Mul", "q s3", "m"), node("Sigmoid", "m", "f"), WQ, node("MatMul", "f wq", "y")]
        model = model_of(nodes, {**BASE, **constants(w=weights(5, 3))}, ["n", 5])
        with pytest.raises(UnsupportedLayerError, match=r"'matmul_y' .* 'f' comes here in floating.*put"):
            load_model(saved(model, tmp_path))
        model = model_of([QX, node("MatMul", "q w", "y")], {**BASE, **constants(w=weights(5, 3))}, ["n", 5])
        with pytest.raises(
            UnsupportedLayerError, match=r"weights in floating point; put a Quant node behind"
        ):
            load_model(saved(model, tmp_path))


@pytest.mark.parametrize(
    ("nodes", "arrays", "message"),
    [
        ([WQ, node("MatMul", "q wq", "y")], {"w": np.ones((7, 2), np.float32)}, r"7 weights for 4 inputs"),
        ([node("Add", "q c", "y")], {"c": np.ones(3, np.float32)}, r"the shapes \(1, 4\), \(3,\) do not fit"),
        ([node("Concat", "q c", "y", axis=0)], {"c": np.ones((1, 4), np.float32)}, "it joins several events"),
        ([node("Reshape", "q to", "y")], {"to": ints(3, -1)}, r"its constants do not fit \(cannot reshape"),
        ([node("Div", "q q", "y")], {}, "a quotient of two variables; multiply"),
        ([node("Div", "q c", "y")], {"c": np.zeros(1, np.float32)}, "a division by 0"),
        ([node("Cast", "q", "y", to=7)], {}, "a cast of a variable to integers"),
        ([node("Conv", "q c", "y")], {"c": np.ones((1, 1, 3), np.float32)}, r"an input of shape \(1, 4\)"),
        ([node("ReduceSum", "q c", "y")], {"c": ints(9)}, "axis 9 of 2"),
        ([node("Resize", "q _ c", "y", mode="linear")], {"c": np.ones(2, np.float32)}, "mode 'linear'"),
        ([node("Clip", "q c", "y")], {"c": np.ones(4, np.float32)}, "limits that differ between elements"),
        ([quant("w", "c", "wide", "z", "wb"), node("Add", "q c", "y")],
         {"w": np.ones(4, np.float32), "wide": np.ones(3, np.float32)}, "do not fit the constant; one each"),
        ([node("Pow", "q q", "y")], {}, "an exponent that is computed from the inputs"),
        ([node("Pad", "q p c", "y")], {"p": ints(0, 1, 0, 1), "c": np.float32(3)}, "a padding with 3.0"),
        ([node("MultiThreshold", "q c", "y", QONNX)], {"c": np.ones((3, 2), np.float32)}, "they are con"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path, nodes, arrays, message):
    model = model_of([QX, *nodes], {**BASE, **constants(**arrays)}, ["n", 4])
    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        load_model(saved(model, tmp_path))
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)
