"""Float ONNX models, quantised after training: every op within the bound of its precision."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.onnx_models import assert_close, assert_exact, constants, model_of, node, quant, saved, values
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.formats import run_model
from nanosieve.compiler.graph import Lookup
from nanosieve.errors import InexactModelError, SampleError, UnknownNameError, UnsupportedLayerError

RNG = np.random.default_rng(17)


def weights(*shape):
    return RNG.normal(size=shape).astype(np.float32) / 2


def ints(*numbers):
    return np.array(numbers, dtype=np.int64)


W, V, K, D = weights(6, 4), weights(4, 3), weights(3, 4, 3, 3), weights(8, 1, 2, 2)
NORM = {"g": RNG.uniform(-1, 2, 4), "be": weights(4), "mu": weights(4), "va": RNG.uniform(0.5, 2, 4)}
NORM = {name: array.astype(np.float32) for name, array in NORM.items()}
EXACT = 2e-4
"""What 24 bits leave of a few layers."""
TABLE = 8e-3
"""What a table entered with 12 bits leaves."""

CASES = {
    "Gemm": ([6], [node("Gemm", "x w c", "y", beta=0.5)], {"w": W, "c": weights(4)}, EXACT),
    "Gemm transposed": ([4], [node("Gemm", "x w c", "y", transB=1)], {"w": W, "c": weights(6)}, EXACT),
    "two layers": ([6], [node("Gemm", "x w c", "h"), node("Relu", "h", "r"), node("MatMul", "r v", "y")],
                   {"w": W, "v": V, "c": weights(4)}, EXACT),
    "rows": ([3, 6], [node("MatMul", "x w", "y")], {"w": W}, EXACT),
    "from the left": ([6, 3], [node("MatMul", "w x", "y")], {"w": weights(5, 6)}, EXACT),
    "attention": ([3, 6], [node("MatMul", "x w", "q"), node("Transpose", "q", "t", perm=[0, 2, 1]),
                           node("MatMul", "q t", "y")], {"w": W}, 2e-3),
    "Conv": ([4, 6, 5], [node("Conv", "x k c", "y", pads=[1, 1, 0, 1], strides=[2, 1])],
             {"k": K, "c": weights(3)}, EXACT),
    "Conv and pool": ([4, 6, 5], [node("Conv", "x k", "c"), node("Relu", "c", "r"),
                                  node("MaxPool", "r", "y", kernel_shape=[2, 2])], {"k": K}, EXACT),
    "depthwise": ([4, 5, 5], [node("Conv", "x k", "y", group=4, dilations=[2, 1])], {"k": D}, EXACT),
    "sequence": ([4, 9], [node("Conv", "x k", "y", auto_pad="SAME_UPPER", strides=[2])],
                 {"k": weights(5, 4, 4)}, EXACT),
    "BatchNormalization": ([4, 3], [node("BatchNormalization", "x g be mu va", "y")], NORM, EXACT),
    "Conv and BatchNormalization": (
        [4, 6, 5], [node("Conv", "x k", "c"), node("BatchNormalization", "c g be mu va", "n"),
                    node("Relu", "n", "y")], {"k": weights(4, 4, 3, 3), **NORM}, EXACT),
    "Add": ([4, 3], [node("Add", "x c", "y")], {"c": weights(3)}, EXACT),
    "Sub": ([4, 3], [node("Sub", "c x", "y")], {"c": weights(4, 1)}, EXACT),
    "Mul": ([4, 3], [node("Mul", "x c", "y")], {"c": weights(4, 1)}, EXACT),
    "Div": ([4, 3], [node("Div", "x c", "y")], {"c": RNG.uniform(1, 2, 3).astype(np.float32)}, EXACT),
    "residual": ([4], [node("MatMul", "x v", "h"), node("Tanh", "h", "t"), node("Add", "t x", "y")],
                 {"v": weights(4, 4)}, TABLE),
    "gate": ([4], [node("MatMul", "x v", "h"), node("Sigmoid", "h", "t"), node("Mul", "t x", "y")],
             {"v": weights(4, 4)}, 3e-2),
    "Max": ([4], [node("Neg", "x", "t"), node("Max", "t x", "y")], {}, EXACT),
    "Min with constants": ([4], [node("Min", "x c", "y")], {"c": weights(4)}, EXACT),
    "Clip": ([4], [node("Clip", "x lo hi", "y")], {"lo": np.float32(-0.3), "hi": np.float32(0.7)}, EXACT),
    "PRelu": ([4, 3], [node("PRelu", "x c", "y")], {"c": weights(4, 1)}, EXACT),
    "square": ([4], [node("Pow", "x two", "y")], {"two": np.float32(2)}, EXACT),
    "AveragePool": ([4, 6, 5],
                    [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}, EXACT),
    "GlobalAveragePool": ([4, 6, 5], [node("GlobalAveragePool", "x", "y")], {}, EXACT),
    "ReduceMean": ([4, 6], [node("ReduceMean", "x", "y", axes=[1], keepdims=0)], {}, EXACT),
    "mean of all": ([4, 6], [node("ReduceMean", "x", "y", keepdims=0, axes=[1, 2])], {}, EXACT),
    "ReduceSum": ([4, 6], [node("ReduceSum", "x a", "y")], {"a": ints(2)}, EXACT),
    "ReduceMax": ([4, 6], [node("ReduceMax", "x", "y", axes=[2])], {}, EXACT),
    "TopK": ([6], [node("MatMul", "x w", "h"), node("TopK", "h k", "y i")], {"w": W, "k": ints(2)}, EXACT),
    "ArgMax": ([6], [node("MatMul", "x w", "h"), node("ArgMax", "h", "y", axis=1)], {"w": W}, 0.0),
    "Concat": ([4, 3], [node("Relu", "x", "r"), node("Concat", "x r", "y", axis=1)], {}, EXACT),
    "moves": ([4, 6], [node("Relu", "x", "r"), node("Transpose", "r", "t", perm=[0, 2, 1]),
                       node("Reshape", "t to", "f"), node("Slice", "f a e i", "y")],
              {"to": ints(0, -1), "a": ints(3), "e": ints(20), "i": ints(1)}, EXACT),
    "stages that move": ([4, 6], [node("Sigmoid", "x", "r"), node("Transpose", "r", "t", perm=[0, 2, 1]),
                                  node("Pad", "t p", "u"), node("Flatten", "u", "y")],
                         {"p": ints(0, 1, 0, 0, 0, 2)}, TABLE),
    "channels first and back": (
        [6, 5, 4], [node("Transpose", "x", "a", perm=[0, 3, 1, 2]), node("Conv", "a k", "c"),
                    node("Transpose", "c", "y", perm=[0, 2, 3, 1])], {"k": K}, EXACT),
    "Softmax": ([6], [node("MatMul", "x w", "h"), node("Softmax", "h", "y")], {"w": W}, TABLE),
    "Softmax of another axis": ([4, 3], [node("Softmax", "x", "y", axis=1)], {}, TABLE),
    "normalised input": ([6], [node("Sub", "x m", "a"), node("Div", "a m", "c"), node("MatMul", "c w", "y")],
                         {"m": RNG.uniform(1, 2, 6).astype(np.float32), "w": W}, 1e-3),
}  # fmt: skip
FUNCTIONS = ("Elu", "Selu", "Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Celu",
             "HardSwish",             "Mish", "LeakyRelu", "Abs", "Sin", "Gelu", "Relu")  # fmt: skip


def written(tmp_path, case):
    shape, nodes, arrays, bound = CASES[case]
    return saved(model_of(nodes, arrays, ["n", *shape]), tmp_path), shape, bound


@pytest.mark.parametrize("case", CASES)
def test_every_op(tmp_path, case):
    path, shape, bound = written(tmp_path, case)
    assert_close(path, RNG.normal(size=(60, *shape)).astype(np.float32), bound)


@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions(tmp_path, op):
    nodes = [node("MatMul", "x w", "h"), node(op, "h", "y")]
    path = saved(model_of(nodes, {"w": W}, ["n", 6], opset=20), tmp_path)
    graph = assert_close(path, RNG.normal(size=(60, 6)).astype(np.float32), TABLE)
    assert any(n.layer.startswith(op.lower()) for n in graph.nodes)


def test_fewer_bits_are_worse(tmp_path):
    path, _, _ = written(tmp_path, "two layers")
    x = RNG.normal(size=(200, 6)).astype(np.float32)
    errors = []
    for precision in ("fixed<6>", "fixed<10>", "fixed<16>"):
        graph = load_model(path, Calibration(x, precision))
        errors.append(np.abs(values(graph, {"x": x})["y"] - run_model(path, {"x": x})["y"]).max())
    assert errors[0] > 4 * errors[1] > 16 * errors[2] > 0


@pytest.mark.parametrize("transposed", [0, 1])
def test_batch_normalisation_is_folded_into_the_product(tmp_path, transposed):
    w = weights(4, 6) if transposed else W
    nodes = [node("Gemm", "x w c", "h", transB=transposed), node("BatchNormalization", "h g be mu va", "y")]
    x = RNG.normal(size=(60, 6)).astype(np.float32)
    model = model_of(nodes, {"w": w, "c": weights(4), **NORM}, ["n", 6])
    graph = assert_close(saved(model, tmp_path), x, EXACT)
    assert {n.layer for n in graph.nodes} == {"x", "gemm_h"}
    model.graph.output.add().name = "h"  # then it has a reader of its own
    graph = assert_close(saved(model, tmp_path), x, EXACT)
    assert {n.layer for n in graph.nodes} == {"x", "gemm_h", "batchnormalization_y"}


def test_an_output_takes_its_type(tmp_path):
    nodes = [node("MatMul", "x w", "h"), node("Mul", "h c", "y")]
    path = saved(model_of(nodes, {"w": W, "c": np.float32(0.37)}, ["n", 6]), tmp_path)
    graph = assert_close(path, RNG.normal(size=(60, 6)).astype(np.float32), 0.02, "fixed<10>")
    assert graph.types[graph.outputs["y"]].width.max() <= 10


def test_precision_by_node(tmp_path):
    path, _, _ = written(tmp_path, "two layers")
    x = RNG.normal(size=(50, 6)).astype(np.float32)
    types = {"default": "fixed<16>", "gemm_h.kernel": "fixed<3,1>", "matmul_y": "fixed<9>"}
    graph = load_model(path, Calibration(x, types))
    product = next(
        n for n in graph.nodes if (n.layer == "gemm_h" and "product" in n.name) or n.name == "gemm_h"
    )
    assert np.abs(product.op.kernel).max() <= 4
    assert graph.types[graph.outputs["y"]].width.max() <= 9
    with pytest.raises(UnknownNameError, match="unknown layer of the precision 'dense'"):
        load_model(path, Calibration(x, {"dense": "fixed<3,1>"}))


def test_the_number_of_events_may_be_built_in(tmp_path):
    """A reshape to one event: the framework is run event by event."""
    nodes = [node("Reshape", "x to", "f"), node("MatMul", "f w", "y")]
    path = saved(model_of(nodes, {"w": W, "to": ints(1, 6)}, [1, 2, 3]), tmp_path)
    x = RNG.normal(size=(30, 2, 3)).astype(np.float32)
    assert_close(path, x, EXACT)
    assert np.allclose(run_model(path, {"x": x})["y"], x.reshape(30, 6) @ W, atol=1e-5)


def test_two_inputs_by_name(tmp_path):
    nodes = [node("MatMul", "x w", "a"), node("Add", "a x2", "y")]
    path = saved(model_of(nodes, {"w": weights(4, 4)}, ["n", 4], inputs=("x", "x2")), tmp_path)
    x = {name: RNG.normal(size=(40, 4)).astype(np.float32) for name in ("x", "x2")}
    graph = load_model(path, Calibration(x, "fixed<24>"))
    assert np.abs(values(graph, x)["y"] - run_model(path, x)["y"]).max() < EXACT
    with pytest.raises(SampleError, match="has no input 'x2'; it has x"):
        load_model(path, Calibration({"x": x["x"]}))
    with pytest.raises(SampleError, match=r"input 'x' takes an array \(events, 4\), not \(40, 3\)"):
        run_model(path, {"x": x["x"][:, :3], "x2": x["x2"]})
    with pytest.raises(UnknownNameError, match="unknown input 'z'"):
        run_model(path, {**x, "z": x["x"]})


class TestHalfStated:
    """Models with quantisers that leave something to a calibration."""

    ARRAYS = constants(s=0.25, z=0.0, b=6.0, w=W, ws=0.0625, wb=5.0)
    NODES = (quant("w", "wq", "ws", "z", "wb"), node("MatMul", "x wq", "h"), quant("h", "q"))

    def test_an_input_without_a_type(self, tmp_path):
        """On inputs that the precision holds, the graph equals the model: nothing else is rounded."""
        path = saved(model_of(self.NODES, self.ARRAYS, ["n", 6], outputs=("q",)), tmp_path)
        x = RNG.integers(-2000, 2000, (300, 6)).astype(np.float32) / 512
        graph = load_model(path, Calibration(x, "fixed<16,7>"))
        assert str(graph.inputs["x"]) == "6 fixed<16,7>"
        assert np.array_equal(values(graph, {"x": x})["q"], run_model(path, {"x": x})["q"])

    def test_a_softmax_at_the_end(self, tmp_path):
        nodes = [*self.NODES, node("Softmax", "q", "y")]
        path = saved(model_of(nodes, self.ARRAYS, ["n", 6]), tmp_path)
        graph = assert_close(
            path, RNG.integers(-99, 99, (300, 6)).astype(np.float32) / 32, 5e-3, "fixed<16,6>"
        )
        assert any(isinstance(n.op, Lookup) for n in graph.nodes)

    def test_a_quantiser_of_the_input_whose_scale_is_no_power_of_two(self, tmp_path):
        """As Brevitas learns it: the port has the precision wanted, behind it the steps are exact."""
        nodes = [quant("x", "xq", "xs", "z", "b"), quant("w", "wq", "xs", "z", "wb"),
                 node("MatMul", "xq wq", "h"),
                 node("Relu", "h", "r"), quant("r", "y", "s", "z", "b", signed=0)]  # fmt: skip
        path = saved(model_of(nodes, {**self.ARRAYS, "xs": np.float32(0.0713)}, ["n", 6]), tmp_path)
        with pytest.raises(UnsupportedLayerError, match=r"input 'x': its fixed-point type is not stated"):
            load_model(path)
        x = RNG.integers(-2000, 2000, (300, 6)).astype(np.float32) / 512
        graph = load_model(path, Calibration(x, "fixed<16,7>"))
        assert np.array_equal(values(graph, {"x": x})["y"], run_model(path, {"x": x})["y"])


def test_what_no_runtime_can_run_is_refused_by_name(tmp_path):
    nodes = [
        node("MatMul", "x w", "h"),
        node("Transpose", "h", "t"),
        node("BatchNormalization", "t g be mu va", "y"),
    ]
    path = saved(model_of(nodes, {"w": W, **NORM}, [1, 6]), tmp_path)
    with pytest.raises(
        UnsupportedLayerError, match=r"'batchnormalization_y' .* for 1 channels .*; export the"
    ):
        load_model(path, Calibration(RNG.normal(size=(9, 6))))


def test_functions_that_are_not_finite(tmp_path):
    path = saved(model_of([node("Log", "x", "l"), node("Relu", "l", "y")], {}, ["n", 4]), tmp_path)
    with pytest.raises(
        InexactModelError, match=r"layer 'log_l': its function is not finite on the sample; clip"
    ):
        load_model(path, Calibration(RNG.normal(size=(9, 4))))


def test_the_reference_evaluator_agrees_with_the_runtime(tmp_path, monkeypatch):
    """Where ONNX Runtime is not installed, the reference evaluator stands in."""
    path, shape, _ = written(tmp_path, "Conv and BatchNormalization")
    x = {"x": RNG.normal(size=(20, *shape)).astype(np.float32)}
    fast = run_model(path, x)["y"]
    monkeypatch.setattr("nanosieve.compiler.frontends.onnx.run.importlib.util.find_spec", lambda _: None)
    assert np.allclose(run_model(path, x)["y"], fast, atol=1e-5)
    assert not np.array_equal(fast, np.zeros_like(fast))


def test_stated_models_stay_exact(tmp_path):
    path = saved(model_of([quant("x", "y")], TestHalfStated.ARRAYS, ["n", 6]), tmp_path)
    assert_exact(path)
