"""Elements picked from a tensor: permutations, slices, padding, up-sampling and the windows of convolutions.

In hardware these are wires.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, as_codes, frozen
from nanosieve.errors import GraphError

__all__ = ["Gather", "Windows"]

ZERO = -1
"""The index that stands for a zero."""


@dataclass(frozen=True, eq=False)
class Gather(Op):
    """``y[k] = x.flat[index[k]]``, or 0 where the index is -1.

    Attributes:
        index: place in the flattened input (row-major) of each output element, shape of the output.
    """

    index: Integers

    def __post_init__(self) -> None:
        frozen(self, "index")

    def result(self, *types: TensorType) -> TensorType:
        """The types of the elements picked."""
        (x,) = types
        return picked(x, self.index)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Pick."""
        return pick(codes[0], self.index)


@dataclass(frozen=True, eq=False)
class Windows(Op):
    """The windows over which a convolution sums: ``(…, channels)`` to ``(…, prod(size) * channels)``.

    Output position ``p`` holds ``x[p * strides + w * dilation - before]`` for every place ``w`` of the window
    in row-major order, the channels fastest; 0 outside of `x`. A convolution is `Windows`, then `Dense`.

    Attributes:
        size: of the window along each axis but the last.
        strides, dilation: steps between windows, and inside one.
        padding: zeros (before, after) along each axis.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        for name in ("size", "strides", "dilation"):
            object.__setattr__(self, name, tuple(int(n) for n in getattr(self, name)))
        object.__setattr__(self, "padding", tuple((int(a), int(b)) for a, b in self.padding))
        counts = {len(self.size), len(self.strides), len(self.dilation), len(self.padding)}
        if len(counts) != 1 or min(self.size + self.strides + self.dilation, default=1) < 1:
            message = f"Windows takes a size, stride and dilation of 1 or more for each axis, not {self}"
            raise GraphError(message)
        if min((n for pair in self.padding for n in pair), default=0) < 0:
            message = f"Windows takes a padding of 0 or more, not {self.padding}"
            raise GraphError(message)

    def index(self, shape: tuple[int, ...]) -> Integers:
        """The `Gather.index` for an input of `shape`."""
        if len(shape) != len(self.size) + 1:
            message = f"Windows over {len(self.size)} axes does not fit an input of shape {shape}"
            raise GraphError(message)
        places = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        padded = np.pad(places, [*self.padding, (0, 0)], constant_values=ZERO)
        spans = [(n - 1) * d + 1 for n, d in zip(self.size, self.dilation, strict=True)]
        if any(span > n for span, n in zip(spans, padded.shape, strict=False)):
            message = (
                f"a window of {self.size} with dilation {self.dilation} is larger than the input {shape}"
            )
            raise GraphError(message)
        axes = tuple(range(len(self.size)))
        views = sliding_window_view(padded, spans, axis=axes)
        starts = tuple(slice(None, None, s) for s in self.strides)
        inside = tuple(slice(None, None, d) for d in self.dilation)
        views = views[(*starts, slice(None), *inside)]  # (out…, channels, size…)
        return as_codes(np.moveaxis(views, len(axes), -1).reshape(*views.shape[: len(axes)], -1))

    def result(self, *types: TensorType) -> TensorType:
        """The types of the elements picked."""
        (x,) = types
        return picked(x, self.index(x.shape))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Pick."""
        return pick(codes[0], self.index(types[0].shape))


def picked(x: TensorType, index: Integers) -> TensorType:
    """The types of ``x.flat[index]``; a zero takes the coarsest step of `x`."""
    if index.size and not (index.min() >= -1 and index.max() < x.size):
        message = f"an index {index.min()} … {index.max()} does not fit {x.size} elements"
        raise GraphError(message)
    zero, place = index == ZERO, np.maximum(index, 0)
    if not x.size:
        return TensorType(np.zeros_like(index), np.zeros_like(index), np.zeros_like(index))
    return TensorType(
        np.where(zero, 0, x.low.reshape(-1)[place]),
        np.where(zero, 0, x.high.reshape(-1)[place]),
        np.where(zero, x.exponent.max(), x.exponent.reshape(-1)[place]),
    )


def pick(codes: Integers, index: Integers) -> Integers:
    """``codes.flat[index]`` for each event."""
    flat = codes.reshape(len(codes), -1)
    if not (index == ZERO).any():
        return as_codes(flat[:, index])
    padded = np.concatenate([flat, np.zeros((len(flat), 1), dtype=np.int64)], axis=1)
    return as_codes(padded[:, index])  # -1 is the zero at the end
