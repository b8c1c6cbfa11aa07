"""The published trigger networks in Keras, with random weights, quantised from a random sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers

from nanosieve.compiler.frontends import Calibration, load_model
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.passes import run_passes


def quantised(model: keras.Model, folder: Path, precision: str) -> Graph:
    """The graph after the passes."""
    path = folder / "model.keras"
    model.save(path)
    shape = model.inputs[0].shape[1:]
    sample = np.random.default_rng(0).normal(size=(100, *shape)).astype(np.float32)
    graph = load_model(path, Calibration(sample, precision))
    return replace(run_passes(graph), source=None)


def top_tagger(cell: type) -> keras.Model:
    """20 steps of 6 features, hidden 20, dense 64 and 1 (arXiv:2207.00559, Table 1)."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            layers.Input((20, 6), name="particles"),
            cell(20, name="rnn"),
            layers.Dense(64, activation="relu", name="dense"),
            layers.Dense(1, activation="sigmoid", name="score"),
        ]
    )


def svhn_cnn() -> keras.Model:
    """Three convolutions with pooling, dense 42, 64 and 10 (arXiv:2101.05108)."""
    keras.utils.set_random_seed(2)
    stack = [layers.Input((32, 32, 3), name="image")]
    for n, filters in enumerate((16, 16, 24), start=1):
        stack.append(layers.Conv2D(filters, 3, use_bias=False, activation="relu", name=f"conv_{n}"))
        stack.append(layers.MaxPooling2D(2, name=f"pool_{n}"))
    stack.append(layers.Flatten(name="flatten"))
    for n, width in enumerate((42, 64), start=1):
        stack.append(layers.Dense(width, use_bias=False, activation="relu", name=f"dense_{n}"))
    return keras.Sequential([*stack, layers.Dense(10, name="scores")])


def _encoder(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.ZeroPadding2D(((1, 0), (0, 0)), name="pad")(x)
    x = layers.Conv2D(16, 3, use_bias=False, activation="relu", name="conv_a")(x)
    x = layers.AveragePooling2D((3, 1), name="pool_a")(x)
    x = layers.Conv2D(32, (3, 1), padding="same", use_bias=False, activation="relu", name="conv_b")(x)
    x = layers.AveragePooling2D((3, 1), name="pool_b")(x)
    return layers.Flatten(name="flat")(x)


def anomaly_autoencoder() -> keras.Model:
    """The convolutional autoencoder of arXiv:2108.03986 on 19 objects of 3 numbers, latent 8."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((19, 3, 1), name="objects")
    x = layers.Dense(8, name="latent")(_encoder(inputs))
    x = layers.Dense(64, activation="relu", name="expand")(x)
    x = layers.Reshape((2, 1, 32), name="shape")(x)
    x = layers.Conv2D(32, (3, 1), padding="same", use_bias=False, activation="relu", name="conv_c")(x)
    x = layers.UpSampling2D((3, 1), name="up_c")(x)
    x = layers.ZeroPadding2D(((0, 0), (1, 1)), name="pad_c")(x)
    x = layers.Conv2D(16, (3, 1), padding="same", use_bias=False, activation="relu", name="conv_d")(x)
    x = layers.UpSampling2D((3, 1), name="up_d")(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 0)), name="pad_d")(x)
    return keras.Model(inputs, layers.Conv2D(1, 3, padding="same", use_bias=False, name="conv_e")(x))


def anomaly_encoder() -> keras.Model:
    """The encoder of its variational autoencoder: mean and logarithm of the variance."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((19, 3, 1), name="objects")
    x = _encoder(inputs)
    return keras.Model(inputs, [layers.Dense(8, name="mean")(x), layers.Dense(8, name="log_variance")(x)])
