"""Closed forms: limits, relations between them, refusals. Their values stand in the doctests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.errors import SettingsError
from nanosieve.farm.engine import (
    allen_cunneen,
    erlang_b,
    erlang_c,
    live_fraction_poisson,
    live_fraction_train,
    md1_wait,
    mg1_wait,
    mmc_wait,
    mmck_loss,
)


@given(load=st.floats(0.01, 200), servers=st.integers(1, 200))
def test_erlang_b_satisfies_the_sum_that_defines_it(load: float, servers: int):
    term = total = 1.0  # a^k / k!, scaled down on the way
    for k in range(1, servers + 1):
        term *= load / k
        total += term
        if total > 1e200:
            term, total = term / 1e200, total / 1e200
    assert erlang_b(load, servers) == pytest.approx(term / total, rel=1e-9)


@given(rho=st.floats(0.01, 0.99))
def test_one_server_is_the_same_in_all_formulae(rho: float):
    wait = rho / (1 - rho)
    assert mmc_wait(rho, 1, 1) == pytest.approx(wait)
    assert mg1_wait(rho, 1, 1) == pytest.approx(wait)
    assert md1_wait(rho, 1) == pytest.approx(wait / 2)
    assert allen_cunneen(rho, 1, 1, 0.3) == pytest.approx(mg1_wait(rho, 1, 0.3))
    assert erlang_c(rho, 1) == pytest.approx(rho)


@given(load=st.floats(0.1, 40), servers=st.integers(1, 20), more=st.integers(1, 30))
def test_a_buffer_loses_less_the_longer_it_is(load: float, servers: int, more: int):
    assert mmck_loss(load, servers, servers) == erlang_b(load, servers)
    assert mmck_loss(load, servers, servers + more) <= mmck_loss(load, servers, servers + more - 1)


@given(p=st.floats(1e-9, 1e-4))
def test_a_train_looks_like_a_poisson_stream_where_candidates_are_rare(p: float):
    assert live_fraction_train(p, 4) == live_fraction_poisson(p, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: erlang_b(-1, 3), r"^offered load = -1 is out of range; accepted: 0 or more$"),
        (lambda: erlang_b(1, 0), r"^number of servers = 0 is out of range; accepted: 1 or more$"),
        (lambda: erlang_c(10, 10), r"^offered load = 10 is out of range; accepted: 0 or more and below 10$"),
        (lambda: mmc_wait(1, -1, 1), r"^service time = -1 is out of range"),
        (lambda: mg1_wait(1, 1, 0), r"^load = 1 is out of range; accepted: 0 or more and below 1$"),
        (lambda: mg1_wait(0.5, 1, -1), r"^squared coefficient of variation = -1 is out of range"),
        (lambda: mmck_loss(1, 5, 4), r"^places = 4 is out of range; accepted: 5 or more$"),
        (lambda: live_fraction_train(1.5, 1), r"^probability = 1.5 is out of range"),
        (lambda: erlang_b(float("nan"), 3), r"^offered load = nan is out of range"),
    ],
)
def test_what_is_out_of_range_is_refused(call, message: str):
    with pytest.raises(SettingsError, match=message):
        call()
