"""The study jets on toy jets in our own format: a short ladder, the whole chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nanosieve.errors import InputFileError
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.compress import Recipe
from nanosieve.networks.settings import TrainingSettings
from nanosieve.physics.events.jet_features import LabelledJets, write_jets
from nanosieve.report.published import published
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.jets.ladder import build_ladder
from nanosieve.studies.jets.notes import counterpart_of, published_loss
from nanosieve.studies.jets.samples import prepare_samples
from nanosieve.studies.jets.settings import (
    LADDER,
    LINEAR_ROW,
    PTQ_ROW,
    QAT_ROW,
    Compressed,
    Settings,
    Trees,
    settings_for,
)
from nanosieve.studies.jets.study import run
from nanosieve.studies.jets.trees import on_port
from nanosieve.studies.verdict import Verdict

SHORT = TrainingSettings(epochs=8, batch=32)
BUDGET = LADDER[1].budget


def toy_jets(number: int = 120, constituents: int = 4) -> LabelledJets:
    """Classes that lie apart in every feature."""
    draw = np.random.default_rng(2)
    labels = np.arange(5 * number) % 5
    features = draw.normal(labels[:, None] * np.linspace(0.2, 1, 16), 1).astype(np.float32)
    inside = draw.exponential(1 + labels[:, None, None], (len(labels), constituents, 3)).astype(np.float32)
    return LabelledJets(features, inside, labels.astype(np.int64), "toy jets")


@pytest.fixture
def options(tmp_path: Path) -> StudyOptions:
    samples = tmp_path / "given"
    samples.mkdir()
    write_jets(toy_jets(), samples / "jets.npz")
    return StudyOptions(tmp_path / "out", Size.SMALL, 3, samples, workers=1)


def settings(*ladder: Compressed | Trees) -> Settings:
    return Settings(
        120,
        SHORT,
        SHORT,
        SHORT,
        (6, 4),
        particles=4,
        proof_jets=100,
        random_vectors=200,
        ladder=ladder,
        seed=3,
    )


def test_a_short_ladder_from_begin_to_end(options: StudyOptions) -> None:
    tiny = settings(
        Compressed("learned", "learned bits", "dense", Recipe.learned(1e-6, bits=5), BUDGET, QAT_ROW, "So."),
    )
    result = run(options, settings=tiny)
    results = json.loads(result.results.read_text())
    page = result.report.read_text()
    assert set(results["designs"]) == {"learned"} == set(results["verification"])
    for name in results["designs"]:
        assert results["verification"][name]["differences"] == 0
        assert results["verification"][name]["vectors"]["events"] == 100
        assert results["designs"][name]["resources"]["lut"]["provenance"] == "synthesised"
        assert results["physics"][name]["accuracy"]["value"] > 25, "five classes by chance are 20 %"
    assert results["physics"]["learned"]["loss"]["error"] is not None
    assert results["notes"]["learned"]["verdicts"]["interval"] == "not published"
    assert results["notes"]["learned"]["verdicts"]["LUT"] == "better"
    for words in ("The ladder", "Beside the published", "arXiv:2103.05579", "63,251", "0 differences"):
        assert words in page, words
    assert "toy jets" in "".join(result.remarks)


def test_trees_are_those_of_xgboost(options: StudyOptions) -> None:
    xgboost = pytest.importorskip("xgboost")
    rung = Trees("trees", "trees", 3, 2, BUDGET, None, "Because.")
    few = settings(rung)
    samples = prepare_samples(few, options, lambda *_: None)
    (built,) = build_ladder(few, samples, {}, options, lambda *_: None)
    assert built.loss is None
    assert built.accuracy.value > 40
    booster = xgboost.Booster(model_file=str(options.out / "models" / "trees.json"))
    x = on_port(samples.test.features, few.feature_port)
    margins = booster.inplace_predict(x, predict_type="margin", validate_features=False)
    assert np.abs(built.outputs - margins).max() < 0.01, "leaves are rounded, comparisons are exact"


def test_the_registry_knows_it() -> None:
    assert find_study("jets").module.endswith("studies.jets.study")


def test_jets_are_split_and_scaled_by_the_training_part_alone(options: StudyOptions) -> None:
    ladder = tuple(rung for rung in LADDER if isinstance(rung, Compressed))
    samples = prepare_samples(settings(*ladder), options, lambda *_: None)
    assert len(samples.test.labels) == 180
    assert len(samples.train.labels) == 420
    assert samples.train.features.mean(axis=0) == pytest.approx(np.zeros(16), abs=1e-5)
    assert samples.train.features.std(axis=0) == pytest.approx(np.ones(16), abs=1e-5)
    assert np.abs(samples.test.features.mean(axis=0)).max() > 1e-4
    assert (samples.train.particles**2).mean(axis=(0, 1)) == pytest.approx(np.ones(3), rel=1e-5)


def test_too_few_constituents_and_empty_folders(options: StudyOptions, tmp_path: Path) -> None:
    many = replace(settings(LADDER[-1]), particles=8)
    with pytest.raises(InputFileError, match=r"the jets hold 4 constituents; 8 are needed"):
        prepare_samples(many, options, lambda *_: None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match=r"holds no jets.npz and no public file \(.h5"):
        prepare_samples(many, replace(options, samples=tmp_path / "empty"), lambda *_: None)


def test_numbers_on_the_port() -> None:
    port = settings().feature_port
    found = on_port(np.array([[0.008, -0.0078, 100.0, -100.0]], np.float32), port)
    assert found.tolist() == [[0.015625, 0.0, 8 - 2**-6, -8.0]]


def test_the_words_of_a_verdict() -> None:
    def figure(value: float, error: float | None = None) -> Figure:
        return Figure(value, "%", Provenance.SIMULATED, error)

    assert Verdict("x", figure(1.0), figure(2.0)).word == "better"
    assert Verdict("x", figure(2.0), figure(1.0)).word == "worse"
    assert Verdict("x", figure(2.0, 1.5), figure(1.0)).word == "equal"
    assert Verdict("x", figure(2.0), None).word == "not published"


def test_losses_are_counted_within_one_published_table() -> None:
    loss = published_loss(QAT_ROW)
    assert loss is not None
    assert loss.value == pytest.approx(0.2)
    assert published_loss(PTQ_ROW) is None
    assert published_loss(LINEAR_ROW) is None


def test_every_counterpart_is_a_published_row() -> None:
    for rung in LADDER:
        row = counterpart_of(rung.counterpart)
        assert (row is None) == (rung.counterpart is None)
    assert len({rung.name for rung in LADDER}) == len(LADDER)
    rows = {row.model: row for row in published("2103.05579", "jets-hardware")}
    assert rows["6b QAT"].figures["DSP"].value == 38


def test_the_full_size_is_that_of_the_public_sample() -> None:
    assert 5 * settings_for(Size.FULL, 1).jets == 1_000_000
    assert settings_for(Size.SMALL, 4).seed == 4
