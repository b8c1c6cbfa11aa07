"""Small data of the right shapes for every figure."""

from __future__ import annotations

import numpy as np
import pytest

BACKGROUND = "Standard Model"


@pytest.fixture(scope="session")
def samples() -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Process → variable → (values, weights)."""
    random = np.random.default_rng(7)

    def process(scale: float, events: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        weights = random.exponential(1.0, events)
        columns = ("met_pt", "electron_pt", "muon_pt", "jet_pt")
        spectrum = {name: (random.exponential(scale, events), weights) for name in columns}
        spectrum["jet_eta"] = (random.normal(0, 1.8, events), weights)
        spectrum["jet_multiplicity"] = (random.poisson(2.0, events).astype(float), weights)
        return spectrum

    return {BACKGROUND: process(20.0, 2000), "A → 4ℓ": process(14.0, 300), "LQ → bτ": process(35.0, 300)}
