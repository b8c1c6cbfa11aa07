"""The study of farms: its parts by hand, and the whole chain on synthetic crossings."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.errors import SampleError
from nanosieve.farm.designs import load_design
from nanosieve.farm.impact import SIGNALS, DesignImpact, Kept
from nanosieve.farm.simulation import DesignRun, Scenario, as_engine, simulate_design
from nanosieve.farm.workload import load_workload
from nanosieve.figure import Figure, Provenance
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.farms.assumptions import ASSUMPTIONS
from nanosieve.studies.farms.crossings import prepare_crossings
from nanosieve.studies.farms.mixtures import workload_yaml
from nanosieve.studies.farms.physics import merit, merit_band, shown
from nanosieve.studies.farms.report_farms import trouble
from nanosieve.studies.farms.settings import COMPARED, Axes, Settings, settings_for
from nanosieve.studies.farms.simulation import losses_in
from nanosieve.studies.farms.study import run

SETTINGS = Settings(
    replicas=4,
    events=1000,
    grid_events=1000,
    time_outs=(3.0, 60.0),
    scenarios={"planned": Scenario(), "rate-2": Scenario(rate=2.0)},
    axes=Axes(rate=(1.0, 2.0), pileup=(50.0, 60.0), nodes=(0.9, 1.1), time_out=(10.0, 60.0)),
    apart=("phase2",),
)


def percent(value: float, error: float = 0.0) -> Figure:
    return Figure(value, "%", Provenance.SIMULATED, error=error)


def impact(**ratios: tuple[float, float, tuple[float, float]] | None) -> DesignImpact:
    """Of signals with ratio, error and band."""
    one = percent(100.0)
    signals = {
        name: Kept(
            one, one, one, one, one, one,
            None if given is None else Figure(given[0], "", Provenance.SIMULATED, error=given[1]),
            {}, 1.0, (0.0, 1.0), None if given is None else given[2],
        )
        for name, given in ratios.items()
    }  # fmt: skip
    return DesignImpact(one, one, one, one, one, {}, signals)


class TestMerit:
    def test_it_is_the_geometric_mean_with_the_mean_of_the_relative_errors(self) -> None:
        found = impact(a=(1.0, 0.1, (1.0, 2.0)), b=(4.0, 0.8, (2.0, 4.0)))
        assert merit(found).value == pytest.approx(2.0)
        assert merit(found).error == pytest.approx(2.0 * 0.15)
        assert merit_band(found) == pytest.approx((math.sqrt(2.0), math.sqrt(8.0)))

    def test_a_band_wider_than_the_error_is_shown_as_estimated(self) -> None:
        wide = shown(impact(a=(1.1, 0.0, (1.0, 1.3))))
        assert wide.interval == pytest.approx((1.0, 1.3))
        assert wide.provenance is Provenance.ESTIMATED
        assert shown(impact(a=(1.1, 0.2, (1.0, 1.3)))).error == pytest.approx(0.2)

    def test_a_signal_that_the_reference_does_not_keep_does_not_count(self) -> None:
        assert merit(impact(a=(3.0, 0.1, (3.0, 3.0)), b=None)).value == pytest.approx(3.0)

    def test_a_design_that_keeps_nothing_has_none(self) -> None:
        assert merit(impact(a=(0.0, 0.0, (0.0, 0.0)))).value == 0.0


@pytest.mark.parametrize("name", ["run-3", "phase-2"])
def test_a_workload_reads_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "copy.yaml").write_text(workload_yaml(load_workload(name)), encoding="utf-8")
    assert load_workload(tmp_path / "copy.yaml") == load_workload(name)


@pytest.fixture(scope="module")
def falling_behind() -> DesignRun:
    """A farm whose queue never fills: its backlog grows."""
    design = load_design("cpu-2018")
    nodes = design.nodes.model_copy(update={"count": 100, "queue": 100_000_000})
    endless = design.model_copy(update={"nodes": nodes, "timeout": None})
    return simulate_design(endless, scenario=Scenario(rate=1.5), events=1000)


class TestAFarmThatFallsBehind:
    def test_it_is_named_with_its_growth_and_has_no_latency(self, falling_behind: DesignRun) -> None:
        assert re.fullmatch(r"queue \+[\d.,]+ kHz", trouble(falling_behind))
        assert falling_behind.latency == {}

    def test_no_more_is_kept_than_it_decides_in_the_long_run(self, falling_behind: DesignRun) -> None:
        losses = losses_in(falling_behind)
        part = 100 * falling_behind.utilisation.nodes / falling_behind.run.resources["slots"].load
        for name, kept in losses.kept.items():
            assert 0 <= kept.value <= falling_behind.processed[name].value + 1e-9
        assert losses.kept["soft"].value < 1.15 * part

    def test_one_that_keeps_up_has_no_trouble(self) -> None:
        assert trouble(simulate_design(load_design("gpu-in-node"), events=1000)) == ""


def test_the_sizes() -> None:
    small, full = settings_for(Size.SMALL), settings_for(Size.FULL)
    assert full.replicas > small.replicas
    assert full.events > small.events
    assert {"planned", "rate-1.5", "rate-2", "nodes-lost"} == set(small.scenarios)
    assert find_study("farms").module == "nanosieve.studies.farms.study"


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_an_assumption_moves_the_farm_between_its_edges(name: str) -> None:
    design = load_design("gpu-in-node")
    farms = [as_engine(*ASSUMPTIONS[name].at(edge, design)).farm for edge in (0, 1)]
    low, high = (
        [
            farm.nodes.count,
            *(stage.service_of(each.name).mean for stage in farm.stages for each in farm.classes),
        ]
        for farm in farms
    )
    moved = [a != pytest.approx(b) for a, b in zip(low, high, strict=True)]
    # at the planned pile-up growth does nothing; the time of a T4 has no band
    assert any(moved) == (name not in ("growth with pile-up", "service times, what accelerators can take"))
    assert moved[0] == (name == "nodes")
    assert ASSUMPTIONS[name].source


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Soft crossings of a large weight, hard ones of a small, and eight signals."""
    folder = tmp_path_factory.mktemp("crossings")
    signals = [signal.recipe for signal in SIGNALS.values()]
    blocks = [
        random_events(1500, seed=1, scale=4.0, weights=(5e5,), pileup=56.0),
        random_events(1500, seed=2, scale=18.0, processes=("hard_qcd",), weights=(1e3,), pileup=56.0),
        random_events(800, seed=3, scale=30.0, processes=signals, weights=[1.0] * 8, pileup=56.0),
    ]
    synthetic_sample(folder / "crossings.parquet", blocks, pileup=56.0)
    return folder


def test_crossings_without_a_signal_are_refused(tmp_path: Path) -> None:
    block = random_events(20, processes=[s.recipe for s in SIGNALS.values()], weights=[1.0] * 8, pileup=56.0)
    synthetic_sample(tmp_path / "crossings.parquet", [block], pileup=56.0)
    with pytest.raises(SampleError, match="signals only"):
        prepare_crossings(SETTINGS, StudyOptions(tmp_path, samples=tmp_path), lambda *_: None)


@pytest.mark.slow
def test_the_whole_study(samples: Path, tmp_path: Path) -> None:
    stages: list[str] = []

    def progress(stage: str, done: float, total: float, note: str = "") -> None:
        stages.append(stage)

    options = StudyOptions(tmp_path / "out", Size.SMALL, samples=samples, workers=1)
    result = run(options, progress, settings=SETTINGS)
    assert {"crossings", "simulate"} <= set(stages)
    results = json.loads(result.results.read_text())
    assert set(results["designs"]) == {*COMPARED, "phase2"}
    for name in COMPARED:
        design = results["designs"][name]
        assert design["comparable"]
        assert set(design["scenarios"]) == set(SETTINGS.scenarios)
        assert set(design["time_outs"]) == {"3", "60"}
        assert sum(share["value"] for share in design["classes"].values()) == pytest.approx(100)
        assert design["cost"]["interval"][0] < design["cost"]["value"] < design["cost"]["interval"][1]
        assert design["physics_equal"]["value"] > 0
        for run_ in design["scenarios"].values():
            assert run_["verdict"] == "stable" or run_["latency"] == {} or run_["excess"]
    assert results["designs"]["cpu-2018"]["physics_equal"]["value"] == pytest.approx(1)
    assert "pile-up 200" in results["designs"]["phase2"]["why_apart"]
    assert "physics_equal" not in results["designs"]["phase2"]
    for rate in ("own_output_rate", "equal_output_rate"):
        assert set(results["physics"][rate]["designs"]) == set(COMPARED)
        assert set(results["physics"][rate]["designs"]["service"]["signals"]) == set(SIGNALS)
    for ranking in results["ranking"].values():
        assert sorted(ranking["order"]) == sorted(COMPARED)
        first, second = (ranking["values"][name] for name in ranking["order"][:2])
        assert ranking["best_over_second"]["value"] == pytest.approx(first / second)
        assert first >= second
        widths = [abs(math.log(swing["high"] / swing["low"])) for swing in ranking["swings"]]
        assert widths == sorted(widths, reverse=True)
    names = [swing["name"] for swing in results["ranking"]["cost"]["swings"]]
    for start in ("price of", "nodes of"):
        assert any(name.startswith(start) for name in names), start
    page = (tmp_path / "out" / "farms.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="grid">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == results["grid"]
    service = results["grid"]["designs"]["service"]
    assert len(service["physics"]) == 16
    for middles, bands in (
        (service["power"], service["power_band"]),
        (service["cost"], service["cost_band"]),
    ):
        edges = np.array(bands)
        assert ((edges[..., 0] < middles) & (middles < edges[..., 1])).all()
    report = result.report.read_text(encoding="utf-8")
    for words in ("Which farm?", "Pareto front", "[MUSD]", "[kW]", "not modelled", "stands apart"):
        assert words in report
    assert "<script" not in report
    assert not np.isnan(results["ranking"]["cost"]["best_over_second"]["error"])
