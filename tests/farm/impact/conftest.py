from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nanosieve.farm.impact import CLASSES, SIGNALS, Crossings, ImpactEvents
from nanosieve.physics.menu import Conditions, parse_menu

CONDITIONS = Conditions(1.0, "1 / pb / s", 1.0, 50.0, 50.0, 13_000.0, "synthetic")
"""A weight of 1 pb is 1 Hz."""


def crossings(
    level1: Sequence[float],
    high_level: Sequence[float],
    classes: Sequence[str] = (),
    weights: Sequence[float] = (),
) -> Crossings:
    """Crossings of a menu with one item and one line, by their scores; soft and of weight 1."""
    number = len(level1)
    return Crossings(
        np.array(weights or [1.0] * number),
        np.array([CLASSES.index(name) for name in classes or ["soft"] * number], dtype=np.int64),
        np.array(level1, dtype=np.float64)[:, None],
        np.array(high_level, dtype=np.float64)[:, None],
    )


def events_of(background: Crossings, **signals: Crossings) -> ImpactEvents:
    named = {name.replace("_", "-"): found for name, found in signals.items()}
    return ImpactEvents(
        menu_of_one(),
        CONDITIONS,
        np.array([0]),
        background,
        named,
        {name: SIGNALS[name] for name in named},
    )


def menu_of_one():
    return parse_menu(
        {
            "name": "one",
            "l1": {"J": {"legs": [{"object": "jet", "pt": 20}]}},
            "lines": {"jet": {"l1": "J", "hlt": {"legs": [{"object": "jet", "pt": 30}]}}},
        }
    )


@pytest.fixture
def ladder():
    """100 crossings of 1 Hz with the scores 0.1, 0.2, … 10 at both levels."""
    scores = (np.arange(1, 101) / 10).tolist()
    return crossings(scores, scores)
