"""Designs written by hand whose vectors take several cycles, each with faults to plant in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve.compiler.graph import (
    Builder,
    Concatenate,
    Dense,
    Fixed,
    Graph,
    Relu,
    Sum,
    TensorType,
    save_graph,
)

Element = dict[str, Any]

ACCUMULATE = """\
// x comes in three beats, y in the second of them; after five cycles x0 + x1 + x2 + y, then x0 - x1 + 2 x2
module accumulate (
  input wire clk, input wire reset, input wire valid_in,
  input wire [7:0] x, input wire [7:0] y,
  output wire valid_out, output wire [10:0] out
);
  reg [2:0] busy;
  wire start = valid_in & busy == 0;
  always @(posedge clk)
    if (reset) busy <= 0;
    else if (start) busy <= 3;
    else if (busy != 0) busy <= busy - 1;

  reg fresh;  // the next vector has not begun
  always @(posedge clk)
    if (reset) fresh <= 1;
    else if (busy == 1) fresh <= 1;
    else if (start) fresh <= 0;

  wire signed [10:0] total, spread;
  accumulate_total u_total (.clk(clk), .fresh(fresh), .second(busy == 3), .x(x), .y(y), .out(total));
  accumulate_spread u_spread (.clk(clk), .fresh(fresh), .second(busy == 3), .x(x), .out(spread));

  reg [4:0] valid;
  always @(posedge clk) valid <= reset ? 0 : {valid[3:0], start};
  reg [10:0] total_kept, spread_kept, given;
  always @(posedge clk) begin
    if (busy == 1) total_kept <= total;
    if (busy == 1) spread_kept <= spread;
    given <= valid[3] ? total_kept : spread_kept;
  end
  assign valid_out = valid[4];
  assign out = given;
endmodule
"""

TOTAL = """\
module accumulate_total (
  input wire clk, input wire fresh, input wire second, input wire [7:0] x, input wire [7:0] y,
  output wire [10:0] out
);
  reg signed [10:0] sum;
  wire signed [10:0] next = $signed(x) + (second ? $signed(y) : 8'sd0);
  always @(posedge clk) sum <= fresh ? $signed(x) : sum + next;
  assign out = sum;
endmodule
"""

SPREAD = """\
module accumulate_spread (
  input wire clk, input wire fresh, input wire second, input wire [7:0] x, output wire [10:0] out
);
  reg signed [10:0] sum;
  always @(posedge clk)
    sum <= fresh ? $signed(x) : second ? sum - $signed(x) : sum + ($signed(x) <<< 1);
  assign out = sum;
endmodule
"""

ENGINE = """\
// four columns of a dense layer on one lane, one in each cycle; their relu comes out in four beats
module engine (
  input wire clk, input wire reset, input wire valid_in, input wire [11:0] x,
  output wire valid_out, output wire [8:0] values, output wire [9:0] total
);
  reg [2:0] slot;  // 4: the design is free
  wire start = valid_in & slot == 4;
  always @(posedge clk)
    if (reset) slot <= 4;
    else if (start) slot <= 1;
    else if (slot != 4) slot <= slot + 1;

  reg [11:0] held;
  always @(posedge clk) if (start) held <= x;
  wire [11:0] now = start ? x : held;
  wire [1:0] column = slot[1:0];
  wire [8:0] dense, relu;
  engine_dense u_dense (.clk(clk), .column(column), .x(now), .out(dense));
  engine_relu u_relu (.clk(clk), .dense(dense), .out(relu));

  reg [6:0] valid;
  always @(posedge clk) valid <= reset ? 0 : {valid[5:0], start};
  assign valid_out = valid[6];
  wire [9:0] sum;
  engine_sum u_sum (.clk(clk), .first(valid[1]), .x(relu), .out(sum));
  reg [8:0] relu_1, relu_2, relu_3, relu_4, relu_5;
  reg [9:0] sum_1;
  always @(posedge clk) begin
    relu_1 <= relu; relu_2 <= relu_1; relu_3 <= relu_2; relu_4 <= relu_3; relu_5 <= relu_4;
    sum_1 <= sum;
  end
  assign values = relu_5;
  assign total = sum_1;
endmodule
"""

ENGINE_DENSE = """\
module engine_dense (input wire clk, input wire [1:0] column, input wire [11:0] x, output wire [8:0] out);
  wire signed [5:0] a = x[5:0], b = x[11:6];
  reg signed [8:0] sum;
  always @(posedge clk)
    case (column)
      2'd0: sum <= 3 * a - b;
      2'd1: sum <= a + 2 * b;
      2'd2: sum <= -2 * a + b;
      default: sum <= a - 4 * b;
    endcase
  assign out = sum;
endmodule
"""

ENGINE_RELU = """\
module engine_relu (
  input wire clk,
  input wire [8:0] dense,
  output wire [8:0] out
);
  reg [8:0] value;
  always @(posedge clk) value <= dense[8] ? 9'd0 : dense;
  assign out = value;
endmodule
"""

ENGINE_SUM = """\
module engine_sum (input wire clk, input wire first, input wire [8:0] x, output wire [9:0] out);
  reg [9:0] sum;
  always @(posedge clk) sum <= first ? {1'b0, x} : sum + x;
  assign out = sum;
endmodule
"""

LINE = """\
// one element a cycle for 1,000 cycles, and nothing but a register
module line (
  input wire clk, input wire reset, input wire valid_in, input wire [7:0] x,
  output wire valid_out, output wire [7:0] y
);
  reg [9:0] busy;
  wire start = valid_in & busy == 0;
  always @(posedge clk) busy <= reset ? 0 : start ? 999 : busy == 0 ? 0 : busy - 1;
  reg [1:0] valid;
  always @(posedge clk) valid <= reset ? 0 : {valid[0], start};
  wire [7:0] copy;
  line_copy u_copy (.clk(clk), .x(x), .out(copy));
  reg [7:0] given;
  always @(posedge clk) given <= copy;
  assign valid_out = valid[1];
  assign y = given;
endmodule
"""

LINE_COPY = """\
module line_copy (input wire clk, input wire [7:0] x, output wire [7:0] out);
  reg [7:0] copy;
  always @(posedge clk) copy <= x;
  assign out = copy;
endmodule
"""


def _elements(type: TensorType, place: Mapping[str, Sequence[int]], width: int) -> list[Element]:
    """Elements of `type` on lanes of `width` bits; `place` holds their ``lsb`` and ``beat`` or ``stage``."""
    return [
        {
            "lsb": 0,
            "width": width,
            "signed": int(type.low.flat[n]) < 0,
            "exponent": int(type.exponent.flat[n]),
            "low": int(type.low.flat[n]),
            "high": int(type.high.flat[n]),
            **{name: values[n] for name, values in place.items()},
        }
        for n in range(type.size)
    ]


def _write(
    folder: Path,
    graph: Graph,
    texts: Mapping[str, str],
    timing: tuple[int, int],
    buses: Mapping[str, tuple[int, list[Element]]],
    layers: Mapping[str, list[Element]],
) -> Path:
    """A design folder; the first of `texts` is the top module, and a layer NAME is its module TOP_NAME."""
    (folder / "rtl").mkdir(parents=True)
    for name, text in texts.items():
        (folder / "rtl" / f"{name}.v").write_text(text)
    top, *children = texts
    ports = {
        name: {"name": name, "bus": name, "beats": beats, "elements": elements}
        for name, (beats, elements) in buses.items()
    }
    manifest = {
        "format": 2,
        "name": top,
        "device": "xcvu9p",
        "clock_mhz": 200.0,
        "latency_cycles": timing[0],
        "interval_cycles": timing[1],
        "inputs": [ports[name] for name in graph.inputs],
        "outputs": [ports[name] for name in graph.outputs],
        "layers": [
            {
                "name": name,
                "kind": "by hand",
                "module": f"{top}_{name}",
                "file": f"rtl/{top}_{name}.v",
                "signal": name,
                "stage": max(element["stage"] for element in elements if element),
                "elements": elements,
            }
            for name, elements in layers.items()
        ],
        "modules": {name: {"file": f"rtl/{name}.v", "children": []} for name in children}
        | {top: {"file": f"rtl/{top}.v", "children": children}},
    }
    (folder / "design.json").write_text(json.dumps(manifest))
    save_graph(graph, folder / "graph.json")
    return folder


def accumulate_design(folder: Path) -> Path:
    """Interval 4, latency 5; inputs in three beats, the output in two; the layers last for one cycle each."""
    builder = Builder("accumulate")
    x = builder.input("x", TensorType.of(Fixed(8, 8), (3,)))
    y = builder.input("y", TensorType.of(Fixed(8, 8), (1,)))
    both = builder.add(Concatenate(), x, y, layer="both")
    total = builder.add(Dense(np.ones((4, 1), dtype=int), 0), both, layer="total")
    spread = builder.add(Dense(np.array([[1], [-1], [2]]), 0), x, layer="spread")
    graph = builder.finish({"out": builder.add(Concatenate(), total, spread, layer="together")})
    types = {name: graph.types[name] for name in (x, y, total, spread)}
    return _write(
        folder,
        graph,
        {"accumulate": ACCUMULATE, "accumulate_total": TOTAL, "accumulate_spread": SPREAD},
        (5, 4),
        {
            "x": (3, _elements(types[x], {"beat": [0, 1, 2]}, 8)),
            "y": (3, _elements(types[y], {"beat": [1]}, 8)),
            "out": (2, _elements(graph.types[graph.outputs["out"]], {"beat": [0, 1]}, 11)),
        },
        {
            "total": _elements(types[total], {"stage": [3]}, 11),
            "spread": _elements(types[spread], {"stage": [3]}, 11),
        },
    )


def engine_design(folder: Path) -> Path:
    """Interval 4, latency 7; layers with one lane that holds another element in each cycle."""
    builder = Builder("engine")
    x = builder.input("x", TensorType.of(Fixed(6, 6), (2,)))
    kernel = np.array([[3, 1, -2, 1], [-1, 2, 1, -4]])
    dense = builder.add(Dense(kernel, 0), x, layer="dense")
    relu = builder.add(Relu(), dense, layer="relu")
    total = builder.add(Sum(), relu, layer="sum")
    graph = builder.finish({"values": relu, "total": total})
    lanes = {name: graph.types[name] for name in (x, dense, relu, total)}
    return _write(
        folder,
        graph,
        {
            "engine": ENGINE,
            "engine_dense": ENGINE_DENSE,
            "engine_relu": ENGINE_RELU,
            "engine_sum": ENGINE_SUM,
        },
        (7, 4),
        {
            "x": (1, _elements(lanes[x], {"lsb": [0, 6]}, 6)),
            "values": (4, _elements(lanes[relu], {"beat": [0, 1, 2, 3]}, 9)),
            "total": (1, _elements(lanes[total], {}, 10)),
        },
        {
            "dense": _elements(lanes[dense], {"stage": [1, 2, 3, 4]}, 9),
            "relu": _elements(lanes[relu], {"stage": [2, 3, 4, 5]}, 9),
            "sum": _elements(lanes[total], {"stage": [6]}, 10),
        },
    )


def line_design(folder: Path) -> Path:
    """Interval 1,000: vectors of 1,000 elements, one in each cycle, go through a layer and out again."""
    builder = Builder("line")
    x = builder.input("x", TensorType.of(Fixed(8, 8, signed=False), (1000,)))
    graph = builder.finish({"y": builder.add(Relu(), x, layer="copy")})
    type, cycles = graph.types[x], range(1000)
    port = (1000, _elements(type, {"beat": cycles}, 8))
    layer = _elements(type, {"stage": range(1, 1001)}, 8)
    return _write(
        folder,
        graph,
        {"line": LINE, "line_copy": LINE_COPY},
        (2, 1000),
        {"x": port, "y": port},
        {"copy": layer},
    )
