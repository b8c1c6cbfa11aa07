"""Hints: a layer of a student is led to a layer of its teacher (FitNets, arXiv:1412.6550)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.errors import SettingsError, UnknownNameError

__all__ = ["Hint", "guided", "hint_layer"]

MOST_WEIGHTS = 1 << 24
"""A map between two layers with more weights than this learns the hint instead of the student."""


@dataclass(frozen=True)
class Hint:
    """A layer of the student learns what a layer of the teacher sees.

    Attributes:
        teacher, student: names of the layers; what counts is what they hand on, activation included.
        weight: of the difference, relative to the mean square of the teacher's layer.
    """

    teacher: str
    student: str
    weight: float = 1.0


def hint_layer(model: Any, name: str, whose: str) -> Any:
    """The layer of that name.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    known = [layer.name for layer in model.layers]
    if name not in known:
        kind = f"hint layer of the {whose}"
        raise UnknownNameError.among(kind, name, known)
    return model.get_layer(name)


def guided(hint: Hint, student: Any, shape: tuple[int, ...], seed: int) -> Any:
    """The tensor of the student, brought to the shape of the teacher's by a linear map if it has another.

    Maps of fewer or more positions are brought together by a (transposed) convolution without padding, whose
    kernel is the difference, as in arXiv:1412.6550 sec. 2.2; vectors, and a vector and a map, by a dense
    layer.

    Args:
        hint: which layer.
        student: built.
        shape: of the teacher's layer, without the events.
        seed: of the starting weights.

    Raises:
        UnknownNameError: no such layer.
        SettingsError: the map would have more than 2**24 weights.
    """
    layers = require("keras", extra="train", purpose="distillation").layers
    tensor = hint_layer(student, hint.student, "student").output
    own = tuple(tensor.shape[1:])
    if own == shape:
        return tensor
    name = f"hint_{hint.teacher}_to_{hint.student}"
    start = require("keras", extra="train", purpose="distillation").initializers.GlorotUniform(
        seed=1000 * seed + sum(name.encode())
    )
    gaps = [mine - theirs for mine, theirs in zip(own[:-1], shape[:-1], strict=False)]
    alike = len(own) == len(shape) and len(shape) in (2, 3)
    if alike and (min(gaps) >= 0 or max(gaps) <= 0):
        kernel = tuple(abs(gap) + 1 for gap in gaps)
        _check(hint, int(np.prod(kernel)) * own[-1] * shape[-1])
        kinds = {
            (2, True): layers.Conv1D,
            (3, True): layers.Conv2D,
            (2, False): layers.Conv1DTranspose,
            (3, False): layers.Conv2DTranspose,
        }
        kind = kinds[len(shape), min(gaps) >= 0]
        return kind(shape[-1], kernel, padding="valid", kernel_initializer=start, name=name)(tensor)
    _check(hint, int(np.prod(own)) * int(np.prod(shape)))
    flat = layers.Flatten(name=f"{name}_flat")(tensor)
    dense = layers.Dense(int(np.prod(shape)), kernel_initializer=start, name=name)(flat)
    return layers.Reshape(shape, name=f"{name}_shape")(dense)


def _check(hint: Hint, weights: int) -> None:
    if weights > MOST_WEIGHTS:
        message = (
            f"the hint from {hint.teacher!r} to {hint.student!r} needs a map of {weights:,} weights, "
            f"{MOST_WEIGHTS:,} at most; choose layers of more similar or of smaller shapes"
        )
        raise SettingsError(message)
