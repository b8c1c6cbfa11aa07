"""Distillation: the terms of the loss are those that are stated, hints lead, and a training resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from nanosieve.compiler.frontends import load_model
from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.networks.compress import (
    Distillation,
    Hint,
    Widths,
    distil,
    fit,
    quantised,
    scores_of,
)
from nanosieve.networks.compress.distil import _imitation
from nanosieve.networks.compress.hints import guided
from nanosieve.networks.settings import TrainingSettings

layers = keras.layers
SHORT = TrainingSettings(epochs=4, batch=100, learning_rate=5e-3, bits_price=0.0, checkpoint_every=1)
SQUARED = "squared error"


def images(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers to be read from an image: where a bar stands, and how long it is."""
    random = np.random.default_rng(seed)
    place, length = random.integers(0, 8, number), random.integers(1, 7, number)
    rows = np.arange(6)[None, :, None] < length[:, None, None]
    columns = np.arange(8)[None, None, :] == place[:, None, None]
    noise = random.random((number, 6, 8)) < 0.03
    x = ((rows & columns) | noise).astype(np.float32)[..., None]
    return x, np.stack([place / 8, length / 7], axis=1).astype(np.float32)


def regressor(filters: int, padding: str, seed: int, name: str) -> Any:
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((6, 8, 1), name="image")
    x = layers.Conv2D(filters, 3, padding=padding, activation="relu", name="conv")(x)
    x = layers.Dense(6, "relu", name="dense")(layers.Flatten(name="flat")(x))
    return keras.Model(inputs, layers.Dense(2, name="output")(x), name=name)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return images(1200, 1)


@pytest.fixture(scope="module")
def teacher(data: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model = regressor(8, "same", 1, "teacher")
    longer = replace(SHORT, epochs=12)
    return fit(model, *data, tmp_path_factory.mktemp("teacher"), loss=SQUARED, settings=longer).model


def error(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((np.asarray(model.predict(x, verbose=0)) - y) ** 2))


def test_numbers_are_learned(teacher: Any, data: Any) -> None:
    assert error(teacher, *data) < 0.2 * float(data[1].var(axis=0).mean())


def test_the_student_follows_the_teacher_where_only_it_speaks(
    teacher: Any, data: Any, tmp_path: Path
) -> None:
    """The targets are rubbish and have no weight: all that is learned comes from the teacher."""
    x, truth = data
    rubbish = np.random.default_rng(3).random(truth.shape).astype(np.float32)
    student = regressor(2, "valid", 5, "student")
    before = error(student, x, np.asarray(teacher.predict(x, verbose=0)))
    wish = Distillation(task=0, output=1)
    distil(student, teacher, x, rubbish, tmp_path, loss=SQUARED, distillation=wish,
           settings=replace(SHORT, epochs=10, patience=10))  # fmt: skip
    assert error(student, x, np.asarray(teacher.predict(x, verbose=0))) < 0.3 * before
    assert error(student, x, truth) < error(student, x, rubbish)


def test_a_hint_brings_the_layers_together(teacher: Any, data: Any, tmp_path: Path) -> None:
    """How much of the teacher's layer is a linear function of the student's, with and without the hint."""
    seen = np.asarray(
        keras.Model(teacher.inputs, teacher.get_layer("dense").output).predict(data[0], verbose=0)
    )
    explained = {}
    for weight in (0.0, 3.0):
        student = regressor(2, "valid", 5, f"student_{weight:.0f}")
        wish = Distillation(hints=(Hint("dense", "dense", weight),))
        settings = replace(SHORT, epochs=8)
        made = distil(student, teacher, *data, tmp_path, loss=SQUARED, distillation=wish, settings=settings)
        assert made.model is student
        assert made.path.name == f"student_{weight:.0f}.keras"
        assert keras.models.load_model(made.path).count_params() == student.count_params()
        layer = keras.Model(student.inputs, student.get_layer("dense").output)
        own = np.asarray(layer.predict(data[0], verbose=0))
        own = np.concatenate([own, np.ones((len(own), 1))], axis=1)
        left = seen - own @ np.linalg.lstsq(own, seen, rcond=None)[0]
        explained[weight] = 1 - float((left**2).mean() / seen.var(axis=0).mean())
    assert explained[3.0] > explained[0.0] + 0.02


@pytest.mark.parametrize(
    ("own", "theirs", "kind", "weights"),
    [
        ((5, 12, 1), (9, 16, 10), "Conv2DTranspose", 5 * 5 * 10 + 10),
        ((9, 16, 2), (7, 14, 3), "Conv2D", 3 * 3 * 2 * 3 + 3),
        ((7, 14, 2), (7, 14, 3), "Conv2D", 2 * 3 + 3),
        ((8, 2), (5, 3), "Conv1D", 4 * 2 * 3 + 3),
        ((4,), (6,), "Dense", 4 * 6 + 6),
        ((4,), (3, 2), "Dense", 4 * 6 + 6),
        ((3, 8, 1), (4, 6, 1), "Dense", 24 * 24 + 24),
        ((3, 2), (3, 2), "", 0),
    ],
)
def test_the_linear_map_fits_the_shapes(own: Any, theirs: Any, kind: str, weights: int) -> None:
    inputs = keras.Input(own)
    student = keras.Model(inputs, layers.Identity(name="seen")(inputs))
    tensor = guided(Hint("t", "seen"), student, theirs, 1)
    assert tuple(tensor.shape[1:]) == theirs
    whole = keras.Model(inputs, tensor)
    found = [type(layer).__name__ for layer in whole.layers if layer.weights]
    assert found == ([kind] if kind else [])
    assert whole.count_params() == weights


def test_the_published_losses() -> None:
    """arXiv:1503.02531: soft targets against NumPy, for classes and for two classes with one logit."""
    random = np.random.default_rng(2)
    said, told = random.normal(size=(7, 3)), random.normal(size=(7, 3))

    def softmax(z: np.ndarray) -> np.ndarray:
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    expected = -9 * np.mean(np.sum(softmax(told / 3) * np.log(softmax(said / 3)), axis=1))
    found = _imitation("cross-entropy", said.astype(np.float32), told.astype(np.float32), 3.0)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    p, q = 1 / (1 + np.exp(-told[:, :1] / 2)), 1 / (1 + np.exp(-said[:, :1] / 2))
    expected = -4 * np.mean(p * np.log(q) + (1 - p) * np.log(1 - q))
    one = _imitation("cross-entropy", said[:, :1].astype(np.float32), told[:, :1].astype(np.float32), 2.0)
    assert float(one) == pytest.approx(expected, rel=1e-5)


def test_a_quantised_student_resumes_and_stays_exact(teacher: Any, data: Any, tmp_path: Path) -> None:
    wish = Distillation(hints=(Hint("conv", "conv", 0.5),))

    epochs: list[float] = []

    def made(folder: str, stop: int = 9) -> Any:
        def told(stage: str, done: float, total: float, note: str = "") -> None:
            epochs.append(done)
            if done >= stop:
                raise KeyboardInterrupt

        narrow = quantised(regressor(2, "valid", 5, "float"), data[0], Widths(4), name="narrow")
        return distil(narrow, teacher, *data, tmp_path / folder, loss=SQUARED, distillation=wish,
                      settings=SHORT, progress=told)  # fmt: skip

    whole = made("whole")
    with pytest.raises(KeyboardInterrupt):
        made("broken", stop=2)
    epochs.clear()
    resumed = made("broken")
    assert epochs == [2, 3, 4], "goes on behind the checkpoint of the first epoch"
    epochs.clear()
    loaded = made("broken")
    assert not epochs, "nothing is trained twice"
    for model in (resumed.model, loaded.model):
        for one, other in zip(whole.model.weights, model.weights, strict=True):
            assert np.array_equal(one.numpy(), other.numpy())
    graph = load_model(resumed.path)
    assert graph.exact
    assert set(graph.outputs) == {"output"}
    x = images(50, 7)[0]
    assert np.array_equal(graph.emulate(x)["output"], np.asarray(resumed.model.predict(x, verbose=0)))


def test_classes_and_another_input_shape(tagger: Any, sample: Any, tmp_path: Path) -> None:
    x, labels = sample
    teacher = scores_of(tagger, name="logits")
    keras.utils.set_random_seed(3)
    student = keras.Sequential(
        [layers.Input((2, 3)), layers.Flatten(), layers.Dense(1, name="score")], name="small"
    )
    wish, quick = Distillation(0.5, 0.5, temperature=2.0), replace(SHORT, learning_rate=0.03)
    distil(student, teacher, x.reshape(-1, 2, 3), labels, tmp_path, distillation=wish, seen=x, settings=quick)
    score = np.asarray(student.predict(x.reshape(-1, 2, 3), verbose=0))[:, 0]
    assert np.corrcoef(score, np.asarray(teacher.predict(x, verbose=0))[:, 0])[0, 1] > 0.9
    with pytest.raises(SampleError, match=r"takes \(3000, 6\) and is given \(3000, 2, 3\); give seen="):
        distil(student, teacher, x.reshape(-1, 2, 3), labels, tmp_path)


def test_wrong_wishes_are_refused(teacher: Any, data: Any, tmp_path: Path) -> None:
    student = regressor(2, "valid", 5, "student")
    with pytest.raises(SettingsError, match=r"weights are not negative, and task or output is positive"):
        Distillation(task=0, output=0)
    with pytest.raises(SettingsError, match=r"temperature=0"):
        Distillation(temperature=0)
    for hint, match in (
        (Hint("cnv", "conv"), r"of the teacher 'cnv'"),
        (Hint("conv", "c"), r"of the student"),
    ):
        with pytest.raises(UnknownNameError, match=match):
            distil(student, teacher, *data, tmp_path, loss=SQUARED, distillation=Distillation(hints=(hint,)))
    inputs = keras.Input((6, 8, 1))
    other = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(inputs)), name="other")
    with pytest.raises(SettingsError, match=r"student 'other' says \(1,\) numbers, teacher 'teacher' \(2,\)"):
        distil(other, teacher, data[0], data[1][:, :1], tmp_path, loss=SQUARED)
    with pytest.raises(SampleError, match=r"targets of shape \(1200,\); accepted: .* and \(events, 2\)"):
        fit(student, data[0], data[1][:, 0], tmp_path, loss=SQUARED)
    with pytest.raises(SettingsError, match=r"loss 'mse'; accepted"):
        fit(student, *data, tmp_path, loss="mse")  # type: ignore[arg-type]
    inputs = keras.Input((4000,))
    wide = keras.Model(inputs, layers.Identity(name="i")(inputs))
    with pytest.raises(SettingsError, match=r"needs a map of .* weights"):
        guided(Hint("t", "i"), wide, (5000,), 1)
