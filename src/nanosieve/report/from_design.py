"""What the figures of a design need, read from the graph, the hardware and the synthesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nanosieve.compiler.graph import Dense, Graph, Integers, Reshape, Scale, bit_width
from nanosieve.compiler.hardware import DelayModel, HardwareDesign
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.cells import ConstantCell, InputCell
from nanosieve.compiler.synthesis import Synthesis
from nanosieve.figure import Figure
from nanosieve.report.bitwidths import LayerBits
from nanosieve.report.pipeline import Pipeline, PipelineLayer
from nanosieve.report.resources import LayerResources

__all__ = ["bits_of", "pipeline_of", "resources_of", "weight_bits"]

# The first op found in a layer names its kind.
_KINDS = (
    ("Dense", "dense"),
    ("Lookup", "table"),
    ("GreaterEqual", "threshold"),
    ("Multiply", "product"),
    ("Sum", "sum"),
    ("Add", "sum"),
    ("Subtract", "sum"),
    ("LeakyRelu", "activation"),
    ("Relu", "activation"),
    ("Nonzero", "mask"),
    ("Quantize", "quantiser"),
    ("Concatenate", "wiring"),
)
_WIRING = (Reshape, Scale)


def weight_bits(kernel: Integers) -> Integers:
    """Bits of each weight code without its trailing zeros, the sign counted; 0 where it is zero.

    A factor of a power of two is a shift, which costs no hardware.

    >>> weight_bits(np.array([[0, 8, -3]]))
    array([[0, 1, 3]])
    """
    codes = [int(code) // (int(code) & -int(code) or 1) for code in kernel.flat]
    bits = [bit_width(min(code, 0), max(code, 0)) for code in codes]
    return np.array(bits, dtype=np.int64).reshape(kernel.shape)


def bits_of(graph: Graph) -> list[LayerBits]:
    """Weight and activation bits of every layer that computes something, in topological order."""
    layers: dict[str, LayerBits] = {}
    for node in graph.nodes:
        if isinstance(node.op, _WIRING) or (not node.inputs and node.name not in graph.inputs):
            continue
        weights = layers[node.layer].weights if node.layer in layers else None
        if isinstance(node.op, Dense):
            weights = weight_bits(node.op.kernel)
        layers[node.layer] = LayerBits(node.layer, weights, graph.types[node.name].width.reshape(-1))
    return list(layers.values())


def pipeline_of(
    design: HardwareDesign,
    *,
    title: str,
    compare: Sequence[tuple[str, Figure]] = (),
    model: DelayModel | None = None,
) -> Pipeline:
    """When each layer works, according to the delay model, and the register bits at each clock edge.

    Args:
        design: the hardware.
        title: what the picture calls it.
        compare: latencies of others, in ns, each with its label.
        model: delays with which the design was built; default `DelayModel()`.
    """
    period, latency = design.budget.period_ns, design.sources.latency
    bits = [1] * latency  # the valid bit goes along
    for layer in design.manifest()["layers"]:
        for stage, count in layer["registers"].items():
            bits[int(stage) - 1] += count
    for port in design.sources.outputs:
        for element, (_, width) in zip(port.elements, port.layout, strict=True):
            for edge in range(element.arrival.stage + 1, latency + 1):
                bits[edge - 1] += width
    layers = [_on_the_time_axis(layer, model or DelayModel(), period) for layer in design.layers]
    return Pipeline(title, design.budget.clock_mhz, latency, layers, bits, compare)


def _on_the_time_axis(layer: BuiltLayer, model: DelayModel, period: float) -> PipelineLayer:
    """From the begin of its first cell to the end of its last, in clock cycles."""
    starts, stops = [], []
    for cell, arrival in zip(layer.netlist.cells, layer.schedule.arrivals, strict=True):
        if not isinstance(cell, ConstantCell | InputCell) and arrival.stage >= 0:
            stops.append(arrival.stage + arrival.time / period)
            starts.append(stops[-1] - model.of(layer.netlist, cell) / period)
    begin = min(starts, default=float(layer.schedule.stage))
    kind = next((word for name, word in _KINDS if name in layer.kinds), "other")
    return PipelineLayer(layer.name, max(begin, 0.0), max(stops, default=begin), kind)


def resources_of(synthesis: Synthesis) -> list[LayerResources]:
    """LUT, FF, DSP and BRAM of each layer, and of the top module, which holds what is between them.

    What a layer does in each of its slots is a module of its own and counts with the layer.
    """
    names = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "BRAM36": "bram36"}
    found: dict[str, dict[str, float]] = {}
    for module in synthesis.modules:
        own = "between layers" if module.name == synthesis.design else module.name
        if own.startswith(f"{synthesis.design}_"):
            own = own.removeprefix(f"{synthesis.design}_").removesuffix("_slot")
        layer = found.setdefault(own, dict.fromkeys(names, 0.0))
        for word, name in names.items():
            layer[word] += module.resources.count(name)
    return [LayerResources(name, counts) for name, counts in found.items()]
