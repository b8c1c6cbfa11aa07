"""Convolutions behind each other without an activation between them, as one.

A linear convolution of a linear convolution is linear in its input: with unit strides the kernels compose to
one of the size ``1 + sum (size - 1) * dilation``. Zero padding between the two makes it different at the
borders, where a part of the window of the second one lies on zeros instead of on results of the first. Such
positions have kernels and biases of their own: along each axis one *class* for each distance from a border at
which the padding in between is seen, and one for all positions inside.

Each kernel is found by going backward from one position of its class through the convolutions and dropping
what lies outside of the result in between, which is exact in integers and, in floating point, a sum in
another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Integers

__all__ = ["Composed", "Convolution", "composed", "products_of"]

Numbers = NDArray[Any]
"""float64 or int64."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with unit strides and one group.

    Attributes:
        kernel: shape (*size, channels, filters).
        bias: shape (filters,); None for none.
        padding: zeros (before, after) along each axis.
        dilation: steps inside the window.
    """

    kernel: Numbers
    bias: Numbers | None
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def output(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Positions of the result for those of the input."""
        axes = zip(shape, self.padding, self.dilation, self.kernel.shape, strict=False)
        return tuple(n + sum(pads) - d * (k - 1) for n, pads, d, k in axes)

    def places(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Each place of the window, and the step from a position of the result to the element it reads."""
        for place in np.ndindex(*self.kernel.shape[:-2]):
            step = (p * d - pads[0] for p, d, pads in zip(place, self.dilation, self.padding, strict=True))
            yield tuple(int(p) for p in place), tuple(int(s) for s in step)


@dataclass(frozen=True, eq=False)
class Composed:
    """One convolution for several.

    Attributes:
        kernels: of each class, shape (classes, *size, channels, filters).
        biases: shape (classes, filters).
        classes: which each position of the result has, shape (*positions,).
        padding: zeros (before, after) of the input along each axis.
    """

    kernels: Numbers
    biases: Numbers
    classes: Integers
    padding: tuple[tuple[int, int], ...]

    @property
    def products(self) -> int:
        """Multiplications for one image."""
        return int(self.classes.size * np.prod(self.kernels.shape[1:], dtype=np.int64))


def products_of(chain: Sequence[Convolution], shape: tuple[int, ...]) -> int:
    """Multiplications for one image of the convolutions one by one; `shape`: positions of the input."""
    total = 0
    for layer in chain:
        shape = layer.output(shape)
        total += int(np.prod(shape, dtype=np.int64) * np.prod(layer.kernel.shape, dtype=np.int64))
    return total


def composed(chain: Sequence[Convolution], shape: tuple[int, ...]) -> Composed:
    """The convolutions as one.

    Args:
        chain: from the first to the last, one or more.
        shape: positions of the input of the first.
    """
    shapes = [shape]
    for layer in chain:
        shapes.append(layer.output(shapes[-1]))
    axes = range(len(shape))
    spans = [sum((c.kernel.shape[a] - 1) * c.dilation[a] for c in chain) + 1 for a in axes]
    before = [[c.padding[a][0] for c in chain] for a in axes]
    after = [[c.padding[a][1] for c in chain] for a in axes]
    # what the padding between them reaches: that of the first is zeros of the input itself
    keys = [_distances(shapes[-1][a], sum(before[a][1:]), sum(after[a][1:])) for a in axes]
    first, of_axis = zip(
        *(np.unique(key, return_index=True, return_inverse=True)[1:] for key in keys), strict=True
    )
    counts = [len(places) for places in first]
    classes = np.ravel_multi_index(np.ix_(*of_axis), counts)
    found = [
        _backward(chain, shapes, tuple(int(p) for p in position), spans, [sum(b) for b in before])
        for position in product(*first)
    ]
    return Composed(
        np.stack([kernel for kernel, _ in found]),
        np.stack([bias for _, bias in found]),
        np.asarray(classes, dtype=np.int64),
        tuple((sum(before[a]), sum(after[a])) for a in axes),
    )


def _distances(length: int, before: int, after: int) -> Integers:
    """One number for each pair of distances from the two ends, as far as they count."""
    places = np.arange(length)
    low, high = np.minimum(places, before), np.minimum(length - 1 - places, after)
    return np.asarray(low * (after + 1) + high, dtype=np.int64)


def _backward(
    chain: Sequence[Convolution],
    shapes: Sequence[tuple[int, ...]],
    position: tuple[int, ...],
    spans: Sequence[int],
    before: Sequence[int],
) -> tuple[Numbers, Numbers]:
    """Kernel (*spans, channels, filters) and bias (filters,) of one position of the result."""
    last = chain[-1].kernel
    filters = last.shape[-1]
    reached: dict[tuple[int, ...], Numbers] = {position: np.eye(filters, dtype=last.dtype)}
    bias: Numbers = np.zeros(filters, dtype=last.dtype)
    for n in reversed(range(len(chain))):
        layer, found = chain[n], dict[tuple[int, ...], Numbers]()
        if layer.bias is not None and reached:
            bias = bias + layer.bias @ np.sum(list(reached.values()), axis=0)
        for place, step in layer.places():
            for at, weights in reached.items():
                source = tuple(p + s for p, s in zip(at, step, strict=True))
                inside = all(0 <= p < size for p, size in zip(source, shapes[n], strict=True))
                if inside or n == 0:
                    part = layer.kernel[place] @ weights
                    found[source] = found[source] + part if source in found else part
        reached = found
    kernel = np.zeros((*spans, chain[0].kernel.shape[-2], filters), dtype=last.dtype)
    for source, weights in reached.items():
        kernel[tuple(s - p + b for s, p, b in zip(source, position, before, strict=True))] = weights
    return kernel, bias
