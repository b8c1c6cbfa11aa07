"""A graph of one layer as a design of one module, built with any setting of `Lowering`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from helpers.netlists import evaluate_cells
from nanosieve.compiler.graph import Constant, Graph, bit_width
from nanosieve.compiler.hardware.library import library_text, used_library
from nanosieve.compiler.hardware.lower import Lowering
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.schedule import ANY_STAGE, Arrival, Schedule, place_registers
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.verilog import layer_module


@dataclass(frozen=True)
class OneLayer:
    """The cells of a graph with one output, which all stand in one layer."""

    graph: Graph
    netlist: Netlist
    schedule: Schedule

    def run(self, event: dict[str, list[int]]) -> list[int]:
        """Output codes of one event, from the cells."""
        values = evaluate_cells(self.netlist, [event[name] for name in self.graph.inputs])
        return [values[n] for n in self.netlist.outputs]


def lowered(
    graph: Graph, *, chain: int = 0, dsp: bool = True, period: float = 5.0, late: tuple[str, ...] = ()
) -> OneLayer:
    """Lower every node; the inputs named in `late` can be had at any stage, the others at stage 0."""
    lowering = Lowering(graph, "layer", DelayModel(), period, 0, dsp=dsp, chain=chain)
    for port, (name, type) in enumerate(graph.inputs.items()):
        arrival = ANY_STAGE if name in late else Arrival(0, 0.0)
        ends = zip(type.low.flat, type.high.flat, type.exponent.flat, strict=True)
        lowering.values[name] = [
            Value(lowering.give_input(port, n, int(low), int(high), arrival), int(exponent))
            for n, (low, high, exponent) in enumerate(ends)
        ]
    for node in graph.nodes:
        if node.name not in graph.inputs and (node.inputs or isinstance(node.op, Constant)):
            lowering.lower(node)
    (output,) = graph.outputs.values()
    lowering.netlist.outputs = [value.cell for value in lowering.values[output]]
    return OneLayer(graph, lowering.netlist, place_registers(lowering.netlist, lowering.arrivals))


def one_layer_design(layer: OneLayer, folder: Path) -> Path:
    """The layer as a design folder: late inputs are delayed to the stage in which they are first read."""
    graph, netlist, schedule = layer.graph, layer.netlist, layer.schedule
    buses = {}
    places = {}
    for port, (name, type) in enumerate(graph.inputs.items()):
        at, elements = 0, []
        for n, (low, high) in enumerate(zip(type.low.flat, type.high.flat, strict=True)):
            width = max(bit_width(int(low), int(high)), 1)
            elements.append(
                {
                    "lsb": at,
                    "width": width,
                    "signed": bool(low < 0),
                    "exponent": 0,
                    "low": int(low),
                    "high": int(high),
                }
            )
            places[port, n] = (at, width)
            at += width
        buses[name] = (at, elements)
    widths = {name: width for name, (width, _) in buses.items()}
    text, layout = layer_module("part", "one layer", widths, places, netlist, schedule)
    out = sum(width for _, width in layout)
    latency = schedule.stage + 1
    lines = ["module whole (input clk, input reset, input valid_in, output valid_out,"]
    lines += [f"  input [{width - 1}:0] {name}," for name, width in widths.items()]
    lines += [f"  output reg [{out - 1}:0] result);", f"  wire [{out - 1}:0] made;"]
    lines += [f"  reg [{latency}:0] valid;", f"  assign valid_out = valid[{latency - 1}];"]
    lines += ["  always @(posedge clk) begin valid <= reset ? 0 : {valid, valid_in}; result <= made; end"]
    stages = {
        (cell.port, cell.element): schedule.arrivals[n].stage
        for n, cell in enumerate(netlist.cells)
        if hasattr(cell, "element")
    }
    for port, name in enumerate(widths):
        parts = []
        for n in range(len(buses[name][1])):
            at, width = places[port, n]
            wait = stages.get((port, n), 0)
            lines.append(f"  reg [{width - 1}:0] {name}_{n} [0:{wait}];")
            lines.append(f"  always @* {name}_{n}[0] = {name}[{at + width - 1}:{at}];")
            lines += [
                f"  always @(posedge clk) {name}_{n}[{k}] <= {name}_{n}[{k - 1}];" for k in range(1, wait + 1)
            ]
            parts.insert(0, f"{name}_{n}[{wait}]")
        lines.append(f"  wire [{widths[name] - 1}:0] {name}_in = {{{', '.join(parts)}}};")
    pins = "".join(f", .{name}({name}_in)" for name in widths)
    lines += [f"  part u_part (.clk(clk){pins}, .out(made));", "endmodule", ""]
    (folder / "rtl").mkdir(parents=True)
    library = used_library(netlist)
    for name, source in {
        "part": text,
        "whole": "\n".join(lines),
        **{n: library_text(n) for n in library},
    }.items():
        (folder / "rtl" / f"{name}.v").write_text(source)
    results = [
        {
            "lsb": lsb,
            "width": width,
            "signed": netlist.cells[n].signed,
            "exponent": 0,
            "low": netlist.cells[n].low,
            "high": netlist.cells[n].high,
        }
        for n, (lsb, width) in zip(netlist.outputs, layout, strict=True)
    ]
    manifest = {
        "format": 2,
        "name": "whole",
        "device": "xcvu9p",
        "clock_mhz": 200.0,
        "latency_cycles": latency,
        "interval_cycles": 1,
        "inputs": [
            {"name": name, "bus": name, "elements": elements} for name, (_, elements) in buses.items()
        ],
        "outputs": [{"name": "result", "bus": "result", "elements": results}],
        "modules": {
            "whole": {"file": "rtl/whole.v", "children": ["part"]},
            "part": {"file": "rtl/part.v", "children": list(library)},
            **{name: {"file": f"rtl/{name}.v", "library": True} for name in library},
        },
    }
    (folder / "design.json").write_text(json.dumps(manifest))
    return folder
