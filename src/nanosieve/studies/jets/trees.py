"""Boosted trees of the study, by XGBoost, on the numbers that the port of the hardware can hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path
from nanosieve._require import require
from nanosieve.compiler.graph import Fixed
from nanosieve.physics.events.jet_features import CLASSES
from nanosieve.studies.jets.settings import Trees

__all__ = ["on_port", "train_trees"]


def on_port(x: NDArray[np.float32], port: Fixed) -> NDArray[np.float32]:
    """`x` rounded half up and saturated to the numbers of `port`."""
    step = 2.0**port.exponent
    codes = np.clip(np.floor(x.astype(np.float64) / step + 0.5), port.low, port.high)
    return (codes * step).astype(np.float32)


def train_trees(
    rung: Trees, x: NDArray[np.float32], labels: NDArray[np.int64], port: Fixed, path: Path, seed: int
) -> Path:
    """Train ``rung.rounds`` trees for each class and write them as XGBoost's JSON to `path`.

    Trees that are trained on the numbers of the port cut between two of them: no threshold needs more bits.

    Args:
        x: (events, features).

    Raises:
        MissingDependencyError: XGBoost is not installed.
        OutputError: the folder cannot be written to.
    """
    xgboost = require("xgboost", extra="trees", purpose="training boosted trees")
    parameters = {
        "objective": "multi:softmax",
        "num_class": len(CLASSES),
        "max_depth": rung.depth,
        "eta": 0.4,
        "tree_method": "hist",
        "seed": seed,
        "verbosity": 0,
    }
    booster = xgboost.train(parameters, xgboost.DMatrix(on_port(x, port), label=labels), rung.rounds)
    with atomic_path(path) as temporary:
        whole = temporary.with_suffix(".json")  # the suffix chooses the format
        try:
            booster.save_model(whole)
            whole.replace(temporary)
        finally:
            whole.unlink(missing_ok=True)
    return path
