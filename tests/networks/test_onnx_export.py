"""The ONNX file of a network computes what Keras computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import keras
import onnxruntime

from nanosieve.errors import UnsupportedLayerError
from nanosieve.networks.onnx_export import to_onnx
from nanosieve.studies.timed_networks import TIMED_NETWORKS

RNG = np.random.default_rng(1)
layers = keras.layers


def scattered(model: Any) -> Any:
    """With all biases and moments of batch normalisations away from where they start."""
    for variable in model.weights:
        if "moving_variance" in variable.path:
            variable.assign(RNG.uniform(0.5, 2.0, variable.shape))
        elif any(word in variable.path for word in ("moving_mean", "bias", "beta")):
            variable.assign(RNG.normal(0.0, 0.3, variable.shape))
    return model


def of_onnx(model: Any, x: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(
        to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: x})


def of_keras(model: Any, x: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(each) for each in keras.tree.flatten(model(x, training=False))]


def assert_same(model: Any, *, events: int = 3, tolerance: float = 1e-4) -> None:
    x = RNG.standard_normal((events, *model.inputs[0].shape[1:])).astype(np.float32)
    for found, wanted in zip(of_onnx(model, x), of_keras(model, x), strict=True):
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= tolerance * max(1.0, np.abs(wanted).max())
        assert np.ptp(wanted) > 0


QUANTISED = [name for name in TIMED_NETWORKS if name.startswith("l1-anomaly")]
SLOW = ["llp-cnn", "rnn-quickdraw-lstm", "rnn-quickdraw-gru", "rnn-flavour-lstm", "rnn-flavour-gru"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in TIMED_NETWORKS
        if name not in QUANTISED
    ],
)
def test_networks_of_the_studies(name: str) -> None:
    model = scattered(TIMED_NETWORKS[name].build())
    if name == "llp-cnn":
        model.layers[-1].bias.assign([20.0])  # its ReLU would be zero for all events
    assert_same(model)


@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_networks_lose_only_their_quantisers(name: str) -> None:
    """Their quantisers are as fine as floating point before they are chosen, but for the 16-bit port."""
    model = scattered(TIMED_NETWORKS[name].build())
    x = RNG.integers(-64, 64, (3, 57)).astype(np.float32) / 16  # on the grid of the port
    for found, wanted in zip(of_onnx(model, x), of_keras(model, x), strict=True):
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() < 0.05 * max(1.0, np.abs(wanted).max())


def test_plain_layers() -> None:
    inputs = keras.Input((8, 9, 2), name="image")
    x = layers.Conv2D(3, (3, 2), strides=2, padding="same", activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ZeroPadding2D(((1, 0), (2, 1)))(layers.AveragePooling2D((2, 1))(x))
    x = layers.UpSampling2D((2, 1))(layers.LeakyReLU(negative_slope=0.1)(x))
    y = layers.Activation("tanh")(layers.Reshape((4, -1))(x))
    rows = layers.BatchNormalization()(layers.Dense(5)(y))
    rows = layers.Add()([rows, layers.Dense(5, use_bias=False)(y)])
    rows = layers.Concatenate()(
        [layers.GRU(4, return_sequences=True)(rows), layers.LSTM(3, return_sequences=True)(rows)]
    )
    x = layers.Softmax()(layers.Dense(4, activation="sigmoid")(layers.Flatten()(rows)))
    assert_same(scattered(keras.Model(inputs, x, name="plain")))
    assert_same(scattered(keras.Model(inputs, rows, name="inner")))


@pytest.mark.parametrize("after", [True, False])
def test_both_kinds_of_gru(after: bool) -> None:
    inputs = keras.Input((4, 3), name="sequence")
    assert_same(scattered(keras.Model(inputs, layers.GRU(5, reset_after=after)(inputs))))


def test_a_wrong_weight_is_seen() -> None:
    """The comparison is no rubber stamp."""
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, layers.Dense(3)(inputs))
    x = RNG.standard_normal((2, 4)).astype(np.float32)
    before = of_onnx(model, x)
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1.01)
    assert np.abs(before[0] - of_keras(model, x)[0]).max() > 1e-4


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda x: layers.LayerNormalization(name="norm")(x),
            r"^layer 'norm' is a LayerNormalization, which",
        ),
        (lambda x: layers.ReLU(max_value=6, name="cut")(x), r"^layer 'cut': a ReLU with limit"),
        (
            lambda x: layers.Dense(2, activation="gelu", name="d")(x),
            r"^layer 'd': the activation 'gelu'",
        ),
    ],
)
def test_what_has_no_conversion_is_named(layer: Any, message: str) -> None:
    inputs = keras.Input((4,), name="x")
    with pytest.raises(UnsupportedLayerError, match=message):
        to_onnx(keras.Model(inputs, layer(inputs)))
