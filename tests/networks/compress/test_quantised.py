"""Quantised copies of one's own Keras model: the same network on coarser numbers, exact in hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from nanosieve.compiler.frontends import load_model
from nanosieve.errors import SampleError, SettingsError, UnsupportedLayerError
from nanosieve.networks.compress import Widths, fit, plain, quantised
from nanosieve.networks.model_file import save_model
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import ebops


def image_network() -> Any:
    keras.utils.set_random_seed(2)
    layers = keras.layers
    x = inputs = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(3, 3, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.MaxPooling2D(2, name="pool")(layers.ReLU(name="relu")(x))
    x = layers.Dense(4, activation="softmax", name="output")(layers.Flatten(name="flat")(x))
    model = keras.Model(inputs, x)
    moments = np.array([[1.5, 0.5, 2.0], [0.1, -0.2, 0.3], [0.2, 0.1, 0.0], [0.5, 1, 2]], dtype=np.float32)
    model.get_layer("norm").set_weights(list(moments))
    return model


def test_plain_computes_the_same_scores(tagger: Any, sample: Any) -> None:
    score = np.asarray(tagger.predict(sample[0][:50], verbose=0))
    logit = np.asarray(plain(tagger).predict(sample[0][:50], verbose=0))
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(score, abs=1e-5)
    assert not [layer for layer in plain(tagger).layers if "norm" in layer.name or "dropout" in layer.name]
    image = np.random.default_rng(0).random((20, 8, 8, 2)).astype(np.float32)
    model = image_network()
    exponential = np.exp(np.asarray(plain(model).predict(image, verbose=0)))
    expected = np.asarray(model.predict(image, verbose=0))
    assert exponential / exponential.sum(axis=1, keepdims=True) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("learned", [False, True])
def test_many_bits_change_little_and_the_hardware_is_exact(learned: bool, tmp_path: Path) -> None:
    model, random = image_network(), np.random.default_rng(1)
    image = (np.floor(256 * random.random((60, 8, 8, 2))) / 256).astype(np.float32)
    wide = quantised(model, image, Widths(8, learned), name="wide")
    exact, close = (np.asarray(m.predict(image, verbose=0)) for m in (plain(model), wide))
    assert np.abs(exact - close).max() < 0.15 * np.abs(exact).max()
    path = save_model(wide, tmp_path / "wide.keras")
    graph = load_model(path)
    assert graph.exact
    assert np.array_equal(next(iter(graph.emulate(image).values())), close)
    assert (graph.inputs["image"].low.min(), graph.inputs["image"].high.max()) == (0, 255)


def test_the_price_takes_bits(tagger: Any, sample: Any, tmp_path: Path) -> None:
    found = []
    for price in (1e-7, 1e-4):
        model = quantised(
            tagger, sample[0], Widths(6, learned=True), name=f"price_{price:g}".replace("-", "_")
        )
        settings = TrainingSettings(epochs=4, batch=200, learning_rate=3e-3, bits_price=price)
        found.append(ebops(fit(model, *sample, tmp_path, settings=settings).model))
    assert found[1] < 0.7 * found[0]


def test_ternary_weights(tagger: Any, sample: Any) -> None:
    kernel = np.asarray(quantised(tagger, sample[0], Widths(2)).get_layer("dense_1").qkernel)
    for column in kernel.T:
        assert len(np.unique(np.abs(column[column != 0]))) <= 1


def test_what_cannot_be_quantised_is_refused(sample: Any) -> None:
    layers = keras.layers
    curved = keras.Sequential([layers.Input((6,)), layers.Dense(4, activation="tanh", name="bent")])
    with pytest.raises(UnsupportedLayerError, match=r"layer 'bent': tanh has no quantised form"):
        quantised(curved, sample[0], Widths())
    early = keras.Sequential([layers.Input((6,)), layers.ReLU(name="r"), layers.BatchNormalization(name="n")])
    with pytest.raises(UnsupportedLayerError, match=r"layer 'n' normalises the output of 'r'"):
        plain(early)
    with pytest.raises(SettingsError, match=r"1 bits; accepted: 2"):
        Widths(1)


def test_a_training_goes_on_where_it_was(tagger: Any, sample: Any, tmp_path: Path) -> None:
    settings = TrainingSettings(epochs=4, batch=300, learning_rate=5e-3, checkpoint_every=1)

    def made(folder: str, stop: int = 9) -> Any:
        def told(stage: str, done: float, total: float, note: str = "") -> None:
            if done >= stop:
                raise KeyboardInterrupt

        model = quantised(tagger, sample[0], Widths(6, learned=True), name="resumed")
        return fit(model, *sample, tmp_path / folder, settings=settings, progress=told)

    whole = made("whole").model
    with pytest.raises(KeyboardInterrupt):
        made("broken", stop=3)
    resumed = made("broken").model
    for one, other in zip(whole.weights, resumed.weights, strict=True):
        assert np.array_equal(one.numpy(), other.numpy())
    assert made("broken").seconds < 5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda x, y: (x[:, :3], y), r"accepted: \(events, 6\)"),
        (lambda x, y: (x, y[:-1]), r"accepted: \(events, 6\) and \(events,\)"),
        (lambda x, y: (np.where(x > 2, np.nan, x), y), r"event \d+ holds values that are not finite"),
        (lambda x, y: (x, y + 1), r"labels from 1 to 2; accepted: whole numbers 0 to 1"),
    ],
)
def test_bad_events_are_refused(change: Any, match: str, tagger: Any, sample: Any, tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=match):
        fit(plain(tagger), *change(*sample), tmp_path)
