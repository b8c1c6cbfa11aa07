"""A small trigger network with its events."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

Events = tuple[NDArray[np.float32], NDArray[np.int64]]


def events(number: int, seed: int) -> Events:
    """Signal (1) drifts in two of six features."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, number)
    x = random.normal(0, 1, (number, 6)).astype(np.float32)
    x[:, 0] += 1.5 * labels
    x[:, 1] -= labels
    return x, labels


@pytest.fixture(scope="session")
def sample() -> Events:
    return events(3000, 1)


@pytest.fixture(scope="session")
def unseen() -> Events:
    return events(2000, 2)


@pytest.fixture(scope="session")
def tagger(sample: Events) -> Any:
    """With everything that `plain` removes: batch normalisation, dropout, a sigmoid at the end."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((6,), name="x"),
            layers.Dense(8, use_bias=False, name="dense_1"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Dropout(0.1, name="dropout"),
            layers.Dense(6, activation="relu", name="dense_2"),
            layers.Dense(1, activation="sigmoid", name="score"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy")
    model.fit(*sample, epochs=3, batch_size=100, verbose=0)
    return model
