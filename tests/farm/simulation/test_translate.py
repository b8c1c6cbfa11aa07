"""A design and its farm in the engine ask the same of every resource, whole or in part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.farm_designs import plain_design
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.designs import Design, demand, known_designs, load_design, workload_of
from nanosieve.farm.engine import Farm, HardwareTrigger, LogNormal, Mixture
from nanosieve.farm.simulation import Scenario, as_engine
from nanosieve.farm.simulation.distributions import shaped
from nanosieve.farm.simulation.stages import mean_time, pipeline_latency
from nanosieve.farm.workload import service_time
from nanosieve.physics.filling import find_scheme


def loads(farm: Farm, rate: float) -> dict[str, float]:
    """Mean loads by the means of the distributions, with all batches full; nothing is lost."""
    asked = {"slots": 0.0, "accelerators": 0.0, "builder": 0.0, "output": 0.0, "network": 0.0}
    there = farm.accelerators
    for each in farm.classes:
        flow = rate * each.fraction
        if farm.builder is not None:
            asked["builder"] += flow * each.size.mean / float(farm.builder.bandwidth)
        for stage in farm.stages:
            resource = "accelerators" if stage.accelerator else "slots"
            places = farm.servers if stage.accelerator else farm.slots
            asked[resource] += flow * stage.service_of(each.name).mean / places
            if stage.accelerator and there is not None:
                sent = max(there.sent, there.returned) * each.size.mean
                asked["network"] += flow * sent / float(there.bandwidth)
            flow *= stage.keep_of(each.name)
        if farm.output is not None:
            asked["output"] += flow * each.size.mean / float(farm.output.bandwidth)
    return asked


def demanded(design: Design) -> dict[str, float]:
    asked = demand(design)
    return {
        "slots": asked.nodes,
        "accelerators": asked.accelerators,
        "builder": asked.event_building,
        "output": asked.output,
        "network": asked.network,
    }


def same(found: dict[str, float], wanted: dict[str, float]) -> bool:
    """The mean size is that of all classes only where all classes pass alike, as they do here."""
    return found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("name", known_designs())
def test_every_design_asks_of_the_engine_what_its_demand_says(name: str) -> None:
    design = load_design(name)
    farm, source, share = as_engine(design)
    asked = demand(design)
    assert share == 1.0
    assert (farm.nodes.count, farm.nodes.slots) == (design.nodes.count, design.nodes.slots)
    assert float(source.trigger.rate) == pytest.approx(asked.input_rate)
    assert same(loads(farm, asked.input_rate), demanded(design))
    assert [stage.accelerator for stage in farm.stages] == [
        stage.device == "accelerator" for stage in design.stages
    ]


def test_a_wrong_translation_would_be_seen() -> None:
    design = load_design("gpu-in-node")
    farm, wanted = as_engine(design).farm, demanded(design)
    for broken in (
        replace(farm, nodes=replace(farm.nodes, slots=255)),
        replace(farm, stages=(farm.stages[0], replace(farm.stages[1], keep=1.0))),
        replace(farm, classes=tuple(replace(each, size=farm.classes[0].size) for each in farm.classes)),
    ):
        assert not same(loads(broken, 110e3), wanted)


@pytest.mark.parametrize("name", known_designs())
@pytest.mark.parametrize("nodes", [14, 37])
def test_a_part_of_a_farm_has_the_loads_of_the_whole(name: str, nodes: int) -> None:
    design = load_design(name)
    farm, source, share = as_engine(design, nodes=nodes)
    assert share == nodes / design.nodes.count
    rate = share * demand(design).input_rate
    assert same(loads(farm, rate), demanded(design))
    trigger = design.hardware_trigger
    whole = 1.0 if trigger else share
    assert float(source.trigger.rate) == pytest.approx(whole * demand(design).input_rate)
    assert farm.builder is not None
    assert float(farm.builder.buffer) == pytest.approx(share * design.event_building.buffer)
    assert farm.nodes.queue == np.ceil(share * design.nodes.queue)


def test_dead_time_is_that_of_the_design() -> None:
    assert as_engine(load_design("cpu-2018")).source.trigger.rules.names == (
        "simple 4",
        "bucket 15/370",
        "bucket 7/260",
    )
    assert as_engine(load_design("phase2")).source.trigger.rules.names == ("window 16/240",)
    assert as_engine(load_design("phase2")).source.trigger.latency == 12.5e-6


def test_without_a_hardware_trigger_every_filled_crossing_arrives() -> None:
    _, source, _ = as_engine(load_design("triggerless"))
    scheme = find_scheme("lhc-2544-48b")
    assert source.trigger == HardwareTrigger(scheme.crossing_rate, 0.0, rules=source.trigger.rules)
    assert source.trigger.rules.names == ()
    arrivals = source.run(0.002, np.random.default_rng(1))
    assert len(arrivals.times) == 22 * scheme.bunches  # whole orbits; none is left out


def test_a_part_of_a_triggerless_farm_gets_whole_crossings_at_random() -> None:
    _, source, share = as_engine(load_design("triggerless"), nodes=10)
    arrivals = source.run(1.0, np.random.default_rng(1))
    assert len(arrivals.times) == pytest.approx(share * source.scheme.crossing_rate, rel=0.01)
    assert source.scheme.filled[arrivals.crossings % 3564].all()


def test_nodes_that_are_gone_take_their_accelerators_with_them_but_not_those_of_a_pool() -> None:
    gone = Scenario(nodes_lost=0.1)
    assert as_engine(load_design("gpu-in-node"), gone).farm.servers == 360
    farm = as_engine(load_design("service"), gone).farm
    assert (farm.nodes.count, farm.servers) == (180, 160)


def test_accelerators_of_a_part_that_is_no_whole_number_have_the_speed_of_their_share() -> None:
    design = load_design("service")
    farm = as_engine(design, nodes=13).farm  # 10.4 accelerators
    whole = as_engine(design).farm
    assert farm.servers == 10
    assert farm.accelerators is not None
    assert whole.accelerators is not None
    ratio = farm.stages[0].service_of("soft").mean / whole.stages[0].service_of("soft").mean
    assert ratio == pytest.approx(10 / 10.4)
    assert float(farm.accelerators.launch) == pytest.approx(10 / 10.4 * float(whole.accelerators.launch))


def test_the_network_of_a_pool_carries_what_the_design_says() -> None:
    there = as_engine(load_design("service")).farm.accelerators
    assert there is not None
    assert (there.pool, there.batch, there.wait, there.launch) == (True, 8, 0.002, pytest.approx(0.0002))
    assert (there.sent * 1.6e6, there.returned * 1.6e6) == pytest.approx((1e6, 0.2e6))
    assert there.latency == pytest.approx(0.0005)  # each way
    assert there.holds_slot


def test_events_in_flight_hold_no_slot() -> None:
    farm = as_engine(load_design("triggerless")).farm
    assert farm.accelerators is not None
    assert not farm.accelerators.holds_slot
    assert (farm.nodes.dispatch, farm.nodes.queue, farm.nodes.in_flight) == ("pull", 10_000_000, 4096)
    assert as_engine(load_design("gpu-in-node")).farm.nodes.in_flight == np.inf


def test_scenarios_reach_times_rate_and_time_out() -> None:
    design = load_design("cpu-2018")
    work = workload_of(design)

    def mean(scenario: Scenario) -> float:
        return as_engine(design, scenario).farm.stages[1].service_of("soft").mean

    band = service_time(work, "remaining", "cpu", event_class="soft", pileup=56).mean
    assert [mean(Scenario(times=place)) for place in (0.0, 0.5, 1.0)] == pytest.approx(
        [band.low, band.middle, band.high]
    )
    assert mean(Scenario(times={"offloadable": 1.0})) == pytest.approx(band.middle)
    busier = service_time(work, "remaining", "cpu", event_class="soft", pileup=80).mean
    assert mean(Scenario(pileup=80)) == pytest.approx(busier.middle)
    assert float(as_engine(design, Scenario(rate=1.5)).source.trigger.rate) == pytest.approx(150e3)
    planned = as_engine(design).farm.time_out
    assert planned is not None
    assert (planned.after, planned.events, planned.clock) == (60.0, "accepted", "arrival")
    shorter = as_engine(design, Scenario(time_out=5.0)).farm.time_out
    assert shorter == replace(planned, after=5.0)
    assert as_engine(design, Scenario(time_out=float("inf"))).farm.time_out is None
    assert as_engine(load_design("triggerless")).farm.time_out is None


def test_shapes_have_the_mean_and_spread_that_they_are_given() -> None:
    for shape, spread in (("constant", 0.0), ("exponential", 1.0), ("lognormal", 0.7), ("gamma", 0.5)):
        found = shaped(shape, 2.0, spread, {})
        assert (found.mean, found.variation) == pytest.approx((2.0, spread**2))
    measured = shaped("quantiles", 2.0, 0.0, {0.1: 0.5, 0.9: 1.5, 1.0: 9.0})
    assert measured.mean == pytest.approx(2.0)
    drawn = measured.draw(np.array([-9.0, 0.0, 9.0]), np.random.default_rng(1))
    assert drawn / drawn[1] == pytest.approx([0.5, 1.0, 9.0], rel=1e-6)


def test_a_tail_is_part_of_the_mean() -> None:
    farm = as_engine(load_design("cpu-2018")).farm
    full = farm.stages[1].service_of("soft")
    assert isinstance(full, Mixture)
    assert isinstance(full.body, LogNormal)
    assert full.tail.mean == pytest.approx(10 * full.body.mean)
    assert full.tail_fraction == 0.005
    assert full.body.variation == pytest.approx(1.0)


def test_the_pipeline_of_an_fpga_delays_and_does_not_occupy(tmp_path: Path) -> None:
    design = load_design("fpga-in-node")
    there = as_engine(design).farm.accelerators
    assert there is not None
    assert (there.latency, pipeline_latency(design, Scenario())) == (0.0, 0.0)
    text = (Path(__file__).parents[3] / "src/nanosieve/farm/workload/workloads/run-3.yaml").read_text("utf-8")
    text = text.replace(
        "interval_cycles: [60000, 500000]", "interval_cycles: 1000\n        latency_cycles: 5000"
    )
    (tmp_path / "run-3.yaml").write_text(text, encoding="utf-8")
    own = "extends: fpga-in-node\nname: own\ntitle: own\nworkload: run-3.yaml\n"
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    there = as_engine(load_design(tmp_path / "own.yaml")).farm.accelerators
    assert there is not None
    assert 2 * float(there.latency) == pytest.approx(4000 / 250e6)


def test_classes_that_are_kept_more_leave_less_to_the_others() -> None:
    design = load_design("cpu-2018")
    farm = as_engine(design, keep={"full": {"boosted": 0.5}}).farm
    keeps = {each.name: farm.stages[1].keep_of(each.name) for each in farm.classes}
    assert keeps["boosted"] == 0.5
    assert keeps["soft"] == keeps["multijet"] < 0.01
    total = sum(each.fraction * keeps[each.name] for each in farm.classes)
    assert total == pytest.approx(design.output.rate / 100e3)


def test_the_slowest_class_has_the_longest_mean() -> None:
    design = load_design("cpu-2018")
    means = {name: mean_time(design, Scenario(), name) for name in workload_of(design).classes}
    assert max(means, key=lambda name: means[name]) == "boosted"
    assert mean_time(design, Scenario(times=1.0), "boosted") > 1.1 * means["boosted"]


def test_what_cannot_be_translated_is_refused(tmp_path: Path) -> None:
    design = plain_design(tmp_path)
    with pytest.raises(SettingsError, match=r"^plain: 3 of 2 nodes cannot be simulated; accepted: 1 to 2$"):
        as_engine(design, nodes=3)
    with pytest.raises(UnknownNameError, match=r"^unknown stage 'fulll'"):
        as_engine(design, keep={"fulll": {"all": 0.1}})
    with pytest.raises(UnknownNameError, match=r"^unknown event class 'al'"):
        as_engine(design, keep={"full": {"al": 0.1}})
    message = r"^cpu-2018: stage 'full' lets 1 in 100 through, and keep = \{'soft': 0.9\} would leave -2"
    with pytest.raises(SettingsError, match=message):
        as_engine(load_design("cpu-2018"), keep={"full": {"soft": 0.9}})
