"""The plain queue against exact theory, at the run lengths stated, within three standard deviations."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.errors import SettingsError
from nanosieve.farm.engine import (
    Constant,
    Distribution,
    Exponential,
    Gamma,
    LogNormal,
    Mixture,
    allen_cunneen,
    erlang_b,
    md1_wait,
    mg1_wait,
    mmc_wait,
    mmck_loss,
    serve,
    simulate_queue,
)

LONG = 2_000_000
"""Jobs of a run that is compared with theory."""


def within(figure, expected: float, sigmas: float = 3.0) -> bool:
    return abs(figure.value - expected) < sigmas * figure.error


@pytest.mark.parametrize(("rate", "servers"), [(8, 10), (95, 100)])
@pytest.mark.parametrize(
    "service",
    [
        Exponential(1.0),
        Constant(1.0),
        Gamma(1.0, 2),
        LogNormal(1.0, 0.8),
        Mixture(Constant(0.5), Constant(5.5), 0.1),
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_erlang_b_for_every_distribution(service: Distribution, rate: float, servers: int):
    run = simulate_queue(rate, service, servers, places=servers, jobs=LONG // 2, seed=3)
    expected = 100 * erlang_b(rate, servers)
    assert within(run.lost, expected)
    assert run.lost.error < 0.05 * expected
    assert run.wait.value == 0


@pytest.mark.parametrize(("rate", "servers"), [(9, 10), (97, 100)])
def test_erlang_c(rate: float, servers: int):
    run = simulate_queue(rate, Exponential(1.0), servers, jobs=LONG, seed=1)
    assert within(run.wait, mmc_wait(rate, 1, servers))
    assert run.wait.error < 0.1 * run.wait.value
    assert within(run.occupancy, 100 * rate / servers)


def test_m_d_1():
    run = simulate_queue(0.9, Constant(1.0), 1, jobs=LONG, seed=1)
    assert within(run.wait, md1_wait(0.9, 1))
    assert run.wait.error < 0.05 * run.wait.value


@pytest.mark.parametrize("service", [LogNormal(1.0, 0.8), Gamma(1.0, 0.5), Gamma(1.0, 4)], ids=repr)
def test_pollaczek_khinchine(service: Distribution):
    run = simulate_queue(0.8, service, 1, jobs=LONG // 2, seed=2)
    assert within(run.wait, mg1_wait(0.8, 1, service.variation))
    assert run.wait.error < 0.05 * run.wait.value


def test_a_finite_buffer():
    run = simulate_queue(9, Exponential(1.0), 10, places=20, jobs=LONG, seed=4)
    assert within(run.lost, 100 * mmck_loss(9, 10, 20))


@pytest.mark.parametrize("service", [LogNormal(1.0, 0.8), Constant(1.0)], ids=repr)
def test_allen_cunneen_is_good_to_some_per_cent(service: Distribution):
    run = simulate_queue(97, service, 100, jobs=LONG, seed=5)
    assert run.wait.value == pytest.approx(allen_cunneen(97, 1, 100, service.variation), rel=0.15)


def test_the_errors_are_honest():
    """Over 60 seeds the pulls spread by about one; errors as of independent jobs would be far too small."""
    pulls = []
    for seed in range(60):
        run = simulate_queue(4, Exponential(1.0), 5, jobs=50_000, seed=seed)
        pulls.append((run.wait.value - mmc_wait(4, 1, 5)) / run.wait.error)
    assert 0.7 < np.std(pulls) < 1.4
    assert abs(np.mean(pulls)) < 0.6  # a short run errs low with its small errors: a known, small bias


def test_an_unstable_queue_has_a_growth_and_no_mean():
    run = simulate_queue(12, Exponential(1.0), 10, jobs=100_000)
    assert math.isnan(run.wait.value)
    assert run.growth == pytest.approx(2.0)
    assert simulate_queue(9, Exponential(1.0), 10, jobs=10_000).growth == 0


def slow_serve(arrivals: list[float], service: list[float], servers: int, places: float) -> list[float]:
    free = [-math.inf] * servers
    heapq.heapify(free)
    inside: list[float] = []  # ends of jobs in the system
    started = []
    for now, time_needed in zip(arrivals, service, strict=True):
        inside = [end for end in inside if end > now]
        if len(inside) >= places:
            started.append(math.nan)
            continue
        start = max(now, heapq.heappop(free))
        heapq.heappush(free, start + time_needed)
        inside.append(start + time_needed)
        started.append(start)
    return started


times = st.lists(st.tuples(st.floats(0.001, 3), st.floats(0.001, 3)), min_size=1, max_size=60)


@given(jobs=times, servers=st.integers(1, 6), more=st.integers(0, 5) | st.just(math.inf))
def test_the_compiled_queue_is_the_plain_one(jobs: list[tuple[float, float]], servers: int, more: float):
    arrivals = np.cumsum([gap for gap, _ in jobs])
    service = np.array([need for _, need in jobs])
    expected = slow_serve(arrivals.tolist(), service.tolist(), servers, servers + more)
    np.testing.assert_array_equal(serve(arrivals, service, servers, servers + more), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: simulate_queue(1, Exponential(1.0), 0),
            r"^queue: servers = 0 is not accepted; write a whol",
        ),
        (lambda: simulate_queue(1, Exponential(1.0), 3, places=2), r"^queue: places = 2 is not accepted"),
        (lambda: simulate_queue("1 s", Exponential(1.0), 1), r"^queue: rate = '1 s' is not a quantity"),
        (
            lambda: simulate_queue(1, Exponential(1.0), 1, jobs=3),
            r"^queue: jobs = 3, warm_up = 0.1, rate = 1",
        ),
        (lambda: simulate_queue(1, Exponential(1.0), 1, batches=1), r"^batches = 1 is not accepted; write a"),
        (lambda: serve(np.array([1.0, 0.0]), np.ones(2), 1), r"^queue: give ascending arrivals and as many"),
        (lambda: serve(np.array([0.0]), np.array([-1.0]), 1), r"^queue: give ascending arrivals"),
    ],
)
def test_bad_input_is_refused(call, message: str):
    with pytest.raises(SettingsError, match=message):
        call()
