"""The engine against exact theory, with farms that are plain queues; run lengths in the tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.farms import complete_farm, queue_farm
from nanosieve.farm.engine import (
    Accelerators,
    Constant,
    Distribution,
    EventClass,
    Exponential,
    Failures,
    Farm,
    Link,
    LogNormal,
    Nodes,
    Poisson,
    Stage,
    TimeOut,
    erlang_b,
    md1_wait,
    mg1_wait,
    mmc_wait,
    mmck_loss,
    serve,
    simulate_farm,
    trace_farm,
)

JOBS = 400_000


def within(figure, expected: float, sigmas: float = 3.0) -> bool:
    return abs(figure.value - expected) < sigmas * figure.error


@pytest.mark.parametrize("service", [Exponential(1.0), Constant(1.0), LogNormal(1.0, 0.8)], ids=repr)
def test_erlang_b_and_its_insensitivity(service: Distribution):
    run = simulate_farm(queue_farm(service, 10, 0), Poisson(8.0), duration=JOBS / 8, seed=1)
    assert within(run.fates["lost: queue"], 100 * erlang_b(8, 10))


@pytest.mark.parametrize(
    ("service", "servers", "rate", "wait"),
    [
        (Exponential(1.0), 10, 9.0, mmc_wait(9, 1, 10)),
        (Constant(1.0), 1, 0.8, md1_wait(0.8, 1)),
        (LogNormal(1.0, 0.8), 1, 0.8, mg1_wait(0.8, 1, math.expm1(0.64))),
    ],
    ids=["Erlang C", "M/D/1", "M/G/1"],
)
def test_waits(service: Distribution, servers: int, rate: float, wait: float):
    run = simulate_farm(queue_farm(service, servers), Poisson(rate), duration=JOBS / rate, seed=2)
    assert within(run.waiting, rate * wait)  # Little's law of the queue
    assert within(run.in_farm, rate * (wait + 1))
    assert within(run.resources["slots"].occupancy, 100 * rate / servers)


def test_a_finite_queue():
    run = simulate_farm(queue_farm(Exponential(1.0), 10, 10), Poisson(9.0), duration=JOBS / 9, seed=3)
    assert within(run.fates["lost: queue"], 100 * mmck_loss(9, 10, 20))


def test_tandem_queues_each_behave_as_if_alone():
    """Jackson: builder M/M/1, nodes M/M/4, output M/M/1 do not know of each other.

    Output and builder see the same sizes, which Jackson does not allow; the output carries them fast.
    """
    farm = Farm(
        (EventClass("all", 1.0, Exponential(1.0)),),
        (Stage("all", Exponential(4.0)),),
        Nodes(1, 4),
        builder=Link(1.0),
    )
    rate = 0.7
    history = trace_farm(farm, Poisson(rate), duration=JOBS / rate, seed=4)
    built = history.built.ended - history.arrivals
    inside = history.nodes.ended - history.built.ended
    for times, expected in ((built, 1 / (1 - rate)), (inside, mmc_wait(rate, 4, 4) + 4)):
        means = np.array([part.mean() for part in np.array_split(times[JOBS // 10 :], 20)])
        assert abs(means.mean() - expected) < 3 * means.std(ddof=1) / 20**0.5
    # and the two times of an event are independent: product form
    late = slice(JOBS // 10, None, 50)
    count = len(built[late])
    assert abs(np.corrcoef(built[late], inside[late])[0, 1]) < 4 / count**0.5


def test_a_pool_of_accelerators_is_a_queue_too():
    farm = Farm(
        (EventClass("all"),),
        (Stage("network", Exponential(1.0), accelerator=True),),
        Nodes(1, 400),
        Accelerators(10, pool=True),
    )
    run = simulate_farm(farm, Poisson(9.0), duration=JOBS / 9, seed=5)
    assert within(run.in_farm, 9 * (mmc_wait(9, 1, 10) + 1))
    assert within(run.resources["accelerators"].occupancy, 90.0)


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("dispatch", ["pull", "least loaded"])
def test_nodes_that_send_events_out_take_as_many_as_they_may(pool: bool, dispatch: str):
    """Erlang B of ``5 × 2`` servers: accelerators abound, and the one slot of a node is never long in use."""
    farm = Farm(
        (EventClass("all"),),
        (Stage("network", LogNormal(1.0, 0.8), accelerator=True),),
        Nodes(5, 1, 0, dispatch, in_flight=2),
        Accelerators(10 if pool else 2, pool=pool, holds_slot=False),
    )
    run = simulate_farm(farm, Poisson(8.0), duration=JOBS / 8, seed=1)
    assert within(run.fates["lost: queue"], 100 * erlang_b(8, 10))


@pytest.mark.parametrize("queue", [0, 5, math.inf])
def test_as_many_in_flight_as_slots_is_a_slot_that_waits(queue: float):
    held = complete_farm(Nodes(5, 4, queue), TimeOut("1.2 s", "accepted"))
    free = complete_farm(Nodes(5, 4, queue, in_flight=4), TimeOut("1.2 s", "accepted"), holds_slot=False)
    one, other = (trace_farm(farm, Poisson(100.0), duration=20.0, seed=2) for farm in (held, free))
    np.testing.assert_array_equal(one.fate, other.fate)
    np.testing.assert_array_equal(one.decided, other.decided)


def test_full_batches_share_their_launch():
    """Batches of 4 always fill where events wait for ever: the load is launch / 4 + 1 per event."""
    farm = Farm(
        (EventClass("all"),),
        (Stage("network", Constant(0.1), accelerator=True),),
        Nodes(1, 4000),
        Accelerators(1, pool=True, batch=4, wait=1e6, launch=1.0),
    )
    run = simulate_farm(farm, Poisson(2.0), duration=50_000.0, seed=5)
    assert within(run.resources["accelerators"].occupancy, 2.0 * (1.0 / 4 + 0.1) * 100)
    assert run.resources["accelerators"].load == pytest.approx(0.7, rel=0.02)


def test_nodes_are_up_as_often_as_mtbf_and_mttr_say():
    """An event starts anew when its node fails: in all it takes ``T (E[exp(s / T)] - 1)``, T the MTBF."""
    farm = Farm(
        (EventClass("all"),),
        (Stage("all", Exponential(1.0)),),
        Nodes(40, failures=Failures("10 s", "2.5 s", "again")),
    )
    run = simulate_farm(farm, Poisson(20.0), duration=20_000.0, seed=6)
    assert within(run.nodes_up, 32.0)
    assert set(run.lost) == set()
    spent = 10 * (1 / (1 - 1 / 10) - 1)
    assert within(run.resources["slots"].occupancy, 100 * 20 * spent / 32)


@pytest.mark.parametrize("servers", [1, 7, 100])
def test_the_loop_and_the_fast_path_start_every_job_at_the_same_time(servers: int):
    source = Poisson(0.9 * servers)
    history = trace_farm(queue_farm(LogNormal(1.0, 0.8), servers), source, duration=20_000 / servers, seed=7)
    started = serve(history.arrivals, history.drawn.work[:, 0], servers)
    np.testing.assert_allclose(history.nodes.began, started, rtol=0, atol=1e-9)
