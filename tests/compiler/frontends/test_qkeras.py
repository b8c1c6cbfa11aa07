"""QKeras files: equal to what QKeras itself computed, or refused by one sentence.

The files ``data/qkeras_*`` were made by QKeras 1.2.1 for Keras 3: models with random weights, events, and the
outputs of QKeras for them.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nanosieve.compiler.frontends import Calibration, load_model, run_model
from nanosieve.compiler.frontends.qkeras.functions import parse, quantized
from nanosieve.compiler.graph import Graph, decode, encode, interpret
from nanosieve.errors import InputFileError, NanosieveError, SettingsError, UnsupportedLayerError

DATA = Path(__file__).parent / "data"
EXACT = ("activations", "kernels", "images", "branches")


def events_of(name: str, prefix: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"qkeras_{name}.npz") as archive:
        return {key[2:]: archive[key] for key in archive if key.startswith(prefix)}


def of_graph(graph: Graph, x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    codes = interpret(graph, encode(graph, x))
    return {name: decode(values, graph.types[graph.outputs[name]]) for name, values in codes.items()}


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("name", EXACT)
def test_graph_and_qkeras_are_equal(name: str) -> None:
    path, x = DATA / f"qkeras_{name}.keras", events_of(name, "x_")
    graph = load_model(path)
    assert graph.exact
    ours, theirs = of_graph(graph, x), run_model(path, x)
    for output, expected in events_of(name, "y_").items():
        assert np.array_equal(ours[output], theirs[output])
        if output == "sm":
            np.testing.assert_allclose(softmax(ours[output]), expected, rtol=1e-5)
        else:
            np.testing.assert_allclose(ours[output], expected, rtol=0, atol=1e-6)  # ±1 ± a float32 step


def test_what_is_left_out_or_rounded_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    load_model(DATA / "qkeras_branches.keras")
    load_model(DATA / "qkeras_scales.keras")
    assert caplog.messages == [
        "qkeras_branches.keras: output 'sm' holds what enters its softmax, which changes no decision",
        "qkeras_scales.keras: not exact, for the real numbers of these layers are rounded: "
        "d00, d01, d02, d03, d04",
    ]


def test_real_scales_are_rounded_and_the_graph_says_so() -> None:
    path, x = DATA / "qkeras_scales.keras", events_of("scales", "x_")
    graph = load_model(path)
    assert not graph.exact
    (expected,) = events_of("scales", "y_").values()
    np.testing.assert_allclose(run_model(path, x)["all"], expected, atol=1e-5)
    difference = np.abs(of_graph(graph, x)["all"] - expected).max()
    assert 0 < difference < 2**-17 * np.abs(expected).max()


class TestThePort:
    def test_takes_the_type_of_the_quantiser_behind_it(self, tmp_path: Path) -> None:
        path = model_file(tmp_path, [q_activation("quantized_bits", bits=7, integer=2)])
        graph = load_model(path)
        assert str(graph.inputs["x"]) == "3 fixed<7,3>"
        x = {"x": np.random.default_rng(0).normal(0, 4, (500, 3))}
        x["x"][:40] = np.arange(40)[:, np.newaxis] / 32  # ties
        assert np.array_equal(of_graph(graph, x)["a"], run_model(path, x)["a"])
        with pytest.raises(SettingsError, match="states all its quantisers"):
            load_model(path, Calibration(x["x"]))

    def test_is_as_wide_as_wanted_elsewhere(self, tmp_path: Path) -> None:
        path = model_file(tmp_path, [q_dense()], weights={"q_dense": [np.eye(3), np.zeros(3)]})
        assert str(load_model(path).inputs["x"]) == "3 fixed<16,6>"
        stated = load_model(path, Calibration(np.zeros((1, 3)), "fixed<9,2>"))
        assert str(stated.inputs["x"]) == "3 fixed<9,2>"


def test_batch_normalisation_keeps_18_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    batch_norm = layer("BatchNormalization", "keras.layers", "bn", axis=-1, epsilon=1e-3, scale=1, center=1)
    weights = [rng.uniform(0.5, 2, 3), rng.normal(0, 1, 3), rng.normal(0, 1, 3), rng.uniform(0.5, 2, 3)]
    path = model_file(
        tmp_path, [q_activation("quantized_bits", bits=8, integer=3), batch_norm],
        weights={"batch_normalization": weights},
    )  # fmt: skip
    graph = load_model(path)
    assert not graph.exact
    x = {"x": rng.normal(0, 4, (500, 3))}
    expected = run_model(path, x)["bn"]
    difference = np.abs(of_graph(graph, x)["bn"] - expected)
    assert 0 < difference.max() < 2**-17 * np.abs(expected).max()


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    """One weight moved by one step changes an output: the comparison can fail."""
    rng = np.random.default_rng(3)
    kernel = rng.integers(-7, 8, (3, 2)) / 8
    files = []
    for n, moved in enumerate((0, 1 / 8)):
        kernel[1, 0] += moved
        (tmp_path / str(n)).mkdir()
        weights = {"q_dense": [kernel, np.zeros(2)]}
        files.append(model_file(tmp_path / str(n), [q_dense()], weights=weights))
    x = {"x": rng.integers(-64, 64, (100, 3)) / 16}
    assert np.array_equal(of_graph(load_model(files[0]), x)["d"], run_model(files[0], x)["d"])
    assert not np.array_equal(of_graph(load_model(files[0]), x)["d"], run_model(files[1], x)["d"])


def test_rounding_is_to_even_as_in_qkeras() -> None:
    q = parse({"class_name": "quantized_bits", "config": {"bits": 4, "integer": 3, "alpha": None}}, "")
    assert q is not None
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 99, -99])
    assert quantized(q, x).tolist() == [0, 2, 2, 0, -2, 7, -8]


@pytest.mark.parametrize("kind", ["quantized_bits", "quantized_linear", "ternary", "binary"])
@pytest.mark.parametrize("alpha", ["auto", "auto_po2"])
def test_a_channel_of_zeros(kind: str, alpha: str) -> None:
    q = parse({"class_name": kind, "config": {"alpha": alpha}}, "")
    assert q is not None
    kernel = np.array([[0, 1.0], [0, -1.0]], dtype=np.float32)
    found = quantized(q, kernel)
    assert np.isfinite(found).all()
    assert np.abs(found[:, 0]).max() < 1e-6
    assert np.sign(found[:, 1]).tolist() == [1, -1]


# ---------------------------------------------------------------- files with something wrong


def layer(kind: str, module: str, name: str, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": {"name": name, **config}}


def quantizer(kind: str, **config: Any) -> dict[str, Any]:
    return {"module": "qkeras.quantizers", "class_name": kind, "config": config}


def q_activation(kind: str, name: str = "a", **config: Any) -> dict[str, Any]:
    return layer("QActivation", "qkeras.qlayers", name, activation=quantizer(kind, **config))


def q_dense(**config: Any) -> dict[str, Any]:
    bits = quantizer("quantized_bits", bits=4, integer=0, alpha=1)
    settings = {"kernel_quantizer": bits, "bias_quantizer": bits, "use_bias": True, "activation": "linear"}
    return layer("QDense", "qkeras.qlayers", "d", **{**settings, **config})


def model_file(
    folder: Path,
    layers: list[dict[str, Any]],
    weights: dict[str, list[np.ndarray]] | None = None,
    change: Callable[[h5py.File], None] | None = None,
) -> Path:
    """A ``.keras`` file of one chain of layers, written without Keras."""
    port = layer("InputLayer", "keras.layers", "x", batch_shape=[None, 3])
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [port, *layers]}}
    arrays = io.BytesIO()
    with h5py.File(arrays, "w") as file:
        for name, values in (weights or {}).items():
            for n, value in enumerate(values):
                file[f"layers/{name}/vars/{n}"] = np.asarray(value, dtype=np.float32)
        if change is not None:
            change(file)
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", arrays.getvalue())
    return path


BITS = quantizer("quantized_bits", bits=4, integer=0, alpha=1)
EYE = {"q_dense": [np.eye(3), np.zeros(3)]}


@pytest.mark.parametrize(
    ("layers", "weights", "message"),
    [
        ([q_activation("bernoulli")], {}, r"^layer 'a': quantiser 'bernoulli' is not supported; .*same at"),
        ([q_activation("quantized_ulaw")], {}, "'quantized_ulaw' is not supported"),
        ([q_activation("quantized_bits", alpha="auto")], {}, "scale depends on the batch; state alpha=1"),
        ([q_activation("quantized_bits", qnoise_factor=0.5)], {}, "qnoise_factor is to be 1"),
        ([q_activation("quantized_bits", bits=99)], {}, "bits between 1 and 32 are accepted"),
        ([q_activation("quantized_bits", bits=4.5)], {}, "whole bits are accepted"),
        ([q_activation("quantized_bits", bits="4")], {}, r"bits.*: its settings are numbers; train"),
        ([q_activation("quantized_bits", alpha=-1)], {}, "alpha is None, a positive number"),
        ([q_activation("quantized_relu", negative_slope=0.3)], {}, "negative_slope is a power of two"),
        ([q_activation("quantized_po2", log2_rounding="floor")], {}, "logarithm decides at powers of two"),
        ([q_dense(kernel_quantizer=None)], EYE, "no kernel_quantizer, so its weights are real numbers"),
        ([q_dense(), layer("QLSTM", "qkeras.qrecurrent", "r")], EYE, "^layer 'r': unknown layer 'QLSTM'"),
        ([q_dense(), layer("X", "elsewhere", "r")], EYE, "layer 'r' names elsewhere.X, which would run code"),
        ([q_dense(activation="softmax"), q_activation("quantized_bits")], EYE, "'softmax' in the middle"),
        ([q_dense(activation="tanh")], EYE, "activation 'tanh' in the middle .*use a quantiser such as"),
        ([q_dense()], {}, "layer 'd' .*settings or weights do not fit .KeyError"),
        ([q_dense()], {"q_dense": [np.eye(4), np.zeros(4)]}, r"kernel of shape \(4, 4\) does not fit"),
        ([q_dense()], {"q_dense": [np.full((3, 3), np.nan), np.zeros(3)]}, "'d' has a weight that is not"),
        ([q_dense(layer={})], EYE, "holds other layers; build one flat network"),
        ([q_dense(), q_dense()], EYE, "two layers have one name"),
    ],
)  # fmt: skip
def test_refused(
    layers: list[dict[str, Any]], weights: dict[str, list[np.ndarray]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(NanosieveError, match=message) as caught:
        load_model(model_file(tmp_path, layers, weights))
    assert "\n" not in str(caught.value)


def test_weights_that_lie_elsewhere_are_not_opened(tmp_path: Path) -> None:
    def link(file: h5py.File) -> None:
        file["layers/q_dense/vars/0"] = h5py.ExternalLink("elsewhere.h5", "/secret")

    def outside(file: h5py.File) -> None:
        file.create_dataset(
            "layers/q_dense/vars/0", (3, 3), "f4", external=[(str(tmp_path / "raw"), 0, 36)]
        )  # fmt: skip

    for change in (link, outside):
        with pytest.raises(InputFileError, match=r"weights cannot be read \(.*(is a link|in another file)\)"):
            load_model(model_file(tmp_path, [q_dense()], {}, change))


def test_huge_weights_are_not_read(tmp_path: Path) -> None:
    def huge(file: h5py.File) -> None:
        file.create_dataset(
            "layers/q_dense/vars/0", (1 << 20, 1 << 12), "f4", chunks=True, compression="gzip"
        )

    with pytest.raises(InputFileError, match="is too large or does not hold numbers"):
        load_model(model_file(tmp_path, [q_dense()], {}, huge))


def test_a_layer_used_twice_is_refused(tmp_path: Path) -> None:
    path = model_file(tmp_path, [q_dense()], EYE)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["class_name"] = "Functional"
    config["config"]["output_layers"] = [["d", 0, 0]]
    for entry, calls in zip(config["config"]["layers"], ([], [tensor("x"), tensor("x")]), strict=True):
        entry["inbound_nodes"] = calls
    twice = _rewritten(path, members, config)
    with pytest.raises(UnsupportedLayerError, match=r"layer 'd' .QDense. is used 2 times"):
        load_model(twice)
    config["config"]["layers"][1]["inbound_nodes"] = [tensor("d")]
    with pytest.raises(InputFileError, match="layer 'd' waits for itself"):
        load_model(_rewritten(path, members, config))


def tensor(name: str) -> dict[str, Any]:
    return {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}]}


def _rewritten(path: Path, members: dict[str, bytes], config: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(name, content)
    return path
