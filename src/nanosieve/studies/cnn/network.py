"""The published network (arXiv:2101.05108): three convolutions, two dense layers, ten classes."""

from __future__ import annotations

from typing import Any

from nanosieve._require import require

__all__ = ["DENSE", "FILTERS", "PARAMETERS", "build_network"]

FILTERS = (16, 16, 24)
DENSE = (42, 64)
PARAMETERS = 14_210
"""With all four numbers of each batch normalisation; from the layers of the published training code."""


def build_network(seed: int, *, filters: tuple[int, ...] = FILTERS, dense: tuple[int, ...] = DENSE) -> Any:
    """(N, 32, 32, 3) pixels in [0, 1) → (N, 10) logits.

    Convolutions 3×3 without padding and without bias, each with batch normalisation, ReLU and 2×2 pooling of
    the largest; dense layers without bias with batch normalisation and ReLU; ten logits. The published
    kernels start as LeCun uniform and carry an L1 penalty of 1e-4; here they start so and carry none, since
    pruning and the price of the bits make the weights few. The softmax changes no decision and is left out.

    Args:
        seed: of the starting weights.
        filters, dense: sizes of the layers.
    """
    keras = require("keras", extra="train", purpose="building a network")
    layers = keras.layers

    def start(number: int) -> Any:
        return keras.initializers.LecunUniform(seed=1000 * seed + number)

    x = inputs = keras.Input((32, 32, 3), name="image")
    for n, number in enumerate(filters, start=1):
        x = layers.Conv2D(number, 3, use_bias=False, kernel_initializer=start(n), name=f"conv_{n}")(x)
        x = _normalised(x, f"conv_{n}")
        x = layers.MaxPooling2D(2, name=f"pool_{n}")(x)
    x = layers.Flatten(name="flatten")(x)
    for n, units in enumerate(dense, start=1):
        x = layers.Dense(units, use_bias=False, kernel_initializer=start(10 + n), name=f"dense_{n}")(x)
        x = _normalised(x, f"dense_{n}")
    x = layers.Dense(10, kernel_initializer=start(20), name="output")(x)
    return keras.Model(inputs, x, name="cnn")


def _normalised(x: Any, name: str) -> Any:
    layers = require("keras", extra="train", purpose="building a network").layers
    x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
