"""`nanosieve pareto` and `nanosieve report`: figures, pages and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import hgq.layers as q
import numpy as np
import pytest

from helpers.hgq_models import kbi, kif, model_of, saved
from nanosieve.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def build(x: object) -> object:
        for name in ("wide", "dense"):
            x = q.QDense(24, name=name, iq_conf=kif(), kq_conf=kbi(), bq_conf=kif("bias"))(x)
        return x

    made = model_of(build, rng=np.random.default_rng(1))
    return saved(made, tmp_path_factory.mktemp("model"), "tagger.keras")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_the_front(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pareto", model, "--every", "500 ns", "--minimise", "lut", "--json") == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert len({point["interval_ns"] for point in points}) > 1
    first, last = points[0], points[-1]
    assert first["lut"]["value"] > last["lut"]["value"]
    assert first["plan"] == {}
    assert last["plan"]["dense"].startswith("slots:")
    assert run("pareto", model, "--every", "100 ns", "-o", tmp_path) == 0
    assert "tagger, estimated" in capsys.readouterr().out
    page = (tmp_path / "pareto" / "report.html").read_text(encoding="utf-8")
    assert "LUT (estimated)" in page
    assert "Time between events [ns]" in page


def test_what_the_user_says_holds_at_all_intervals(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pareto", model, "--layer", "dense=slots:1,4", "--no-dsp", "--json") == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert {point["plan"]["dense"] for point in points} == {"slots:1,4"}
    assert all(point["dsp"]["value"] == 0 for point in points)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "nope=unrolled"], "there is no layer 'nope' in 'tagger'; it has wide, dense"),
        (["--layer", "dense=cells:2"], "layer 'dense': no steps repeat in it"),
        (["--layer", "dense=slots:1,8,4", "--every", "5 ns"], "slots do not fit into the"),
        (["--beats", "nope=1"], "there is no input 'nope'"),
        (["--every", "1 m"], "every"),
    ],
)
def test_what_is_refused(
    options: list[str], message: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pareto", model, "-o", tmp_path, *options) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "pareto").exists()


def test_the_page_of_a_design(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = "dense=slots:1,4,2"
    assert run("compile", model, "-o", tmp_path / "d", "--every", "1 us", "--layer", layer) == 0
    assert run("report", tmp_path / "d") == 0
    assert "report.html" in capsys.readouterr().out
    page = (tmp_path / "d" / "report.html").read_text(encoding="utf-8")
    assert page.count("slots:1,4,2") >= 1
    assert "dense.sums" in page
    assert run("report", tmp_path) == 1
    assert "give a folder made by 'nanosieve compile'" in capsys.readouterr().err
