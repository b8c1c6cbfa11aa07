"""The network of arXiv:2307.05152 with its three linear convolutions as one, and the way back.

Three convolutions 3 × 3 of zero padding without an activation between them see 7 × 7 pixels of one channel.
The network with one convolution 7 × 7 in their place takes 140.8 million multiplications for an image
instead of 614.8 million, so that it is trained in a fourth of the time. `published_form` then writes any such
kernel as three kernels 3 × 3 of 64 channels: the published network, with all of its 2,871,681 parameters.

**How a kernel is split.** A tap that looks (a, b) pixels away, both within 3, is reached in three steps of at
most one pixel each that all go towards it. The first convolution copies the image shifted by each of its 9
steps, the second one makes the 25 shifts of up to two pixels of them, and the third one weighs shifts and
steps with the kernel. All points on the way lie between the two ends, hence inside the image where both ends
are, so that zero padding takes away nothing that counts: the two networks agree at the borders, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError
from nanosieve.networks.decay_length import IMAGE, build_decay_length
from nanosieve.networks.parts import initialiser

__all__ = ["COMPOSED", "build_composed", "published_form", "split_kernel"]

COMPOSED = "conv_123"
"""Name of the layer that stands for the three."""
FILTERS = 64
Floats = NDArray[np.float32]


def build_composed(seed: int = 1, *, dropout: float = 0.2, name: str = "decay_length_composed") -> Any:
    """(events, 20, 333, 1) → (events, 1), in metres; 140.8 million multiplications.

    Args:
        seed: of the starting weights.
        dropout: as in `build_decay_length`.
        name: of the model.
    """
    keras = require("keras", extra="train", purpose="building a network")
    whole = build_decay_length(seed, dropout=dropout, name=name)
    inputs = keras.Input(IMAGE, name="image")
    x = keras.layers.Conv2D(
        FILTERS, 7, padding="same", kernel_initializer=initialiser(seed, COMPOSED), name=COMPOSED
    )(inputs)
    for layer in whole.layers[_place(whole, "conv_3") + 1 :]:
        x = layer(x)
    return keras.Model(inputs, x, name=name)


def published_form(composed: Any, *, name: str = "decay_length") -> Any:
    """The network of `build_decay_length` that computes what one of `build_composed` does.

    Args:
        composed: with the weights to take over.
        name: of the model.

    Raises:
        SampleError: its first kernel is not (7, 7, 1, 64).
    """
    model = build_decay_length(name=name)
    kernel, bias = composed.get_layer(COMPOSED).get_weights()
    zeros = np.zeros(FILTERS, dtype=np.float32)
    for number, part in enumerate(split_kernel(kernel), start=1):
        model.get_layer(f"conv_{number}").set_weights([part, bias if number == 3 else zeros])
    for layer in model.layers[_place(model, "conv_3") + 1 :]:
        layer.set_weights(composed.get_layer(layer.name).get_weights())
    return model


def split_kernel(kernel: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """A kernel (7, 7, 1, 64) as three, (3, 3, 1, 64) and twice (3, 3, 64, 64), of convolutions with padding.

    Raises:
        SampleError: another shape.
    """
    if kernel.shape != (7, 7, 1, FILTERS):
        message = f"a kernel of shape {kernel.shape}; accepted: (7, 7, 1, {FILTERS}), that of {COMPOSED!r}"
        raise SampleError(message)
    first = np.zeros((3, 3, 1, FILTERS), dtype=np.float32)
    second, third = (np.zeros((3, 3, FILTERS, FILTERS), dtype=np.float32) for _ in range(2))
    for row, column in np.ndindex(3, 3):
        first[row, column, 0, 3 * row + column] = 1
    for a, b in np.ndindex(5, 5):
        step, rest = _towards(a - 2, b - 2)
        second[step[0] + 1, step[1] + 1, 3 * (rest[0] + 1) + rest[1] + 1, 5 * a + b] = 1
    for a, b in np.ndindex(7, 7):
        step, rest = _towards(a - 3, b - 3)
        third[step[0] + 1, step[1] + 1, 5 * (rest[0] + 2) + rest[1] + 2] = kernel[a, b, 0]
    return first, second, third


def _towards(a: int, b: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """A step of at most one pixel in each direction, and what is left."""
    step = (int(np.sign(a)), int(np.sign(b)))
    return step, (a - step[0], b - step[1])


def _place(model: Any, name: str) -> int:
    return [layer.name for layer in model.layers].index(name)
