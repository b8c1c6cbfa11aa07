"""A small network of the kind of arXiv:2307.05152: convolutions of a binary image, the first ones linear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Traced
from nanosieve.compiler.frontends.calibrated.linear_chain import composed_convolution
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.linear_convolutions import Convolution
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.passes import run_passes

SAME = ((1, 1), (1, 1))
VALID = ((0, 0), (0, 0))


def images(count: int, shape: tuple[int, int], seed: int = 1) -> NDArray[np.float64]:
    """Binary images with a few hits in a row."""
    rng = np.random.default_rng(seed)
    x = (rng.random((count, *shape, 1)) < 0.05).astype(float)
    for event in x:
        event[:, rng.integers(0, shape[1])] = 1
    return x


class ImageNetwork:
    """Grows the graph.

    Args:
        shape: of the image; 8 rows or more.
        filters: of the five convolutions.
        dense: of the dense layers.
        compose: whether the first three are composed.
        shifts: whether the first two only shift the image, as those of `published_form`: their products are
            multiples of a larger step than that of the codes.
    """

    def __init__(
        self,
        shape: tuple[int, int] = (8, 33),
        filters: tuple[int, ...] = (2, 2, 4, 8, 8),
        dense: tuple[int, ...] = (8,),
        *,
        compose: bool = True,
        shifts: bool = False,
        seed: int = 3,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        sample = images(4, shape)
        precision = {"default": "fixed<8>", "image": "ufixed<1,1>"}
        self.b = CalibratedBuilder("image_network", Calibration(sample, precision))
        x = self.b.input("image", (*shape, 1))
        chain, channels = [], 1
        for n in range(3):
            one = self._shift(channels, filters[n]) if shifts and n < 2 else None
            chain.append(one or self._convolution((3, 3), channels, filters[n]))
            channels = filters[n]
        if compose:
            x = composed_convolution(self.b, x, chain, layer="conv_3")
        else:
            for n, one in enumerate(chain, 1):
                x = self.b.conv(
                    x, one.kernel, one.bias, layer=f"conv_{n}", strides=(1, 1), padding=one.padding
                )
        x = self.pool(self.b.relu(x, layer="relu_3"), (2, 3), "pool_3")
        x = self.conv(x, filters[3], SAME, "conv_4")
        x = self.pool(x, (2, 3), "pool_4")
        if x.shape[0] > 2:
            x = self.conv(x, filters[4], VALID, "conv_5")
        x = self.b.reshape(x, (int(np.prod(x.shape)),), layer="flatten")
        for n, width in enumerate(dense, 1):
            x = self.dense(x, width, f"dense_{n}")
        x = self.dense(x, 1, "decay_length")
        self.graph: Graph = run_passes(self.b.finish({"decay_length": x}))

    def _convolution(self, size: tuple[int, int], channels: int, filters: int) -> Convolution:
        scale = (size[0] * size[1] * channels) ** -0.5
        kernel = self.rng.normal(0, scale, (*size, channels, filters))
        return Convolution(kernel, self.rng.normal(0, 0.2, filters), SAME, (1, 1))

    def _shift(self, channels: int, filters: int) -> Convolution:
        kernel = np.zeros((3, 3, channels, filters))
        for n in range(filters):
            kernel[self.rng.integers(3), self.rng.integers(3), n % channels, n] = 1
        return Convolution(kernel, np.zeros(filters), SAME, (1, 1))

    def conv(self, x: Traced, filters: int, padding: tuple[tuple[int, int], ...], name: str) -> Traced:
        """A convolution with ReLU."""
        one = self._convolution((3, 3), x.shape[-1], filters)
        y = self.b.conv(x, one.kernel, one.bias, layer=name, strides=(1, 1), padding=padding)
        return self.b.relu(y, layer=name)

    def pool(self, x: Traced, size: tuple[int, int], name: str) -> Traced:
        """The largest of each window."""
        return self.b.max_pool(x, size, size, VALID, layer=name)

    def dense(self, x: Traced, width: int, name: str) -> Traced:
        """A dense layer with ReLU."""
        kernel = self.rng.normal(0, x.shape[-1] ** -0.5, (x.shape[-1], width))
        return self.b.relu(self.b.dense(x, kernel, self.rng.normal(0, 0.2, width), layer=name), layer=name)
