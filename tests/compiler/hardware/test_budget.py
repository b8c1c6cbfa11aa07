"""What a user may write in a budget, and what it means in clock cycles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.compiler.hardware import Budget
from nanosieve.errors import SettingsError


def test_cycles() -> None:
    budget = Budget(every="25 ns", latency="1 us", clock="200 MHz")
    assert (budget.period_ns, budget.latency_cycles, budget.interval_cycles) == (5.0, 200, 5)
    assert Budget(latency="12ns", clock="0.3 GHz").latency_cycles == 3
    assert Budget(every=25.0, latency=50, clock=320).interval_cycles == 8


@given(cycles=st.integers(1, 500), clock=st.integers(1, 900))
def test_whole_cycles_are_not_lost_to_rounding(cycles: int, clock: int) -> None:
    assert Budget(latency=cycles * 1e3 / clock, clock=clock).latency_cycles == cycles


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"every": "25"},
            r"^budget: every = '25' is not a quantity in units of ns; write for example '25 ns'$",
        ),
        ({"latency": "1 GeV"}, r"^budget: latency = '1 GeV' is not a quantity in units of ns"),
        ({"latency": "soon"}, r"^budget: latency = 'soon' is not a quantity"),
        ({"clock": "5 ns"}, r"^budget: clock = '5 ns' is not a quantity in units of MHz; write for example"),
        ({"every": "0 ns"}, r"^budget: every = '0 ns' must be positive$"),
        ({"latency": "-1 us"}, r"^budget: latency = '-1 us' must be positive$"),
        ({"latency": float("inf")}, r"^budget: latency = inf must be positive$"),
        ({"latency": float("nan")}, r"^budget: latency = nan must be positive$"),
        ({"clock": "1 GHz"}, r"^budget: clock = '1 GHz' is outside 1 MHz to 900 MHz"),
        ({"clock": "10 Hz"}, r"^budget: clock = '10 Hz' is outside 1 MHz to 900 MHz"),
        ({"share": 0.0}, r"^budget: share = 0\.0 is a fraction above 0 and up to 1$"),
        ({"share": 25}, r"^budget: share = 25 is a fraction above 0 and up to 1$"),
        ({"share": float("nan")}, r"^budget: share = nan is a fraction"),
    ],
)
def test_bad_budgets_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Budget(**settings)
