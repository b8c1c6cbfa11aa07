"""The study llp: its parts, and the whole chain with few images and one student."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nanosieve.figure import Figure, Provenance
from nanosieve.networks.decay_length import DECAY_STUDENTS, PARAMETERS
from nanosieve.networks.settings import TrainingSettings
from nanosieve.report import published
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.llp.comparison import ARXIV, GPU, published_row, published_rows
from nanosieve.studies.llp.performance import backgrounds, change_of_error, errors
from nanosieve.studies.llp.samples import BACKGROUNDS, as_bins, as_images, prepare_samples
from nanosieve.studies.llp.settings import LENGTH, Settings, StudentSettings, settings_for
from nanosieve.studies.llp.study import run
from nanosieve.studies.llp.triggers import HITS, Chain, Triggers

SHORT = TrainingSettings(epochs=1, batch=16, learning_rate=1e-3, bits_price=0.0, patience=1, seed=1)
SETTINGS = Settings(
    {"llp": 60, "muon": 20, "punch-through": 20, "noise": 20},
    {"llp": 60, "muon": 30, "punch-through": 30, "noise": 60},
    SHORT,
    None,
    SHORT,
    SHORT,
    SHORT,
    rounded=8,
    rate=40_000.0,
    second=30_000.0,
    proof_images=40,
    random_vectors=4,
    judged=20,
    resamples=20,
    students=(StudentSettings("student", "student, 2.5 µs", LENGTH, "2.5us_small", bits=4),),
    cards=(),
)


def test_the_publication_is_shown_as_it_was_read() -> None:
    rows = {row.model: row.figures for row in published_rows()}
    assert list(rows) == ["CPU", "GPU", "U50", "U250"]
    times = {name: (f["inference time"].value, f["inference time"].error) for name, f in rows.items()}
    assert times == {"CPU": (5.1, 1.1), "GPU": (1.0, 0.1), "U50": (3.7, 0.1), "U250": (3.1, 0.4)}
    frames = {name: (f["throughput"].value, f["throughput"].error) for name, f in rows.items()}
    assert frames == {"CPU": (302, 4), "GPU": (9930, 187), "U50": (950, 5), "U250": (553, 4)}
    assert all(f.provenance is Provenance.PUBLISHED for figures in rows.values() for f in figures.values())
    assert published_row(GPU) == published(ARXIV, "decay-times")[1]


def test_sizes_and_budgets() -> None:
    small, full = (settings_for(size, 1) for size in (Size.SMALL, Size.FULL))
    assert small.proof_images >= 1000
    assert sum(full.train.values()) > 10 * sum(small.train.values())
    assert full.published is not None
    assert (full.published.epochs, full.published.batch) == (40, 64), "as published"
    latencies = {round(which.budget.latency_ns) for which in small.students}
    assert latencies == {10_000, 2_500}
    assert all(which.network in DECAY_STUDENTS for which in small.students)
    assert {card.published for card in small.cards} == {"U50", "U250"}
    assert any(not card.compose for card in small.cards)


def test_errors_are_those_of_their_means() -> None:
    true = np.repeat([5.0, 6.0], 500)
    said = true + np.tile([1.0, -3.0], 500)
    found = errors(said, true)
    assert found.absolute.value == pytest.approx(2)
    assert found.squared.value == pytest.approx(5)
    assert found.absolute.error == pytest.approx(1 / np.sqrt(1000), rel=0.01)
    twice = change_of_error(true + 2 * (said - true), said, true, 50, 1)
    assert twice.value == pytest.approx(100)
    assert twice.error == pytest.approx(0, abs=1e-9), "twice in every sample"
    assert (change_of_error(said[::-1], said, true, 50, 1).error or 0) > 0.5


def test_backgrounds_count_by_their_rates() -> None:
    scores = {name: np.arange(n + 1.0) for n, name in enumerate(BACKGROUNDS)}
    values, weights = backgrounds(scores)
    assert len(values) == 1 + 2 + 3
    assert weights.tolist() == pytest.approx([1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])
    _, weights = backgrounds(scores, {"muon": 6.0, "punch-through": 8.0, "noise": 9.0})
    assert weights.tolist() == pytest.approx([6, 4, 4, 3, 3, 3])


def test_gain_over_a_cut_on_hits() -> None:
    def chain(name: str, kept: float) -> Chain:
        figure = Figure(kept, "%", Provenance.SIMULATED, kept / 10)
        return Chain(name, figure, figure, None)  # type: ignore[arg-type]

    found = Triggers((), (chain(HITS, 20.0), chain("student", 50.0)), Figure(1, "kHz", "estimated"))  # type: ignore[arg-type]
    gain = found.gain("student")
    assert gain.value == pytest.approx(2.5)
    assert gain.error == pytest.approx(2.5 * np.hypot(0.1, 0.1))


def test_images_of_all_classes(tmp_path: Path) -> None:
    samples = prepare_samples(SETTINGS, StudyOptions(tmp_path, workers=1), lambda *_: None)
    assert {name: len(images) for name, images in samples.test.items()} == dict(SETTINGS.test)
    assert samples.radius.min() >= samples.gun.radius[0]
    images, bins = as_images(samples.test["llp"]), as_bins(samples.test["llp"])
    assert (images.shape[1:], bins.shape[1:]) == ((20, 333, 1), (333, 20))
    assert np.array_equal(images[3, :, 11, 0], bins[3, 11])
    hits = {name: as_images(images).sum(axis=(1, 2, 3)).mean() for name, images in samples.test.items()}
    assert hits["llp"] > hits["noise"] + 5
    again = prepare_samples(SETTINGS, StudyOptions(tmp_path, workers=1), lambda *_: None)
    assert np.array_equal(again.train.packed, samples.train.packed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:network .* says the same of every event")  # so few events kill some
def test_the_whole_study(tmp_path: Path) -> None:
    assert find_study("llp").reference == f"arXiv:{ARXIV}"
    result = run(StudyOptions(tmp_path, workers=1), settings=SETTINGS)
    results, report = json.loads(result.results.read_text()), result.report.read_text()
    assert results["parameters"] == PARAMETERS
    design, proof = results["designs"]["student"], results["verification"]["student"]
    assert design["timing"]["latency_ns"]["value"] <= 2500
    assert design["resources"]["lut"]["provenance"] == "synthesised"
    assert proof["differences"] == 0
    assert proof["vectors"]["events"] == 40
    assert "rtl" in proof["stages"]
    physics = results["physics"]
    assert physics["published network"]["MAE"]["error"] > 0
    assert set(physics["8 bits"]) == {"8 bits, one by one", "8 bits, composed"}
    assert physics["8 bits"]["8 bits, composed"]["moved"]["value"] < 1
    assert 0 < physics["students"]["student"]["area"]["value"] <= 100
    assert set(physics["triggers"]) == set(physics["second level behind"]) == {HITS, "student, 2.5 µs"}
    for name, level in physics["triggers"].items():
        behind = physics["second level behind"][name]
        assert behind["rate"]["value"] <= level["rate"]["value"] * (1 + 1e-9)
        assert behind["kept"]["value"] <= level["kept"]["value"]
    assert physics["triggers"][HITS]["rate"]["value"] <= SETTINGS.rate
    assert results["published"]["decay-times: GPU"]["throughput"]["provenance"] == "published"
    for word in ("synthesised", "published", "published: U250", "Clopper", "not stated"):
        assert word in report
    assert "<script" not in report
