"""A small float network for scans; a spawned process must be able to import what makes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.graph import Graph

_RNG = np.random.default_rng(3)
KERNEL, OUT = _RNG.normal(size=(4, 6)), _RNG.normal(size=(6, 1))


def events(count: int, *, seed: int) -> NDArray[np.float64]:
    """Standard normal numbers (count, 4)."""
    return np.random.default_rng(seed).normal(size=(count, 4))


def labels_of(x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Signal where the score of the float network is above its median."""
    scores = (np.maximum(x @ KERNEL, 0) @ OUT)[:, 0]
    return (scores + np.sin(7 * x[:, 0]) > np.median(scores)).astype(np.int64)


def wide_graph() -> Graph:
    """Three dense layers that are worth sharing in time."""
    rng = np.random.default_rng(4)
    b = CalibratedBuilder("wide", Calibration(rng.normal(size=(100, 24)), "fixed<8>", False))
    x = b.input("x", (24,))
    for name in ("first", "second"):
        x = b.relu(b.dense(x, rng.normal(size=(24, 24)), layer=name), layer=f"{name}_relu")
    return b.finish({"score": b.dense(x, rng.normal(size=(24, 1)), layer="score")})


def graph_of(calibration: Calibration) -> Graph:
    """Two dense layers with a ReLU in between."""
    b = CalibratedBuilder("toy", calibration)
    hidden = b.relu(b.dense(b.input("x", (4,)), KERNEL, layer="hidden"), layer="relu")
    return b.finish({"score": b.dense(hidden, OUT, layer="score")})
