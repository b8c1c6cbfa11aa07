"""The page of a design: its pictures say what the design is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nanosieve.cli import main
from nanosieve.compiler.graph import Builder, Dense, Fixed, Graph, Overflow, Quantize, Rounding, TensorType
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.hardware.plan import Fold
from nanosieve.report.activity import Activity
from nanosieve.report.design_report import design_report


def network() -> Graph:
    """Two dense layers over four positions."""
    builder = Builder("two_layers")
    x = builder.input("x", TensorType.of(Fixed(6, 3), (4, 3)))
    rng = np.random.default_rng(0)
    for name in ("first", "second"):
        x = builder.add(Dense(rng.integers(-9, 9, (3, 3)), -3), x, layer=name, part="product")
        target = TensorType.of(Fixed(6, 4), (4, 3))
        x = builder.add(Quantize(target, Rounding.RND, Overflow.SAT), x, layer=name)
    return builder.finish({"y": x})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    design = build_design(
        network(), Budget(every="20 ns", latency="1 us"), layers={"first": Fold(1, 1), "second": None}
    )
    return design.write(tmp_path / "design")


def test_the_page_shows_schedule_resources_memory_and_clock(folder: Path) -> None:
    page = design_report(folder).read_text(encoding="utf-8")
    design = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    assert f"latency {design['latency_cycles']} cycles" in page
    for words in ("4 slots", "slots:1,1", "unrolled", "kbit", "MHz, estimated", "estimated before synthesis"):
        assert words in page
    assert "counted in the netlist" not in page.replace("counted in the netlist that Yosys made", "")


def test_the_command_says_where_the_page_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["report", str(folder)])
    assert not end.value.code
    assert str(folder / "report.html") in capsys.readouterr().out.replace("\n", "")


def test_a_folder_that_is_no_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["report", str(tmp_path)])
    assert end.value.code == 1
    assert "holds no design.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("starts", "depth", "spans"),
    [((0,), 2, [(0, 3)]), ((1, 2, 3), 1, [(1, 4)]), ((0, 5, 6), 1, [(0, 2), (5, 3)]), ((3,), 0, [(3, 1)])],
)
def test_overlapping_slots_are_joined(
    starts: tuple[int, ...], depth: int, spans: list[tuple[int, int]]
) -> None:
    assert Activity("layer", "slots", starts, depth).spans == spans
