"""``nanosieve weights`` as a user meets it."""

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
        return q.QDense(3, name="dense", iq_conf=kif(), kq_conf=kbi(), bq_conf=kif("bias"))(x)

    made = model_of(build, rng=np.random.default_rng(1))
    return saved(made, tmp_path_factory.mktemp("model"), "tagger.keras")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments)])
    return int(stop.value.code or 0)


def test_words_of_a_model(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design, words = tmp_path / "design", tmp_path / "words.hex"
    assert run("compile", model, "-o", design, "--reloadable", "auto") == 0
    capsys.readouterr()
    assert run("weights", design, model, "-o", words, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    manifest = json.loads((design / "design.json").read_text())
    assert said["words"] == manifest["weights"]["words"] == len(words.read_text().split())
    assert words.read_text() == (design / "weights.hex").read_text()
    assert run("weights", design, "-o", tmp_path / "words.h") == 0
    assert "for each address from 0 on" in capsys.readouterr().out
    assert run("weights", design, "-o", tmp_path / "words.txt") == 1
    assert "are written as .hex, .h, .npy, .bin" in capsys.readouterr().err
    assert run("compile", model, "-o", design, "--reloadable", "dense.kernel=fixed<2,9>") == 1
    assert "layer 'dense': its kernel holds" in capsys.readouterr().err
    assert run("compile", model, "-o", tmp_path / "constant") == 0
    assert run("weights", tmp_path / "constant", "-o", words) == 1
    assert "has constant weights" in capsys.readouterr().err
