"""LSTM, GRU and RNN of ONNX files, unrolled, against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.onnx_models import assert_close, constants, model_of, node, quant, saved
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.graph import Dense
from nanosieve.errors import UnsupportedLayerError

RNG = np.random.default_rng(23)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, INPUTS, UNITS = 4, 3, 5


def written(folder, op, *, outputs="y", more="", arrays=None, **attributes):
    """A model from (events, steps, inputs), as PyTorch writes it."""
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    rows = GATES[op] * UNITS
    weights = constants(
        w=RNG.normal(size=(directions, rows, INPUTS)) / 2,
        r=RNG.normal(size=(directions, rows, UNITS)) / 2,
        c=RNG.normal(size=(directions, 2 * rows)) / 4,
        **(arrays or {}),
    )
    weights = {name: a.astype(np.float32) for name, a in weights.items()}
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node(op, f"t w r c {more}", outputs, hidden_size=UNITS, **attributes),
        node("Transpose", "y", "z", perm=[2, 0, 1, 3]),
    ]
    names = ["z", *outputs.split()[1:]] if "h" in outputs.split() else ["z"]
    return saved(model_of(nodes, weights, ["n", STEPS, INPUTS], outputs=names), folder)


def events():
    return RNG.normal(size=(30, STEPS, INPUTS)).astype(np.float32)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(
    ("op", "more"), [("LSTM", {}), ("GRU", {}), ("GRU", {"linear_before_reset": 1}), ("RNN", {})]
)
def test_sequences(tmp_path, op, more, direction):
    graph = assert_close(written(tmp_path, op, direction=direction, **more), events(), 8e-3)
    kernels = {id(n.op.kernel) for n in graph.nodes if isinstance(n.op, Dense)}
    count = 3 if op == "GRU" and not more else 2
    assert len(kernels) == count * (2 if direction == "bidirectional" else 1)  # the same in every step


def test_last_states_and_a_start(tmp_path):
    start = RNG.normal(size=(1, 1, UNITS)) / 2
    path = written(
        tmp_path, "LSTM", outputs="y h", more="_ start cell", arrays={"start": start, "cell": -start}
    )
    graph = load_model(path, Calibration(events(), "fixed<16>"))
    assert list(graph.outputs) == ["z", "h"]


def test_other_functions(tmp_path):
    assert_close(written(tmp_path, "RNN", activations=["Relu"]), events(), 8e-3)


@pytest.mark.parametrize(
    ("op", "more", "attributes", "message"),
    [
        ("LSTM", "", {"clip": 1.0}, "clip, input_forget or layout; export"),
        ("RNN", "", {"activations": ["Affine"]}, r"the activations \['Affine'\]; use Tanh"),
        ("GRU", "lengths", {}, "sequence_lens; export without them"),
        ("RNN", "", {"direction": "sideways"}, "direction 'sideways' with weights of 1"),
    ],
)
def test_what_is_not_built(tmp_path, op, more, attributes, message):
    path = written(tmp_path, op, more=more, arrays={"lengths": 3.0}, **attributes)
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(path, Calibration(events()))


def test_types_that_nobody_states(tmp_path):
    path = written(tmp_path, "RNN")
    with pytest.raises(
        UnsupportedLayerError, match="a recurrent layer without types of its own; give calibrate"
    ):
        load_model(path)
    assert quant("x", "y").op_type == "Quant"
