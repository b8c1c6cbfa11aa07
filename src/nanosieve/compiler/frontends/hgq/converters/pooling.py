"""Pooling: the largest of each window, or its average."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder
from nanosieve.compiler.frontends.hgq.converters.functions import tabulated
from nanosieve.compiler.frontends.hgq.converters.products import channels_first, channels_last
from nanosieve.compiler.frontends.windows import halved, pad_amounts, pooled, summed
from nanosieve.compiler.graph import Max, Sum

__all__ = ["CONVERTERS"]


def _size(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(int(n) for n in value)


def _windows(b: LayerBuilder, x: str) -> tuple[tuple[int, ...], tuple[int, ...], Any]:
    positions = b.shape(x)[:-1]
    size = _size(b.layer.pool_size, len(positions))
    strides = _size(b.layer.strides or size, len(positions))
    return size, strides, pad_amounts(b.layer.padding, positions, size, strides)


def _max(b: LayerBuilder, x: str) -> str:
    x = channels_last(b, b.input_quantized(x))
    return channels_first(b, pooled(b, x, Max(), *_windows(b, x)))


def _average(b: LayerBuilder, x: str) -> str:
    x = channels_last(b, b.input_quantized(x))
    total, inside = summed(b, x, *_windows(b, x))
    count = inside[..., np.newaxis]
    if b.layer.data_format == "channels_first":
        count = np.moveaxis(count, -1, 0)
    return _mean(b, channels_first(b, total), count)


def _mean(b: LayerBuilder, total: str, count: NDArray[np.int64]) -> str:
    """The sums divided by the number of their terms: shifted, or by a table where a quantiser follows."""
    node = halved(b, total, count)
    if node is not None:
        return node
    if not getattr(b.layer, "enable_oq", False):
        odd = int(count[np.log2(count) % 1 != 0].max())
        b.refuse(
            f"an average of {odd} elements",
            "only a division by a power of two is exact; choose such a window, or give a Q layer an oq_conf",
        )
    quantizer = b.layer.oq
    alike = count.min() == count.max()
    divisor: Any = float(count.max()) if alike else np.broadcast_to(count, b.shape(total)).astype(np.float32)

    def function(values: Any) -> Any:
        return quantizer(values / divisor, training=False)

    return tabulated(b, total, function, (quantizer,), own_axes=0 if alike else count.ndim)


def _global_max(b: LayerBuilder, x: str) -> str:
    x = channels_last(b, b.input_quantized(x))
    axes = range(len(b.shape(x)) - 1)
    node = b.reduced(x, Max(), axes, "largest", keepdims=b.layer.keepdims)
    return channels_first(b, node) if b.layer.keepdims else node


def _global_average(b: LayerBuilder, x: str) -> str:
    x = channels_last(b, b.input_quantized(x))
    positions = b.shape(x)[:-1]
    total = b.reduced(x, Sum(), range(len(positions)), "total", keepdims=b.layer.keepdims)
    count = np.array(np.prod(positions, dtype=np.int64))
    total = channels_first(b, total) if b.layer.keepdims else total
    return _mean(b, total, count.reshape((1,) * len(b.shape(total))))


CONVERTERS: dict[str, Converter] = {
    f"{q}{kind}Pooling{n}D": convert
    for kind, convert in (
        ("Average", _average),
        ("GlobalAverage", _global_average),
        ("GlobalMax", _global_max),
        ("Max", _max),
    )
    for q in ("", "Q")
    for n in (1, 2, 3)
}
