"""Vectors that take several cycles: right designs pass, and every planted fault of timing is found."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from helpers.beat_designs import accumulate_design, engine_design, line_design
from nanosieve.compiler.graph import interpret, load_graph
from nanosieve.compiler.verification import Stimulus, probe, simulate, verify
from nanosieve.errors import VerificationError

MAKERS = {"accumulate": accumulate_design, "engine": engine_design}


@pytest.fixture(scope="module", params=MAKERS)
def design(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of the designs as it should be; its simulator is built once."""
    return MAKERS[request.param](tmp_path_factory.mktemp("beats") / "design")


def test_a_right_design_passes(design: Path) -> None:
    result = verify(design, random=1000, streamed=300, golden=0)
    assert result.again["layer by layer"] == 300
    assert 150 < result.again["with gaps and resets"] < 300


@pytest.mark.parametrize(
    "stimulus", [Stimulus(), Stimulus(0.5, 0, 1), Stimulus(0.0, 60, 2), Stimulus(0.8, 99, 3)]
)
def test_outputs_belong_to_their_vectors(design: Path, stimulus: Stimulus) -> None:
    graph = load_graph(design / "graph.json")
    random = np.random.default_rng(3)
    codes = {
        name: random.integers(type.low, type.high, (400, *type.shape), endpoint=True)
        for name, type in graph.inputs.items()
    }
    found = simulate(design, codes, stimulus)
    assert found.delivered.all() == (stimulus.resets == 0)
    assert found.delivered.sum() > 150
    assert found.cycles >= 4 * found.delivered.sum()
    for name, meant in interpret(graph, codes).items():
        assert np.array_equal(found.outputs[name][found.delivered], meant[found.delivered])


@dataclass(frozen=True)
class Fault:
    """A change of a text of a design, and the beginning of what is said of it."""

    design: str
    file: str
    old: str
    new: str
    said: str

    def plant(self, folder: Path) -> Path:
        MAKERS[self.design](folder)
        path = folder / self.file
        text = path.read_text()
        assert text.count(self.old) == 1
        path.write_text(text.replace(self.old, self.new))
        return folder


HIGH = r"design '\w+': valid_out of the RTL is high in cycle \d+, when no vector is due"
LOW = r"design '\w+': valid_out of the RTL is low in cycle \d+, when event \d+ of the \w+"
STREAM = "while every layer agrees when the same events enter back to back"
TOP, TOTAL, SPREAD = (f"rtl/accumulate{name}.v" for name in ("", "_total", "_spread"))
ENGINE, DENSE = "rtl/engine.v", "rtl/engine_dense.v"
FREE_RUNNING = "reg [1:0] phase; always @(posedge clk) phase <= reset ? 0 : phase + 1;\n"

FAULTS = {
    "a cycle too early": Fault("accumulate", TOP, "valid_out = valid[4]", "valid_out = valid[3]", HIGH),
    "valid accepted while busy": Fault("accumulate", TOP, "valid_in & busy == 0;", "valid_in;", HIGH),
    "busy for too long": Fault("accumulate", TOP, "busy == 0;", "busy == 0 & ~valid[3];", LOW),
    "busy after a reset": Fault(
        "accumulate", TOP, "if (reset) busy <= 0;\n    else if", "if (cold) busy <= 0;\n    else if", LOW
    ),
    "valid survives a reset": Fault("accumulate", TOP, "valid <= reset ?", "valid <= cold ?", HIGH),
    "an old sum after a reset": Fault("accumulate", TOP, "if (reset) fresh", "if (cold) fresh", STREAM),
    "counts on even gaps": Fault(
        "accumulate", TOP, ".second(busy == 3), .x(x), .out", ".second(phase == 1), .x(x), .out", STREAM
    ),
    "output beats swapped": Fault(
        "accumulate", TOP, "? total_kept : spread_kept", "? spread_kept : total_kept", "output 'out', while"
    ),
    "input beats swapped": Fault(
        "accumulate",
        SPREAD,
        "second ? sum - $signed(x) : sum +",
        "~second ? sum - $signed(x) : sum +",
        r"layer 'spread' \(rtl/accumulate_spread\.v, stage 3\), element 0, event \d+ of the corner vectors",
    ),
    "element in another beat": Fault(
        "accumulate", TOTAL, "(second ?", "(~second ?", r"layer 'total' \(rtl/accumulate_total\.v, stage 3\)"
    ),
    "wrong weight in a slot": Fault(
        "engine",
        DENSE,
        "-2 * a + b",
        "-2 * a - b",
        r"layer 'dense' \(rtl/engine_dense\.v, stage 3\), element 2",
    ),
    "input read after its beat": Fault(
        "engine",
        ENGINE,
        "start ? x : held",
        "x",
        r"layer 'dense' \(rtl/engine_dense\.v, stage \d\), element \d",
    ),
    "sum begins a slot late": Fault(
        "engine",
        ENGINE,
        ".first(valid[1])",
        ".first(valid[2])",
        r"layer 'sum' \(rtl/engine_sum\.v, stage 6\)",
    ),
    "an output beat late": Fault(
        "engine", ENGINE, "values = relu_5", "values = relu_4", "output 'values', while"
    ),
    "slots go on after a reset": Fault("engine", ENGINE, "if (reset) slot", "if (cold) slot", LOW),
}
QUICK = {"busy for too long", "an old sum after a reset", "wrong weight in a slot"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAULTS]
)
def test_a_fault_is_found(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    folder = fault.plant(tmp_path / "design")
    top = folder / "rtl" / f"{fault.design}.v"
    # `cold` is the reset at the very beginning alone; `phase` counts cycles and knows no events
    more = "reg warm; initial warm = 0; always @(posedge clk) warm <= 1; wire cold = reset & ~warm;\n"
    top.write_text(top.read_text().replace(");\n", f");\n{more}{FREE_RUNNING}", 1))
    with pytest.raises(VerificationError) as caught:
        verify(folder, random=200, streamed=300, golden=0)
    assert re.search(fault.said, str(caught.value)), str(caught.value)
    if "valid" not in str(caught.value):
        assert re.match(
            r"graph and RTL differ first in .*, element \d+, event \d+ of the .*: "
            r"graph \S+ \(code \S+\), RTL \S+ \(code \S+\)$",
            str(caught.value),
        )


def test_a_stage_that_is_not_the_stated_one(tmp_path: Path) -> None:
    folder = engine_design(tmp_path / "design")
    path = folder / "design.json"
    manifest = json.loads(path.read_text())
    manifest["layers"][0]["elements"][1]["stage"] = 3
    path.write_text(json.dumps(manifest))
    with pytest.raises(VerificationError, match=r"layer 'dense' \(rtl/engine_dense\.v, stage 3\), element 1"):
        verify(folder, random=0, streamed=10, golden=0)


def test_an_element_that_is_not_made_is_not_compared(tmp_path: Path) -> None:
    """One element of the first layer, and the only one of the last."""
    folder = engine_design(tmp_path / "design")
    path = folder / "design.json"
    manifest = json.loads(path.read_text())
    manifest["layers"][0]["elements"][2] = None
    manifest["layers"][2]["elements"][0] = None
    path.write_text(json.dumps(manifest))
    file = folder / DENSE
    file.write_text(file.read_text().replace("-2 * a + b", "-2 * a - b"))
    with pytest.raises(VerificationError, match=r"layer 'relu' \(rtl/engine_relu\.v, stage 4\), element 2"):
        verify(folder, random=0, streamed=10, golden=0)


@pytest.mark.slow
def test_the_rest_of_an_output_may_be_lost_at_a_reset(tmp_path: Path) -> None:
    folder = accumulate_design(tmp_path / "design")
    path = folder / TOP
    text = path.read_text()
    assert text.count("given <= valid[3]") == 1
    path.write_text(text.replace("given <= valid[3]", "given <= reset ? 0 : valid[3]"))
    verify(folder, random=0, streamed=1000, golden=0)


def test_a_long_interval_takes_seconds(tmp_path: Path) -> None:
    """100 vectors of 1,000 cycles, every element of the layer at a stage of its own."""
    folder = line_design(tmp_path / "design")
    codes = np.random.default_rng(1).integers(0, 256, (100, 1000))
    found = simulate(folder, {"x": codes})
    assert found.cycles > 100_000
    assert np.array_equal(found.outputs["y"], codes)
    assert np.array_equal(probe(folder, {"x": codes})["copy"], codes)
