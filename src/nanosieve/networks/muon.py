"""Teacher and student of a muon trigger: fragments of resistive-plate-chamber images to (pT, eta).

Francescato et al., EPJC 81 (2021) 969, in the version that the same group published with its code
(github.com/DavideFiacco/Ultra-fast_Neural_Network_Inference_on_FPGA): an image of 9 layers × 384 strips in
eta is cut into fragments of 9 × 16; both networks say pT and eta, scaled to [0, 1].

Both are plain Keras; `quantise_student` gives the student weights and rectified values of 4 bits, with a
scale of a power of two for each filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.graph import Fixed
from nanosieve.networks.compress import Distillation, Hint, Widths, quantised
from nanosieve.networks.parts import initialiser

__all__ = [
    "FRAGMENT",
    "HINTED",
    "PIXEL",
    "STUDENT_BITS",
    "STUDENT_PARAMETERS",
    "TEACHER_PARAMETERS",
    "build_student",
    "build_teacher",
    "quantise_student",
]

FRAGMENT = (9, 16, 1)
"""Layers, strips, one channel."""
TEACHER_PARAMETERS = 10_655
STUDENT_PARAMETERS = 1_032
STUDENT_BITS = 4
PIXEL = Fixed(1, 1, signed=False)
"""A strip is hit or not."""
HINTED = Distillation(hints=(Hint("conv_2", "conv_2"),))
"""The published hint: the second convolution of the student is led to that of the teacher, with weight 1."""


def build_teacher(seed: int = 1, *, name: str = "muon_teacher") -> Any:
    """(events, 9, 16, 1) → (events, 2): 10,655 parameters.

    Convolutions 3 × 3 with borders of zeros, 10 and 10 filters, the largest of two strips, three times 17
    filters, the largest of 2 × 2; dense 10, 10, 2.
    """
    layers = require("keras", extra="train", purpose="building a network").layers
    x = inputs = _input()
    for number, filters in enumerate((10, 10, 17, 17, 17), start=1):
        x = _convolution(x, number, filters, "same", seed)
        if number in (2, 5):
            x = layers.MaxPooling2D((1, 2) if number == 2 else 2, name=f"pool_{number}")(x)
    return _head(inputs, x, (10, 10), seed, name)


def build_student(
    seed: int = 1,
    *,
    filters: Sequence[int] = (1, 1, 6, 6),
    dense: Sequence[int] = (10, 10),
    name: str = "muon_student",
) -> Any:
    """(events, 9, 16, 1) → (events, 2): 1,032 parameters.

    Convolutions 3 × 3 without borders, so that 9 × 16 becomes 7 × 14, 5 × 12, 3 × 10 and 1 × 8; dense 10,
    10, 2.

    Args:
        seed: of the starting weights.
        filters: of up to four convolutions; published are 1, 1, 6, 6.
        dense: neurons; published are 10, 10.
        name: of the model.
    """
    x = inputs = _input()
    for number, count in enumerate(filters, start=1):
        x = _convolution(x, number, count, "valid", seed)
    return _head(inputs, x, dense, seed, name)


def quantise_student(
    student: Any, sample: NDArray[Any], *, bits: int = STUDENT_BITS, learned: bool = False, name: str = ""
) -> Any:
    """The student on fixed-point numbers (HGQ2), to be trained on: one bit a strip, `bits` of each weight
    and of each rectified value, a power of two as the scale of each filter.

    Args:
        student: of `build_student`, best trained in floating point first.
        sample: fragments from which the scales are taken.
        bits: of weights and values; with `learned` at the start.
        learned: each weight and each channel learns its own width (HGQ).
        name: of the copy; by default with the bits behind.
    """
    widths = Widths(bits, learned, PIXEL)
    return quantised(student, sample, widths, name=name or f"{student.name}_{bits}_bits")


def _convolution(x: Any, number: int, filters: int, padding: str, seed: int) -> Any:
    layers = require("keras", extra="train", purpose="building a network").layers
    name = f"conv_{number}"
    return layers.Conv2D(
        filters, 3, padding=padding, activation="relu", kernel_initializer=initialiser(seed, name), name=name
    )(x)


def _head(inputs: Any, x: Any, dense: Sequence[int], seed: int, name: str) -> Any:
    keras = require("keras", extra="train", purpose="building a network")
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(dense, start=1):
        layer = f"dense_{number}"
        start = initialiser(seed, layer)
        x = keras.layers.Dense(units, activation="relu", kernel_initializer=start, name=layer)(x)
    x = keras.layers.Dense(2, kernel_initializer=initialiser(seed, "output"), name="output")(x)
    return keras.Model(inputs, x, name=name)


def _input() -> Any:
    return require("keras", extra="train", purpose="building a network").Input(FRAGMENT, name="fragment")
