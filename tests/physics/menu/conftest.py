from __future__ import annotations

import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.physics.menu import load_menu, parse_menu


@pytest.fixture(scope="session")
def atlas():
    return load_menu("atlas-2018")


@pytest.fixture(scope="session")
def blocks():
    """Minimum bias and a signal, in two blocks of different size."""
    return [
        random_events(n, seed=n, scale=8.0, processes=("minbias", "h0"), weights=(1e5, 1.0))
        for n in (1500, 900)
    ]


@pytest.fixture(scope="session")
def sample(blocks, tmp_path_factory):
    return synthetic_sample(tmp_path_factory.mktemp("samples") / "mixed.parquet", blocks)


@pytest.fixture
def small():
    """Three lines on two items, prescaled at both levels."""
    return parse_menu(
        {
            "name": "small",
            "definitions": {"isolated": {"hlt": {"mu": 0.1}}},
            "l1": {
                "MU": {"legs": [{"object": "mu", "pt": 5}], "prescale": 2},
                "J": {"legs": [{"object": "jet", "pt": 15}]},
            },
            "lines": {
                "mu": {"l1": "MU", "hlt": {"legs": [{"object": "mu", "pt": 6}], "prescale": 4}},
                "mu_iso": {"l1": "MU", "hlt": {"legs": [{"object": "mu", "pt": 5, "isolated": True}]}},
                "jets": {
                    "l1": "J",
                    "hlt": {"legs": [{"object": "jet", "count": 2, "pt": 12}], "prescale": 3},
                },
            },
        }
    )
