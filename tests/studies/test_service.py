"""The study service with small networks and short loads, through the whole chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.services import NEEDS_SERVE
from nanosieve.farm.designs import load_design
from nanosieve.farm.workload import load_workload, service_time
from nanosieve.studies import Size, StudyOptions, find_study
from nanosieve.studies.service.settings import Settings, settings_for
from nanosieve.studies.service.study import run

SHORT = Settings(
    batches=(1, 64), images=(1,), seconds=0.4, connections=2, parts=(0.3, 0.6), burst=2,
    round_trips=(0.0, 0.02), calibration=300, blocks=(1, 1), width=4, side=32, farm_events=2000,
)  # fmt: skip


def test_it_is_listed_and_the_full_size_is_larger():
    assert find_study("service").reference == "arXiv:1904.08986"
    small, full = settings_for(Size.SMALL), settings_for(Size.FULL)
    assert full.batches[-1] == small.batches[-1] == 16_384
    assert full.seconds > small.seconds


@NEEDS_SERVE
@pytest.mark.slow
def test_the_whole_chain(tmp_path: Path) -> None:
    result = run(StudyOptions(tmp_path / "out", Size.SMALL, seed=2), settings=SHORT)
    found = json.loads(result.results.read_text())
    assert found["verification"]["answers"] > 100
    assert (found["verification"]["wrong"], found["verification"]["lost"]) == (0, 0)
    assert set(found["networks"]) == {"facile", "resnet"}
    near, far = found["networks"]["facile"]["distances"].values()
    assert far["latency_s"]["p50"] - near["latency_s"]["p50"] == pytest.approx(0.02, rel=0.5)
    report = result.report.read_text()
    for words in (
        "Is the answer the right one?",
        "Beside what is published",
        "Design D of the farms",
        "random weights",
    ):
        assert words in report
    published = {entry["published"]["source"] for entry in found["published"] if entry["published"]}
    assert published == {"arXiv:1904.08986 abstract", "arXiv:2010.08556 abstract"}
    folder = result.report.parent / "farm"
    design = load_design(folder / "service-measured.yaml")
    assert design.accelerators is not None
    assert design.accelerators.network is not None
    assert design.accelerators.network.latency == pytest.approx(found["farm"]["latency_s"], rel=1e-4)
    assert str(design.origin("accelerators.network.latency").trust) == "measured"
    workload = load_workload(folder / "facile.yaml")
    assert service_time(workload, "facile", "cpu").mean.middle > 0
    assert service_time(workload, "facile", "fpga").mean.middle == pytest.approx(80e-9)
    assert result.remarks == ()
