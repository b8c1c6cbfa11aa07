"""Simulated designs beside closed formulae, parts beside larger parts, and farms that do not keep up."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.farm_designs import plain_design
from nanosieve.errors import SettingsError
from nanosieve.farm.designs import demand, known_designs, load_design
from nanosieve.farm.engine import Link, erlang_b, mmc_wait, simulate_farm
from nanosieve.farm.simulation import (
    CAUSES,
    DesignRun,
    Scenario,
    ShareOfTrigger,
    as_engine,
    extent,
    simulate_design,
    simulate_designs,
    time_out_scan,
)
from nanosieve.figure import Figure, Provenance


def sigmas(found: Figure, wanted: float) -> float:
    assert found.error
    return abs(found.value - wanted) / found.error


def apart(first: Figure, second: Figure) -> float:
    """Difference in standard deviations."""
    return abs(first.value - second.value) / math.hypot(first.error or 0.0, second.error or 0.0)


class TestClosure:
    """λ = 1 kHz of exponential 30 ms in 32 slots: a = 30."""

    def test_without_a_queue_what_is_lost_is_erlang_b(self, tmp_path: Path):
        run = simulate_design(plain_design(tmp_path), seconds=100)
        assert run.share == 1
        assert sigmas(run.losses["queue"], 100 * erlang_b(30, 32)) < 4
        assert sigmas(run.losses["queue"], 100 * erlang_b(30, 31)) > 4  # a slot less would be seen
        assert sum(run.losses[cause].value for cause in CAUSES if cause != "queue") < 0.01

    def test_with_a_queue_waiting_is_erlang_c(self, tmp_path: Path):
        run = simulate_design(plain_design(tmp_path, nodes={"queue": 1_000_000}), seconds=200)
        wanted = 1000 * mmc_wait(1000, 0.03, 32)
        assert sigmas(run.run.waiting, wanted) < 4
        assert sigmas(run.run.resources["slots"].occupancy, 100 * 30 / 32) < 4
        assert run.utilisation.nodes == run.run.resources["slots"].occupancy.value / 100

    def test_dead_time_comes_first_and_the_rest_is_lost_of_the_live_events(self, tmp_path: Path):
        trigger = {"accept": "1 kHz", "dead_time": {"simple": 3000}}
        run = simulate_design(plain_design(tmp_path, hardware_trigger=trigger), seconds=100)
        assert run.dead_time is not None
        assert run.live.value == pytest.approx(100 / (1 + 1e3 * 3000 * 24.95e-9), rel=0.005)
        assert run.losses["dead time"].value == pytest.approx(100 - run.live.value)
        own = run.run.fates["lost: queue"].value
        assert run.losses["queue"].value == pytest.approx(own * run.live.value / 100)
        stored = run.output_rate.value / 1e3 * 100
        rejected = run.run.fates["rejected"].value * run.live.value / 100
        assert run.lost.value + stored + rejected == pytest.approx(100, abs=0.5)

    def test_failures_are_counted_where_they_are_frequent_and_worked_out_where_not(self, tmp_path: Path):
        nodes = {"queue": 1000, "count": 4, "slots": 10}
        often = plain_design(tmp_path, nodes=nodes, failures={"mtbf": "2 s", "mttr": "10 ms"})
        counted = simulate_design(often, seconds=100).losses["failures"]
        assert counted.provenance is Provenance.SIMULATED
        rare = plain_design(tmp_path, nodes=nodes, failures={"mtbf": "20000 s", "mttr": "10 ms"})
        expected = simulate_design(rare, seconds=100).losses["failures"]
        assert expected.provenance is Provenance.ESTIMATED
        assert expected.value == pytest.approx(100 * 0.03 / 20000, rel=0.05)
        assert sigmas(counted, 1e4 * expected.value) < 4

    def test_nodes_that_do_not_fail_lose_nothing(self, tmp_path: Path):
        assert simulate_design(plain_design(tmp_path), seconds=5).losses["failures"].value == 0


@pytest.fixture(scope="module")
def pair() -> list[DesignRun]:
    """A smaller and a larger part of one farm that is asked for too much."""
    design = load_design("service")
    runs = [simulate_design(design, scenario=Scenario(rate=1.5), events=n) for n in (60_000, 600_000)]
    assert runs[0].share * 2 < runs[1].share < 1
    return runs


class TestParts:
    """A part of a farm tells the same as a larger one."""

    def test_losses_and_occupancies_do_not_depend_on_the_part(self, pair):
        assert apart(*(run.losses["event building"] for run in pair)) < 4
        assert pair[0].losses["dead time"] == pair[1].losses["dead time"]  # that of the whole trigger
        for name in ("slots", "accelerators", "output", "builder"):
            first, second = (run.run.resources[name].occupancy for run in pair)
            assert first.value == pytest.approx(second.value, rel=0.02)
        for p in (0.5, 0.9, 0.99):
            first, second = (run.latency["all"][p] for run in pair)
            assert first.value == pytest.approx(second.value, rel=0.03)

    def test_a_bandwidth_that_is_not_scaled_would_be_seen(self, pair):
        design = load_design("service")
        farm, source, _ = as_engine(design, Scenario(rate=1.5), nodes=pair[0].extent.nodes)
        wrong = replace(farm, builder=Link(design.event_building.bandwidth))
        run = simulate_farm(wrong, source, duration=10, seed=1)
        assert "lost: builder" not in run.fates
        assert pair[0].losses["event building"].value > 20

    def test_the_loss_of_the_builder_is_its_excess_and_the_same_for_all_classes(self, pair):
        run = pair[1]
        load = 1.5 * run.live.value / 100 * demand(run.design).event_building
        wanted = run.live.value * (1 - 1 / load)
        assert run.losses["event building"].value == pytest.approx(wanted, rel=0.02)
        for name in ("multijet", "leptonic", "boosted"):
            assert apart(run.processed[name], run.processed["soft"]) < 4

    def test_a_share_of_the_accepts_is_poisson_at_their_rate(self):
        _, source, _ = as_engine(load_design("gpu-in-node"), nodes=20)
        assert isinstance(source, ShareOfTrigger)
        times = source.arrivals(4.0, np.random.default_rng(1))
        whole = replace(source, share=1.0).run(0.5, np.random.default_rng(1))
        assert len(times) / 4 == pytest.approx(0.1 * 1e3 * whole.accepted.value, rel=0.02)
        gaps = np.diff(times)
        assert gaps.std() == pytest.approx(gaps.mean(), rel=0.02)
        assert np.diff(whole.times).min() > 2 * 24.9e-9  # the whole has its dead time

    def test_an_extent_is_as_large_as_the_events_allow_and_never_too_small(self, tmp_path: Path):
        assert extent(plain_design(tmp_path), Scenario()).nodes == 2
        design = load_design("triggerless")
        small = extent(design, Scenario(), events=1000)
        assert design.accelerators is not None
        assert small.nodes * design.accelerators.count / design.nodes.count >= 5
        fill = 1000 / (demand(design).input_rate * small.nodes / design.nodes.count)
        assert fill <= 0.5 * 5e-3 * 1.01
        assert extent(design, Scenario()).settled
        short = simulate_design(plain_design(tmp_path), seconds=0.15)
        assert not short.extent.settled
        assert short.extent.warm_up == 0.5
        assert short.remarks() == ["0.15 s are too short for the slowest events: occupancies are too low"]


class TestDesigns:
    @pytest.mark.parametrize("name", known_designs())
    def test_as_planned_every_design_keeps_up(self, name: str):
        run = simulate_design(load_design(name), events=50_000)
        assert run.verdict() == "stable"
        assert run.growth == {}
        planned = demand(run.design)
        occupancy = run.run.resources["slots"].occupancy.value / 100
        assert occupancy == pytest.approx(planned.nodes * run.live.value / 100, rel=0.06)
        assert run.lost.value < run.losses["dead time"].value + 0.05
        assert run.output_rate.value == pytest.approx(run.design.output.rate, rel=0.15)
        for quantiles in run.latency.values():
            values = [each.value for each in quantiles.values()]
            assert values == sorted(values)

    def test_a_farm_whose_buffers_still_fill_is_unstable_and_its_growth_counts_as_lost(self):
        run = simulate_design(load_design("triggerless"), scenario=Scenario(rate=1.5), events=50_000)
        assert run.verdict().startswith("unstable: the backlog grows at builder by 5,")
        load = 1.5 * demand(run.design).event_building
        assert sigmas(run.growth["builder"], run.input_rate * (1 - 1 / load)) < 4
        assert run.losses["event building"].value == pytest.approx(100 * (1 - 1 / load), rel=0.05)
        assert run.processed["soft"].value == pytest.approx(100 / load, rel=0.01)
        assert run.latency == {}
        assert run.remarks()[0].startswith("buffers still fill up")

    def test_a_farm_that_is_too_small_loses_at_its_queue_and_says_how_much(self, tmp_path: Path):
        run = simulate_design(
            plain_design(tmp_path, nodes={"queue": 20}), scenario=Scenario(rate=2), seconds=60
        )
        assert run.verdict() == (
            f"overloaded: offered loads of slots {run.run.resources['slots'].load:.2f} "
            f"({run.excess['slots']:,.0f} events/s too many); what does not fit is lost"
        )
        assert run.excess["slots"] == pytest.approx(2000 - 32 / 0.03, rel=0.02)
        assert run.losses["queue"].value == pytest.approx(run.excess["slots"] / 20, rel=0.02)

    def test_lost_nodes_are_missed_where_the_load_is_high(self, tmp_path: Path):
        design = plain_design(tmp_path, nodes={"count": 10, "slots": 4})
        whole = simulate_design(design, seconds=50)
        gone = simulate_design(design, scenario=Scenario(nodes_lost=0.2), seconds=50)
        assert sigmas(whole.losses["queue"], 100 * erlang_b(30, 40)) < 4
        assert sigmas(gone.losses["queue"], 100 * erlang_b(30, 32)) < 4

    def test_a_time_out_takes_the_slow_class_first(self):
        design = load_design("gpu-in-node")
        short, long = (
            simulate_design(design, scenario=each, events=50_000) for each in time_out_scan([3.0, 30.0])
        )
        assert short.undecided.value > 10 * long.undecided.value
        assert short.processed["boosted"].value < 90 < short.processed["soft"].value
        assert short.processed["boosted"].value < long.processed["boosted"].value
        assert short.kept["boosted"].value > long.kept["boosted"].value  # undecided, and stored

    def test_more_pile_up_takes_longer(self):
        design = load_design("cpu-2018")
        planned, busier = (
            simulate_design(design, scenario=Scenario(pileup=mu), events=50_000) for mu in (None, 70.0)
        )
        ratio = busier.run.resources["slots"].occupancy.value / planned.run.resources["slots"].occupancy.value
        assert ratio == pytest.approx(demand_ratio(70.0), rel=0.05)
        assert busier.cost.power.value > planned.cost.power.value


def demand_ratio(pileup: float) -> float:
    """Load of the nodes of cpu-2018 at that pile-up over that as planned."""
    design = load_design("cpu-2018")
    own = design.model_copy(update={"collisions": design.collisions.model_copy(update={"pileup": pileup})})
    return demand(own).nodes / demand(design).nodes


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(tmp_path: Path) -> None:
    design = plain_design(tmp_path)
    first, again, other = (simulate_design(design, seconds=5, seed=seed).to_dict() for seed in (1, 1, 2))
    assert first == again
    assert first["losses"] != other["losses"]


def test_many_designs_give_what_single_ones_give_and_become_json(tmp_path: Path) -> None:
    design = plain_design(tmp_path)
    tasks = [(design, Scenario()), (design, Scenario(rate=0.5))]
    told: list[tuple[float, float]] = []
    found = dict(
        simulate_designs(
            tasks, seconds=5, workers=1, progress=lambda _, done, all, note="": told.append((done, all))
        )
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert found[1].to_dict() == simulate_design(design, scenario=Scenario(rate=0.5), seconds=5).to_dict()
    document = json.loads(json.dumps(found[0].to_dict()))
    assert document["losses"]["queue"]["provenance"] == "simulated"
    assert document["scenario"] == "as planned"
    assert list(document["losses"]) == list(CAUSES)


def test_energy_per_event_is_power_over_the_events_done(tmp_path: Path) -> None:
    run = simulate_design(plain_design(tmp_path), seconds=20)
    done = 1000 * (1 - run.lost.value / 100)
    assert run.energy_per_event.value == pytest.approx(1000 * run.cost.power.value / done)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seconds": 0}, "^seconds = 0 must be above zero; write for example '60 s'$"),
        ({"events": 10}, "^events = 10 is not accepted; write a whole number of 1000 or more$"),
        ({"seed": -1}, "^seed = -1 is not accepted"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, settings: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        simulate_design(plain_design(tmp_path), **settings)  # type: ignore[arg-type]
