"""`nanosieve farm measure`, `networks` and `profile`: networks of the studies, their profile, a workload."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")

from nanosieve.cli import main
from nanosieve.farm.measurement import load_profile
from nanosieve.farm.workload import load_workload
from nanosieve.studies.timed_networks import TIMED_NETWORKS


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(exit.value.code or 0), " ".join(captured.out.split()), captured.err


def test_the_networks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "farm", "networks", "--json")
    assert code == 0
    assert set(json.loads(out)) == set(TIMED_NETWORKS)
    studies = {"l1-anomaly", "rnn", "cnn", "jets"}
    assert all(any(name.startswith(study) for name in TIMED_NETWORKS) for study in studies)


def test_a_profile_is_measured_shown_and_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, workload = tmp_path / "here.yaml", tmp_path / "jets.yaml"
    quick = ("--budget-minutes", "0.05", "--threads", "1", "--batches", "1,8")
    code, out, error = _run(capsys, "farm", "measure", "jets-dense", "-o", path, "--name", "here", *quick)
    assert (code, error.count("error")) == (0, 0)
    assert "jets-dense" in out
    assert "throughput [1/s]" in out
    found = load_profile(path)
    assert found.name == "here"
    assert found.networks["jets-dense"].parameters == 4389
    code, out, _ = _run(capsys, "farm", "profile", path)
    assert "no compiled design was given" in out
    code, out, _ = _run(capsys, "farm", "profile", path, "--json")
    assert json.loads(out)["networks"]["jets-dense"]["weights"] == "random"
    code, out, _ = _run(capsys, "farm", "profile", path, "--network", "jets-dense", "--workload", workload)
    assert code == 0
    assert set(load_workload(workload).tasks["jets-dense"].devices) >= {"cpu"}
    code, _, error = _run(capsys, "farm", "profile", path, "--network", "jets-dense")
    assert (code, error.strip()) == (
        1,
        "error: --network and --workload belong together; give both, or none for the table",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("jets-dence", "-o", "x.yaml"), "unknown network 'jets-dence'; nearest: jets-dense"),
        (("all", "-o", "x.json"), "ends in '.json'; a workload or profile is written as .yaml"),
        (("none.onnx", "-o", "x.yaml"), "none.onnx"),
        (("jets-dense", "-o", "x.yaml", "--design", "out"), "--design 'out': for networks of the studies"),
        (("jets-dense", "-o", "x.yaml", "--threads", "two"), "--threads takes whole numbers as 1,2,4"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    code, _, error = _run(capsys, "farm", "measure", *arguments)
    assert code == 1
    assert message in error
    assert error.count("\n") == 1 or "error:" in error


def test_the_profiles_that_come_with_the_package_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "farm", "profile")
    assert code == 0
    assert "Device profiles" in out
