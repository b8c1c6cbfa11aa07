"""The top module: one instance for each layer, the `valid` pipeline and the output registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.compiler.graph import Graph, bit_width
from nanosieve.compiler.hardware.identifiers import Names
from nanosieve.compiler.hardware.library import used_library
from nanosieve.compiler.hardware.unrolled import BuiltLayer, Element
from nanosieve.compiler.hardware.verilog import Bus, layer_module

__all__ = ["LayerModule", "Port", "Sources", "write_sources"]


@dataclass(frozen=True)
class Port:
    """A flat bus of the top module: element ``e`` occupies ``bus[lsb[e] +: width[e]]``."""

    name: str
    bus: str
    elements: tuple[Element, ...]
    layout: tuple[tuple[int, int], ...]

    @property
    def width(self) -> int:
        """Bits of the bus."""
        return sum(width for _, width in self.layout)

    def to_dict(self) -> dict[str, object]:
        """The JSON form."""
        return {"name": self.name, "bus": self.bus, "elements": elements_to_dicts(self.elements, self.layout)}


@dataclass(frozen=True)
class LayerModule:
    """Where a layer is in the Verilog: module, file text, and the wire of its output in the top module."""

    layer: BuiltLayer
    module: str
    signal: str
    text: str
    layout: tuple[tuple[int, int], ...]

    @property
    def library(self) -> tuple[str, ...]:
        """The library modules that it instantiates."""
        return used_library(self.layer.netlist)


@dataclass(frozen=True)
class Sources:
    """The Verilog of a design."""

    top: str
    text: str
    layers: tuple[LayerModule, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    latency: int

    @property
    def library(self) -> tuple[str, ...]:
        """The library modules that the design instantiates."""
        return tuple(dict.fromkeys(name for module in self.layers for name in module.library))

    @property
    def delays(self) -> list[tuple[int, int]]:
        """Width of each output element and the registers behind it in the top module."""
        return [
            (width, self.latency - e.arrival.stage)
            for port in self.outputs
            for e, (_, width) in zip(port.elements, port.layout, strict=True)
        ]


def elements_to_dicts(
    elements: tuple[Element, ...], layout: tuple[tuple[int, int], ...]
) -> list[dict[str, object]]:
    """The JSON form of the elements of a bus."""
    return [
        {
            "lsb": lsb,
            "width": width,
            "signed": e.low < 0,
            "exponent": e.exponent,
            "low": e.low,
            "high": e.high,
        }
        for e, (lsb, width) in zip(elements, layout, strict=True)
    ]


def _port(name: str, bus: str, elements: tuple[Element, ...]) -> Port:
    layout: Bus = []
    for e in elements:
        lsb = layout[-1][0] + layout[-1][1] if layout else 0
        layout.append((lsb, max(bit_width(e.low, e.high), 1)))
    return Port(name, bus, elements, tuple(layout))


def write_sources(
    graph: Graph,
    layers: list[BuiltLayer],
    outputs: Mapping[str, list[Element]],
    inputs: Mapping[str, list[Element]],
) -> Sources:
    """The Verilog of all modules."""
    names = Names()
    top = names.new(graph.name)
    in_ports = tuple(_port(name, names.new(name), tuple(elements)) for name, elements in inputs.items())
    out_ports = tuple(
        _port(
            name,
            names.new(name if name not in {la.name for la in layers} else f"{name}_out"),
            tuple(elements),
        )
        for name, elements in outputs.items()
    )
    latency = 1 + max((e.arrival.stage for port in out_ports for e in port.elements), default=0)
    signals = {port.name: port.bus for port in in_ports}
    layouts = {port.name: port.layout for port in in_ports}
    modules: list[LayerModule] = []
    for layer in layers:
        signals[layer.name] = names.new(layer.name)
        module = names.new(f"{top}_{layer.name}")
        buses = {signals[source]: layouts[source] for source in layer.ports}
        elements = {
            (port, n): place
            for port, source in enumerate(layer.ports)
            for n, place in enumerate(layouts[source])
        }
        title = (
            f"{layer.name}: {', '.join(dict.fromkeys(layer.kinds))}; outputs at stage {layer.schedule.stage}"
        )
        text, layout = layer_module(
            module,
            title,
            {bus: sum(width for _, width in layout) for bus, layout in buses.items()},
            elements,
            layer.netlist,
            layer.schedule,
        )
        layouts[layer.name] = tuple(layout)
        modules.append(LayerModule(layer, module, signals[layer.name], text, tuple(layout)))
    text = _top_module(top, in_ports, out_ports, modules, signals, layouts, latency)
    return Sources(top, text, tuple(modules), in_ports, out_ports, latency)


def _top_module(
    top: str,
    inputs: tuple[Port, ...],
    outputs: tuple[Port, ...],
    modules: list[LayerModule],
    signals: Mapping[str, str],
    layouts: Mapping[str, tuple[tuple[int, int], ...]],
    latency: int,
) -> str:
    lines = [
        f"// {top}: a new event every cycle; outputs and valid_out {latency} cycles after valid_in",
        f"module {top} (",
        "  input  wire clk,",
        "  input  wire reset,  // synchronous; forgets the events in flight",
        "  input  wire valid_in,",
    ]
    lines += [f"  input  wire [{port.width - 1}:0] {port.bus}," for port in inputs]
    lines += ["  output wire valid_out,"]
    lines += [f"  output wire [{port.width - 1}:0] {port.bus}," for port in outputs]
    lines[-1] = lines[-1].rstrip(",")
    lines += [
        ");",
        "",
        f"  reg [{latency - 1}:0] valid_pipeline;",
        "  always @(posedge clk)",
        f"    valid_pipeline <= reset ? {latency}'d0 : "
        + ("valid_in;" if latency == 1 else f"{{valid_pipeline[{latency - 2}:0], valid_in}};"),
        f"  assign valid_out = valid_pipeline[{latency - 1}];",
        "",
    ]
    for module in modules:
        width = sum(width for _, width in module.layout)
        ports = "".join(f", .{signals[s]}({signals[s]})" for s in module.layer.ports)
        lines += [
            f"  wire [{width - 1}:0] {module.signal};  // at stage {module.layer.schedule.stage}",
            f"  {module.module} u_{module.signal} (.clk(clk){ports}, .out({module.signal}));",
            "",
        ]
    for port in outputs:
        parts = []
        for e, (_, width) in zip(port.elements, port.layout, strict=True):
            lsb, _ = layouts[e.source][e.index]
            parts.append((f"{signals[e.source]}[{lsb + width - 1}:{lsb}]", latency - e.arrival.stage))
        lines += _delayed(port, parts)
    return "\n".join([*lines, "endmodule", ""])


def _delayed(port: Port, parts: list[tuple[str, int]]) -> list[str]:
    """Registers that bring the elements of an output to the last stage."""
    lines = []
    for n, ((source, depth), (lsb, width)) in enumerate(zip(parts, port.layout, strict=True)):
        registers = [f"{port.bus}__{n}_{k}" for k in range(1, depth + 1)]
        lines += [f"  reg [{width - 1}:0] {name};" for name in registers]
        lines.append("  always @(posedge clk) begin")
        lines += [
            f"    {name} <= {given};" for name, given in zip(registers, [source, *registers], strict=False)
        ]
        lines += ["  end", f"  assign {port.bus}[{lsb + width - 1}:{lsb}] = {registers[-1]};"]
    return lines
