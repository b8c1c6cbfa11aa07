"""The top module: one instance for each layer, the pulses of the events and the output registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.delay_lines import SHIFT_REGISTER
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.modules import engine_children, engine_texts
from nanosieve.compiler.hardware.engines.verilog import out_layout
from nanosieve.compiler.hardware.feed_verilog import Controls, feed_module, table_module
from nanosieve.compiler.hardware.identifiers import Names
from nanosieve.compiler.hardware.library import library_text, used_library
from nanosieve.compiler.hardware.ports import Layout, Port, input_port, layout_of, output_port
from nanosieve.compiler.hardware.timeline import timeline
from nanosieve.compiler.hardware.verilog import layer_module
from nanosieve.compiler.hardware.weight_image import Words
from nanosieve.compiler.hardware.weight_store import WeightMap, map_weights
from nanosieve.compiler.hardware.weight_verilog import (
    WRITE_PINS,
    Store,
    loading_lines,
    port_lines,
    store_module,
)

__all__ = ["LayerModule", "Sources", "write_sources"]


@dataclass(frozen=True)
class LayerModule:
    """Where a layer is in the Verilog.

    Attributes:
        module: the module that the top instantiates.
        signal: the wire of its output in the top module.
        texts: module → Verilog, `module` among them.
        layout: of the lanes of its output.
        store: its weights that can be reloaded.
    """

    layer: BuiltLayer
    module: str
    signal: str
    texts: Mapping[str, str]
    layout: Layout
    store: Store | None = None

    @property
    def beside(self) -> tuple[str, ...]:
        """Modules that the top instantiates beside it."""
        return (self.store.module,) if self.store and self.layer.feed is None else ()

    @property
    def text(self) -> str:
        """Verilog of `module`."""
        return self.texts[self.module]

    @property
    def children(self) -> dict[str, list[str]]:
        """Module → the modules in it."""
        if self.layer.engine is not None:
            return engine_children(self.module, self.layer.engine)
        inner = [name for name in self.texts if name not in (self.module, *self.beside)]
        used = list(used_library(self.layer.netlist))
        if self.layer.feed is None:
            return {self.module: used, **{name: [] for name in self.beside}}
        kernel = {name: used if name == _kernel_name(self.module) else [] for name in inner}
        stored = (
            m for m in self.layer.feed.memories if m.kind in ("delay", "ring") and m.depth >= SHIFT_REGISTER
        )
        delays = list(dict.fromkeys(memory.module for memory in stored))
        return {self.module: inner + delays, **kernel}


def _kernel_name(module: str) -> str:
    """The module of what a layer does in a slot."""
    return f"{module}_slot"


@dataclass(frozen=True)
class Sources:
    """The Verilog of a design."""

    top: str
    text: str
    layers: tuple[LayerModule, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    latency: int
    interval: int
    weights: WeightMap | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Module → Verilog."""
        own = {name: text for module in self.layers for name, text in module.texts.items()}
        return {**own, **{name: library_text(name) for name in self.library}, self.top: self.text}

    @property
    def children(self) -> dict[str, list[str]]:
        """Module → the modules in it."""
        found: dict[str, list[str]] = {name: [] for name in self.library}
        for module in self.layers:
            found.update(module.children)
        return {
            **found,
            self.top: [name for module in self.layers for name in (module.module, *module.beside)],
        }

    @property
    def library(self) -> tuple[str, ...]:
        """The library modules that the design instantiates."""
        own = {name for module in self.layers for name in module.texts}
        used = (name for module in self.layers for given in module.children.values() for name in given)
        return tuple(dict.fromkeys(name for name in used if name not in own))

    @property
    def delays(self) -> list[tuple[int, int]]:
        """Width of each output element and the registers behind it in the top module."""
        return [
            (kept, self.latency - e.arrival.stage)
            for port in self.outputs
            for e, kept in zip(port.elements, port.kept, strict=True)
            if kept
        ]


def write_sources(
    graph: Graph,
    layers: Sequence[BuiltLayer],
    outputs: Mapping[str, Sequence[Element]],
    inputs: Mapping[str, Sequence[Element]],
) -> Sources:
    """The Verilog of all modules."""
    names = Names()
    top = names.new(graph.name)
    in_ports = tuple(
        input_port(name, names.new(name), elements, graph.types[name]) for name, elements in inputs.items()
    )
    out_ports = tuple(
        output_port(
            name,
            names.new(name if name not in {la.name for la in layers} else f"{name}_out"),
            elements,
            graph.types[graph.outputs[name]],
        )
        for name, elements in outputs.items()
    )
    latency = 1 + max((e.arrival.stage for port in out_ports for e in port.elements), default=0)
    latency = max(latency, 1)
    signals = {port.name: port.bus for port in in_ports}
    layouts = {port.name: port.layout for port in in_ports}
    modules: list[LayerModule] = []
    weights = map_weights(layers)
    image = weights.image.fill(graph) if weights else np.zeros(0, dtype=np.uint32)
    for layer in layers:
        signals[layer.name] = names.new(layer.name)
        module = names.new(f"{top}_{layer.name}")
        stored = names.new(f"{module}_weights") if weights and layer.name in weights.stores else ""
        modules.append(_layer(layer, module, signals, layouts, weights, stored, image))
        layouts[layer.name] = modules[-1].layout
    interval = max(
        1,
        *(layer.feed.needed_interval for layer in layers if layer.feed),
        *(layer.engine.plan.needed_interval for layer in layers if layer.engine),
        *(port.beats for port in in_ports),
    )
    text = _top_module(
        top, in_ports, outputs, out_ports, modules, signals, layouts, latency, interval, weights
    )
    return Sources(top, text, tuple(modules), in_ports, out_ports, latency, interval, weights)


def _layer(
    layer: BuiltLayer,
    module: str,
    signals: Mapping[str, str],
    layouts: Mapping[str, Layout],
    weights: WeightMap | None,
    stored: str,
    image: Words,
) -> LayerModule:
    title = f"{layer.name}: {', '.join(dict.fromkeys(layer.kinds))}"
    texts: dict[str, str] = {}
    store = None
    if weights and stored:
        store = Store(stored, sum(e.width for e in layer.weights), weights.address_bits)
        texts[stored] = store_module(
            stored, layer.name, weights.stores[layer.name], weights.address_bits, image
        )
    steady = [e.width for e in layer.weights]
    if layer.engine is not None:
        (source,) = layer.ports
        bus = (signals[source], sum(width for _, width in layouts[source]), tuple(layouts[source]))
        found = engine_texts(module, title, layer.engine, bus)
        return LayerModule(layer, module, signals[layer.name], found, out_layout(layer.engine))
    if layer.feed is None:
        buses = {signals[source]: layouts[source] for source in layer.ports}
        elements = {
            (port, n): place
            for port, source in enumerate(layer.ports)
            for n, place in enumerate(layouts[source])
        }
        text, layout = layer_module(
            module,
            f"{title}; outputs at stage {layer.schedule.stage}",
            {bus: sum(width for _, width in lanes) for bus, lanes in buses.items()},
            elements,
            layer.netlist,
            layer.schedule,
            steady,
        )
        return LayerModule(layer, module, signals[layer.name], {module: text, **texts}, tuple(layout), store)
    lanes = layout_of([port.width for port in layer.feed.ports])
    kernel = _kernel_name(module)
    inner, layout = layer_module(
        kernel,
        f"{title}: one slot; outputs {layer.schedule.stage} cycles after the inputs",
        {"in": sum(width for _, width in lanes)} if lanes else {},
        {(0, n): place for n, place in enumerate(lanes)},
        layer.netlist,
        layer.schedule,
        steady,
    )
    out_width = max(1, sum(width for _, width in layout))
    own = {layer.name: tuple(layout)}
    buses_of = {
        source: (
            "out" if source == layer.name else signals[source],
            sum(width for _, width in {**layouts, **own}[source]),
            {**layouts, **own}[source],
        )
        for source in layer.ports
    }
    first, last = layer.slots[0], layer.slots[-1]
    when = f"in cycle {first}" if first == last else f"{len(layer.slots)} slots in cycles {first} to {last}"
    table = f"{module}_table" if layer.feed.table_apart else ""
    if table:
        texts[table] = table_module(table, layer.name, layer.feed)
    title = f"{title}; {when} of an event"
    outer = feed_module(module, title, kernel, buses_of, layer.name, layer.feed, out_width, store, table)
    texts = {module: outer, kernel: inner, **texts}
    return LayerModule(layer, module, signals[layer.name], texts, tuple(layout), store)


def _top_module(
    top: str,
    inputs: tuple[Port, ...],
    lanes: Mapping[str, Sequence[Element]],
    outputs: tuple[Port, ...],
    modules: list[LayerModule],
    signals: Mapping[str, str],
    layouts: Mapping[str, Layout],
    latency: int,
    interval: int,
    weights: WeightMap | None,
) -> str:
    rate = "every cycle" if interval == 1 else f"every {interval} cycles at most"
    lines = [
        f"// {top}: a new event {rate}; outputs and valid_out {latency} cycles after valid_in",
        f"module {top} (",
        "  input  wire clk,",
        "  input  wire reset,  // synchronous; forgets the events in flight",
        "  input  wire valid_in,",
    ]
    for port in inputs:
        beats = f"  // in {port.beats} cycles, from that of valid_in on" if port.beats > 1 else ""
        lines.append(f"  input  wire [{port.width - 1}:0] {port.bus},{beats}")
    lines += port_lines(weights) if weights else []
    lines += ["  output wire valid_out,"]
    lines += [f"  output wire [{port.width - 1}:0] {port.bus}," for port in outputs]
    lines[-1] = lines[-1].rstrip(",")
    lines += [");", ""]
    controls = [Controls.of(module.layer.feed) for module in modules if module.layer.feed]
    cycles = [c for control in controls for c in (control.start, control.capture) if c is not None]
    reset = "weights_forget" if weights else "reset"
    lines += loading_lines(weights) if weights else []
    engines = [module.layer.engine for module in modules if module.layer.engine]
    cycles += [cycle for engine in engines for cycle in (engine.plan.intake.first, engine.start)]
    pulse_lines, pulses = timeline([*cycles, latency], interval, reset)
    lines += [*pulse_lines, f"  assign valid_out = {pulses[latency]};", ""]
    for module in modules:
        width = sum(width for _, width in module.layout)
        layer = module.layer
        ports = [f".{signals[s]}({signals[s]})" for s in layer.ports if s != layer.name]
        if layer.feed:
            control = Controls.of(layer.feed)
            ports.insert(0, f".reset({reset})")
            pins = (("start", control.start), ("capture", control.capture))
            ports += [f".{pin}({pulses[cycle]})" for pin, cycle in pins if cycle is not None]
            ports += [WRITE_PINS] if module.store else []
        elif module.store:
            steady = f"weights_of_{module.signal}"
            ports.append(f".weights({steady})")
            lines += module.store.instance("", steady)
        if layer.engine:
            first, start = layer.engine.plan.intake.first, layer.engine.start
            ports.insert(0, f".reset({reset})")
            ports += [f".write_start({pulses[first]})", f".read_start({pulses[start]})"]
        given = "".join(f", {port}" for port in ports)
        lines += [
            f"  wire [{width - 1}:0] {module.signal};  // at stage {layer.last_stage}",
            f"  {module.module} u_{module.signal} (.clk(clk){given}, .out({module.signal}));",
            "",
        ]
    for port in outputs:
        lines += _delayed(port, lanes[port.name], signals, layouts, latency)
    return "\n".join([*lines, "endmodule", ""])


def _delayed(
    port: Port,
    lanes: Sequence[Element],
    signals: Mapping[str, str],
    layouts: Mapping[str, Layout],
    latency: int,
) -> list[str]:
    """Registers that bring the elements of an output to the last stage, there with the step of the output."""
    lines = []
    rows = zip(port.elements, lanes, port.layout, port.kept, strict=True)
    for n, (e, lane, (lsb, width), kept) in enumerate(rows):
        target = f"  assign {port.bus}[{lsb + width - 1}:{lsb}]"
        zeros, unused = max(0, lane.exponent - e.exponent), max(0, e.exponent - lane.exponent)
        if not kept:  # one number, 0 where the range holds no other multiple of the step
            constant = e.low if e.low == e.high else 0
            lines.append(f"{target} = {width}'d{constant & ((1 << width) - 1)};")
            continue
        first = layouts[e.source][e.index][0] + unused
        source = f"{signals[e.source]}[{first + kept - 1}:{first}]"
        registers = [f"{port.bus}__{n}_{k}" for k in range(1, latency - e.arrival.stage + 1)]
        if registers:
            lines += [f"  reg [{kept - 1}:0] {name};" for name in registers]
            lines.append("  always @(posedge clk) begin")
            lines += [
                f"    {name} <= {given};"
                for name, given in zip(registers, [source, *registers], strict=False)
            ]
            lines.append("  end")
        value, above = [source, *registers][-1], width - zeros - kept
        sign = f"{value}[{kept - 1}]" if lane.low < 0 else "1'b0"
        parts = [f"{{{above}{{{sign}}}}}"] * (above > 0) + [value] + [f"{zeros}'d0"] * (zeros > 0)
        value = f"{{{', '.join(parts)}}}" if len(parts) > 1 else value
        lines.append(f"{target} = {value};")
    return lines
