"""The study l1-anomaly on toy events in the format of the ADC2021 files: small network, whole chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.compiler.graph import load_graph
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.networks.autoencoder import NetworkSettings
from nanosieve.networks.convolutional import ConvolutionalSettings
from nanosieve.networks.settings import TrainingSettings
from nanosieve.physics.events import Sample, write_sample
from nanosieve.physics.events.adc2021 import _events
from nanosieve.physics.events.sample import ProcessSummary
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.l1_anomaly.samples import prepare_samples
from nanosieve.studies.l1_anomaly.settings import (
    ASSUMED_CROSS_SECTION,
    BACKGROUND,
    SIGNALS,
    TRIGGERS,
    Settings,
)
from nanosieve.studies.l1_anomaly.study import run

SETTINGS = Settings(
    background=1200,
    signal=150,
    training=TrainingSettings(epochs=3, batch=128),
    convolutional_training=TrainingSettings(epochs=2, batch=128),
    false_positive_rate=0.02,
    network=NetworkSettings(hidden=(6, 4), latent=2),
    rate="0.005 kHz",
    random_vectors=300,
    convolutional=ConvolutionalSettings(filters=(2, 3), latent=2),
    triggers=tuple(
        replace(t, budget=replace(t.budget, latency="1 us"))
        for t in TRIGGERS
        if t.name in ("ae_trigger", "cnn_vae_trigger")
    ),
)


def toy_sample(process: str, number: int, scale: float, cross_section: float = 0.0) -> Sample:
    """Falling spectra, zero padding, one lepton at least."""
    draw = np.random.default_rng(len(process) + number)
    values = np.zeros((number, 19, 4), dtype=np.float32)
    present = draw.random((number, 19)) < np.r_[1.0, 0.5, 0.1, 0, 0, 0.6, 0.1, 0, 0, 0.8, 0.4, 0.2, [0] * 7]
    present[:, 5] |= ~present[:, 1]
    values[..., 0] = np.where(present, 23 + draw.exponential(scale, present.shape), 0)
    values[..., 1] = np.where(present, draw.uniform(-2, 2, present.shape), 0)
    values[..., 2] = np.where(present, draw.uniform(-np.pi, np.pi, present.shape), 0)
    values[:, 0, 1] = 0
    events = _events(values, process)
    efficiency = 0.5 if cross_section else 0.0
    summary = ProcessSummary(
        process, "toy", number, number, cross_section, 0.0, efficiency, 0.0, number, float(number)
    )
    return Sample(events, {process: summary}, 13_000.0, 0, {process: number}, {})


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_sample(toy_sample("background", SETTINGS.background, 15.0), folder / f"{BACKGROUND}.parquet")
    for n, process in enumerate(SIGNALS):
        write_sample(toy_sample(process, SETTINGS.signal, 30.0 + 10 * n), folder / f"{process}.parquet")
    toy_crossings(folder)
    return folder


def toy_crossings(folder: Path, *, pileup: float = 55.93) -> None:
    """Crossings of 0.2 kHz in all, and signals of harder objects."""
    for name, scale, number in (("crossings", 10.0, 1000), *((f"{s}-crossings", 25.0, 100) for s in SIGNALS)):
        block = random_events(number, seed=number, scale=scale, weights=(10.0,), pileup=pileup)
        synthetic_sample(folder / f"{name}.parquet", [block], pileup=pileup)


def test_crossings_of_another_luminosity_are_refused(samples: Path, tmp_path: Path) -> None:
    for path in samples.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    toy_crossings(tmp_path, pileup=40.0)
    with pytest.raises(SettingsError, match=r"pile-up"):
        prepare_samples(SETTINGS, StudyOptions(tmp_path, samples=tmp_path), lambda *_: None)


def test_the_split_shares_no_collision(samples: Path, tmp_path: Path) -> None:
    options = StudyOptions(tmp_path, samples=samples)
    study = prepare_samples(SETTINGS, options, lambda *_: None)
    assert len(study.train) + len(study.test) == SETTINGS.background
    assert abs(len(study.train) / SETTINGS.background - SETTINGS.train_fraction) < 0.01
    train = {row.tobytes() for row in study.train.objects}
    assert not any(row.tobytes() in train for row in study.test.objects)
    for part in (study.train, study.test):
        assert part.weights.sum() == pytest.approx(ASSUMED_CROSS_SECTION)
    assert "weights assume 15.4 nb" in study.remarks[1]
    assert study.crossings.weights.sum() * 2e-5 == pytest.approx(0.2, rel=0.05)  # kHz at 2e34 / cm² / s
    assert set(study.signal_crossings) == set(SIGNALS)


def test_the_samples_own_cross_section_is_used(samples: Path, tmp_path: Path) -> None:
    write_sample(toy_sample("w", 40, 15.0, cross_section=80.0), tmp_path / f"{BACKGROUND}.parquet")
    for process in SIGNALS:
        (tmp_path / f"{process}.parquet").write_bytes((samples / f"{process}.parquet").read_bytes())
    toy_crossings(tmp_path)
    study = prepare_samples(SETTINGS, StudyOptions(tmp_path, samples=tmp_path), lambda *_: None)
    assert study.test.weights.sum() == pytest.approx(40.0)
    assert len(study.remarks) == 1


@pytest.mark.slow
def test_the_whole_study(samples: Path, tmp_path: Path) -> None:
    stages: list[str] = []

    def progress(stage: str, done: float, total: float, note: str = "") -> None:
        stages.append(stage)

    result = run(StudyOptions(tmp_path / "out", Size.SMALL, samples=samples), progress, settings=SETTINGS)
    results = json.loads(result.results.read_text())
    report = result.report.read_text()
    assert {"synthesise", "ae_trigger: simulate RTL", "train autoencoder"} <= set(stages)
    assert "train convolutional_variational_autoencoder_float" in stages
    for trigger in SETTINGS.triggers:
        design = results["designs"][trigger.name]
        proof = results["verification"][trigger.name]
        physics = results["physics"][trigger.name]
        assert design["resources"]["lut"]["provenance"] == "synthesised"
        assert design["resources"]["lut"]["value"] > 100
        assert design["timing"]["interval_cycles"]["value"] <= trigger.budget.every_ns / 5
        assert proof["differences"] == 0
        assert proof["stages"] == ["framework", "graph", "emulator", "C++", "rtl"]
        assert proof["vectors"]["events"] >= 1000
        # the trigger bit of the hardware is the threshold of the working point
        graph = load_graph(tmp_path / "out" / trigger.name / "graph.json")
        assert set(graph.outputs) == {"score", "trigger"}
        assert tuple(physics) == trigger.scores
        for score, measured in physics.items():
            assert measured["in_hardware"] == (score == trigger.scores[0])
            assert measured["rate"]["value"] <= 0.005 + 1e-9
            for signal in measured["signals"].values():
                assert 0 <= signal["efficiency_at_rate"]["value"] <= 100
                assert signal["efficiency_at_rate"]["error"] > 0
                assert 0.5 < signal["auc_over_float"]["value"] < 2
        verdicts = results["comparison"][trigger.name]["verdicts"]
        assert verdicts["LUT"] == "better"  # toys are smaller than the published networks
    published = results["published"]["DNN VAE PTQ 8 bit"]["latency"]
    assert (published["value"], published["provenance"]) == (80, "published")
    for word in ("synthesised", "simulated", "estimated", "published", "measured", "arXiv:2108.03986"):
        assert word in report
    assert "<script" not in report
    assert "http" not in report.replace("http://www.w3.org", "").replace("https://arxiv.org", "")

    first = replace(SETTINGS, triggers=SETTINGS.triggers[:1])
    again = run(StudyOptions(tmp_path / "out", Size.SMALL, samples=samples), settings=first)
    repeated = json.loads(again.results.read_text())
    name = first.triggers[0].name
    for part in ("designs", "verification", "physics"):
        assert repeated[part][name] == results[part][name], "the same seed gives the same results"


def test_studies_are_found_by_name() -> None:
    assert find_study("l1-anomaly").reference == "arXiv:2108.03986"
    with pytest.raises(UnknownNameError, match=r"unknown study 'l1-anomly'; nearest: l1-anomaly"):
        find_study("l1-anomly")


def test_the_list_of_studies() -> None:
    from nanosieve.cli.study import command

    outcome = CliRunner().invoke(command, ["list", "--json"])
    assert outcome.exit_code == 0
    assert json.loads(outcome.output)[0]["name"] == "l1-anomaly"
