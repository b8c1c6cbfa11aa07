"""Yosys on small modules whose resources can be told by hand."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.designs import hand_design
from nanosieve.compiler.graph import (
    Builder,
    Dense,
    Fixed,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.hardware.plan import Fold, Plan
from nanosieve.compiler.synthesis import synthesis as module
from nanosieve.compiler.synthesis import synthesize, synthesize_all
from nanosieve.compiler.synthesis.yosys import Batch, Job, batches
from nanosieve.errors import InputFileError, SettingsError, ToolError, UnknownNameError
from nanosieve.figure import Provenance


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hand_design(tmp_path_factory.mktemp("a design") / "hand")


def test_counts_of_a_design_by_module(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = synthesize(hand, device="alveo-u50", workers=1)
    assert [(m.name, m.module) for m in result.modules] == [("add", "hand_add"), ("hand", "hand")]
    add, top = result.modules
    # 6 + 35 bits into 40: an adder takes a LUT and a flip-flop a bit; the sign extends at the top
    assert add.resources.ff.value == 36
    assert 35 <= add.resources.lut.value <= 36
    assert add.resources.carry4.value == 9
    assert add.logic_levels.value == 2
    # the child is a black box: its adder is not counted again
    assert top.resources.carry4.value == 0
    assert top.resources.ff.value + top.resources.lut.value > 70
    assert result.resources.lut.value == add.resources.lut.value + top.resources.lut.value
    assert result.resources.lut.provenance is Provenance.SYNTHESISED
    assert re.fullmatch(r"Yosys [\d.]+", result.resources.lut.source)
    assert result.fits
    assert result.percent_of_device("lut").value == pytest.approx(100 * result.resources.lut.value / 870720)
    assert result.percent_of_usable("ff").value == pytest.approx(
        100 * result.resources.ff.value / (1743360 * 0.5 * 0.5)
    )
    document = json.loads((hand / "synth" / "synthesis.json").read_text())
    assert document == result.to_dict()
    assert set(document["resources"]) == {"lut", "ff", "dsp", "bram36", "uram", "carry4"}
    assert sorted(path.name for path in (hand / "synth").iterdir()) == [
        "hand.log",
        "hand.xcup.json",
        "hand.xcup.v",
        "hand_add.log",
        "hand_add.xcup.json",
        "hand_add.xcup.v",
        "synthesis.json",
    ]

    # a second run, on another device of the family, starts no Yosys
    monkeypatch.setattr(module, "run_batch", None)
    assert synthesize(hand, device="vu13p", workers=1).resources == result.resources


@pytest.mark.slow
def test_layers_in_slots_take_what_is_estimated(tmp_path: Path) -> None:
    """Tables of weights are a LUT for each bit of 64 words; a kernel with one port is no trouble."""
    rng = np.random.default_rng(0)
    builder = Builder("folded")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (16,)))
    y = builder.add(Dense(rng.integers(-128, 128, (16, 32)), -7), x, layer="dense", part="product")
    y = builder.add(Relu(), y, layer="dense", part="relu")
    target = TensorType.of(Fixed(7, 4, signed=False), (32,))
    y = builder.add(Quantize(target, Rounding.RND, Overflow.SAT), y, layer="dense")
    plan = Plan({"dense": Fold(1, 32, 2)}, interval=64)
    design = build_design(builder.finish({"y": y}), Budget(every="320 ns", latency="2 us"), plan=plan)
    assert [len(layer.feed.ports) for layer in design.layers if layer.name == "dense" and layer.feed] == [1]
    counted = synthesize(design.write(tmp_path)).resources
    for kind in ("lut", "dsp"):
        assert counted.count(kind) == pytest.approx(design.estimate[kind].value, rel=0.3)


def test_a_changed_layer_alone_is_synthesised_again(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesize(hand, workers=1)
    done: list[str] = []

    def run(batch: Batch) -> list[object]:
        done.extend(job.module for job in batch.jobs)
        return [job.recall() or module.Netlist({"LUT2": 7}, 1) for job in batch.jobs]

    file = hand / "rtl" / "hand_add.v"
    text = file.read_text()
    try:
        file.write_text(text.replace("number + first", "number - first"))
        monkeypatch.setattr(module, "run_batch", run)
        assert synthesize(hand, workers=1).modules[0].resources.lut.value == 7
        assert done == ["hand_add"]
    finally:
        file.write_text(text)


def test_several_designs_share_the_processes(hand: Path, tmp_path: Path) -> None:
    """Modules of the same name in two folders stay apart: one of them is another circuit."""
    other = hand_design(tmp_path / "other")
    file = other / "rtl" / "hand_add.v"
    changed = file.read_text().replace("number + first", "number & first")
    assert changed != file.read_text()
    file.write_text(changed)
    told: list[float] = []
    both = synthesize_all([hand, other], workers=2, progress=lambda _, done, *__: told.append(done))
    assert both == [synthesize(hand), synthesize(other)]
    assert both[0].modules[1:] == both[1].modules[1:]
    assert both[0].modules[0].resources.carry4.value > both[1].modules[0].resources.carry4.value == 0
    assert told[-1] == sum(len(each.modules) for each in both)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A design of one module that a test writes itself."""
    folder = hand_design(tmp_path / "one")
    manifest = json.loads((folder / "design.json").read_text())
    manifest |= {"layers": [], "modules": {"hand": {"file": "rtl/hand.v", "children": []}}}
    (folder / "design.json").write_text(json.dumps(manifest))
    return folder


PIECES = """\
module hand (input clk, input [15:0] a, input [15:0] b, input s, input [9:0] r,
             output reg [31:0] p, output t, output reg [17:0] m, output d);
  reg [15:0] x, y;
  always @(posedge clk) begin x <= a; y <= b; p <= x * y; end    // one DSP
  reg [7:0] line;
  always @(posedge clk) line <= {line[6:0], s};                  // one shift register
  assign t = line[7];
  reg [17:0] memory [0:1023];
  always @(posedge clk) begin m <= memory[r]; if (s) memory[r] <= {a, 2'b0}; end   // one 18 kb block
  assign d = ^r;                                                 // ten bits: two LUTs
endmodule
"""


def test_dsp_shift_register_and_memory(one: Path) -> None:
    (one / "rtl" / "hand.v").write_text(PIECES)
    resources = synthesize(one).resources
    assert resources.dsp.value == 1
    assert resources.bram36.value == 0.5
    assert resources.uram.value == 0
    assert 3 <= resources.lut.value <= 6


def test_an_error_of_yosys_is_quoted_in_one_line(one: Path) -> None:
    (one / "rtl" / "hand.v").write_text("module hand (input clk);\n  assign = 1;\nendmodule\n")
    with pytest.raises(
        ToolError, match=r"^Yosys fails on hand: hand\.v:2: ERROR: syntax error[^\n]*\(log: '.*hand\.log'\)$"
    ):
        synthesize(one)
    assert [path.name for path in (one / "synth").iterdir()] == ["hand.log"]


def test_a_time_limit(one: Path) -> None:
    with pytest.raises(
        ToolError, match=r"^Yosys took more than 0\.01 s for hand; give it more with --time-limit$"
    ):
        synthesize(one, time_limit=0.01)
    assert not (one / "synth" / "work").exists()
    with pytest.raises(SettingsError, match="time limit: 0 seconds is not positive"):
        synthesize(one, time_limit=0)


def test_bad_folder_device_and_header(one: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"holds no design\.json"):
        synthesize(tmp_path)
    with pytest.raises(UnknownNameError, match="nearest: xcvu9p"):
        synthesize(one, device="xcvu9")
    manifest = json.loads((one / "design.json").read_text())
    manifest["modules"]["hand"]["children"] = ["part"]
    manifest["modules"]["part"] = {"file": "rtl/hand_add.v"}
    (one / "design.json").write_text(json.dumps(manifest))
    with pytest.raises(InputFileError, match=r"module 'part' has no header 'module part"):
        synthesize(one)


def _job(name: str, size: int, children: tuple[str, ...] = ()) -> Job:
    return Job(name, "x" * size, dict.fromkeys(children, "stub"), {}, "xcup", Path())


def test_large_modules_go_alone_and_small_ones_together() -> None:
    jobs = [_job("top", 5, ("a",)), _job("a", 50_000), *(_job(f"s{n}", 9_000) for n in range(9))]
    packed = batches(jobs, workers=2, time_limit=1)
    assert sorted(job.module for batch in packed for job in batch.jobs) == sorted(job.module for job in jobs)
    assert [len(batch.jobs) for batch in packed] == [1, 5, 4, 1]
    assert packed[0].jobs[0].module == "a"
    assert [batch.size for batch in packed] == sorted((batch.size for batch in packed), reverse=True)
    # with little to do there is still something for every worker
    assert len(batches([_job(f"s{n}", 100) for n in range(8)], workers=4, time_limit=1)) == 4
    assert batches([], workers=2, time_limit=1) == []


def test_no_module_is_beside_its_child_nor_beside_another_stub_of_it() -> None:
    other = replace(_job("other", 1), stubs={"a": "narrower"})
    parents = [_job("top", 1, ("a",)), _job("twin", 1, ("a",)), other]
    packed = batches([*parents, _job("a", 1), _job("far", 1000)], workers=1, time_limit=1)
    assert [{job.module for job in batch.jobs} for batch in packed] == [
        {"far", "top", "twin"},
        {"other"},
        {"a"},
    ]
