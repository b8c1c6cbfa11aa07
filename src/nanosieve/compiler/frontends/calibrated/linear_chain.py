"""Linear convolutions behind each other as one, quantised after training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Reals, Traced
from nanosieve.compiler.frontends.calibrated.real_windows import CHUNK, picked
from nanosieve.compiler.frontends.linear_convolutions import Convolution, composed
from nanosieve.compiler.graph import Gather, Integers, Windows

__all__ = ["composed_convolution"]


def composed_convolution(
    b: CalibratedBuilder, x: Traced, chain: Sequence[Convolution], *, layer: str
) -> Traced:
    """What the convolutions compute one after the other, with the kernels of `composed`.

    The kernels are composed in float64 and then rounded, all classes of borders at one step, so that neither
    the values between the convolutions nor their kernels are rounded.

    Args:
        b: where the nodes go.
        x: shape (*positions, channels).
        chain: from the first to the last.
        layer: name of the one that is left.
    """
    x = b.settle(x)
    one = composed(chain, x.shape[:-1])
    codes, exponent = b.weights(np.asarray(one.kernels, dtype=np.float64), layer, "kernel")
    ones = (1,) * len(one.padding)
    filters = one.kernels.shape[-1]
    window = Windows(one.kernels.shape[1:-2], ones, ones, one.padding)
    index = window.index(x.shape)
    rows, of_row = index.reshape(-1, index.shape[-1]), one.classes.ravel()
    nodes, parts, order = b.nodes(layer), [], np.argsort(of_row, kind="stable")
    real = np.zeros((len(x.real), len(rows), filters))
    for n, kernel in enumerate(one.kernels):
        own = np.flatnonzero(of_row == n)
        read = nodes.add(Gather(rows[own]), x.node, part=f"windows_{n}")
        parts.append(nodes.product(read, codes[n].reshape(-1, filters), exponent, part=f"product_{n}"))
        real[:, own] = _products(x.real, rows[own], kernel.reshape(-1, filters))
    together = parts[0] if len(parts) == 1 else nodes.joined(parts, 0, "together")
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    shape = (*one.classes.shape, filters)
    node = nodes.picked(
        together, (place[:, np.newaxis] * filters + np.arange(filters)).reshape(shape), "product"
    )
    result = Traced(node, real.reshape(len(real), *shape), layer)
    return b.offset(result, np.asarray(one.biases, dtype=np.float64)[one.classes], layer=layer)


def _products(real: Reals, rows: Integers, kernel: Reals) -> Reals:
    """A few events at a time."""
    count = max(1, CHUNK // rows.size)
    return np.concatenate([picked(real[n : n + count], rows) @ kernel for n in range(0, len(real), count)])
