"""Small designs: one written by hand, whose `valid` misbehaves on request, and one made by the compiler."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    GreaterEqual,
    LeakyRelu,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware import Budget, build_design

HAND = """\
// two inputs, three stages; sums: a + b[0] and b[1]; wide: b, 70 bits with a sign of its own
module hand (
  input clk, input reset, input valid_in,
  input [7:0] a, input [71:0] b,
  output valid_out, output [39:0] sums, output [69:0] wide
);
  // fault 1: lost, 2: survives a reset, 3: comes out twice
  wire [1:0] fault = a[7:6];
  wire signed [5:0] number = a[5:0];
  wire signed [34:0] first = b[34:0];
  wire signed [36:0] second = b[71:35];
  wire [39:0] total;
  hand_add u_add (.clk(clk), .in0({number, first}), .out(total));

  reg [2:0] valid;
  reg [1:0] fault_1, fault_2, fault_3;
  always @(posedge clk) begin
    fault_1 <= fault;
    fault_2 <= fault_1;
    fault_3 <= fault_2;
    valid[0] <= valid_in & fault != 2'd1 & ~(reset & fault != 2'd2);
    valid[1] <= valid[0] & ~(reset & fault_1 != 2'd2);
    valid[2] <= (valid[1] | (valid[2] & fault_3 == 2'd3)) & ~(reset & fault_2 != 2'd2);
  end
  assign valid_out = valid[2];

  reg [39:0] total_2, total_3;
  reg [71:0] b_1, b_2, b_3;
  always @(posedge clk) begin
    total_2 <= total;
    total_3 <= total_2;
    b_1 <= b;
    b_2 <= b_1;
    b_3 <= b_2;
  end
  assign sums = total_3;
  assign wide = b_3[69:0];
endmodule
"""

HAND_ADD = """\
module hand_add (input clk, input [40:0] in0, output [39:0] out);
  wire signed [5:0] number = in0[40:35];
  wire signed [34:0] first = in0[34:0];
  reg signed [39:0] sum;
  always @(posedge clk) sum <= number + first;
  assign out = sum;
endmodule
"""


def element(lsb: int, width: int, signed: bool = True) -> dict[str, object]:
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    return {"lsb": lsb, "width": width, "signed": signed, "exponent": 0, "low": low, "high": high}


def hand_design(folder: Path) -> Path:
    """The hand-written design: outputs are number + first (40 bits) and the low 70 bits of b as 35 + 35."""
    (folder / "rtl").mkdir(parents=True)
    (folder / "rtl" / "hand.v").write_text(HAND)
    (folder / "rtl" / "hand_add.v").write_text(HAND_ADD)
    manifest = {
        "format": 2,
        "name": "hand",
        "device": "xcvu9p",
        "clock_mhz": 200.0,
        "latency_cycles": 3,
        "interval_cycles": 1,
        "inputs": [
            {"name": "a", "bus": "a", "elements": [element(0, 6), element(6, 2, signed=False)]},
            {"name": "b", "bus": "b", "elements": [element(0, 35), element(35, 37)]},
        ],
        "outputs": [
            {"name": "sums", "bus": "sums", "elements": [element(0, 40)]},
            {"name": "wide", "bus": "wide", "elements": [element(0, 35), element(35, 35)]},
        ],
        "layers": [
            {
                "name": "add",
                "kind": "add",
                "module": "hand_add",
                "file": "rtl/hand_add.v",
                "signal": "total",
                "stage": 1,
                "elements": [element(0, 40) | {"stage": 1}],
            }
        ],
        "modules": {
            "hand": {"file": "rtl/hand.v", "children": ["hand_add"]},
            "hand_add": {"file": "rtl/hand_add.v", "children": []},
        },
        "budget": {"share": 0.5},
        "estimate": {},
    }
    (folder / "design.json").write_text(json.dumps(manifest))
    return folder


def toy_graph() -> Graph:
    """Two dense layers, a score and a trigger bit on five numbers."""
    random = np.random.default_rng(5)
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(7, 4), (5,)))
    value = x
    for n, (inputs, outputs) in enumerate(((5, 4), (4, 1)), start=1):
        kernel = random.integers(-7, 8, (inputs, outputs))
        kernel[kernel == 0] = 3
        value = builder.add(Dense(kernel, -2), value, layer=f"dense_{n}", part="product")
        target = TensorType.of(Fixed(9, 6), (outputs,))
        value = builder.add(Quantize(target, Rounding.RND, Overflow.SAT), value, layer=f"dense_{n}")
        op = LeakyRelu(5, -4) if n == 1 else Relu()
        value = builder.add(op, value, layer=f"relu_{n}")
    limit = builder.constant(Constant([9], [-3]), layer="trigger", part="limit")
    trigger = builder.add(GreaterEqual(), value, limit, layer="trigger")
    return builder.finish({"score": value, "trigger": trigger})


def toy_design(folder: Path) -> Path:
    """The toy graph as hardware."""
    return build_design(toy_graph(), Budget(clock="200 MHz")).write(folder)
