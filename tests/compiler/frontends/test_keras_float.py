"""Float Keras models quantised after training: every layer against Keras, and the refusals."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from nanosieve.compiler.frontends import Calibration, load_model, run_model  # noqa: E402
from nanosieve.compiler.frontends.keras_float import recurrent  # noqa: E402
from nanosieve.compiler.frontends.keras_float.model import graph_of  # noqa: E402
from nanosieve.compiler.graph import Fixed, Lookup, Quantize, decode, encode, interpret  # noqa: E402
from nanosieve.compiler.passes import run_passes  # noqa: E402
from nanosieve.compiler.passes.repeated_steps import steps_of  # noqa: E402
from nanosieve.errors import (  # noqa: E402
    SampleError,
    SettingsError,
    UnknownNameError,
    UnsupportedLayerError,
    VerificationError,
)

L = keras.layers
FINE = {"default": "fixed<24>", **{f"default.{role}": "fixed<14>" for role in (
    "table", "gates_table", "candidate_table", "cell_output_table", "result_table", "variance_table"
)}}  # fmt: skip
"""Generous: activations in 24 bits, tables entered with 14."""


def model_of(*layers, shape, seed=3):
    """A model of random weights, biases and moving averages among them."""
    model = keras.Sequential([L.Input(shape, name="x"), *layers], name="network")
    return randomised(model, seed)


def randomised(model, seed=3):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        values = rng.normal(size=weight.shape)
        # not the initial values: their seeds are those of the construction of the layer
        weight.assign(0.5 + np.abs(values) if "variance" in weight.path else 0.4 * values)
    return model


def sample_for(model, events=24, seed=7):
    rng = np.random.default_rng(seed)
    return {
        tensor._keras_history.operation.name: rng.normal(size=(events, *tensor.shape[1:])).astype(np.float32)
        for tensor in model.inputs
    }


def computed(graph, x):
    codes = interpret(graph, encode(graph, x))
    return {name: decode(codes[name], graph.types[node]) for name, node in graph.outputs.items()}


def coarsest_step(graph):
    """The largest step to which a value is rounded."""
    steps = [
        int((n.op.target.exponent if isinstance(n.op, Quantize) else n.op.exponent).max())
        for n in graph.nodes
        if isinstance(n.op, (Quantize, Lookup))
    ]
    ports = [int(type.exponent.max()) for type in graph.inputs.values()]
    return 2.0 ** max([*steps, *ports])


def compare(model, precision=FINE, gain=8):
    """The graph within `gain` times its coarsest step of Keras' float32.

    16 roundings of half that step: a value of these small networks passes a few, each amplified by the
    weights behind it (columns of absolute sum below 5) or by a slope (about 1).
    """
    x = sample_for(model)
    graph = graph_of(model, Calibration(x, precision), name="network")
    layers = [layer for layer, _ in groupby(node.layer for node in graph.nodes)]
    assert len(layers) == len(set(layers))  # one module for each layer
    outputs = model(list(x.values()) if len(x) > 1 else next(iter(x.values())), training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for y, expected in zip(computed(graph, x).values(), outputs, strict=True):
        np.testing.assert_allclose(y, np.asarray(expected), atol=gain * coarsest_step(graph), rtol=0)
    return graph


QUICK = {
    "dense": ([L.Dense(5, activation="relu"), L.Dense(3)], (6,)),
    "conv2d same strides groups": (
        [L.Conv2D(6, (3, 2), strides=(2, 1), padding="same", groups=2, activation="relu")], (7, 6, 4)
    ),
    "conv1d causal dilated": ([L.Conv1D(4, 3, padding="causal", dilation_rate=2)], (9, 3)),
    "depthwise": ([L.DepthwiseConv2D((3, 2), depth_multiplier=2, padding="same")], (5, 5, 3)),
    "separable": ([L.SeparableConv1D(5, 3, strides=2, padding="same", depth_multiplier=2)], (8, 3)),
    "pools": ([L.MaxPooling2D(3, 2, padding="same"), L.AveragePooling2D((2, 1), padding="same")], (7, 5, 2)),
    "folded normalisation": ([L.Conv1D(4, 2), L.BatchNormalization(), L.ReLU()], (6, 3)),
    "normalisation": ([L.BatchNormalization(axis=1), L.Flatten()], (6, 3)),
    "softmax": ([L.Dense(5), L.Softmax()], (6,)),
    "lstm": ([L.LSTM(5)], (4, 3)),
    "gru": ([L.GRU(5, return_sequences=True)], (4, 3)),
    "simple": ([L.SimpleRNN(5)], (4, 3)),
    "time distributed": ([L.TimeDistributed(L.Conv1D(2, 2, activation="relu"))], (3, 5, 2)),
}  # fmt: skip

SLOW = {
    "einsum": ([L.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d")], (3, 5)),
    "einsum over the particles": ([L.EinsumDense("abc,bd->adc", output_shape=(4, 5), bias_axes="c")], (3, 5)),
    "conv1d same": ([L.Conv1D(4, 4, strides=3, padding="same", use_bias=False)], (9, 3)),
    "conv2d valid dilated": ([L.Conv2D(3, 2, dilation_rate=(2, 1), activation="tanh")], (6, 5, 2)),
    "conv3d": ([L.Conv3D(2, 2, padding="same")], (3, 4, 3, 2)),
    "depthwise 1d": ([L.DepthwiseConv1D(3, strides=2)], (8, 3)),
    "separable 2d": ([L.SeparableConv2D(3, 2), L.BatchNormalization()], (5, 5, 2)),
    "pools of sequences": ([L.MaxPooling1D(3, 2), L.AveragePooling1D(3, 1, padding="same")], (9, 2)),
    "global pools": ([L.Conv2D(3, 2), L.GlobalAveragePooling2D()], (5, 4, 2)),
    "global max": ([L.GlobalMaxPooling1D(keepdims=True)], (5, 4)),
    "global average": ([L.GlobalAveragePooling1D()], (5, 4)),
    "depthwise normalised": ([L.DepthwiseConv2D(2), L.BatchNormalization(scale=False)], (4, 4, 2)),
    "layer normalisation": ([L.LayerNormalization()], (3, 6)),
    "layer normalisation of all": ([L.LayerNormalization(axis=[1, 2], center=False)], (3, 4)),
    "rescaling": ([L.Rescaling(0.3, -1.0), L.Normalization(mean=[1.0, 2.0], variance=[2.0, 3.0])], (4, 2)),
    "shapes": (
        [L.ZeroPadding2D(((1, 0), (2, 1))), L.Cropping2D(((0, 1), (1, 0))), L.UpSampling2D((2, 3)),
         L.Permute((3, 1, 2)), L.Reshape((4, -1)), L.Flatten(), L.RepeatVector(2)],
        (2, 3, 2),
    ),
    "shapes of sequences": ([L.ZeroPadding1D(2), L.Cropping1D((1, 0)), L.UpSampling1D(2)], (3, 2)),
    "identities": ([L.Dropout(0.5), L.SpatialDropout1D(0.5), L.GaussianNoise(1.0), L.Identity()], (3, 2)),
    "relu family": ([L.ReLU(1.0, negative_slope=0.3), L.LeakyReLU(0.1), L.PReLU(), L.ELU(0.7)], (6,)),
    "relu with threshold": ([L.ReLU(threshold=0.4)], (6,)),
    "relu with all": ([L.ReLU(max_value=1.5, negative_slope=0.25, threshold=0.5)], (6,)),
    "relu6": ([L.Activation("relu6")], (6,)),
    "softmax over another axis": ([L.Softmax(axis=1)], (4, 3)),
    "a model inside": ([keras.Sequential([L.Input((6,)), L.Dense(4), L.ReLU()]), L.Dense(2)], (6,)),
    "time distributed dense": ([L.TimeDistributed(L.Dense(3)), L.TimeDistributed(L.Flatten())], (3, 2, 2)),
    "lstm sequences backwards": ([L.LSTM(4, return_sequences=True, go_backwards=True)], (4, 3)),
    "lstm of other functions": (
        [L.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False)], (4, 3)
    ),
    "bidirectional lstm": ([L.Bidirectional(L.LSTM(3, return_sequences=True))], (4, 3)),
    "two lstms": ([L.LSTM(4, return_sequences=True), L.LSTM(3)], (4, 3)),
    "gru reset before": ([L.GRU(4, reset_after=False)], (4, 3)),
    "gru reset before, no bias": ([L.GRU(4, reset_after=False, use_bias=False, activation="relu")], (4, 3)),
    "gru without bias": ([L.GRU(4, use_bias=False, recurrent_activation="hard_sigmoid")], (4, 3)),
    "simple relu": ([L.SimpleRNN(4, activation="relu", return_sequences=True, use_bias=False)], (4, 3)),
    "rnn of a cell": ([L.RNN(L.GRUCell(4))], (4, 3)),
    **{
        f"bidirectional {mode}": (
            [L.Bidirectional(L.GRU(3, return_sequences=mode != "mul"), merge_mode=mode)], (4, 3)
        )
        for mode in ("sum", "mul", "ave", "concat")
    },
    **{
        f"activation {name}": ([L.Dense(5, activation=name)], (6,))
        for name in (
            "celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
            "log_sigmoid", "mish", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus",
            "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink",
        )
    },
}  # fmt: skip


class TestAgainstKeras:
    @pytest.mark.parametrize("case", QUICK)
    def test_layer(self, case):
        layers, shape = QUICK[case]
        graph = compare(model_of(*layers, shape=shape))
        assert not graph.exact

    @pytest.mark.slow
    @pytest.mark.parametrize("case", SLOW)
    def test_more_layers(self, case):
        layers, shape = SLOW[case]
        gain = 64 if case == "activation exponential" else 8  # its slope is its value
        compare(model_of(*layers, shape=shape), gain=gain)

    def test_merges_of_two_inputs_and_two_outputs(self):
        x, y = L.Input((4, 3), name="x"), L.Input((4, 3), name="y")
        joined = L.Concatenate(axis=1, name="joined")([x, L.Add()([x, y]), L.Average()([x, y, x])])
        least = L.Minimum(name="least")([L.Maximum()([x, y]), L.Multiply()([x, y]), L.Subtract()([x, y])])
        graph = compare(randomised(keras.Model([x, y], [joined, least])))
        assert list(graph.inputs) == ["x", "y"]
        assert list(graph.outputs) == ["joined", "least"]

    @pytest.mark.slow
    def test_attention(self):
        x, y = L.Input((4, 6), name="x"), L.Input((3, 6), name="y")
        out = L.MultiHeadAttention(2, 3, name="attention")(x, y)
        compare(randomised(keras.Model([x, y], L.Dense(2)(out))))

    @pytest.mark.slow
    def test_states_are_returned_and_given(self):
        x = L.Input((4, 3), name="x")
        sequence, hidden, carry = L.LSTM(5, return_sequences=True, return_state=True)(x)
        out = L.LSTM(5)(sequence, initial_state=[hidden, carry])
        compare(randomised(keras.Model(x, out)))

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["LSTM", "GRU"])
    def test_networks_of_the_published_size_load_in_seconds(self, kind):
        """The top tagger of arXiv:2207.00559: 20 particles of 6 features, 20 units."""
        layers = [getattr(L, kind)(20), L.Dense(64, activation="relu"), L.Dense(1, activation="sigmoid")]
        graph = compare(model_of(*layers, shape=(20, 6)), {"default": "fixed<16,6>"})
        tables = [n.op for n in graph.nodes if n.name.endswith(".gates")]
        assert len(tables) == 20
        assert all(op is tables[0] for op in tables)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("precision", ["fixed<16,6>", "fixed<14>", "fixed<8>"])
def test_all_steps_are_alike(tmp_path, kind, precision):
    """The range of a state grows from step to step; how a table is entered may not change with it."""
    model = model_of(getattr(L, kind)(3), L.Dense(1), shape=(7, 2))
    path = tmp_path / "model.keras"
    model.save(path)
    sample = np.random.default_rng(2).normal(size=(50, 7, 2)).astype(np.float32)
    graph = run_passes(load_model(path, Calibration(sample, precision)))
    layer = next(node.layer for node in graph.nodes if ".t0." in node.name)
    (found,) = steps_of(graph, [node for node in graph.nodes if node.layer == layer])
    assert len(found.steps) == 7


def q(values, fixed):
    step = 2.0**fixed.exponent
    return np.clip(np.floor(np.asarray(values, float) / step + 0.5), fixed.low, fixed.high) * step


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


COARSE = {"default": "fixed<9,3>", **{name: "fixed<7,3>" for name in FINE if name != "default"}}


class TestMeaningOfRecurrentLayers:
    """With few bits: against a second writing of the quantised cell, step by step in floats."""

    WORD, ENTRY = Fixed(9, 3), Fixed(7, 3)

    def table(self, f, x):
        return q(f(q(x, self.ENTRY)), self.WORD)

    def lstm(self, cell, x):
        w, u, b = (q(v, self.WORD) for v in (cell.kernel, cell.recurrent_kernel, cell.bias))
        h = c = np.zeros((len(x), cell.units))
        for t in range(x.shape[1]):
            i, f, g, o = np.split(x[:, t] @ w + h @ u + b, 4, axis=1)
            i, f, o, g = (
                self.table(fn, v) for fn, v in ((sigmoid, i), (sigmoid, f), (sigmoid, o), (np.tanh, g))
            )
            c = q(f * c + i * g, self.WORD)
            h = q(o * self.table(np.tanh, c), self.WORD)
        return h

    def gru(self, cell, x):
        w, u = q(cell.kernel, self.WORD), q(cell.recurrent_kernel, self.WORD)
        bias = np.atleast_2d(q(cell.bias, self.WORD))
        b = bias if cell.reset_after else np.concatenate([bias, 0 * bias])
        n = cell.units
        h = np.zeros((len(x), n))
        for t in range(x.shape[1]):
            mx, mh = x[:, t] @ w + b[0], h @ u + b[1]
            z, r = (self.table(sigmoid, (mx + mh)[:, k * n : (k + 1) * n]) for k in range(2))
            if cell.reset_after:
                inner = r * q(mh[:, 2 * n :], self.WORD)
            else:
                inner = q(r * h, self.WORD) @ u[:, 2 * n :]
            candidate = self.table(np.tanh, mx[:, 2 * n :] + inner)
            h = q(candidate + z * q(h - candidate, self.WORD), self.WORD)
        return h

    def simple(self, cell, x):
        w, u, b = (q(v, self.WORD) for v in (cell.kernel, cell.recurrent_kernel, cell.bias))
        h = np.zeros((len(x), cell.units))
        for t in range(x.shape[1]):
            h = self.table(np.tanh, x[:, t] @ w + h @ u + b)
        return h

    @pytest.mark.parametrize(
        ("layer", "meaning"),
        [
            (L.LSTM(4, name="rnn"), lstm),
            (L.GRU(4, name="rnn"), gru),
            (L.GRU(4, name="rnn", reset_after=False), gru),
            (L.SimpleRNN(4, name="rnn"), simple),
        ],
        ids=["lstm", "gru", "gru reset before", "simple"],
    )
    def test_equals(self, layer, meaning):
        model = model_of(layer, shape=(5, 3))
        x = sample_for(model)
        graph = graph_of(model, Calibration(x, COARSE), name="network")
        expected = meaning(self, layer.cell, q(x["x"], self.WORD))
        np.testing.assert_array_equal(computed(graph, x)["rnn"], expected)


class TestPrecision:
    def test_the_state_has_one_type_in_all_steps(self):
        model = model_of(L.LSTM(4, name="rnn"), shape=(5, 3))
        graph = graph_of(model, Calibration(sample_for(model), "fixed<8>"), name="network")
        for role in ("cell", "result", "gates_table"):
            targets = [n.op.target for n in graph.nodes if n.name.endswith(f".{role}")]
            if role == "result":  # the last is the output, with the name of the layer
                targets.append(graph.by_name["rnn"].op.target)
            assert len(targets) == 5
            assert all(target == targets[0] for target in targets)

    def test_overrides(self):
        model = model_of(L.Dense(4, name="first"), L.Dense(2, name="last"), shape=(3,))
        precision = {
            "default": "fixed<16,6>",
            "first": "fixed<8,3>",
            "first.kernel": "fixed<6,1>",
            "last": "fixed<5>",
        }
        graph = graph_of(model, Calibration(sample_for(model), precision), name="network")
        types = {node.name: str(graph.types[node.name]) for node in graph.nodes}
        assert str(graph.inputs["x"]) == "3 fixed<16,6>"
        assert graph.by_name["first"].op.target.fixed(0) == Fixed(8, 3)
        assert graph.by_name["last"].op.target.fixed(0).width == 5
        assert graph.by_name["first.product"].op.exponent == -5
        assert "last" in types

    def test_both_directions_at_once(self):
        model = model_of(L.Bidirectional(L.SimpleRNN(2), name="both"), shape=(3, 2))
        graph = graph_of(model, Calibration(sample_for(model), {"both": "fixed<6,2>"}), name="network")
        results = [n.op.exponent for n in graph.nodes if n.name.endswith(".result")]
        assert len(results) == 6
        assert all(list(e) == [-4] for e in results)

    def test_an_unknown_layer(self):
        model = model_of(L.Dense(4, name="first"), shape=(3,))
        with pytest.raises(UnknownNameError, match=r"unknown layer of the precision 'frist'; nearest: first"):
            graph_of(model, Calibration(sample_for(model), {"frist": "fixed<8,3>"}), name="network")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    model_of(L.Dense(4, activation="relu"), L.Dense(2, name="out"), shape=(3,)).save(path)
    return path


class TestFiles:
    def test_load_and_run(self, saved):
        x = np.random.default_rng(1).normal(size=(20, 3))
        graph = load_model(saved, Calibration(x, "fixed<20>"))
        assert graph.source == saved
        assert not graph.exact
        y = run_model(saved, {"x": x})["out"]
        np.testing.assert_allclose(computed(graph, {"x": x})["out"], y, atol=8 * coarsest_step(graph))

    def test_no_sample(self, saved):
        with pytest.raises(SettingsError, match=r"small\.keras states no fixed-point types; give a sample"):
            load_model(saved)

    @pytest.mark.parametrize(
        ("x", "words"),
        [
            (np.full((5, 3), np.nan), "input 'x' holds nan at event 0"),
            (np.ones((5, 4)), r"has the shape \(events, 3\), not \(5, 4\)"),
        ],
    )
    def test_a_sample_that_does_not_fit(self, saved, x, words):
        with pytest.raises(SampleError, match=words):
            load_model(saved, Calibration(x))

    def test_an_unknown_input(self, saved):
        with pytest.raises(UnknownNameError, match="unknown input of the calibration sample 'z'"):
            load_model(saved, Calibration({"x": np.ones((5, 3)), "z": np.ones((5, 3))}))

    def test_a_lambda_layer(self, tmp_path):
        model = model_of(L.Lambda(lambda x: x + 1), shape=(3,))
        model.save(tmp_path / "lambda.keras")
        with pytest.raises(UnsupportedLayerError, match="Lambda"):
            load_model(tmp_path / "lambda.keras", Calibration(np.ones((5, 3))))


@pytest.mark.slow
class TestHardware:
    def test_a_float_lstm_becomes_proven_rtl(self, tmp_path):
        from nanosieve.compiler.design import compile, load
        from nanosieve.compiler.hardware import Budget

        model = model_of(L.LSTM(2), L.Dense(2, activation="softmax", name="out"), shape=(3, 2))
        model.save(tmp_path / "small.keras")
        x = sample_for(model, 50)["x"]
        graph = load(tmp_path / "small.keras", calibrate=x, precision="fixed<6>", per_channel=True)
        proof = compile(graph, Budget(latency="2 us"), out=tmp_path / "design").verify(x, random=100)
        assert (proof.stages[0], proof.stages[-1]) == ("graph", "rtl")
        assert 0 < proof.measured["out"]["rms"].value < proof.measured["out"]["largest"].value < 0.2
        assert proof.to_dict()["measured"]["out"]["rms"]["provenance"] == "simulated"


class TestRefused:
    @pytest.mark.parametrize(
        ("layer", "shape", "words"),
        [
            (
                L.UnitNormalization(),
                (3,),
                "layer 'l': unknown layer 'UnitNormalization'; nearest: .*Normalization",
            ),
            (
                L.LSTM(2, stateful=True),
                (4, 3),
                "stateful=True is not supported; a trigger starts each event anew",
            ),
            (L.RNN(L.StackedRNNCells([L.GRUCell(2)])), (4, 3), "cell 'StackedRNNCells' is not supported"),
            (
                L.UpSampling2D(2, interpolation="bilinear"),
                (3, 3, 1),
                "interpolation 'bilinear' is not supported",
            ),
            (L.Conv2D(2, 1, data_format="channels_first"), (2, 3, 3), "data_format='channels_first'"),
            (
                L.Activation("log_softmax"),
                (3,),
                "activation 'log_softmax' is not supported; use one of celu, elu",
            ),
        ],
    )
    def test_layer(self, layer, shape, words):
        layer.name = "l"
        if getattr(layer, "stateful", False):
            model = keras.Sequential([L.Input(batch_shape=(8, *shape)), layer])
        else:
            model = keras.Sequential([L.Input(shape), layer])
        sample = np.random.default_rng(1).normal(size=(8, *shape))
        with pytest.raises(UnsupportedLayerError, match=words):
            graph_of(model, Calibration(sample), name="network")

    def test_a_layer_used_twice(self):
        layer, x = L.Dense(3, name="twice"), L.Input((3,))
        model = keras.Model(x, layer(layer(x)))
        with pytest.raises(UnsupportedLayerError, match="layer 'twice': it is used twice"):
            graph_of(model, Calibration(np.ones((4, 3))), name="network")

    def test_an_operation_that_is_no_layer(self):
        x = L.Input((3,))
        with pytest.raises(
            UnsupportedLayerError, match=r"operation 'add.*' \(Add\) of keras.ops is not supported"
        ):
            graph_of(keras.Model(x, x + x), Calibration(np.ones((4, 3))), name="network")

    def test_one_sample_for_two_inputs(self):
        x, y = L.Input((3,), name="x"), L.Input((3,), name="y")
        with pytest.raises(SettingsError, match="has the inputs x, y; give a sample for each"):
            graph_of(keras.Model([x, y], L.Add()([x, y])), Calibration(np.ones((4, 3))), name="network")

    def test_samples_of_different_length(self):
        x, y = L.Input((3,), name="x"), L.Input((3,), name="y")
        sample = {"x": np.ones((4, 3)), "y": np.ones((5, 3))}
        with pytest.raises(SettingsError, match="differ in their numbers of events"):
            graph_of(keras.Model([x, y], L.Add()([x, y])), Calibration(sample), name="network")


class TestTheCheckBites:
    def test_a_wrong_order_of_gates_is_found(self, monkeypatch):
        model = model_of(L.LSTM(3, name="rnn"), L.Dense(2), shape=(3, 2))
        right = recurrent._Cell.part

        def exchanged(self, x, *numbers):
            return right(self, x, *([1, 0, 3] if numbers == (0, 1, 3) else numbers))

        monkeypatch.setattr(recurrent._Cell, "part", exchanged)
        with pytest.raises(
            VerificationError, match=r"layer 'rnn' is not what Keras computes.*at event \d+, element"
        ):
            graph_of(model, Calibration(sample_for(model)), name="network")

    def test_a_wrong_layer_is_named_though_the_output_layer_is_another(self, monkeypatch):
        from nanosieve.compiler.frontends.calibrated import activations

        monkeypatch.setitem(activations.FUNCTIONS, "tanh", lambda x: np.tanh(0.99 * x))
        model = model_of(L.Dense(3), L.Dense(3, activation="tanh", name="wrong"), L.Dense(2), shape=(2,))
        with pytest.raises(VerificationError, match="layer 'wrong' is not what Keras computes"):
            graph_of(model, Calibration(sample_for(model)), name="network")
