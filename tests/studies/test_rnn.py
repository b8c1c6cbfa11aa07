"""The study rnn: input of the user, the scan's types, and the whole chain on toy sequences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.precision_scan import PrecisionScan, ScanPoint
from nanosieve.errors import InputFileError, SampleError
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.recurrent import RECURRENT, RecurrentNetwork
from nanosieve.networks.settings import TrainingSettings
from nanosieve.physics.events.sequences import KINDS, LabelledSequences, write_sequences
from nanosieve.progress import silent
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.rnn import scan
from nanosieve.studies.rnn.comparison import weights_per_event
from nanosieve.studies.rnn.samples import prepare_sequences
from nanosieve.studies.rnn.scan import precision_of
from nanosieve.studies.rnn.settings import Benchmark, Mode, Settings, modes_of, settings_for
from nanosieve.studies.rnn.study import run

STEPS = 4


def toy(classes: tuple[str, ...] = tuple(KINDS["top"].classes), number: int = 400) -> LabelledSequences:
    draw = np.random.default_rng(7)
    labels = draw.integers(0, len(classes), number)
    values = draw.normal(size=(number, STEPS, 6)) + labels[:, None, None] * np.linspace(0, 1, STEPS)[:, None]
    return LabelledSequences(
        values.astype(np.float32), labels, classes, KINDS["top"].features, "toy sequences"
    )


TRAINING = TrainingSettings(epochs=4, batch=64, learning_rate=0.01, price_ramp=0.0, checkpoint_every=1)
TOY = Benchmark(
    "top", 400, TRAINING, (4,), (6, 10), (Mode("static", 1, 3, proven=True), Mode("non-static", STEPS, 3)),
    "xcku115", 50, RecurrentNetwork(STEPS, 6, 3, (4,), 1), 100,
)  # fmt: skip
SETTINGS = Settings((TOY,), cells=("GRU",), calibration=60, random_vectors=20, kept=0.9)


def options(folder: Path, **given: object) -> StudyOptions:
    return StudyOptions(folder / "out", Size.SMALL, workers=1, **given)  # type: ignore[arg-type]


class TestSequencesOfTheUser:
    def test_they_are_split_and_standardised(self, tmp_path: Path) -> None:
        write_sequences(toy(), tmp_path / "top.npz")
        found = prepare_sequences(TOY, SETTINGS, options(tmp_path, samples=tmp_path), silent)
        assert len(found.train) == 280
        assert len(found.test) == 120
        flat = found.train.reshape(-1, 6)
        assert flat.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-5)
        assert flat.std(axis=0) == pytest.approx(np.ones(6), abs=1e-5)
        assert "were used" in found.remark
        assert len(found.proof(300)) == 300
        assert np.array_equal(found.proof(10), found.test[:10])

    def test_other_classes(self, tmp_path: Path) -> None:
        write_sequences(toy(("q", "t")), tmp_path / "top.npz")
        with pytest.raises(SampleError, match=r"has the classes q, t; accepted: light or gluon, top"):
            prepare_sequences(TOY, SETTINGS, options(tmp_path, samples=tmp_path), silent)

    def test_other_steps(self, tmp_path: Path) -> None:
        write_sequences(toy(), tmp_path / "top.npz")
        longer = replace(TOY, network=RECURRENT["top"])
        with pytest.raises(SampleError, match=r"have the shape \(4, 6\) and 2 classes; the network takes"):
            prepare_sequences(longer, SETTINGS, options(tmp_path, samples=tmp_path), silent)

    def test_too_few(self, tmp_path: Path) -> None:
        write_sequences(toy(number=12), tmp_path / "top.npz")
        with pytest.raises(SampleError, match=r"of one class in a part of the split; give at least 30"):
            prepare_sequences(TOY, SETTINGS, options(tmp_path, samples=tmp_path), silent)

    def test_a_damaged_file_stops_the_study_and_loses_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "top.npz").write_bytes(b"PK\x03\x04 damaged")
        with pytest.raises(InputFileError, match=r"is no file of sequences, or damaged") as caught:
            run(options(tmp_path, samples=tmp_path), settings=SETTINGS)
        assert "\n" not in str(caught.value)
        assert (tmp_path / "top.npz").read_bytes() == b"PK\x03\x04 damaged"

    def test_drawings_go_first(self, tmp_path: Path) -> None:
        (tmp_path / "ant.ndjson").write_text("{}\n")
        (quickdraw,) = (b for b in settings_for(Size.SMALL, 1).benchmarks if b.name == "quickdraw")
        with pytest.raises(InputFileError, match=r"has no drawings of bee, butterfly, mosquito, snail"):
            prepare_sequences(quickdraw, SETTINGS, options(tmp_path, samples=tmp_path), silent)


def test_curves_outlive_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found again equals what was made, and another seed is another curve."""
    number = Figure(0.97, "", Provenance.SIMULATED, 0.01, "100 events")
    curve = PrecisionScan(scan.CHOSEN, "AUC", number, (ScanPoint(8, precision_of("GRU", 8), number, number),))
    made: list[int] = []

    def counted(*args: object, **kwargs: object) -> PrecisionScan:
        made.append(1)
        return curve

    monkeypatch.setattr(scan, "scan_precision", counted)
    model = tmp_path / "model.keras"
    model.write_bytes(b"weights")
    events = np.zeros((3, 2), np.float32)
    task = scan._Task(
        tmp_path, "top", model, "GRU", None, (8,), events, events, np.arange(3), events, 1
    )  # fmt: skip
    assert scan._scan(task) == scan._scan(task) == curve
    assert len(made) == 1
    scan._scan(replace(task, seed=2))
    scan._scan(replace(task, scores=events + 1))
    assert len(made) == 3


def test_the_types_of_the_scan() -> None:
    assert precision_of("LSTM", 12)["default"] == "fixed<12>"
    types = precision_of("GRU", "{bits}", 6)
    assert types["default"] == "fixed<{bits},6>"
    assert set(types) == {"default", "default.gates_table", "default.candidate_table", "score.table"}


@pytest.mark.parametrize("name", RECURRENT)
def test_modes(name: str) -> None:
    modes = {mode.name: mode for mode in modes_of(RECURRENT[name])}
    assert modes["static"].cells == 1
    assert modes["non-static"].cells == RECURRENT[name].steps
    assert any(1 < mode.cells < RECURRENT[name].steps for mode in modes.values())


def test_full_proves_five_thousand_vectors_of_everything() -> None:
    full = settings_for(Size.FULL, 1)
    assert full.proven_modes
    assert all(benchmark.proof_events >= 5000 for benchmark in full.benchmarks)
    assert [b.name for b in full.benchmarks] == list(RECURRENT)


def test_products_of_an_event() -> None:
    """By hand for the top tagger: 20 steps of 4 × 20 × 26, then 20 × 64 + 64."""
    assert weights_per_event(RECURRENT["top"], "LSTM") == 20 * 4 * 20 * 26 + 20 * 64 + 64


def test_the_study_is_listed() -> None:
    assert find_study("rnn").reference == "arXiv:2207.00559"


@pytest.mark.slow
def test_the_whole_study(tmp_path: Path) -> None:
    write_sequences(toy(), tmp_path / "top.npz")
    result = run(options(tmp_path, samples=tmp_path), settings=SETTINGS)
    results = json.loads(result.results.read_text())
    report = result.report.read_text()
    static, whole = (results["designs"][f"top_gru, {mode}"] for mode in ("static", "non-static"))
    assert static["timing"]["latency_cycles"]["provenance"] == "simulated"
    assert static["resources"]["lut"]["provenance"] == "synthesised"
    assert whole["resources"]["lut"]["provenance"] == "estimated"
    assert whole["timing"]["interval_cycles"]["value"] < static["timing"]["interval_cycles"]["value"]
    assert results["verification"]["top_gru, static"]["vectors"]["events"] == 50
    physics = results["physics"]["top_gru"]
    assert physics["auc"]["top"]["value"] > 0.7
    assert physics["auc"]["top"]["error"] > 0
    best = physics["scan"]["integer bits chosen"][-1]["ratio"]
    assert best["value"] == pytest.approx(1.0, abs=0.02)
    assert best["error"] > 0
    for word in ("published", "synthesised", "estimated", "simulated", "AUC", "non-static"):
        assert word in report
    assert results["published"]["top"]["LSTM parameters"]["value"] == 2160

    again = json.loads(run(options(tmp_path, samples=tmp_path), settings=SETTINGS).results.read_text())
    for part in ("designs", "verification", "physics"):
        assert again[part] == results[part], "the same seed gives the same results"
