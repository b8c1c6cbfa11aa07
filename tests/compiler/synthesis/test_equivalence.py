"""Proofs of small blocks, and that they bite."""

import re
from pathlib import Path

import numpy as np
import pytest

from helpers.beat_designs import engine_design
from helpers.mutations import mutate
from nanosieve.compiler.graph import (
    Builder,
    Dense,
    Fixed,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.synthesis import equivalence, netlist_design, prove_equivalent, prove_same
from nanosieve.compiler.verification import read_design, simulate
from nanosieve.errors import SettingsError, ToolError, UnknownNameError


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer for each kind of block."""
    builder = Builder("blocks")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (3,)))
    narrow = TensorType.of(Fixed(5, 3), (3,))
    kernel = np.array([[3, -5], [7, 2], [-1, 6]])
    table = np.random.default_rng(1).integers(-9, 10, (3, 256))
    values = {
        "adders": builder.add(Dense(kernel, -2), x, layer="adders"),
        "saturate": builder.add(Quantize(narrow, Rounding.RND, Overflow.SAT), x, layer="saturate"),
        "even": builder.add(Quantize(narrow, Rounding.RND_CONV, Overflow.WRAP), x, layer="even"),
        "table": builder.add(Lookup(table, np.full(3, -128), np.zeros(3)), x, layer="table"),
        "select": builder.add(LeakyRelu(5, -4), x, layer="select"),
        "product": builder.add(Multiply(square=True), x, x, layer="product"),
    }
    values["compare"] = builder.add(GreaterEqual(), values["even"], values["saturate"], layer="compare")
    return build_design(builder.finish(values), Budget(clock="200 MHz")).write(
        tmp_path_factory.mktemp("some blocks") / "blocks"
    )


@pytest.mark.parametrize("layer", ["adders", "saturate", "even", "table", "select", "product", "compare"])
def test_a_block_is_proven(blocks: Path, layer: str) -> None:
    proof = prove_equivalent(blocks, f"blocks_{layer}")
    assert (proof.module, proof.outcome, proof.counterexample) == (f"blocks_{layer}", "proven", {})
    assert 0 < proof.seconds < 60


def test_the_registers_and_wires_between_the_layers(blocks: Path) -> None:
    assert prove_equivalent(blocks, "blocks").outcome == "proven"


def test_a_fault_in_the_netlist_has_a_counterexample(toy_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = netlist_design(toy_copy)
    path = toy_copy / netlist.modules["toy_trigger"].file
    path.write_text(re.sub(r"\.INIT\((\d+)'h.*\)", r".INIT(\1'h0)", path.read_text(), count=1))
    monkeypatch.setattr(equivalence, "netlist_design", lambda *_, **__: netlist)
    proof = prove_equivalent(toy_copy, "toy_trigger")
    assert proof.outcome == "different"
    values = {name: row[-1] for name, row in proof.counterexample.items()}
    assert values["gold_out"] != values["gate_out"]
    # the trigger fires at 9/8, relu_2 counts eighths
    assert values["gold_out"] == int(values["in_relu_2"] >= 9)


def test_versions_of_the_rtl(toy: Path, toy_copy: Path) -> None:
    assert prove_same(read_design(toy), read_design(toy_copy)).outcome == "proven"
    mutate(toy_copy, "rtl/toy_relu_2.v", "swapped output bits")
    for module in ("toy_relu_2", None):
        assert prove_same(read_design(toy), read_design(toy_copy), module).outcome == "different"


def test_a_register_that_is_missing_is_a_difference(toy: Path, toy_copy: Path) -> None:
    design = read_design(toy)
    module = next(layer for layer in design.layers if "posedge" in (toy / layer.file).read_text())
    mutate(toy_copy, module.file, "missing register")
    assert prove_same(design, read_design(toy_copy), module.module).outcome == "different"


def test_codes_that_an_input_never_carries_do_not_count(tmp_path: Path) -> None:
    """A port of -3 to 2 has three bits; what is done with 3 and -4 is nobody's business."""
    builder = Builder("ranges")
    x = builder.input("x", TensorType(np.array([-3]), np.array([2]), np.array([0])))
    table = Lookup(np.array([[1, 5, 2, 7, 3, 9]]), np.array([-3]), np.zeros(1))
    graph = builder.finish({"y": builder.add(table, x, layer="t")})
    gold, gate = (build_design(graph, Budget()).write(tmp_path / name) for name in ("gold", "gate"))
    file = gate / "rtl" / "ranges_t.v"
    text = file.read_text()
    file.write_text(text.replace("default: n1 = 4'd0;", "default: n1 = 4'd15;"))
    assert file.read_text() != text
    designs = read_design(gold), read_design(gate)
    assert prove_same(*designs, "ranges_t").outcome == "proven"
    file.write_text(re.sub(r"n1 = 4'd9;", "n1 = 4'd8;", text))
    proof = prove_same(*designs, "ranges_t")
    assert proof.outcome == "different"
    # the counterexample is one that simulation confirms
    codes = {"x": np.array([[2]])}
    assert simulate(gold, codes).outputs["y"] == 9
    assert simulate(gate, codes).outputs["y"] == 8
    assert {proof.counterexample["gold_out"][-1], proof.counterexample["gate_out"][-1]} == {9, 8}


@pytest.mark.parametrize(("code", "outcome"), [(200, "proven"), (150, "different")])
def test_a_wire_carries_the_codes_of_all_its_elements(code: int, outcome: str, tmp_path: Path) -> None:
    """Four columns share a wire; the last alone reaches 150, and none 200."""
    gold, gate = (engine_design(tmp_path / name) for name in ("gold", "gate"))
    file = gate / "rtl" / "engine_relu.v"
    text = file.read_text()
    file.write_text(text.replace("dense[8] ?", f"dense[8] | dense == 9'd{code} ?"))
    assert file.read_text() != text
    assert prove_same(read_design(gold), read_design(gate), "engine_relu").outcome == outcome


def test_too_little_time_is_undecided(toy: Path) -> None:
    """Four sums of 35 bits, whose adders Yosys has put in another order."""
    assert prove_equivalent(toy, "toy_dense_1", time_limit=1).outcome == "undecided"


def test_what_cannot_be_compared(toy: Path, toy_copy: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown module 'toy_relu'; nearest: toy_relu_"):
        prove_equivalent(toy, "toy_relu")
    with pytest.raises(SettingsError, match="time limit: 0 seconds is not positive"):
        prove_equivalent(toy, "toy_relu_1", time_limit=0)
    (toy_copy / "rtl" / "toy_relu_1.v").write_text("module toy_relu_1 (\n  input  wire clk\n);\n  wrong\n")
    with pytest.raises(ToolError, match=r"^Yosys fails to compare module 'toy_relu_1': .*ERROR"):
        prove_same(read_design(toy), read_design(toy_copy), "toy_relu_1")
