"""An independent SimPy model of complete farms: the same events meet the same fates at the same times."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

pytest.importorskip("simpy")

from helpers.farms import complete_farm
from helpers.simpy_farm import SimpyFarm
from nanosieve.farm.engine import FATES, Nodes, Poisson, TimeOut, simulate_farm, trace_farm
from nanosieve.farm.engine.draws import draw_events

TIME_OUTS = {
    "none": None,
    "forced": TimeOut("1.2 s", "accepted"),
    "from arrival": TimeOut("0.5 s", clock="arrival"),
}
HOLDING = {"holds": (True, math.inf), "free": (False, math.inf), "free, at most 5": (False, 5)}
CASES = [
    case
    for case in itertools.product(("least loaded", "round robin", "pull"), (True, False), HOLDING, TIME_OUTS)
    if case[0] != "pull" or case[2] != "free"  # which is refused
]


@pytest.mark.parametrize(("dispatch", "pool", "holding", "time_out"), CASES)
def test_every_event_ends_alike(dispatch: str, pool: bool, holding: str, time_out: str):
    holds_slot, in_flight = HOLDING[holding]
    nodes = Nodes(5, 4, 5, dispatch, in_flight=in_flight)
    farm = complete_farm(nodes, TIME_OUTS[time_out], pool=pool, holds_slot=holds_slot)
    ours = trace_farm(farm, Poisson(100.0), duration=10.0, seed=2)
    other = SimpyFarm(farm, ours.arrivals, ours.drawn).run()
    names = np.array(FATES, dtype=object)[ours.fate]
    assert len(set(names)) >= 3
    np.testing.assert_array_equal(names, other.fate)
    np.testing.assert_allclose(ours.decided, other.ended, rtol=0, atol=1e-9)
    through = ours.stored[~ours.output.lost]
    np.testing.assert_allclose(ours.output.ended[~ours.output.lost], other.stored[through], atol=1e-9)


def test_a_full_queue_of_accelerators_is_tried_again_and_lost_alike():
    farm = complete_farm(Nodes(5, 8, 5, "least loaded"), count=1, queue=3, retries=3)
    ours = trace_farm(farm, Poisson(100.0), duration=10.0, seed=2)
    other = SimpyFarm(farm, ours.arrivals, ours.drawn).run()
    names = np.array(FATES, dtype=object)[ours.fate]
    assert (names == "lost: accelerator").sum() > 20
    np.testing.assert_array_equal(names, other.fate)


@pytest.mark.slow
def test_independent_runs_agree_within_errors():
    """Other events, other seeds, summed up by hand: the whole chain from draws to figures."""
    farm = complete_farm(Nodes(5, 4, 5, "least loaded"), TIME_OUTS["forced"])
    run = simulate_farm(farm, Poisson(100.0), duration=2000.0, warm_up=0.05, seed=1)
    shares: dict[str, list[float]] = {name: [] for name in run.fates}
    medians = []
    for seed in range(10):
        rng = np.random.default_rng(1000 + seed)
        arrivals = np.cumsum(rng.exponential(0.01, 4000))
        other = SimpyFarm(farm, arrivals, draw_events(farm, len(arrivals), 500 + seed)).run()
        late = arrivals > 2.0
        for name, values in shares.items():
            values.append(100 * (other.fate[late] == name).mean())
        decided = late & ~np.char.startswith(other.fate.astype(str), "lost")
        medians.append(np.median((other.ended - arrivals)[decided]))
    for name, values in shares.items():
        error = np.hypot(np.std(values, ddof=1) / 10**0.5, run.fates[name].error)
        assert abs(np.mean(values) - run.fates[name].value) < 3.5 * error, name
    median = run.latency["all"][0.5]
    error = np.hypot(np.std(medians, ddof=1) / 10**0.5, median.error)
    assert abs(np.mean(medians) - median.value) < 3.5 * error
