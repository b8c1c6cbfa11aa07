"""Anomaly scores in floating point: the reference for the scores that the trigger computes in fixed point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.networks.losses import kl_divergence, squared_error
from nanosieve.networks.objects import flatten_objects

__all__ = ["anomaly_scores", "radius"]


def radius(mean: Any, negative_log_variance: Any) -> Any:
    """``R_z = sum mu²/sigma²`` per event (N,)."""
    return (mean**2 * np.exp(negative_log_variance)).sum(axis=-1)


def anomaly_scores(model: Any, objects: NDArray[Any], batch: int = 16384) -> dict[str, NDArray[np.float64]]:
    """All scores that `model` defines, per event (N,), computed in floating point from its outputs.

    Args:
        model: a network of `build_autoencoder` or `build_variational_autoencoder`.
        objects: (N, 19, 3) or (N, 57) objects in physical units.
        batch: events evaluated at once.

    Returns:
        ``{"reconstruction": …}`` for an autoencoder, ``{"rz": …, "kl": …}`` for a variational one.

    Raises:
        SampleError: the objects cannot be used.
    """
    x = flatten_objects(objects)
    if len(model.inputs) == 1:
        reconstruction = model.predict(x, batch_size=batch, verbose=0)
        return {"reconstruction": np.asarray(squared_error(x, reconstruction), dtype=np.float64)}
    noise = np.zeros((len(x), model.inputs[1].shape[1]), dtype=np.float32)
    _, mean, lam = (y.astype(np.float64) for y in model.predict([x, noise], batch_size=batch, verbose=0))
    return {"rz": radius(mean, lam), "kl": np.asarray(kl_divergence(mean, lam), dtype=np.float64)}
