from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanosieve.cli import main
from nanosieve.farm.designs import design_text, known_designs


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(exit.value.code or 0), captured.out, captured.err


def test_the_list_names_every_design(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "farm", "list")
    assert code == 0
    assert all(name in out for name in known_designs())
    code, out, _ = _run(capsys, "farm", "list", "--json")
    assert list(json.loads(out)) == list(known_designs())


def test_a_design_is_shown_with_the_trust_of_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "farm", "show", "gpu-in-node")
    assert code == 0
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith("│ ") and "." in line}
    assert "110 kHz" in lines["hardware_trigger.accept"]
    assert "?" not in lines["hardware_trigger.accept"]
    assert "~4 µs" in lines["hardware_trigger.latency"]
    assert "?256" in lines["nodes.slots"]
    document = json.loads(_run(capsys, "farm", "show", "triggerless", "--json")[1])
    assert document["hardware_trigger"] is None
    assert document["event"]["size"] == 133000


def test_a_copied_design_with_three_lines_changed_has_a_cost(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, text, _ = _run(capsys, "farm", "show", "service", "--yaml")
    assert (code, text) == (0, design_text("service"))
    text = text.replace("name: service", "name: mine").replace("count: 160", "count: 320")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("dual-epyc: 20", "dual-epyc: 40"), encoding="utf-8")
    code, out, _ = _run(capsys, "farm", "cost", str(path), "service", "--json")
    assert code == 0
    costs = json.loads(out)["designs"]
    assert list(costs) == ["mine", "service"]
    mine, service = (costs[name]["lines"]["accelerators"]["value"] for name in costs)
    assert mine == pytest.approx(2 * service)
    assert costs["mine"]["relative"]["interval"] == [1.0, 1.0]
    assert costs["service"]["relative"]["value"] < 1


def test_costs_stand_side_by_side_with_their_intervals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = _run(capsys, "farm", "cost", "cpu-2018", "gpu-in-node", "--utilisation", "0.8")
    assert code == 0
    assert "power [kW]" in out
    assert "price of dual-epyc" in out
    total = next(line for line in out.splitlines() if line.startswith("│ total"))
    assert total.count("[") == 2
    assert "80%" in out


def test_a_farm_that_cannot_keep_up_is_said_to_lose_events(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: gpu-in-node\nname: mine\ntitle: mine\nnodes: {count: 150}\n", encoding="utf-8")
    code, out, _ = _run(capsys, "farm", "cost", str(path))
    assert code == 0
    assert "mine: nodes are asked for 112% of what they can do" in out
    assert "more than it can do" in _run(capsys, "farm", "show", str(path))[1]
    assert "asked for" not in _run(capsys, "farm", "cost", "gpu-in-node")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cost", "gpu-in-nodes"), "error: unknown farm design 'gpu-in-nodes'; nearest: gpu-in-node"),
        (("cost", "cpu-2018", "--utilisation", "1.2"), "error: utilisation of nodes = 1.2 is outside 0 to 1"),
        (("cost", "cpu-2018", "--seed", "-1"), "error: --seed -1 is negative"),
        (("show", "none.yaml"), "error: farm design 'none.yaml' does not exist"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = _run(capsys, "farm", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", ["list", "show", "cost"])
def test_help_has_an_example(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = _run(capsys, "farm", verb, "--help")
    assert code == 0
    assert f"nanosieve farm {verb}" in out
    assert "Example" in out
