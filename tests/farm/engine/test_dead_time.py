"""Dead time: the table of expected losses, exact formulae, and a plain reference of every rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.errors import SettingsError
from nanosieve.farm.engine import (
    ATLAS_RULES,
    CMS_RULES,
    DeadTimeRules,
    FrontEndBuffer,
    HardwareTrigger,
    LeakyBucket,
    SlidingWindow,
    erlang_b,
    live_fraction_poisson,
    live_fraction_train,
    simulate_dead_time,
)
from nanosieve.farm.engine.dead_time import candidate_crossings, veto
from nanosieve.farm.engine.dead_time_rules import CROSSING_TIME
from nanosieve.physics.filling import SLOTS, FillingScheme, find_scheme

SCHEME = find_scheme("lhc-2544-48b")


def within(figure, expected: float, sigmas: float = 3.0) -> bool:
    return abs(figure.value - expected) < sigmas * figure.error


@pytest.mark.parametrize(
    ("rules", "losses"),
    [
        (ATLAS_RULES, {50: 0.85, 75: 2.1, 90: 5.45, 100: 9.55, 110: 14.95}),
        (CMS_RULES, {50: 0.4, 75: 0.75, 90: 1.0, 100: 1.2, 110: 1.35, 750: 38.0}),
        (DeadTimeRules(simple=4), {750: 9.1, 1000: 11.7}),
    ],
    ids=["ATLAS", "CMS", "simple"],
)
def test_losses_are_those_expected(rules: DeadTimeRules, losses: dict[int, float]):
    """Percentages of candidates, allowed to differ by 0.6 points as the trains are an approximation."""
    for rate, lost in losses.items():
        run = simulate_dead_time(HardwareTrigger(rate * 1e3, rules=rules), SCHEME, duration="2 s")
        assert 100 - run.live.value == pytest.approx(lost, abs=0.6)
        assert run.live.error < 0.2


def test_an_endless_train_loses_what_the_formula_says():
    scheme, rules = FillingScheme.uniform(), DeadTimeRules(simple=4)
    for rate in (1e5, 1e6, 1e7):
        run = simulate_dead_time(HardwareTrigger(rate, rules=rules), scheme, duration=0.5)
        assert within(run.live, 100 * live_fraction_train(rate / scheme.crossing_rate, 4))


def test_rare_candidates_lose_what_a_poisson_stream_loses():
    scheme, rules, rate = FillingScheme.uniform(), DeadTimeRules(simple=400), 2e4
    run = simulate_dead_time(HardwareTrigger(rate, rules=rules), scheme, duration="5 s")
    assert within(run.live, 100 * live_fraction_poisson(rate, 400 * CROSSING_TIME))


def test_a_uniform_stream_underestimates_the_loss_inside_trains():
    """Spread over as many bunches 35 ns apart, a veto of 125 ns covers fewer crossings than in a train."""
    trigger = HardwareTrigger("100 kHz", rules=DeadTimeRules(simple=5))
    even, trains = (
        simulate_dead_time(trigger, scheme, duration="2 s").live
        for scheme in (FillingScheme.uniform(SCHEME.bunches), SCHEME)
    )
    assert even.value - trains.value > 5 * math.hypot(even.error, trains.error)


def test_a_front_end_of_depth_one_is_a_server_without_a_queue():
    scheme, rate = FillingScheme.uniform(), 4e5
    rules = DeadTimeRules(front_end=FrontEndBuffer(1, 60))
    run = simulate_dead_time(HardwareTrigger(rate, rules=rules), scheme, duration="1 s")
    load = rate * 60 * CROSSING_TIME
    # 59 crossings behind an accept are vetoed; Erlang B is the limit of rare candidates
    assert within(run.live, 100 * live_fraction_train(rate / scheme.crossing_rate, 59))
    assert run.live.value == pytest.approx(100 * (1 - erlang_b(load, 1)), abs=1.0)


def slow_veto(crossings: list[int], rules: DeadTimeRules) -> list[int]:
    """Every rule as it is stated, from the list of all accepts, bunch by bunch for the buffers."""
    accepts: list[int] = []
    levels = [0] * len(rules.buckets)
    reading: list[int] = []
    found, waiting = [], set(crossings)
    for now in range(max(crossings, default=-1) + 1):
        levels = [max(0, level - 1) for level in levels]  # in 1/period of an accept
        reading = [end for end in reading if end > now]
        if now not in waiting:
            continue
        blocked = [any(now - a <= rules.simple for a in accepts)] if rules.simple else []
        pairs = zip(levels, rules.buckets, strict=True)
        blocked += [level + bucket.period > bucket.size * bucket.period for level, bucket in pairs]
        for window in rules.windows:
            blocked.append(sum(now - a < window.crossings for a in accepts) >= window.accepts)
        if rules.front_end:
            blocked.append(len(reading) >= rules.front_end.depth)
        found.append(blocked.index(True) + 1 if any(blocked) else 0)
        if not any(blocked):
            accepts.append(now)
            levels = [level + b.period for level, b in zip(levels, rules.buckets, strict=True)]
            if rules.front_end:
                reading.append(max([now, *reading]) + rules.front_end.readout)
    return found


rules_of_all_kinds = st.builds(
    DeadTimeRules,
    simple=st.integers(0, 6),
    buckets=st.lists(st.builds(LeakyBucket, st.integers(1, 4), st.integers(1, 30)), max_size=2).map(tuple),
    windows=st.lists(st.builds(SlidingWindow, st.integers(1, 4), st.integers(5, 60)), max_size=3).map(tuple),
    front_end=st.none() | st.builds(FrontEndBuffer, st.integers(1, 4), st.integers(1, 40)),
)


@given(rules=rules_of_all_kinds, crossings=st.sets(st.integers(0, 400), max_size=120))
def test_the_compiled_rules_are_those_stated(rules: DeadTimeRules, crossings: set[int]):
    ordered = sorted(crossings)
    assert veto(np.array(ordered, dtype=np.int64), rules).tolist() == slow_veto(ordered, rules)


@given(rules=rules_of_all_kinds, seed=st.integers(0, 99))
def test_no_window_ever_holds_more_accepts_than_it_may(rules: DeadTimeRules, seed: int):
    crossings = np.flatnonzero(np.random.default_rng(seed).random(3000) < 0.2)
    accepts = crossings[veto(crossings, rules) == 0]
    for window in rules.windows:
        spans = accepts[window.accepts :] - accepts[: -window.accepts]
        assert (spans >= window.crossings).all()


@pytest.mark.parametrize("rate", [1e6, 1e7])
def test_candidates_arise_in_filled_slots_as_often_as_they_should(rate: float):
    trigger, orbits = HardwareTrigger(rate), 2000
    crossings = candidate_crossings(trigger, SCHEME, orbits, np.random.default_rng(1))
    assert set(np.unique(crossings % SLOTS)) <= set(SCHEME.slots.tolist())
    assert (np.diff(crossings) > 0).all()
    expected = orbits * SLOTS * CROSSING_TIME * rate
    assert abs(len(crossings) - expected) < 4 * math.sqrt(expected)


@pytest.mark.parametrize("rate", [1e6, 5e6])
def test_bunches_may_differ(rate: float):
    first = {int(slot): 3.0 for slot in SCHEME.trains[:, 0]}
    trigger = HardwareTrigger(rate, slot_weights=first)
    crossings = candidate_crossings(trigger, SCHEME, 3000, np.random.default_rng(1))
    counts = np.bincount(crossings % SLOTS, minlength=SLOTS)[SCHEME.slots]
    heavy = np.isin(SCHEME.slots, SCHEME.trains[:, 0])
    assert counts[heavy].mean() / counts[~heavy].mean() == pytest.approx(3.0, abs=0.1)
    expected = 3000 * SLOTS * CROSSING_TIME * rate
    assert abs(len(crossings) - expected) < 4 * math.sqrt(expected)


def test_a_fixed_latency_delays_by_exactly_its_depth():
    trigger = HardwareTrigger("50 kHz", "4 us", pipeline=161)
    run = simulate_dead_time(trigger, SCHEME, duration=0.1)
    assert trigger.depth == 161
    assert np.rint(run.times / CROSSING_TIME).astype(int).tolist() == (run.crossings + 161).tolist()


def test_accepts_and_losses_add_up():
    run = simulate_dead_time(HardwareTrigger("200 kHz", rules=CMS_RULES), SCHEME, duration=0.5)
    assert run.live.value + sum(loss.value for loss in run.losses.values()) == pytest.approx(100)
    assert run.accepted.value == pytest.approx(run.candidates.value * run.live.value / 100)
    assert len(run.crossings) == round(run.accepted.value * 1e3 * run.duration)


def test_the_same_seed_gives_the_same_accepts():
    runs = [
        simulate_dead_time(HardwareTrigger("100 kHz"), SCHEME, duration=0.1, seed=seed) for seed in (1, 1, 2)
    ]
    assert (runs[0].crossings == runs[1].crossings).all()
    assert len(runs[0].crossings) != len(runs[2].crossings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HardwareTrigger("100 ms"), r"^hardware trigger: rate = '100 ms' is not a quantity in units"),
        (lambda: HardwareTrigger(0), r"^hardware trigger: rate = 0 must be above zero"),
        (lambda: HardwareTrigger(1e5, "-1 us"), r"^hardware trigger: latency = '-1 us' must be zero or more"),
        (
            lambda: HardwareTrigger(1e5, "4 us", pipeline=100),
            r"^hardware trigger: pipeline = 100 BC is shorter than the latency, 161 BC, so that data",
        ),
        (lambda: DeadTimeRules(simple=-1), r"^dead time: simple = -1 is not accepted; write a whole number"),
        (lambda: LeakyBucket(0, 415), r"^leaky bucket: size = 0 is not accepted"),
        (lambda: SlidingWindow(5, 5), r"^sliding window: 5 accepts in 5 crossings forbids nothing"),
        (lambda: FrontEndBuffer(4, math.inf), r"^front-end buffer: readout is infinite; leave the rule out"),
        (
            lambda: simulate_dead_time(HardwareTrigger("40 MHz"), SCHEME, duration=0.1),
            r"^hardware trigger: rate = 4e\+07 Hz is more than the filled crossings .* lower it$",
        ),
        (
            lambda: simulate_dead_time(HardwareTrigger(1e5), SCHEME, duration="1 ms"),
            r"^dead time: duration = '1 ms' must be finite and at least 20 orbits of 89 µs$",
        ),
        (
            lambda: simulate_dead_time(
                HardwareTrigger(1e5, slot_weights=dict.fromkeys(range(SLOTS), 0.0)), SCHEME
            ),
            r"^hardware trigger: slot_weights of scheme .* are all zero; raise some$",
        ),
    ],
)
def test_bad_input_is_refused(call, message: str):
    with pytest.raises(SettingsError, match=message):
        call()
