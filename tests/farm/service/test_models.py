"""Models as they are served, without a server."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.onnx_models import constants, model_of, node, saved
from helpers.services import events
from nanosieve.compiler.emulate import Emulator
from nanosieve.compiler.graph import Fixed, TensorType, load_graph
from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.farm.service import OnnxModel, Tensor, load_models
from nanosieve.farm.service.models import _tensor


def test_a_design_is_its_emulator(model, toy):
    found = model(events(100))
    right = Emulator(load_graph(toy / "graph.json"))(events(100))
    assert {name: array.dtype for name, array in found.items()} == {
        "score": np.float32,
        "trigger": np.float32,
    }
    assert all(np.array_equal(found[name], right[name]) for name in right)
    assert model.inputs == (Tensor("x", "FP32", (5,)),)


@pytest.mark.parametrize(("bits", "datatype"), [(24, "FP32"), (25, "FP32"), (26, "FP64"), (40, "FP64")])
def test_numbers_travel_in_the_format_that_holds_them(bits, datatype):
    """24 bits and the sign are exact in FP32, but for the lowest code of 25 bits, which is one too many."""
    type = TensorType.of(Fixed(bits, 4), (2,))
    low = TensorType(type.low + 1, type.high, type.exponent)
    assert _tensor("x", low).datatype == datatype
    codes = np.array([low.low.min(), low.high.max(), low.high.max() - 1])
    assert (codes.astype(_tensor("x", low).dtype).astype(np.int64) == codes).all()


def test_the_answer_says_what_the_fpga_would_take(model):
    said = model.parameters(11)
    design = model.design
    assert said["fpga_latency_cycles"] == design.latency_cycles
    cycles = design.latency_cycles + 10 * design.interval_cycles
    assert said["fpga_time_ns"] == round(cycles * 1000 / design.clock_mhz)


def test_an_onnx_file(dense):
    model = OnnxModel(dense)
    x = np.eye(3, dtype=np.float32)
    assert model({"x": x})["y"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert (model.inputs, model.batch) == ((Tensor("x", "FP32", (3,)),), None)
    for bad in (np.nan, np.inf):
        x[1, 1] = bad
        with pytest.raises(SampleError, match="'x' is not finite at event 1"):
            model({"x": x})


def test_a_fixed_number_of_events_is_kept(tmp_path):
    weights = constants(w=np.ones((3, 2), np.float32))
    path = saved(model_of([node("MatMul", "x w", "y")], weights, [4, 3]), tmp_path)
    assert OnnxModel(path).batch == 4


def test_free_lengths_behind_the_first_are_refused(tmp_path):
    path = saved(model_of([node("Relu", "x", "y")], {}, ["events", "n"]), tmp_path)
    with pytest.raises(InputFileError, match=r"'tiny.onnx': input 'x' has no stated shape; export the model"):
        OnnxModel(path)


def test_names_and_versions_of_the_command_line(toy, dense):
    found = load_models([str(toy), f"toy={toy}", f"other:7={dense}", f"other={dense}"])
    assert [(each.model.name, each.version) for each in found] == [
        ("toy", "1"),
        ("toy", "2"),
        ("other", "7"),
        ("other", "8"),
    ]
    with pytest.raises(SettingsError, match="version '1' of model 'toy' is given twice"):
        load_models([str(toy), f"toy:1={toy}"])
    with pytest.raises(SettingsError, match="version 'a' of model 'toy' is no whole number"):
        load_models([f"toy:a={toy}"])
    with pytest.raises(InputFileError, match="does not exist; give a folder made by"):
        load_models(["nowhere"])
