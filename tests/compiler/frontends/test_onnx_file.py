"""ONNX files from outside: limits, and one sentence for everything that is damaged or would run code."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from helpers.onnx_models import QONNX, constants, model_of, node, quant, saved
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.onnx.file import read
from nanosieve.errors import InputFileError, NanosieveError, SettingsError, UnsupportedLayerError

ARRAYS = constants(s=0.5, z=0.0, b=4.0, w=np.eye(3, dtype=np.float32))
NODES = [quant("x", "xq"), quant("w", "wq"), node("MatMul", "xq wq", "y")]


def good():
    return model_of(NODES, ARRAYS, ["n", 3])


def refused(model, folder, error, message):
    with pytest.raises(error, match=message) as caught:
        load_model(saved(model, folder))
    assert "\n" not in str(caught.value)


def test_a_good_file(tmp_path):
    assert list(load_model(saved(good(), tmp_path)).inputs) == ["x"]


def test_damaged_bytes_never_crash(tmp_path):
    """Truncated and altered files load or give one of the named errors."""
    whole = good().SerializeToString()
    rng = np.random.default_rng(0)
    path = tmp_path / "broken.onnx"
    messages, loaded = [], 0
    for n in range(150):
        data = bytearray(whole)
        if n % 3 == 0:
            data = data[: rng.integers(len(data))]
        else:
            for place in rng.integers(len(data), size=1 + n % 4):
                data[place] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            load_model(path)
        except NanosieveError as error:
            messages.append(str(error))
        else:
            loaded += 1
    assert loaded
    assert len(messages) > 50
    assert [m for m in messages if "\n" in m] == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x08\x08" + b"\xff" * 40, b"hello"])
def test_no_onnx_file(tmp_path, content):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=r"x\.onnx'? is not? a?n? ?ONNX|is no ONNX model"):
        read(path)


def test_a_shape_that_the_data_do_not_have(tmp_path):
    model = good()
    model.graph.initializer[3].dims[0] = 5
    refused(model, tmp_path, InputFileError, r"tensor 'w' cannot be read .*; export the model again")


def test_a_huge_claim_takes_no_memory(tmp_path):
    model = good()
    model.graph.initializer[3].dims[0] = 2**40
    refused(model, tmp_path, InputFileError, r"tensor 'w' claims 3298534883328 values and holds less")
    model = good()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2**40
    refused(model, tmp_path, InputFileError, r"claims the shape .* at most 2\*\*24 elements")


@pytest.mark.parametrize(
    ("op", "arrays", "inputs"),
    [
        ("ConstantOfShape", {"n": np.array([2**20, 2**20])}, "n"),
        ("Expand", {"n": np.array([2**40, 3])}, "w n"),
        ("Tile", {"n": np.array([2**30, 2**10])}, "w n"),
        ("Range", {"n": np.array(0.0), "m": np.array(1e12), "d": np.array(1.0)}, "n m d"),
    ],
)
def test_constants_beyond_measure(tmp_path, op, arrays, inputs):
    model = model_of([node(op, inputs, "c"), node("Add", "x c", "y")], {**ARRAYS, **arrays}, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, r"a constant of \d+ elements; at most")


def test_a_variable_beyond_measure(tmp_path):
    nodes = [quant("x", "xq"), node("Expand", "xq n", "y")]
    model = model_of(nodes, {**ARRAYS, "n": np.array([2**40, 3])}, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, r"a result beyond measure")


@pytest.mark.parametrize(
    ("op", "arrays", "inputs", "attributes", "message"),
    [
        ("Pad", {"p": np.array([0, 2**40, 0, 0])}, "xq p", {}, "a padding beyond measure; pad less"),
        (
            "MaxPool",
            {},
            "x4",
            {"kernel_shape": [2**40, 2], "auto_pad": "SAME_UPPER"},
            "a window of|its windows",
        ),
        ("Conv", {"k": np.ones((1, 1, 1, 1), np.float32)}, "x4 k", {"pads": [2**40, 0, 0, 0]}, "a window of"),
    ],
)
def test_paddings_beyond_measure(tmp_path, op, arrays, inputs, attributes, message):
    nodes = [quant("x", "xq"), node("Reshape", "xq to", "x4"), node(op, inputs, "y", **attributes)]
    model = model_of(nodes, {**ARRAYS, "to": np.array([1, 1, 3, 1]), **arrays}, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, message)


def test_weights_in_another_file(tmp_path):
    model = good()
    tensor = model.graph.initializer[3]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"
    refused(model, tmp_path, InputFileError, r"tensor 'w' stands in another file, which is not opened")


def test_a_cycle(tmp_path):
    nodes = [node("Add", "x b", "a"), node("Add", "a x", "b"), node("Relu", "b", "y")]
    refused(model_of(nodes, {}, ["n", 3]), tmp_path, InputFileError, r"depends on itself through")


def test_a_value_from_nowhere_and_one_twice(tmp_path):
    model = model_of([node("Add", "x nothing", "y")], {}, ["n", 3])
    refused(model, tmp_path, InputFileError, r"node 'add_y' uses 'nothing', which nothing computes")
    model = model_of([node("Relu", "x", "y"), node("Abs", "x", "y")], {}, ["n", 3])
    refused(model, tmp_path, InputFileError, r"tensor 'y' is assigned twice")


def test_control_flow(tmp_path):
    body = helper.make_graph([node("Relu", "x", "t")], "body", [], [])
    loop = helper.make_node("If", ["c"], ["y"], name="choice", then_branch=body, else_branch=body)
    model = model_of([loop], {"c": np.array(True)}, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, r"^node 'choice' \(If\): control flow .*; unroll it")


def test_functions_of_the_file(tmp_path):
    function = helper.make_function(
        "own", "f", ["a"], ["c"], [node("Relu", "a", "c")], [helper.make_opsetid("", 17)]
    )
    model = model_of([node("f", "x", "y", "own")], {}, ["n", 3])
    model.functions.append(function)
    refused(model, tmp_path, UnsupportedLayerError, r"a function of the file; inline it with onnx.inliner")


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ("com.evil", r"'com.evil' is a library of custom ops, which is not loaded; export with standard"),
        ("ai.onnx.ml", r"'ai.onnx.ml' are not supported; give the file of the library that trained it"),
    ],
)
def test_other_domains(tmp_path, domain, message):
    model = model_of([node("TreeEnsembleRegressor", "x", "y", domain)], {}, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, message)


def test_an_op_that_is_not_known(tmp_path):
    model = model_of([quant("x", "xq"), node("Det", "xq", "y")], ARRAYS, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, r"^node 'det_y': unknown op 'Det'; .*; rebuild with")
    model = model_of([quant("x", "xq"), node("Quaint", "xq", "y", QONNX)], ARRAYS, ["n", 3])
    refused(model, tmp_path, UnsupportedLayerError, r"unknown op 'Quaint'; nearest: .*; rebuild")


def test_shapes_that_are_not_stated(tmp_path):
    model = model_of(NODES, ARRAYS, ["n", "m"])
    refused(model, tmp_path, InputFileError, r"input 'x' has no stated shape; export the model with a fixed")


def test_an_opset_of_the_future(tmp_path):
    model = good()
    model.opset_import[0].version = 999
    refused(model, tmp_path, InputFileError, r"states the opset 999; opsets 1 … \d+ are accepted")


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("nanosieve.compiler.frontends.onnx.file.LARGEST", 10)
    refused(good(), tmp_path, InputFileError, r"has more than 0 MiB; refused")


def test_a_calibration_for_stated_types(tmp_path):
    with pytest.raises(SettingsError, match=r"states its quantisers; leave out calibrate"):
        load_model(saved(good(), tmp_path), Calibration(np.zeros((4, 3))))


def test_a_float_model_needs_a_calibration(tmp_path):
    model = model_of([node("MatMul", "x w", "y")], ARRAYS, ["n", 3])
    refused(
        model, tmp_path, UnsupportedLayerError, r"^input 'x': its fixed-point type is not stated; put a Q"
    )


def test_names_of_nodes_are_made_unique(tmp_path):
    model = good()
    for proto in model.graph.node:
        proto.name = "/same"
    assert [n.name for n in read(saved(model, tmp_path)).nodes] == ["same", "same_2", "same_3"]


def test_nodes_in_any_order(tmp_path):
    model = good()
    reordered = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(reordered)
    assert list(load_model(saved(model, tmp_path)).outputs) == ["y"]


def test_only_the_package_of_the_file_is_needed(tmp_path):
    assert onnx.__version__
    assert read(saved(good(), tmp_path)).opset == 17
