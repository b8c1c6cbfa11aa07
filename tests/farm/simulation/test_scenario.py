"""Conditions say what they are, and refuse what cannot be."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nanosieve.errors import SettingsError
from nanosieve.farm.simulation import SCENARIOS, Scenario, time_out_scan


def test_a_scenario_says_what_differs_from_the_plan() -> None:
    assert Scenario().title == "as planned"
    assert Scenario(2.0, 0.1, 80.0, 5.0, 1.0).title == (
        "2 × rate, 10 % of nodes gone, pile-up 80, time-out 5 s, service times at 1 of their bands"
    )
    assert Scenario(times={"full": 0.0}).title == "full at 0 of its band"
    assert Scenario(growth=0.0, classes=1.0).title == (
        "growth with pile-up at 0 of its band, times of classes at 1 of their bands"
    )
    assert [each.rate for each in SCENARIOS.values()] == [1.0, 1.5, 2.0, 1.0]


def test_places_within_bands_are_those_of_the_tasks() -> None:
    scenario = Scenario(times={"full": 0.2})
    assert (scenario.place_of("full"), scenario.place_of("fast")) == (0.2, 0.5)
    assert Scenario(times=0.9).place_of("fast") == 0.9


def test_a_scan_changes_the_time_out_alone() -> None:
    scan = time_out_scan([1.0, 10.0], Scenario(rate=1.5, nodes_lost=0.2))
    assert scan == [Scenario(1.5, 0.2, None, 1.0), Scenario(1.5, 0.2, None, 10.0)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 0.0}, r"^scenario: rate = 0.0 is not positive; write for example 1.5$"),
        ({"rate": math.nan}, r"^scenario: rate = nan is not positive"),
        ({"pileup": -1.0}, r"^scenario: pileup = -1.0 is not positive"),
        ({"time_out": 0.0}, r"^scenario: time_out = 0.0 s is not positive"),
        ({"nodes_lost": 1.0}, r"^scenario: nodes_lost = 1.0; accepted: 0 to below 1"),
        ({"times": 1.1}, r"^scenario: times = 1.1; accepted: 0 \(lower edge\) to 1"),
        ({"times": {"full": -0.1}}, r"^scenario: times = -0.1; accepted"),
        ({"growth": 2.2}, r"^scenario: growth = 2.2; accepted: 0 \(lower edge\) to 1"),
        ({"classes": -1.0}, r"^scenario: classes = -1.0; accepted: 0 \(lower edge\) to 1"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Scenario(**settings)
