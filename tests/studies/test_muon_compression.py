"""The study muon-compression: its parts, and the whole chain with small networks and few fragments."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nanosieve.figure import Figure, Provenance
from nanosieve.networks.muon import STUDENT_PARAMETERS, TEACHER_PARAMETERS
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained
from nanosieve.report import published
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.muon_compression.comparison import (
    DOI,
    published_hardware,
    published_row,
    published_turn_on,
)
from nanosieve.studies.muon_compression.networks import FLOAT, Student
from nanosieve.studies.muon_compression.performance import EDGES, _equal, over_seeds, performance
from nanosieve.studies.muon_compression.samples import prepare_samples
from nanosieve.studies.muon_compression.settings import (
    EVERY_CROSSING,
    LESSONS,
    Settings,
    settings_for,
)
from nanosieve.studies.muon_compression.study import run

SHORT = TrainingSettings(epochs=2, batch=128, learning_rate=3e-3, bits_price=0.0, patience=2)
SETTINGS = Settings(
    700,
    200,
    420,
    300,
    SHORT,
    SHORT,
    SHORT,
    seeds=(1, 2),
    proof_fragments=300,
    random_vectors=100,
    designs=(EVERY_CROSSING,),
)


def test_the_publication_is_shown_as_it_was_read() -> None:
    row, numbers = published_hardware(), published_row()
    assert (row.device, round(1e3 / (row.clock_mhz or 0), 2)) == ("xcvu13p", 2.38)
    assert "HLS" in row.stage
    assert {name: figure.value for name, figure in numbers.items()} == {
        "LUT": 139_021, "FF": 74_398, "DSP": 0, "latency": 604.5, "interval": 247.52
    }  # fmt: skip
    assert all(figure.provenance is Provenance.PUBLISHED for figure in numbers.values())
    sizes = {each.model: each.figures["parameters"].value for each in published(DOI, "muon-networks")}
    assert sizes == {"teacher": TEACHER_PARAMETERS, "student": STUDENT_PARAMETERS}
    points, plateau = published_turn_on()
    assert list(points) == sorted(points)
    assert plateau.value == 88


def test_sizes_and_budgets() -> None:
    small, full = (settings_for(size, 1) for size in (Size.SMALL, Size.FULL))
    assert full.muons > 5 * small.muons
    assert small.proof_fragments >= 5_000
    assert len(small.seeds) >= 3
    for design in small.designs:
        assert design.budget.latency_ns < 604
        assert design.budget.every_ns <= 247.52
    hints = LESSONS["output and hint"].hints  # type: ignore[union-attr]
    assert [(hint.teacher, hint.student) for hint in hints] == [("conv_2", "conv_2")]


KILOHERTZ = Figure(1000.0, "kHz", Provenance.ESTIMATED)


def a_student(muons: np.ndarray, noise: np.ndarray) -> Student:
    return Student("alone", FLOAT, 1, Trained(None, Path(), {}, 1, 0.0), muons, noise)


def test_performance_counts_what_fires() -> None:
    """A network that is right in all but one of ten fires for nine of ten above, one of ten below."""
    true = np.repeat(np.arange(2.5, 20.0, 1.0), 1000)
    said = np.where(np.arange(len(true)) % 10 == 0, 20.0 - true, true) + 0.01
    noise = np.where(np.arange(4000) % 100 == 0, 11.0, 0.0)
    rates = {0.0: KILOHERTZ, 12.5: KILOHERTZ, 5.5: KILOHERTZ}
    found = performance(a_student(said, noise), true, rates, name="right")
    assert found.noise_rate.value == pytest.approx(10)
    assert found.muon_rate.value == pytest.approx(900 + 100)
    assert found.plateau.value == pytest.approx(90)
    assert found.soft.value == pytest.approx(10)
    assert found.fake.value == pytest.approx(1)
    assert found.fake.error == pytest.approx(100 * np.sqrt(0.01 * 0.99 / 4000), rel=0.1)
    assert found.equal.value <= 90
    bins = dict(zip(EDGES[:-1], found.turn_on.efficiency, strict=True))
    assert (bins[12.0], bins[5.0]) == (pytest.approx(0.9), pytest.approx(0.1))
    assert (found.turn_on.low < found.turn_on.efficiency).all()
    spread = true + np.random.default_rng(1).uniform(
        0, 0.01, len(true)
    )  # no two alike, so that any rate is met
    exact = performance(a_student(spread, noise * 0), true, {0.0: KILOHERTZ}, name="exact")
    assert (exact.plateau.value, exact.soft.value, exact.fake.value) == (100, 0, 0)
    late = performance(a_student(spread - 4, noise * 0), true, {0.0: KILOHERTZ}, name="late")
    assert late.plateau.value < 100
    assert late.equal.value == 100, "at equal rate a shift costs nothing"


def test_the_spread_over_seeds() -> None:
    figures = [Figure(value, "%", Provenance.SIMULATED, 0.1) for value in (80.0, 82.0, 84.0)]
    assert (over_seeds(figures).value, over_seeds(figures).error) == (82.0, 2.0)
    assert over_seeds(figures[:1]) is figures[0]


def test_fragments_hold_the_muon(tmp_path: Path) -> None:
    samples = prepare_samples(SETTINGS, StudyOptions(tmp_path, workers=1), lambda *_: None)
    assert len(samples.muons) >= SETTINGS.test_muons
    assert len(samples.noise) == SETTINGS.test_noise
    assert samples.train.x.shape[1:] == (9, 16, 1)
    assert set(np.unique(samples.train.x)) == {0.0, 1.0}
    targets = samples.train.targets
    assert targets.min() >= 0
    assert targets.max() <= 1
    assert samples.muons.x.sum(axis=(1, 2, 3)).mean() > samples.noise.x.sum(axis=(1, 2, 3)).mean() + 3
    inside = (samples.muons.eta > 0.2) & (samples.muons.eta < 0.8)
    assert inside.mean() > 0.8, "the fragment is cut around the muon"
    again = prepare_samples(SETTINGS, StudyOptions(tmp_path, workers=1), lambda *_: None)
    assert np.array_equal(again.train.x, samples.train.x)
    other = prepare_samples(
        replace(SETTINGS, muons=1), StudyOptions(tmp_path / "b", seed=2, workers=1), lambda *_: None
    )
    assert not np.array_equal(other.muons.x[:50], samples.muons.x[:50])
    assert samples.rates[0.0].value > sum(rate.value for pt, rate in samples.rates.items() if pt > 0)
    assert samples.rates[2.0].value > 10 * samples.rates[10.0].value


def test_a_network_that_says_the_same_of_all_keeps_nothing() -> None:
    alike = np.full(400, 9.0)
    assert _equal(alike, alike).value == 0
    assert "share the highest value" in _equal(alike, alike).source
    assert _equal(np.linspace(8, 20, 400), np.linspace(0, 9, 400)).value > 90


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:network .* says the same of every event")  # so few events kill some
def test_the_whole_study(tmp_path: Path) -> None:
    assert find_study("muon-compression").reference == f"doi:{DOI}"
    options = StudyOptions(tmp_path, workers=1)
    result = run(options, settings=SETTINGS)
    results, report = json.loads(result.results.read_text()), result.report.read_text()
    design, proof = results["designs"]["every_crossing"], results["verification"]["every_crossing"]
    assert design["timing"]["latency_ns"]["value"] < 604
    assert design["timing"]["interval_cycles"]["value"] <= 10
    assert design["resources"]["lut"]["provenance"] == "synthesised"
    assert design["resources"]["lut"]["value"] < 139_021
    assert design["resources"]["dsp"]["value"] == 0
    assert proof["differences"] == 0
    assert proof["vectors"]["events"] == 300
    assert "rtl" in proof["stages"]
    physics = results["physics"]
    assert {name for name in physics if name.endswith("4 bits")} == {
        f"{lesson}, 4 bits" for lesson in LESSONS
    }
    assert physics["alone, 4 bits"]["trainings"] == 2
    assert all(physics["alone, 4 bits"][name]["error"] >= 0 for name in ("equal", "plateau", "fake"))
    assert set(physics["turn_on"]) >= {"teacher", "student, 4 bits"}
    assert results["published"]["muon-hardware: student, 4 bit"]["LUT"]["provenance"] == "published"
    for word in ("synthesised", "published", "Vitis HLS 2024.1", "<image", "Clopper"):
        assert word in report
    assert "<script" not in report
