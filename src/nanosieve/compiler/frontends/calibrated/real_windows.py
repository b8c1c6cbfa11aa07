"""The float side of what picks elements: gathering, windows and convolutions on float64 activations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.windows import Padding
from nanosieve.compiler.graph import Integers, Windows

__all__ = ["convolved", "picked", "windows"]

Reals = NDArray[np.float64]

CHUNK = 1 << 22
"""Most float64 elements of the windows of a convolution at a time."""


def picked(real: Reals, index: Integers, outside: float = 0.0) -> Reals:
    """``real.flat[index]`` for each event; `outside` where the index is -1."""
    flat = real.reshape(len(real), -1)
    if not (index < 0).any():
        return flat[:, index]
    return np.concatenate([flat, np.full((len(flat), 1), outside)], axis=1)[:, index]


def windows(
    real: Reals, size: Sequence[int], strides: Sequence[int], padding: Padding, outside: float
) -> Reals:
    """The windows of each channel, shape (events, *positions, channels, places)."""
    index = Windows(tuple(size), tuple(strides), (1,) * len(size), padding).index(real.shape[1:])
    index = np.moveaxis(index.reshape(*index.shape[:-1], -1, real.shape[-1]), -2, -1)
    return picked(real, index, outside)


def convolved(real: Reals, kernel: Reals, index: Integers, groups: int) -> Reals:
    """A convolution in float64, a few events at a time; `index` has the shape (*positions, window)."""
    *size, depth, filters = kernel.shape
    places = int(np.prod(size, dtype=np.int64))
    blocks = kernel.reshape(places * depth, groups, filters // groups).transpose(1, 0, 2)
    split = index.reshape(-1, places, groups, depth)
    rows = np.moveaxis(split, -2, 0).reshape(groups, -1, places * depth)
    count = max(1, CHUNK // index.size)
    parts = [picked(real[n : n + count], rows) @ blocks for n in range(0, len(real), count)]
    product = np.moveaxis(np.concatenate(parts), 1, -2)
    return product.reshape(len(real), *index.shape[:-1], filters)
