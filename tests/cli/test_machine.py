"""`nanosieve machine`: what it prints, draws and refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nanosieve.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["machine", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def document(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    for words in ("pile-up", "55.9", "28.6", "higgs-ggf", "48.6 p", "3,500", "1.65 × 10⁹", "57.2", "693"):
        assert words in out
    for words in ("(estimated)", "σ [pb]", "rate [kHz]", "data rate [TB/s]", "volume [EB/year]"):
        assert words in out
    assert "200 days × 86,400 s × duty factor 0.5 = 8.64 × 10⁶ s (assumed)" in out
    assert "~" not in out


def test_what_is_recalled_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--energy", "13.6TeV")
    assert "~52 e" in out
    assert "recalled, not verified" in out
    _, out, _ = run(capsys, "--beam", "design")
    assert "beams from values recalled, not verified" in out
    assert "1.01" in out


def test_one_from_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--scheme", "hl-lhc-2760"]
    of_mu = document(capsys, "--pileup", 200, *options)["collisions"]
    of_luminosity = document(capsys, "--luminosity", of_mu["luminosity"]["value"] * 1e34, *options)[
        "collisions"
    ]
    assert of_luminosity["pileup"]["value"] == pytest.approx(200)
    assert of_mu["luminosity"]["value"] == pytest.approx(7.76, rel=1e-2)
    assert of_mu["bunches"]["value"] == 2760
    other = document(capsys, "--pileup", 200, *options, "--sigma-inelastic", "69.2 mb")["collisions"]
    assert other["luminosity"]["value"] / of_mu["luminosity"]["value"] == pytest.approx(80 / 69.2)


def test_json_names_sources(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--energy", "14", "--process", "higgs-vbf", "--cross-section", "LQ=5.8 fb")
    assert list(found["processes"]) == ["higgs-vbf", "LQ"]
    assert found["processes"]["higgs-vbf"]["cross_section"]["source"].startswith("LHC Higgs working group")
    assert found["processes"]["LQ"]["cross_section"]["value"] == pytest.approx(0.0058)
    assert found["processes"]["LQ"]["cross_section"]["provenance"] == "estimated"
    assert "duty factor" in found["live_time"]["source"]
    assert set(found["data_volumes"]["after Level-1"]) == {"rate", "data_rate", "volume"}


def test_an_energy_without_cross_sections(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--energy", "8 TeV")
    assert code == 0
    assert "no cross section is tabulated at 8 TeV; give --cross-section" in out


def test_the_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--out", tmp_path / "made", "--live-time", "1e7")
    assert code == 0
    assert "figure written to" in out
    assert (tmp_path / "made" / "data_volumes.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (tmp_path / "made" / "data_volumes.svg").read_text(encoding="utf-8")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "data_volumes.png",
        "data_volumes.svg",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--pileup", "40", "--luminosity", "2e34"],
            r"contradict each other: .* pile-up of 55.93 .* give one",
        ),
        (
            ["--beam", "design", "--luminosity", "2e34"],
            r"--beam contradict each other: these beams make 1.009e",
        ),
        (
            ["--beam", "design", "--energy", "13TeV"],
            r"two beams of 7 TeV collide at 14 TeV; leave --energy out",
        ),
        (
            ["--bunches", "5", "--scheme", "lhc-2748"],
            r"--bunches \(5\) and --scheme lhc-2748 \(2748\); give one",
        ),
        (["--scheme", "lhc"], r"unknown filling scheme 'lhc'; nearest: lhc-2748"),
        (["--process", "ttbar"], r"'ttbar' is not tabulated at 13 TeV; known at 13.6 TeV"),
        (["--cross-section", "5 pb"], r"--cross-section takes NAME=VALUE, not '5 pb'"),
        (["--live-time", "1e7", "--duty", "1"], r"--live-time replaces --days and --duty"),
        (["--live-time", "1e9 s"], r"longer than a year"),
        (["--energy=-1"], r"--energy = -1.0 is not positive"),
        (["--compare", "nowhere.yaml"], r"'nowhere.yaml' does not exist"),
    ],
)
def test_what_is_refused(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *options)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert re.search(message, err)
