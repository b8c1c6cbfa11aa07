"""Toy events in the published format: falling pT, zero padding, jets and leptons recoiling against MET."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")


def make_toy(events: int, seed: int = 0, hardness: float = 1.0) -> np.ndarray:
    """(events, 19, 3) float32; `hardness` scales the pT spectra."""
    random = np.random.default_rng(seed)
    x = np.zeros((events, 19, 3), dtype=np.float32)
    for first, last, mean, floor, eta in (
        (1, 5, 0.7, 3.0, 3.0),
        (5, 9, 0.7, 3.0, 2.1),
        (9, 19, 2.5, 15.0, 4.0),
    ):
        slots = last - first
        present = np.arange(slots) < random.poisson(mean, events)[:, None]
        pt = -np.sort(-(floor + hardness * random.exponential(28.0, (events, slots))) * present, axis=1)
        x[:, first:last, 0] = pt
        x[:, first:last, 1] = np.clip(random.normal(0, 1.3, pt.shape), -eta, eta) * present
        x[:, first:last, 2] = random.uniform(-np.pi, np.pi, pt.shape) * present
    recoil = -(x[:, 1:, 0] * np.exp(1j * x[:, 1:, 2])).sum(axis=1) * random.uniform(0.2, 1.0, events)
    x[:, 0, 0], x[:, 0, 2] = np.abs(recoil), np.angle(recoil)
    return x


@pytest.fixture(scope="session")
def toy():
    return make_toy
