"""Networks for images of a muon spectrometer, 20 layers × 333 bins, in which a neutral particle has decayed.

`build_decay_length` is the convolutional network of arXiv:2307.05152, which says how far from the beam the
decay was. The publication does not state its autoencoder: `build_anomaly_autoencoder` is ours. So are the
students, small enough for a hardware trigger.

**How the students are made.** An image has 6,660 pixels of one bit. At 200 MHz a latency of 10 µs is 2,000
cycles and one of 2.5 µs is 500, so that several pixels enter in a cycle: all 20 layers of a bin, 333 cycles
for an image. A student therefore takes the image bin by bin, (333, 20), and its first convolution spans all
layers and nine bins with a stride of three: it is the only layer that sees every pixel, its inputs are
single bits, and each of its windows has three cycles. What follows has a third of the positions, and after
the second stride a ninth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.graph import Fixed
from nanosieve.errors import SampleError, UnknownNameError
from nanosieve.networks.parts import initialiser

__all__ = [
    "DECAY_STUDENTS",
    "IMAGE",
    "PARAMETERS",
    "PIXEL",
    "DecayStudent",
    "bin_by_bin",
    "build_anomaly_autoencoder",
    "build_decay_length",
    "build_decay_student",
    "multiplications",
]

IMAGE = (20, 333, 1)
"""Layers, bins, one channel."""
PARAMETERS = 2_871_681
PIXEL = Fixed(1, 1, signed=False)
"""A bin of a layer is hit or not."""
_PURPOSE = "building a network"


def build_decay_length(seed: int = 1, *, dropout: float = 0.2, name: str = "decay_length") -> Any:
    """(events, 20, 333, 1) → (events, 1), in metres: 2,871,681 parameters, 614.8 million multiplications.

    Three convolutions of 64 filters 3 × 3 with nothing in between, then ReLU and the largest of (2, 3); 128
    filters, the largest of (2, 3); twice 256 filters without borders and the largest of (1, 3); dense
    1,024, 1,024, 1, with ReLU behind each, the last one too.
    """
    keras = require("keras", extra="train", purpose=_PURPOSE)
    layers = keras.layers
    x = inputs = keras.Input(IMAGE, name="image")

    def convolution(x: Any, number: int, filters: int, padding: str, function: str) -> Any:
        layer = f"conv_{number}"
        start = initialiser(seed, layer)
        return layers.Conv2D(
            filters, 3, padding=padding, activation=function, kernel_initializer=start, name=layer
        )(x)

    for number in (1, 2, 3):
        x = convolution(x, number, 64, "same", "linear")
    x = layers.MaxPooling2D((2, 3), name="pool_3")(layers.ReLU(name="relu_3")(x))
    x = layers.MaxPooling2D((2, 3), name="pool_4")(convolution(x, 4, 128, "same", "relu"))
    for number in (5, 6):
        x = layers.MaxPooling2D((1, 3), name=f"pool_{number}")(convolution(x, number, 256, "valid", "relu"))
    x = layers.Flatten(name="flatten")(x)
    for number in (1, 2):
        x = _dense(x, f"dense_{number}", 1024, seed)
        x = layers.Dropout(dropout, seed=seed, name=f"dropout_{number}")(x)
    return keras.Model(inputs, _dense(x, "length", 1, seed), name=name)


def build_anomaly_autoencoder(
    seed: int = 1, *, filters: tuple[int, int] = (8, 16), latent: int = 16, name: str = "decay_autoencoder"
) -> Any:
    """(events, 20, 333, 1) → (events, 20, 333, 1) logits of the pixels. Ours: the published one is not
    stated.

    Two convolutions 3 × 3, each with the largest of (2, 3), a dense latent space, and the same way back with
    repeated pixels. The score of an image is the cross-entropy of its pixels.

    Args:
        seed: of the starting weights.
        filters: of the two convolutions; the way back has them in reverse order.
        latent: size of the latent space.
        name: of the model.
    """
    keras = require("keras", extra="train", purpose=_PURPOSE)
    layers, (few, many) = keras.layers, filters
    x = inputs = keras.Input(IMAGE, name="image")

    def convolution(x: Any, layer: str, number: int, function: str = "relu") -> Any:
        start = initialiser(seed, layer)
        return layers.Conv2D(
            number, 3, padding="same", activation=function, kernel_initializer=start, name=layer
        )(x)

    for number, count in ((1, few), (2, many)):
        x = layers.MaxPooling2D((2, 3), name=f"encoder_{number}_pool")(
            convolution(x, f"encoder_{number}", count)
        )
    x = layers.Flatten(name="encoder_flat")(x)
    x = layers.Dense(latent, kernel_initializer=initialiser(seed, "latent"), name="latent")(x)
    x = _dense(x, "decoder_dense", 5 * 37 * many, seed)
    x = layers.Reshape((5, 37, many), name="decoder_image")(x)
    x = layers.UpSampling2D((2, 3), name="decoder_1_up")(convolution(x, "decoder_1", many))
    x = layers.UpSampling2D((2, 3), name="decoder_2_up")(convolution(x, "decoder_2", few))
    return keras.Model(inputs, convolution(x, "pixels", 1, "linear"), name=name)


@dataclass(frozen=True)
class DecayStudent:
    """Sizes of a student, and the trigger that it is meant for.

    Attributes:
        filters, kernels, strides: of the convolutions along the bins; each in bins or positions.
        pool: positions of which the largest stays, behind the last convolution.
        dense: neurons.
        latency: of the trigger, at 200 MHz.
    """

    filters: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    pool: int
    dense: tuple[int, ...]
    latency: str


DECAY_STUDENTS: Mapping[str, DecayStudent] = {
    "10us": DecayStudent((16, 24, 32), (9, 5, 3), (3, 3, 1), 4, (32,), "10 us"),
    "10us_small": DecayStudent((12, 16), (9, 5), (3, 3), 4, (24,), "10 us"),
    "2.5us": DecayStudent((8, 12), (9, 5), (3, 3), 4, (16,), "2.5 us"),
    "2.5us_small": DecayStudent((6, 8), (9, 3), (3, 3), 6, (12,), "2.5 us"),
}
"""By name, the largest first."""


def build_decay_student(which: str | DecayStudent, seed: int = 1, *, name: str = "") -> Any:
    """(events, 333, 20) images of `bin_by_bin` → (events, 1), in metres.

    The output is linear: that a length is not negative costs a rectifier behind and teaches nothing.

    Args:
        which: one of `DECAY_STUDENTS`, or other sizes.
        seed: of the starting weights.
        name: of the model.

    Raises:
        UnknownNameError: no student of that name.
    """
    if isinstance(which, str):
        if which not in DECAY_STUDENTS:
            raise UnknownNameError.among("student", which, DECAY_STUDENTS)
        name = name or f"decay_student_{which.replace('.', '_')}"
        which = DECAY_STUDENTS[which]
    keras = require("keras", extra="train", purpose=_PURPOSE)
    layers = keras.layers
    x = inputs = keras.Input((IMAGE[1], IMAGE[0]), name="bins")
    shapes = zip(which.filters, which.kernels, which.strides, strict=True)
    for number, (filters, kernel, stride) in enumerate(shapes, start=1):
        layer = f"conv_{number}"
        x = layers.Conv1D(
            filters,
            kernel,
            stride,
            activation="relu",
            kernel_initializer=initialiser(seed, layer),
            name=layer,
        )(x)
    x = layers.MaxPooling1D(which.pool, name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(which.dense, start=1):
        x = _dense(x, f"dense_{number}", units, seed)
    x = layers.Dense(1, kernel_initializer=initialiser(seed, "length"), name="length")(x)
    return keras.Model(inputs, x, name=name or "decay_student")


def bin_by_bin(images: NDArray[Any]) -> NDArray[Any]:
    """Images (events, 20, 333, 1) as the students take them: (events, 333, 20), all layers of a bin together.

    Raises:
        SampleError: another shape.
    """
    if images.shape[1:] not in (IMAGE, IMAGE[:2]):
        message = f"images of shape {images.shape}; accepted: (events, 20, 333, 1)"
        raise SampleError(message)
    return np.ascontiguousarray(images.reshape(len(images), *IMAGE[:2]).transpose(0, 2, 1))


def multiplications(model: Any) -> dict[str, int]:
    """Layer → multiplications for one event, those with borders of zeros included."""
    found = {}
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            positions = int(np.prod(layer.output.shape[1:-1]))
            found[layer.name] = int(np.prod(kernel.shape)) * positions
    return found


def _dense(x: Any, name: str, units: int, seed: int) -> Any:
    layers = require("keras", extra="train", purpose=_PURPOSE).layers
    return layers.Dense(units, activation="relu", kernel_initializer=initialiser(seed, name), name=name)(x)
