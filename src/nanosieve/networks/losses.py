"""The losses of arXiv:2108.03986: masked reconstruction error and Kullback–Leibler term.

Written with `keras.ops`, so that they serve training (JAX arrays) and evaluation (NumPy arrays) alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.networks.objects import TARGET_EXPONENTS

__all__ = ["kl_divergence", "mean_squared_error", "squared_error"]


def squared_error(inputs: Any, reconstruction: Any) -> Any:
    """Sum over the entries that are not zero padding of (target - reconstruction)², per event (N,).

    Args:
        inputs: (N, 57) objects in physical units; an entry that is exactly zero is padding.
        reconstruction: (N, 57) in scaled units: pT · 2**-3, eta, phi.
    """
    ops = require("keras.ops", extra="train", purpose="evaluating a loss")
    target = inputs * np.ldexp(np.float32(1), TARGET_EXPONENTS)
    present = ops.cast(inputs != 0, reconstruction.dtype)
    return ops.sum(present * ops.square(target - reconstruction), axis=-1)


def mean_squared_error(inputs: Any, reconstruction: Any) -> Any:
    """`squared_error` divided by the 57 entries, per event (N,): the published loss."""
    return squared_error(inputs, reconstruction) / len(TARGET_EXPONENTS)


def kl_divergence(mean: Any, negative_log_variance: Any) -> Any:
    """Kullback–Leibler distance of N(mean, sigma²) from N(0, 1), summed over the latent space, per event
    (N,).

    ``sum (mu² + sigma² - 1 - log sigma²) / 2`` with ``negative_log_variance = -log sigma²``.
    """
    ops = require("keras.ops", extra="train", purpose="evaluating a loss")
    variance = ops.exp(-negative_log_variance)
    return 0.5 * ops.sum(ops.square(mean) + variance - 1.0 + negative_log_variance, axis=-1)
