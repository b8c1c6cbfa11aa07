"""The comparison with published numbers notices when ours are worse."""

from __future__ import annotations

import copy
import json

import pytest

from helpers.scripts import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("validation/l1_anomaly.py")


def figure(value: float, unit: str) -> dict[str, object]:
    return {"value": value, "error": None, "unit": unit, "provenance": "synthesised"}


@pytest.fixture
def results():
    design = {
        "resources": {"lut": figure(20_000, "LUT"), "ff": figure(4000, "FF"), "dsp": figure(0, "DSP")},
        "timing": {"latency_ns": figure(45, "ns")},
    }
    published = {"vae_trigger": "DNN VAE PTQ 8 bit", "ae_trigger": "DNN AE QAT 8 bit"}
    return {
        "designs": {"vae_trigger": design, "ae_trigger": copy.deepcopy(design)},
        "comparison": {name: {"published": model} for name, model in published.items()},
    }


def test_better_numbers_pass_and_are_put_in_percent_of_the_device(script, results, tmp_path, capsys):
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results))
    assert script.main(str(file)) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 8
    assert "1.69 % (synthesised)" in out
    assert "80 ns (published)" in out
    assert "MORE" not in out


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("resources", "lut", 40_000),
        ("resources", "dsp", 69),
        ("resources", "ff", 12_000),
        ("timing", "latency_ns", 81),
    ],
)
def test_a_worse_number_fails(script, results, part, name, value):
    results["designs"]["vae_trigger"][part][name]["value"] = value
    assert [row.holds for row in script.compare(results)].count(False) == 1
