"""The Verilog as text: to read these tests is to see the hardware."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    GreaterEqual,
    Lookup,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware import Budget, HardwareDesign, build_design
from nanosieve.compiler.hardware.identifiers import Names, identifier

SAT4 = Quantize(TensorType.of(Fixed(4, 4), (1,)), Rounding.RND, Overflow.SAT)


def tiny() -> Graph:
    """y = sat4(rnd(max(3 a - b + 1, 0) / 4)), as a decision, too."""
    builder = Builder("tiny")
    x = builder.input("x", TensorType.of(Fixed(4, 4), (2,)))
    dense = builder.add(Dense(np.array([[3], [-1]]), -2), x, layer="dense", part="product")
    bias = builder.constant(Constant(np.array([1]), np.array([-2])), layer="dense", part="bias")
    dense = builder.add(Add(), dense, bias, layer="dense", part="sum")
    score = builder.add(SAT4, builder.add(Relu(), dense, layer="dense"), layer="score")
    level = builder.constant(Constant(np.array([3]), np.array([0])), layer="trigger", part="level")
    return builder.finish(
        {"score": score, "trigger": builder.add(GreaterEqual(), score, level, layer="trigger")}
    )


def texts(design: HardwareDesign) -> dict[str, str]:
    return {module.layer.name: module.text for module in design.sources.layers}


def test_a_layer() -> None:
    """Adders as alkaid found them, the ReLU as a choice by the sign."""
    assert texts(build_design(tiny(), Budget()))["dense"] == DENSE


def test_rounding_and_saturation() -> None:
    assert texts(build_design(tiny(), Budget()))["score"] == SCORE


def test_the_top_module() -> None:
    assert build_design(tiny(), Budget()).sources.text == TOP


def test_registers_between_stages() -> None:
    """At 480 MHz one adder fits into a cycle; registers carry its result and what later adders need."""
    text = texts(build_design(tiny(), Budget(clock="480 MHz")))["dense"]
    assert REGISTERS in text


def test_a_table() -> None:
    builder = Builder("toy")
    x = builder.input("x", TensorType(np.array([-2]), np.array([1]), np.array([0])))
    table = Lookup(np.array([[5, -3, 0, 7]]), np.array([-2]), np.array([0]))
    design = build_design(builder.finish({"y": builder.add(table, x, layer="lut")}), Budget())
    assert TABLE in texts(design)["lut"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dense_1", "dense_1"),
        ("block/dense-1", "block_dense_1"),
        ("2nd", "l_2nd"),
        ("module", "l_module"),
        ("logic", "l_logic"),
        ("out", "l_out"),
        ("valid_in", "l_valid_in"),
        ("n12", "l_n12"),
        ("n3_s2", "l_n3_s2"),
        ("u_dense", "l_u_dense"),
        ("a__b", "a_b"),
        ("Größe µ", "Gr_e"),
        ("", "l"),
        ("///", "l"),
        ("Module", "Module"),
    ],
)
def test_identifiers(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_names_differ() -> None:
    names = Names()
    assert [names.new(n) for n in ("a/b", "a_b", "a b", "a_b_2")] == ["a_b", "a_b_2", "a_b_3", "a_b_2_2"]


def test_no_clashes_in_a_design(tmp_path: Path) -> None:
    """Every module, port, wire and instance of the top module has a name of its own."""
    builder = Builder("top")
    x = builder.input("top", TensorType.of(Fixed(4, 4), (1,)))
    for name in ("top_a", "a", "a/", "u_a", "top__a", "top_0_1"):
        x = builder.add(Relu(), x, layer=name) if name != "u_a" else builder.add(SAT4, x, layer=name)
    design = build_design(builder.finish({"top": x, "a": x, "y__0_1": x}), Budget())
    modules = [design.sources.top, *(m.module for m in design.sources.layers)]
    assert len(set(modules)) == len(modules)
    names = re.findall(
        r"^\s*(?:input  wire|output wire|wire|reg) (?:\[\d+:0\] )?(\w+)", design.sources.text, re.M
    )
    names += re.findall(r"^  \w+ (u_\w+) \(", design.sources.text, re.M)
    assert len(set(names)) == len(names)


DENSE = """\
// dense: Dense, Constant, Add, Relu; outputs at stage 0
module tiny_dense (
  input  wire clk,
  input  wire [7:0] x,
  output wire [4:0] out
);

  // stage 0
  wire signed [3:0] n0 = x[3:0];
  wire signed [3:0] n1 = x[7:4];
  wire signed [5:0] n3 = 2'sd1 + $signed({n0, 2'b0});
  wire signed [6:0] n4 = n3 - n0;
  wire signed [6:0] n5 = n4 - n1;
  wire signed [5:0] n6 = n5[5:0];
  wire signed [5:0] n8 = n6[5] ? 2'sd0 : n6;
  wire [4:0] n9 = n8[4:0];

  assign out[4:0] = n9;
endmodule
"""
SCORE = """\
// score: Quantize; outputs at stage 1
module tiny_score (
  input  wire clk,
  input  wire [4:0] dense,
  output wire [2:0] out
);

  // stage 0
  wire [4:0] n0 = dense[4:0];

  // stage 1
  reg [4:0] n0_s1;
  always @(posedge clk) begin
    n0_s1 <= n0;
  end
  wire [3:0] n1 = ($signed({1'b0, n0_s1}) + 7'sd2) >>> 2;
  wire [2:0] n2 = (|n1[3:3]) ? 3'd7 : n1[2:0];

  assign out[2:0] = n2;
endmodule
"""
TOP = """\
// tiny: a new event every cycle; outputs and valid_out 2 cycles after valid_in
module tiny (
  input  wire clk,
  input  wire reset,  // synchronous; forgets the events in flight
  input  wire valid_in,
  input  wire [7:0] x,
  output wire valid_out,
  output wire [2:0] score_out,
  output wire [0:0] trigger_out
);

  wire cycle_0 = valid_in;
  reg [1:0] cycle_2_chain;
  always @(posedge clk) cycle_2_chain <= reset ? 2'd0 : {cycle_2_chain[0:0], cycle_0};
  wire cycle_2 = cycle_2_chain[1];
  assign valid_out = cycle_2;

  wire [4:0] dense;  // at stage 0
  tiny_dense u_dense (.clk(clk), .x(x), .out(dense));

  wire [2:0] score;  // at stage 1
  tiny_score u_score (.clk(clk), .dense(dense), .out(score));

  wire [0:0] trigger;  // at stage 1
  tiny_trigger u_trigger (.clk(clk), .score(score), .out(trigger));

  reg [2:0] score_out__0_1;
  always @(posedge clk) begin
    score_out__0_1 <= score[2:0];
  end
  assign score_out[2:0] = score_out__0_1;
  reg [0:0] trigger_out__0_1;
  always @(posedge clk) begin
    trigger_out__0_1 <= trigger[0:0];
  end
  assign trigger_out[0:0] = trigger_out__0_1;
endmodule
"""
TABLE = """\
  wire signed [1:0] n0 = x[1:0];
  reg signed [3:0] n1;
  always @* begin
    case (n0)
      2'd0: n1 = 4'd0;
      2'd1: n1 = 4'd7;
      2'd2: n1 = 4'd5;
      2'd3: n1 = 4'd13;
      default: n1 = 4'd0;
    endcase
  end
"""
REGISTERS = """\
  // stage 1
  reg signed [3:0] n0_s1;
  reg signed [3:0] n1_s1;
  reg signed [5:0] n3_s1;
  always @(posedge clk) begin
    n0_s1 <= n0;
    n1_s1 <= n1;
    n3_s1 <= n3;
  end
  wire signed [6:0] n4 = n3_s1 - n0_s1;

  // stage 2
"""
