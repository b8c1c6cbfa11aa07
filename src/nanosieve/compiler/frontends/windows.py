"""Windows that slide over an image or a sequence: padding, convolution and pooling.

Tensors are channels-last: (*positions, channels), without the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import Gather, Integers, Max, Min, Scale, Sum, Windows

__all__ = ["Padding", "convolution", "depthwise_kernel", "halved", "pad_amounts", "pooled", "summed"]

Padding = tuple[tuple[int, int], ...]
"""Zeros (before, after) along each axis of the positions."""


def pad_amounts(
    kind: Literal["valid", "same", "same_lower", "causal"],
    shape: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int] | None = None,
) -> Padding:
    """The padding that a framework means by a word.

    Args:
        kind: ``valid`` none; ``same`` as many positions as ``ceil(shape / strides)``, the odd zero behind
            (Keras, ONNX SAME_UPPER); ``same_lower`` the odd zero in front; ``causal`` all in front.
        shape: lengths of the axes of the positions.
        size, strides, dilation: of the window.

    >>> pad_amounts("same", (5,), (4,), (2,))
    ((1, 2),)
    """
    dilation = dilation or [1] * len(size)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    if kind == "valid":
        return tuple((0, 0) for _ in spans)
    if kind == "causal":
        return tuple((span - 1, 0) for span in spans)
    totals = [
        max((-(-n // s) - 1) * s + span - n, 0) for n, s, span in zip(shape, strides, spans, strict=True)
    ]
    few = [(total // 2, total - total // 2) for total in totals]
    return tuple((b, a) if kind == "same_lower" else (a, b) for a, b in few)


def depthwise_kernel(kernel: Integers) -> Integers:
    """A depthwise kernel (*size, channels, multiplier) as that of a convolution with a group per channel."""
    *size, channels, multiplier = kernel.shape
    return kernel.reshape(*size, 1, channels * multiplier)


def convolution(
    b: LayerNodes,
    x: str,
    kernel: Integers,
    exponent: int,
    *,
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
    groups: int = 1,
) -> str:
    """`Windows`, then `Dense` on rows; shape (*positions, filters).

    Args:
        b: where the nodes go.
        x: shape (*positions, channels).
        kernel: codes, shape (*size, channels / groups, filters), of step ``2**exponent``; filters in the
            order of the groups.
        exponent: see `kernel`.
        strides, dilation, padding: of the window.
        groups: of channels that do not meet.
    """
    *size, depth, filters = kernel.shape
    op = Windows(tuple(size), tuple(strides), tuple(dilation), padding)
    rows = x if _whole(op) else b.add(op, x, part="windows")
    places = int(np.prod(size, dtype=np.int64))
    positions = b.shape(rows)[:-1]
    if groups == 1:
        return b.product(rows, kernel.reshape(places * depth, filters), exponent)

    def apart(index: NDArray[np.int64]) -> NDArray[np.int64]:
        split = index.reshape(*positions, places, groups, depth)
        return np.moveaxis(split, -2, 0).reshape(groups, *positions, places * depth)

    blocks = kernel.reshape(places * depth, groups, filters // groups).transpose(1, 0, 2)
    product = b.product(b.rewired(rows, apart, "groups"), blocks, exponent)
    return b.rewired(product, lambda i: np.moveaxis(i, 0, -2).reshape(*positions, filters), "together")


def _whole(op: Windows) -> bool:
    """Whether the windows are the elements themselves."""
    return set(op.size) | set(op.strides) == {1} and not any(sum(pair) for pair in op.padding)


def _spread(b: LayerNodes, x: str, op: Windows, *, zeros: bool) -> tuple[str, NDArray[np.int64]]:
    """The windows, shape (*positions, channels, places), and how many places of each lie inside `x`.

    Places outside hold a zero, or with `zeros` false another element of the window.
    """
    channels = b.shape(x)[-1]
    index = op.index(b.shape(x))
    index = np.moveaxis(index.reshape(*index.shape[:-1], -1, channels), -2, -1)
    inside = (index >= 0).sum(axis=-1)
    if not zeros:
        index = np.where(index < 0, index.max(axis=-1, keepdims=True), index)
    return b.add(Gather(index), x, part="windows"), inside[..., 0]


def pooled(
    b: LayerNodes,
    x: str,
    op: Max | Min,
    size: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int] | None = None,
) -> str:
    """The largest or smallest of each window, padding aside; shape (*positions, channels)."""
    windows = Windows(tuple(size), tuple(strides), tuple(dilation or [1] * len(size)), padding)
    rows, _ = _spread(b, x, windows, zeros=False)
    best = b.add(op, rows, part="best")
    return b.reshaped(best, b.shape(best)[:-1], "pooled")


def summed(
    b: LayerNodes,
    x: str,
    size: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int] | None = None,
) -> tuple[str, NDArray[np.int64]]:
    """The sum of each window, shape (*positions, channels), and its places inside `x`, shape (*positions,).

    An average divides by these, or by the size of the window where a framework counts the padding.
    """
    windows = Windows(tuple(size), tuple(strides), tuple(dilation or [1] * len(size)), padding)
    rows, inside = _spread(b, x, windows, zeros=True)
    total = b.add(Sum(), rows, part="total")
    return b.reshaped(total, b.shape(total)[:-1], "summed"), inside


def halved(b: LayerNodes, x: str, divisor: NDArray[np.int64]) -> str | None:
    """`x` divided by powers of two that broadcast to its shape; None where `divisor` holds another number."""
    shift = np.round(np.log2(divisor)).astype(np.int64)
    if np.any(np.int64(1) << shift != divisor):
        return None
    if not shift.any():
        return x
    return b.add(Scale(np.broadcast_to(-shift, b.shape(x))), x, part="divided")
