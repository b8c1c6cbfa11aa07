"""The study cnn on a small network: the whole chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nanosieve.networks.compress import Recipe
from nanosieve.networks.settings import TrainingSettings
from nanosieve.report import published
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.cnn.network import PARAMETERS, build_network
from nanosieve.studies.cnn.samples import prepare_samples
from nanosieve.studies.cnn.settings import PRUNED, DesignSettings, Settings, settings_for
from nanosieve.studies.cnn.study import run

SHORT = TrainingSettings(epochs=2, batch=64, learning_rate=5e-3, bits_price=0.0)
AWARE, LEARNED = Recipe.aware(4, sparsity=PRUNED), Recipe.learned(1e-4, bits=5)
SETTINGS = Settings(
    300,
    60,
    SHORT,
    SHORT,
    SHORT,
    proof_images=6,
    random_vectors=2,
    aware_bits=(4,),
    after_bits=(6,),
    learned=(LEARNED,),
    designs=(DesignSettings("pruned_4_bits", AWARE, pixels=2, published="6-bit pruned"),),
    filters=(2, 2, 2),
    dense=(4, 4),
)


def test_the_network_is_the_published_one() -> None:
    model = build_network(1)
    assert model.count_params() == PARAMETERS == 14_210
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers if "pool" in layer.name]
    assert shapes == [(15, 15, 16), (6, 6, 16), (2, 2, 24)]
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    assert [int(np.prod(kernel.shape)) for kernel in kernels] == [432, 2304, 3456, 4032, 2688, 640]
    positions = (30 * 30, 13 * 13, 4 * 4, 1, 1, 1)
    macs = sum(int(np.prod(k.shape)) * n for k, n in zip(kernels, positions, strict=True))
    assert macs == 840_832, "multiplications of one image, as in the published training code"


def test_only_what_was_read_in_the_source_is_shown_as_published() -> None:
    rows = published("2101.05108", "cnn-hardware")
    assert {row.model for row in rows} == {"pruned <16,6>", "6-bit pruned"}
    assert {design.published for design in Settings.designs} - {""} == {row.model for row in rows}


def test_sizes_are_those_of_the_publication() -> None:
    full = settings_for(Size.FULL, 1)
    assert full.train == 574_168 + 30_220
    assert (full.test, full.training.epochs, full.training.batch) == (26_032, 100, 1024)
    assert full.proof_images >= 5000
    assert settings_for(Size.SMALL, 1).train >= 5_000


def test_images_are_rendered_once(tmp_path: Path) -> None:
    settings = replace(SETTINGS, train=30, test=20)
    stages: list[str] = []

    def told(stage: str, done: float, total: float, note: str = "") -> None:
        stages.append(stage)

    first = prepare_samples(settings, StudyOptions(tmp_path), told)
    assert "rendered digits, not SVHN" in first.remarks[0]
    assert stages
    stages.clear()
    (tmp_path / "samples" / "test_0000_20_seed_1.npz").write_bytes(b"half a file")
    again = prepare_samples(settings, StudyOptions(tmp_path), told)
    assert set(stages) == {"render test"}, "only what is damaged is made again"
    assert np.array_equal(first.test.x, again.test.x)
    assert not np.array_equal(first.train.x[:20], first.test.x)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:network .* says the same of every event")  # so few events kill some
def test_the_whole_study(tmp_path: Path) -> None:
    assert find_study("cnn").reference == "arXiv:2101.05108"
    options = StudyOptions(tmp_path, workers=1)
    result = run(options, settings=SETTINGS)
    results, report = json.loads(result.results.read_text()), result.report.read_text()
    design, proof = results["designs"]["pruned_4_bits"], results["verification"]["pruned_4_bits"]
    assert design["pixels_per_cycle"] == 2
    assert design["timing"]["interval_cycles"]["value"] <= 512
    assert 400 < design["timing"]["latency_cycles"]["value"] <= 612
    assert design["resources"]["lut"]["provenance"] == "synthesised"
    assert proof["differences"] == 0
    assert proof["vectors"]["events"] == 6
    assert "rtl" in proof["stages"]
    networks = results["physics"]["networks"]
    assert set(networks) == {AWARE.title, Recipe.aware(4).title, LEARNED.title}
    assert all(found["loss"]["error"] >= 0 and found["accuracy"]["error"] > 0 for found in networks.values())
    assert results["physics"]["sparsity"]["dense_1"] == pytest.approx(0.5)
    assert results["published"]["cnn-hardware: 6-bit pruned"]["LUT"]["provenance"] == "published"
    for word in ("rendered digits", "synthesised", "published", "hls4ml-tutorial", "<image"):
        assert word in report
    assert "<script" not in report
