from __future__ import annotations

import pytest

CROSSINGS = "nanosieve.physics.events.crossings"


@pytest.fixture
def plain_sampling(monkeypatch):
    """Rare mis-measurements as often as they happen, and no weights for them."""
    monkeypatch.setattr(f"{CROSSINGS}.high_level.BOOST_SHARE", 0.0)
    monkeypatch.setattr(f"{CROSSINGS}.muon_trigger.BOOSTED", 0.0)
