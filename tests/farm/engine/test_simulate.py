"""What a run reports: fates, errors, growth; and what follows from each part of a farm, in small."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.farms import complete_farm, queue_farm
from nanosieve.errors import InvariantError, SettingsError, UnknownNameError
from nanosieve.farm.engine import (
    FATES,
    Accelerators,
    BehindTrigger,
    Constant,
    EventClass,
    Exponential,
    Failures,
    Farm,
    FarmRun,
    HardwareTrigger,
    Link,
    LogNormal,
    Nodes,
    Poisson,
    RateProfile,
    Recorded,
    Stage,
    TimeOut,
    heap,
    history,
    nodes,
    nodes_run,
    simulate_farm,
    stations,
    sweep,
    tables,
    trace_farm,
)
from nanosieve.farm.engine.compiled import version_of
from nanosieve.farm.engine.draws import draw_events, draw_outages
from nanosieve.farm.engine.invariants import check_conservation, check_little
from nanosieve.farm.engine.loop import run as run_loop
from nanosieve.farm.engine.tables import ACCEPTED, IN_FLIGHT
from nanosieve.figure import Figure
from nanosieve.physics.filling import find_scheme

ONE = (EventClass("all", 1.0, Constant(100.0)),)


def at(*times: float) -> Recorded:
    return Recorded(np.array(times))


def fates(farm: Farm, source: Recorded, **others) -> list[str]:
    return [FATES[k] for k in trace_farm(farm, source, duration=100.0, batches=2, **others).fate]


def decided(farm: Farm, source: Recorded) -> list[float]:
    return trace_farm(farm, source, duration=100.0, batches=2).decided.tolist()


class TestPartsByHand:
    def test_a_builder_passes_one_by_one_and_loses_what_does_not_fit(self):
        farm = Farm(ONE, (Stage("a", Constant(0.0)),), Nodes(9), builder=Link(100.0, 250.0))
        assert decided(farm, at(0, 0.5, 0.75, 5)) == [1.0, 2.0, 0.75, 6.0]
        assert fates(farm, at(0, 0.5, 0.75, 5)) == ["accepted", "accepted", "lost: builder", "accepted"]

    def test_a_builder_that_stops_the_input_takes_any_event_while_there_is_room(self):
        """150 byte of 250 are taken at 0.75, so that the third enters whatever its size; then it is full."""
        farm = Farm(ONE, (Stage("a", Constant(0.0)),), Nodes(9), builder=Link(100.0, 250.0, stops=True))
        assert fates(farm, at(0, 0.5, 0.75, 0.8)) == ["accepted", "accepted", "accepted", "lost: builder"]

    def test_an_output_loses_accepted_events(self):
        farm = Farm(ONE, (Stage("a", Constant(0.0)),), Nodes(9), output=Link(10.0, 150.0))
        assert fates(farm, at(0, 1, 11)) == ["accepted", "lost: output", "accepted"]

    def test_round_robin_does_not_look_least_loaded_does(self):
        stages = (Stage("a", Constant(10.0)),)
        source = at(0, 1, 12, 13)
        blind = Farm(ONE, stages, Nodes(3, dispatch="round robin"))
        assert [n % 3 for n in range(4)] == trace_nodes(blind, source)
        seeing = Farm(ONE, stages, Nodes(3, dispatch="least loaded"))
        assert trace_nodes(seeing, source) == [0, 1, 0, 1]

    def test_what_timed_out_on_its_way_back_is_no_load(self):
        """The first is back at 3, where the third has its slot, and times out at 3.5; the fourth sees it."""
        stages = (Stage("a", Constant(2.0)), Stage("b", Constant(1.0), 1.0, True), Stage("c", Constant(1.0)))
        there = Accelerators(1, holds_slot=False)
        farm = Farm(ONE, stages, Nodes(2, dispatch="least loaded"), there, time_out=TimeOut(3.5))
        assert trace_nodes(farm, at(0, 0.1, 0.2, 3.55)) == [0, 1, 0, 0]

    def test_batches_wait_for_company_but_not_for_ever(self):
        farm = Farm(
            ONE,
            (Stage("network", Constant(1.0), accelerator=True),),
            Nodes(1, 9),
            Accelerators(1, batch=2, wait=3.0, launch=0.5),
        )
        # 0 and 1 fill a batch: 1 + 0.5 + 2; 10 waits until 13: 13 + 0.5 + 1
        assert decided(farm, at(0, 1, 10)) == [3.5, 3.5, 14.5]

    def test_the_way_to_a_pool_takes_its_time(self):
        farm = Farm(
            ONE,
            (Stage("network", Constant(1.0), accelerator=True),),
            Nodes(1, 9),
            Accelerators(5, pool=True, bandwidth=100.0, latency=0.25, sent=1.0, returned=0.5),
        )
        # sent 0-1, +0.25, computed until 2.25, returned until 2.75, +0.25; the second is on the link 1-2
        assert decided(farm, at(0, 0)) == [3.0, 4.0]

    def test_a_slot_that_does_not_wait_does_other_work(self):
        stages = (Stage("network", Constant(5.0), accelerator=True), Stage("b", Constant(1.0)))
        held = Farm(ONE, stages, Nodes(1, 1), Accelerators(2))
        free = dataclasses.replace(held, accelerators=Accelerators(2, holds_slot=False))
        assert decided(held, at(0, 0)) == [6.0, 12.0]
        assert decided(free, at(0, 0)) == [6.0, 7.0]

    def test_a_full_queue_is_tried_again(self):
        stages = (Stage("network", Constant(4.0), accelerator=True),)
        there = Accelerators(1, queue=1, retries=3, retry_after=2.0)
        farm = Farm(ONE, stages, Nodes(1, 9), there)
        # the third finds the queue full at 0 and 2, not at 4
        assert decided(farm, at(0, 0, 0)) == [4.0, 8.0, 12.0]
        stubborn = dataclasses.replace(farm, accelerators=dataclasses.replace(there, retries=1))
        assert fates(stubborn, at(0, 0, 0)) == ["accepted", "accepted", "lost: accelerator"]

    @pytest.mark.parametrize(
        ("time_out", "expected"),
        [
            (TimeOut(3.0), ["accepted", "lost: time-out"]),
            (TimeOut(3.0, "accepted"), ["accepted", "force-accepted"]),
        ],
    )
    def test_what_takes_too_long_is_lost_or_stored(self, time_out: TimeOut, expected: list[str]):
        classes = (EventClass("fast", 0.5), EventClass("slow", 0.5))
        stages = (Stage("a", {"fast": Constant(2.0), "slow": Constant(4.0)}),)
        farm = Farm(classes, stages, Nodes(100), time_out=time_out)
        history = trace_farm(farm, Poisson(1.0), duration=100.0, batches=2)
        for k, fate in enumerate(expected):
            mine = history.drawn.event_class == k
            assert {FATES[f] for f in history.fate[mine]} == {fate}
            np.testing.assert_allclose((history.decided - history.arrivals)[mine], (2.0, 3.0)[k])

    def test_the_clock_of_a_time_out_may_run_from_the_arrival(self):
        stages = (Stage("a", Constant(2.0)),)
        start = Farm(ONE, stages, Nodes(1), time_out=TimeOut(3.0))
        assert fates(start, at(0, 0, 0)) == ["accepted"] * 3
        arrival = Farm(ONE, stages, Nodes(1), time_out=TimeOut(3.0, clock="arrival"))
        assert fates(arrival, at(0, 0, 0)) == ["accepted", "lost: time-out", "lost: time-out"]
        assert decided(arrival, at(0, 0, 0)) == [2.0, 3.0, 3.0]

    def test_early_rejection_saves_the_later_stages(self):
        farm = Farm(ONE, (Stage("a", Constant(1.0), 0.0), Stage("b", Constant(50.0))), Nodes(9))
        assert decided(farm, at(0, 1)) == [1.0, 2.0]
        assert fates(farm, at(0, 1)) == ["rejected", "rejected"]

    @pytest.mark.parametrize("dispatch", ["pull", "round robin", "least loaded"])
    @pytest.mark.parametrize("pool", [True, False])
    @pytest.mark.parametrize("holds_slot", [True, False])
    def test_failing_nodes_lose_events_or_give_them_back(self, dispatch: str, pool: bool, holds_slot: bool):
        def run(events: str) -> FarmRun:
            most = math.inf if holds_slot else 6
            down = Failures("2 s", "0.5 s", events)
            nodes = Nodes(5, 4, dispatch=dispatch, failures=down, in_flight=most)
            farm = complete_farm(nodes, pool=pool, holds_slot=holds_slot)
            return simulate_farm(farm, Poisson(50.0), duration=60.0, seed=3)

        lost, again = run("lost"), run("again")
        assert lost.fates["lost: failure"].value > 5
        assert "lost: failure" not in again.fates
        assert again.fates["rejected"].value > lost.fates["rejected"].value
        assert lost.nodes_up.value == pytest.approx(4.0, abs=0.3)


class TestOutages:
    """Node 0 fails at 1 and is back at 4; what happens then, by hand."""

    @pytest.fixture(autouse=True)
    def outages(self, monkeypatch):
        times = np.array([1.0, 4.0]), np.array([0, ~0])
        monkeypatch.setattr(history, "draw_outages", lambda *_: times)

    def farm(self, count: int, slots: int, events: str, **others) -> Farm:
        nodes = Nodes(count, slots, failures=Failures(1.0, 1.0, events), **others)
        return Farm(ONE, (Stage("a", Constant(2.0)),), nodes)

    def test_what_runs_and_waits_on_the_node_is_lost(self):
        farm = self.farm(2, 1, "lost", dispatch="round robin")
        # 0 and 0.4 go to node 0, 0.2 and 0.6 to node 1
        assert fates(farm, at(0, 0.2, 0.4, 0.6)) == ["lost: failure", "accepted"] * 2
        assert decided(farm, at(0, 0.2, 0.4, 0.6)) == [1.0, 2.2, 1.0, 4.2]

    def test_or_goes_elsewhere_and_starts_anew(self):
        farm = self.farm(2, 1, "again", dispatch="round robin")
        assert decided(farm, at(0, 0.2, 0.4, 0.6)) == [6.2, 2.2, 8.2, 4.2]

    def test_a_common_queue_waits_for_the_node_to_come_back(self):
        farm = self.farm(1, 1, "again")
        assert decided(farm, at(0, 0.5, 2)) == [8.0, 6.0, 10.0]  # the failed one queues up behind
        farm = self.farm(1, 3, "again")
        assert decided(farm, at(0, 0.5, 2)) == [6.0, 6.0, 6.0]

    def test_without_a_node_that_is_up_the_others_lose(self):
        for dispatch in ("round robin", "least loaded"):
            farm = self.farm(1, 1, "again", dispatch=dispatch)
            assert fates(farm, at(0, 2, 5)) == ["lost: queue", "lost: queue", "accepted"]

    def test_a_pool_works_on_for_nothing(self):
        """The event that its node forgot keeps the accelerator busy until 2; it is computed again behind."""
        stages = (Stage("network", Constant(2.0), accelerator=True),)
        nodes = Nodes(2, 1, failures=Failures(1.0, 1.0, "again"))
        farm = Farm(ONE, stages, nodes, Accelerators(1, pool=True))
        assert decided(farm, at(0)) == [4.0]
        own = Farm(ONE, stages, nodes, Accelerators(1))
        assert decided(own, at(0)) == [3.0]

    def test_a_time_out_does_not_outlive_its_event(self):
        farm = dataclasses.replace(self.farm(1, 1, "again"), time_out=TimeOut(2.5))
        assert fates(farm, at(0)) == ["accepted"]
        slow = dataclasses.replace(farm, stages=(Stage("a", Constant(9.0)),))
        assert decided(slow, at(0)) == [6.5]
        assert fates(slow, at(0)) == ["lost: time-out"]


def trace_nodes(farm: Farm, source: Recorded) -> list[int]:
    """The node of each event, from the tables of the loop."""
    drawn = draw_events(farm, len(source.times), 0)
    t = nodes_run._tables(
        farm, source.times, drawn, draw_outages(None, 1, 1.0, 0), np.array([0.0, 100.0]), 1000
    )
    run_loop(t)
    return t.events["node"].tolist()


class TestReports:
    farm = complete_farm(Nodes(5, 4, 5, "least loaded"), TimeOut("1.2 s", "accepted"))

    def test_fates_add_up_to_the_whole_for_every_class(self):
        run = simulate_farm(self.farm, Poisson(100.0), duration=50.0)
        for table in (run.fates, *run.classes.values()):
            assert sum(share.value for share in table.values()) == pytest.approx(100)
        assert "in flight" not in run.fates
        assert run.kept["boosted"].value > run.kept["minimum bias"].value
        assert set(run.latency) == {"all", "minimum bias", "boosted"}
        assert all(share.provenance == "simulated" for share in run.fates.values())

    def test_a_time_out_takes_the_events_of_interest(self):
        farm = complete_farm(Nodes(40, 4), TimeOut("1.0 s"), count=20, bandwidth="1 GB/s")
        run = simulate_farm(farm, Poisson(100.0), duration=100.0)
        soft, hard = (run.classes[name]["lost: time-out"] for name in ("minimum bias", "boosted"))
        assert hard.value - soft.value > 10 * math.hypot(hard.error, soft.error)

    def test_the_same_seed_gives_the_same_run_and_another_one_does_not(self):
        one, same, other = (
            simulate_farm(self.farm, Poisson(100.0), duration=20.0, seed=seed) for seed in (5, 5, 6)
        )
        skip = {"farm"}
        for entry in dataclasses.fields(FarmRun):
            if entry.name not in skip:
                assert repr(getattr(one, entry.name)) == repr(getattr(same, entry.name)), entry.name
        assert repr(one.fates) != repr(other.fates)

    def test_busy_and_idle_seconds_fill_the_time(self):
        run = simulate_farm(self.farm, Poisson(100.0), duration=20.0)
        assert set(run.resources) == {"builder", "slots", "accelerators", "output"}
        for name, resource in run.resources.items():
            whole = resource.units * run.duration
            assert resource.busy.value + resource.idle.value == pytest.approx(whole), name
            assert resource.occupancy.value == pytest.approx(100 * resource.busy.value / whole)

    def test_the_busy_time_of_a_link_is_that_of_its_bytes(self):
        farm = Farm(ONE, (Stage("a", Constant(0.1)),), Nodes(9), builder=Link(1000.0), output=Link(2000.0))
        run = simulate_farm(farm, Poisson(4.0), duration=5000.0, seed=2)
        offered = run.offered.value * 0.1
        assert run.resources["builder"].occupancy.value == pytest.approx(100 * offered, rel=1e-2)
        assert run.resources["output"].occupancy.value == pytest.approx(50 * offered, rel=1e-2)
        assert run.output_bandwidth.value == pytest.approx(100 * run.output_rate.value)
        assert run.resources["builder"].load == pytest.approx(0.4, rel=0.03)

    def test_a_run_without_warm_up_counts_every_event(self):
        run = simulate_farm(queue_farm(Constant(0.5), 9), at(*range(100)), duration=100.0, warm_up=0.0)
        assert (run.events, run.offered.value, run.in_farm.value) == (100, 1.0, 0.5)
        late = simulate_farm(queue_farm(Constant(0.5), 9), at(*range(100)), duration=100.0, warm_up=0.25)
        assert late.events == 75

    def test_the_numbers_become_json(self):
        source = BehindTrigger(HardwareTrigger("2 kHz"), find_scheme("lhc-2544-48b"))
        run = simulate_farm(queue_farm(Constant("1 ms"), 9), source, duration="1 s")
        read = json.loads(json.dumps(run.to_dict(), allow_nan=False))
        assert Figure.from_dict(read["dead_time"]["live"]) == run.dead_time.live
        assert Figure.from_dict(read["latency"]["all"]["0.5"]) == run.latency["all"][0.5]
        assert Figure.from_dict(read["resources"]["slots"]["busy"]) == run.resources["slots"].busy
        assert read["unstable"] == []

    def test_errors_fall_with_the_root_of_the_length(self):
        farm = queue_farm(Exponential(1.0), 10, 0)
        short, long = (simulate_farm(farm, Poisson(8.0), duration=t, batches=50) for t in (2000.0, 50_000.0))
        ratio = short.fates["lost: queue"].error / long.fates["lost: queue"].error
        assert ratio == pytest.approx(5.0, rel=0.4)


class TestInstability:
    def test_a_load_above_one_is_reported_with_its_growth(self):
        run = simulate_farm(queue_farm(Exponential(1.0), 10), Poisson(12.0), duration=2000.0)
        assert run.unstable == ("farm",)
        assert abs(run.growth["farm"].value - 2.0) < 3 * run.growth["farm"].error
        assert run.latency == {}
        assert run.resources["slots"].load == pytest.approx(1.2, rel=0.05)
        assert run.verdict().startswith("unstable: the backlog grows at farm by 2.")

    def test_a_load_below_one_is_not(self):
        for seed in range(10):
            run = simulate_farm(queue_farm(Exponential(1.0), 10), Poisson(9.5), duration=2000.0, seed=seed)
            assert run.unstable == ()
            assert run.latency["all"][0.5].value > 0
        assert run.verdict() == "stable: no backlog grows"

    def test_a_finite_queue_loses_instead(self):
        run = simulate_farm(queue_farm(Exponential(1.0), 10, 5), Poisson(20.0), duration=2000.0)
        assert run.unstable == ()
        assert run.fates["lost: queue"].value == pytest.approx(50, abs=2)
        assert run.verdict().startswith("overloaded: no backlog grows, as what does not fit is lost; offered")

    @pytest.mark.parametrize("part", ["builder", "output"])
    def test_links_may_be_the_place(self, part: str):
        farm = Farm(ONE, (Stage("a", Constant(0.1)),), Nodes(99), **{part: Link(1000.0)})
        run = simulate_farm(farm, Poisson(11.0), duration=500.0)
        assert run.unstable == (part,)
        assert abs(run.growth[part].value - 1.0) < 3.5 * run.growth[part].error

    @pytest.mark.parametrize(("queue", "expected"), [(0, ()), (math.inf, ("farm",))])
    def test_an_output_that_is_spared_by_losses_before_it_is_stable(self, queue: float, expected):
        """Offered 2 events/s of 100 byte for 150 byte/s, and one slot lets only one of them through."""
        farm = Farm(ONE, (Stage("a", Constant(1.0)),), Nodes(1, 1, queue), output=Link(150.0))
        run = simulate_farm(farm, Poisson(2.0), duration=2000.0)
        assert run.resources["output"].load > 1.2
        assert run.unstable == expected

    def test_slow_accelerators_too(self):
        stages = (Stage("network", Constant(1.0), accelerator=True),)
        there = Accelerators(1, pool=True, holds_slot=False)
        nodes = Nodes(2, 2, in_flight=20)
        run = simulate_farm(Farm(ONE, stages, nodes, there), Poisson(2.0), duration=500.0)
        assert run.unstable == ("farm",)
        assert run.growth["farm"].value == pytest.approx(1.0, rel=0.2)


class TestSources:
    def test_events_behind_a_hardware_trigger(self):
        trigger, scheme = HardwareTrigger("100 kHz"), find_scheme("lhc-2544-48b")
        farm = queue_farm(Constant("1 ms"), 150)
        run = simulate_farm(farm, BehindTrigger(trigger, scheme), duration="0.5 s")
        assert run.dead_time is not None
        assert run.offered.value == pytest.approx(1e3 * run.dead_time.accepted.value, rel=0.01)
        assert 100 - run.dead_time.live.value == pytest.approx(9.5, abs=0.6)

    def test_a_profile_has_the_expected_number_of_events_in_every_part(self):
        profile = RateProfile((0.0, 10.0, 20.0, 30.0), (0.0, 1e4, 1e4, 2e3))
        times = profile.arrivals(40.0, np.random.default_rng(3))
        assert (np.diff(times) >= 0).all()
        found = np.histogram(times, [0, 5, 10, 20, 30, 40])[0]
        expected = np.array([12_500, 37_500, 100_000, 60_000, 20_000])
        assert (np.abs(found - expected) < 4 * np.sqrt(expected)).all()

    def test_a_fill_ramps_stays_level_and_decays(self):
        profile = RateProfile.fill(1e3, ramp=10, levelled=100, lifetime=200, duration=310)
        rates = [profile.rate_at(t) for t in (0, 5, 10, 110, 310)]
        assert rates == pytest.approx([0, 500, 1000, 1000, 1000 / math.e], rel=1e-3)

    def test_a_ramp_is_no_instability(self):
        profile = RateProfile((0.0, 1000.0), (5.0, 9.0))
        run = simulate_farm(queue_farm(Exponential(1.0), 20), profile, duration=1000.0)
        assert run.unstable == ()


@settings(max_examples=25, deadline=None)
@given(
    dispatch=st.sampled_from(["pull", "round robin", "least loaded"]),
    count=st.integers(1, 9),
    queue=st.sampled_from([0, 3, math.inf]),
    pool=st.booleans(),
    in_flight=st.sampled_from([None, 2, 3, 20]),
    fails=st.sampled_from([None, Failures(1.0, 0.3, "lost"), Failures(1.0, 0.3, "again")]),
    time_out=st.sampled_from(
        [None, TimeOut(0.3, "lost", "arrival"), TimeOut(0.3, "accepted"), TimeOut(1.0, "accepted", "arrival")]
    ),
    rate=st.sampled_from([20.0, 200.0]),
    seed=st.integers(0, 10_000),
)
def test_no_farm_breaks_conservation_or_littles_law(
    dispatch, count, queue, pool, in_flight, fails, time_out, rate, seed
):
    """The invariants are checked inside of every run; this only offers them odd farms.

    `in_flight` None: slots wait for accelerators.
    """
    nodes = Nodes(count, 3, queue, dispatch, fails, in_flight or math.inf)
    farm = complete_farm(nodes, time_out, pool=pool, holds_slot=in_flight is None)
    history = trace_farm(farm, Poisson(rate), duration=4.0, seed=seed)
    assert (history.decided >= history.arrivals).all()
    assert (history.fate != IN_FLIGHT).all()
    tally = history.nodes.tally
    width = np.diff(history.edges)
    assert (tally["busy"] <= 3 * tally["up"] + 1e-9).all()
    assert (tally["accelerators"] <= farm.servers * width + 1e-9).all()
    for name in ("waiting", "busy", "accelerators", "at_stations"):
        assert (tally[name] >= -1e-12).all(), name


class TestTheChecksBite:
    traced = trace_farm(queue_farm(Exponential(1.0), 3), Poisson(2.5), duration=100.0)

    def test_an_event_without_a_fate(self):
        fate = self.traced.nodes.fate.copy()
        fate[7] = IN_FLIGHT
        with pytest.raises(InvariantError, match=r"^conservation: 1 of \d+ events have no fate though"):
            check_conservation(fate, 0, 0)

    def test_an_event_counted_twice(self):
        left = self.traced.nodes.left
        with pytest.raises(InvariantError, match=r"^conservation: \d+ events in flight at the end by their"):
            check_conservation(np.full(9, ACCEPTED, dtype=np.int8), left, left + 1)

    def test_a_time_that_is_wrong_by_a_millionth(self):
        nodes = self.traced.nodes
        integral = float(nodes.tally["in_farm"].sum())
        check_little(integral, self.traced.arrivals, nodes.ended, 100.0)
        with pytest.raises(InvariantError, match=r"^Little's law: events spent [\d.]+ s in the farm, which"):
            check_little(integral * (1 + 1e-6), self.traced.arrivals, nodes.ended, 100.0)

    def test_a_run_with_a_fault_raises(self, monkeypatch):
        def forget(*arguments):
            run = honest(*arguments)
            run.ended[3] += 0.5
            return run

        honest = history.run_nodes
        monkeypatch.setattr(history, "run_nodes", forget)
        with pytest.raises(InvariantError, match="Little's law"):
            simulate_farm(queue_farm(Exponential(1.0), 3), Poisson(2.5), duration=100.0)


def test_a_heap_that_is_too_small_is_made_larger(monkeypatch):
    farm = complete_farm(Nodes(5, 4), TimeOut("1 s"))
    expected = trace_farm(farm, Poisson(100.0), duration=5.0)
    honest, rooms = nodes_run._tables, []

    def small(*arguments):
        rooms.append(arguments[-1])
        return honest(*arguments[:-1], 2 * 4 ** len(rooms))

    monkeypatch.setattr(nodes_run, "_tables", small)
    found = trace_farm(farm, Poisson(100.0), duration=5.0)
    assert len(rooms) > 1
    np.testing.assert_array_equal(found.decided, expected.decided)


def test_compiled_code_is_of_the_steps_as_they_are_now():
    t = nodes_run._tables(
        queue_farm(Constant(1.0), 1),
        np.zeros(1),
        draw_events(queue_farm(Constant(1.0), 1), 1, 0),
        draw_outages(None, 1, 1.0, 0),
        np.array([0.0, 1.0]),
        9,
    )
    run_loop(t)
    assert t.now["program"][0] == version_of(heap, nodes, stations, tables)
    assert version_of(heap) != version_of(nodes)


def test_a_sweep_gives_what_single_runs_give():
    runs = [(queue_farm(Exponential(1.0), c), Poisson(5.0)) for c in (6, 8)]
    found = dict(sweep(runs, duration=200.0, seed=3, workers=1))
    for place, (farm, source) in enumerate(runs):
        assert repr(found[place].in_farm) == repr(simulate_farm(farm, source, duration=200.0, seed=3).in_farm)


@pytest.mark.slow
def test_a_sweep_over_processes():
    runs = [(queue_farm(Exponential(1.0), c), Poisson(5.0)) for c in (6, 8)]
    alone = dict(sweep(runs, duration=200.0, workers=1))
    spread = dict(sweep(runs, duration=200.0, workers=2))
    assert {k: repr(run.in_farm) for k, run in alone.items()} == {
        k: repr(run.in_farm) for k, run in spread.items()
    }


STAGE = (Stage("tracks", Constant("1 ms")),)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Nodes(0), SettingsError, r"^nodes: count = 0 is not accepted; write a whole number of 1 or"),
        (lambda: Nodes(2, 1.5), SettingsError, r"^nodes: slots = 1.5 is not accepted"),
        (lambda: Nodes(2, dispatch="pul"), UnknownNameError, r"^unknown dispatch 'pul'; nearest: pull"),
        (lambda: Accelerators(0), SettingsError, r"^accelerators: count = 0 is not accepted"),
        (lambda: Accelerators(1, wait="-1 ms"), SettingsError, r"^accelerators: wait = '-1 ms' must be zero"),
        (lambda: Accelerators(1, latency="5 MB"), SettingsError, r"^accelerators: latency = '5 MB' is not a"),
        (
            lambda: Accelerators(1, bandwidth="5 us"),
            SettingsError,
            r"^accelerators: bandwidth = '5 us' is no",
        ),
        (
            lambda: Accelerators(1, batch=8, queue=4),
            SettingsError,
            r"^accelerators: batch = 8 never fills, a",
        ),
        (
            lambda: Link(0),
            SettingsError,
            r"^link: bandwidth = 0 must be above zero; write for example '200 G",
        ),
        (lambda: Link("2 GB"), SettingsError, r"^link: bandwidth = '2 GB' is not a quantity in units of byt"),
        (lambda: TimeOut(-1.0), SettingsError, r"^time-out: after = -1.0 must be above zero"),
        (lambda: TimeOut(1.0, "dropped"), UnknownNameError, r"^unknown fate of timed-out events 'dropped'"),
        (lambda: Failures(0, 1), SettingsError, r"^failures: mean_up = 0 must be above zero"),
        (lambda: Stage("tracks", Constant(1.0), 1.2), SettingsError, r"^stage 'tracks': keep = 1.2 is not a"),
        (
            lambda: Farm((EventClass("a", 0.5), EventClass("b", 0.4)), STAGE, Nodes(1)),
            SettingsError,
            r"^farm: classes: the fractions of a, b add up to 0.9; make it 1$",
        ),
        (
            lambda: Farm((EventClass("a", 1.5), EventClass("b", -0.5)), STAGE, Nodes(1)),
            SettingsError,
            r"^farm: classes: fraction of 'a' = 1.5 is not a fraction; accepted: 0 to 1$",
        ),
        (
            lambda: Farm((EventClass("hard"),), (Stage("a", {"soft": Constant(1.0)}),), Nodes(1)),
            SettingsError,
            r"^stage 'a': no distribution of service times for class 'hard'; add one, or give one for all",
        ),
        (
            lambda: Farm((EventClass("hard"),), (Stage("a", Constant(1.0), {"soft": 1.0}),), Nodes(1)),
            SettingsError,
            r"^stage 'a': no keep for class 'hard'; add one, 0 to 1$",
        ),
        (lambda: Farm((), STAGE, Nodes(1)), SettingsError, r"^farm: classes = \[\]; give at least one"),
        (lambda: Farm(ONE, (*STAGE, *STAGE), Nodes(1)), SettingsError, r"^farm: stages = \['tracks', 'tra"),
        (
            lambda: Farm(ONE, (Stage("a", Constant(1.0), accelerator=True),), Nodes(1)),
            SettingsError,
            r"^stage 'a' runs on an accelerator, and the farm has none; add accelerators$",
        ),
        (
            lambda: Farm(ONE, STAGE, Nodes(1), Accelerators(1)),
            SettingsError,
            r"^farm: no stage uses the accelerators; mark one, or leave them out$",
        ),
        (lambda: Nodes(2, in_flight=0), SettingsError, r"^nodes: in_flight = 0 is not accepted"),
        (
            lambda: complete_farm(Nodes(2), holds_slot=False),
            SettingsError,
            r"^nodes: with dispatch 'pull' and accelerators that hold no slot, the first node would ta",
        ),
        (lambda: EventClass("a", correlation=1.2), SettingsError, r"^class 'a': correlation = 1.2; accepted"),
        (lambda: Poisson("5 s"), SettingsError, r"^source: rate = '5 s' is not a quantity in units of Hz"),
        (lambda: Poisson(math.inf), SettingsError, r"^source: rate = inf is not finite"),
        (lambda: RateProfile((1.0, 0.0), (1.0, 1.0)), SettingsError, r"^rate profile: give ascending times"),
        (lambda: RateProfile((0.0,), (-1.0,)), SettingsError, r"^rate profile: times and rates must be fin"),
        (lambda: at(1.0, 0.5), SettingsError, r"^recorded arrivals: times must be finite, ascending"),
        (
            lambda: simulate_farm(Farm(ONE, STAGE, Nodes(1)), Poisson(1e9), duration="1 s"),
            SettingsError,
            r"^source: 1e\+09 events would arrive; accepted: up to 20,000,000 in a run; shorten it",
        ),
        (
            lambda: simulate_farm(Farm(ONE, STAGE, Nodes(1)), Poisson(1.0), duration="-1 s"),
            SettingsError,
            r"^run: duration = '-1 s' must be above zero",
        ),
        (
            lambda: simulate_farm(Farm(ONE, STAGE, Nodes(1)), Poisson(1.0), duration=9.0, quantiles=(1.5,)),
            SettingsError,
            r"^run: quantiles = \(1.5,\); accepted: probabilities between 0 and 1$",
        ),
    ],
)
def test_bad_input_is_refused(make, error, message: str):
    with pytest.raises(error, match=message):
        make()


def test_figures_everywhere():
    run = simulate_farm(complete_farm(Nodes(9, 4)), Poisson(50.0), duration=20.0)
    for value in (run.offered, run.in_farm, run.waiting, run.output_rate, run.nodes_up):
        assert isinstance(value, Figure)
        assert value.error is not None
    assert LogNormal(1.0, 1.0).mean == 1.0
