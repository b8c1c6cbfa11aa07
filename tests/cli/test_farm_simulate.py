"""``nanosieve farm simulate`` and ``measure``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.farm_designs import plain_design
from helpers.onnx_models import constants, model_of, node, saved
from nanosieve.cli import main
from nanosieve.farm.designs import design_text
from nanosieve.farm.engine import erlang_b
from nanosieve.farm.workload import load_workload


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(exit.value.code or 0), captured.out, captured.err


def _simulate(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    code, out, _ = _run(capsys, "farm", "simulate", *arguments, "--workers", "1", "--json")
    assert code == 0
    runs: list[dict[str, Any]] = json.loads(out)["runs"]
    return runs


def test_losses_latency_occupancy_cost_and_power_stand_side_by_side(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plain_design(tmp_path)
    path = str(tmp_path / "plain.yaml")
    settings = ("--seconds", "20", "--workers", "1")
    code, out, _ = _run(capsys, "farm", "simulate", path, "--rate", "1", "--rate", "2", *settings)
    assert code == 0
    for title in ("Losses of plain in % of the input", "Latency in s", "Busy in %", "Rates, power and cost"):
        assert title in out
    assert "As planned: overloaded" not in out
    assert "2 × rate: overloaded: offered loads of slots 1.8" in out
    queue = next(line for line in out.splitlines() if line.startswith("│ queue"))
    found = float(queue.split("│")[2].split("±")[0])
    assert found == pytest.approx(100 * erlang_b(30, 32), rel=0.2)


def test_a_copied_design_with_three_lines_changed_is_simulated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = design_text("cpu-2018").replace("name: cpu-2018", "name: mine", 1)
    text = text.replace("count: 300", "count: 200").replace("time: 60 s", "time: 20 s")
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    mine, original = _simulate(capsys, str(path), "cpu-2018", "--events", "50000")
    assert (mine["design"], original["design"]) == ("mine", "cpu-2018")
    assert original["verdict"] == "stable"
    assert mine["verdict"].startswith("overloaded: offered loads of slots 1.0")
    assert mine["losses"]["queue"]["value"] > 1 > original["losses"]["queue"]["value"]
    assert mine["cost"]["value"] < original["cost"]["value"]
    assert mine["power"]["unit"] == "kW"


def test_an_unstable_farm_is_named_with_its_growth(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = _simulate(capsys, "triggerless", "--rate", "1.5", "--events", "20000")
    assert run["verdict"].startswith("unstable: the backlog grows at builder by 5,")
    assert run["growth"]["builder"]["value"] == pytest.approx(5.3e6, rel=0.05)
    assert run["latency"] == {}


def test_every_condition_reaches_the_simulation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plain_design(tmp_path, nodes={"queue": 1000})
    path = str(tmp_path / "plain.yaml")
    options = ("--nodes-lost", "0.5", "--pileup", "25", "--seconds", "10")
    short, long = _simulate(capsys, path, *options, "--time-out", "20 ms", "--time-out", "2 s")
    assert short["scenario"] == "50 % of nodes gone, pile-up 25, time-out 0.02 s"
    assert short["losses"]["time-out"]["value"] > 20 > 1 > long["losses"]["time-out"]["value"]
    assert short["nodes_simulated"] == 1
    assert long["load"]["slots"] == pytest.approx(15 / 16, rel=0.05)
    assert [run["seed"] for run in _simulate(capsys, path, "--seed", "7", "--seconds", "2")] == [7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("simulate", "gpu-in-nod"), "error: unknown farm design 'gpu-in-nod'; nearest: gpu-in-node"),
        (("simulate", "cpu-2018", "--rate", "0"), "error: scenario: rate = 0.0 is not positive"),
        (("simulate", "cpu-2018", "--nodes-lost", "1"), "error: scenario: nodes_lost = 1.0; accepted"),
        (("simulate", "cpu-2018", "--time-out", "2 kg"), "error: --time-out = '2 kg'"),
        (("simulate", "cpu-2018", "--events", "5"), "error: events = 5 is not accepted"),
        (("simulate", "cpu-2018", "--seconds", "-1"), "error: seconds = -1.0 must be above zero"),
        (("measure", "none.onnx", "-o", "x.yaml"), "error: model 'none.onnx' does not exist"),
        (
            ("measure", "none.onnx", "-o", "x.txt"),
            "error: --out 'x.txt' ends in '.txt'; a workload or profile is",
        ),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = _run(capsys, "farm", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", ["simulate", "measure"])
def test_help_has_an_example(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = _run(capsys, "farm", verb, "--help")
    assert code == 0
    assert f"nanosieve farm {verb}" in out
    assert "Example" in out


def test_a_measured_network_becomes_a_stage_of_a_design(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    model = saved(model_of([node("Add", "x c", "y")], constants(c=1.0), ["n", 4]), tmp_path, "Tag_ger.onnx")
    out_file = tmp_path / "tag.yaml"
    code, out, _ = _run(capsys, "farm", "measure", str(model), "-o", str(out_file), "--repeats", "50")
    assert code == 0
    assert "measured" in out
    assert list(load_workload(out_file).tasks) == ["tag-ger"]
    plain_design(tmp_path, workload="tag.yaml", stages=[{"name": "full", "task": "tag-ger"}])
    (run,) = _simulate(capsys, str(tmp_path / "plain.yaml"), "--seconds", "5")
    assert run["verdict"] == "stable"
    assert run["load"]["slots"] < 0.01
