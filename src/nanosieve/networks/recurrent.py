"""The recurrent classifiers of arXiv:2207.00559 (Table 1), in floating point, and their training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.networks.compress.fit import fit
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained
from nanosieve.progress import Progress, silent

__all__ = ["CELLS", "RECURRENT", "RecurrentNetwork", "build_recurrent", "train_classifier"]

CELLS = ("LSTM", "GRU")
LOGITS = "logits"
"""Name of the layer in front of the sigmoid or softmax."""


@dataclass(frozen=True)
class RecurrentNetwork:
    """One network: a recurrent layer whose last state goes through dense layers.

    Attributes:
        steps, features: of the input.
        hidden: units of the recurrent layer.
        dense: units of the layers behind it.
        outputs: 1 for a sigmoid, classes for a softmax.
        activation: of the dense layers.
        dropout: behind the recurrent layer and behind the first dense one.
    """

    steps: int
    features: int
    hidden: int
    dense: tuple[int, ...]
    outputs: int
    activation: str = "relu"
    dropout: tuple[float, float] = (0.0, 0.0)


RECURRENT: Mapping[str, RecurrentNetwork] = {
    "top": RecurrentNetwork(20, 6, 20, (64,), 1),
    "flavour": RecurrentNetwork(15, 6, 120, (50, 10), 3),
    "quickdraw": RecurrentNetwork(100, 3, 128, (256, 128), 5, "linear", (0.6, 0.5)),
}
"""By benchmark. The activations of ``top`` and ``flavour`` are a choice; those of ``quickdraw``, and its
dropout, are those of the authors' notebook."""


def build_recurrent(
    benchmark: str, cell: str, *, seed: int = 1, network: RecurrentNetwork | None = None
) -> Any:
    """The Keras model ``BENCHMARK_CELL``: input ``sequence``, layers ``rnn``, ``dense_1`` …, ``score``.

    Args:
        benchmark: one of `RECURRENT`.
        cell: one of `CELLS`; a GRU has two vectors of biases, as the published counts require.
        seed: of the first weights.
        network: other sizes.

    Raises:
        UnknownNameError: no such benchmark or cell.
    """
    keras = require("keras", extra="train", purpose="building a network")
    for kind, name, known in (("benchmark", benchmark, RECURRENT), ("cell", cell, CELLS)):
        if name not in known:
            raise UnknownNameError.among(kind, name, known)
    own, layers = network or RECURRENT[benchmark], keras.layers
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((own.steps, own.features), name="sequence")
    x = (layers.LSTM if cell == "LSTM" else layers.GRU)(own.hidden, name="rnn")(inputs)
    for number, units in enumerate(own.dense, start=1):
        rate = own.dropout[number - 1] if number <= len(own.dropout) else 0.0
        if rate:
            x = layers.Dropout(rate, name=f"dropout_{number}")(x)
        x = layers.Dense(units, activation=own.activation, name=f"dense_{number}")(x)
    x = layers.Dense(own.outputs, name=LOGITS)(x)
    x = layers.Activation("sigmoid" if own.outputs == 1 else "softmax", name="score")(x)
    return keras.Model(inputs, x, name=f"{benchmark}_{cell.lower()}")


def train_classifier(
    model: Any,
    x: NDArray[np.float32],
    labels: NDArray[np.int64],
    folder: str | Path,
    *,
    settings: TrainingSettings,
    progress: Progress = silent,
) -> Trained:
    """Train with the cross-entropy and write ``NAME_logits.keras`` and its history into `folder`.

    If `folder` holds the result of the same network, events and settings, it is loaded; from a checkpoint of
    them training goes on, to the same weights as without a break. `model` itself gets the weights.

    Args:
        model: of `build_recurrent`, or any whose layer ``logits`` stands in front of its last activation.
        x: (events, *input shape).
        labels: (events,) numbers of the classes from 0.
        folder: made if missing.
        settings: how to train; the price of bits has no meaning here.
        progress: told after every epoch.

    Raises:
        SampleError: inputs and labels do not fit each other or the model, or are not finite.
        SettingsError: Keras does not run on JAX, or the model has no layer ``logits``.
        OutputError: the folder cannot be written to.
    """
    keras = require("keras", extra="train", purpose="training a network")
    if LOGITS not in (layer.name for layer in model.layers):
        message = f"model {model.name!r} has no layer {LOGITS!r} in front of its last activation; name it so"
        raise SettingsError(message)
    inner = keras.Model(model.inputs[0], model.get_layer(LOGITS).output, name=f"{model.name}_{LOGITS}")
    trained = fit(inner, x, labels, folder, settings=settings, progress=progress)
    model.set_weights(trained.model.get_weights())
    return trained
