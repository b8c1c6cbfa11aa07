"""From a graph and a plan to built layers: every layer by the architecture that the plan gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nanosieve.compiler.graph import Constant, Graph, Input, Node
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.once import Settings, build_once, collect, rewired
from nanosieve.compiler.hardware.schedule import Arrival
from nanosieve.compiler.hardware.slices import Fold, live_elements, slice_layer, slice_steps
from nanosieve.compiler.hardware.slots import build_slots
from nanosieve.errors import GraphError
from nanosieve.progress import Progress, silent

__all__ = ["Choice", "Copies", "Plan", "build_layers", "input_elements"]


@dataclass(frozen=True)
class Copies:
    """A recurrent layer as so many cells, each of which does an equal share of the time steps."""

    cells: int = 1


Choice = Fold | Copies
"""How a layer works in several slots per event; without a choice it is unrolled."""


@dataclass(frozen=True)
class Plan:
    """How every layer is built.

    Attributes:
        layers: layer → its choice; those not named are unrolled.
        beats: input → positions that enter in a cycle; those not named enter in one cycle.
        interval: cycles between two events.
    """

    layers: Mapping[str, Choice] = field(default_factory=dict)
    beats: Mapping[str, int] = field(default_factory=dict)
    interval: int = 1


def build_layers(
    graph: Graph, plan: Plan, settings: Settings, *, progress: Progress = silent
) -> tuple[list[BuiltLayer], dict[str, list[Element]]]:
    """Lower and schedule every layer.

    Returns:
        The layers in topological order, and graph output → its elements.

    Raises:
        BudgetError: a single operation does not fit into a clock cycle, or the slots of a layer do not fit
            between two events.
        UnsupportedLayerError: an op has no hardware in this architecture.
        CannotFold: a layer cannot work in the slots that the plan gives it.
    """
    buses = input_elements(graph, plan.beats)
    live = live_elements(graph) if plan.layers else {}
    layers: list[BuiltLayer] = []
    groups = layer_groups(graph)
    for done, (name, nodes) in enumerate(groups.items()):
        progress("hardware", done, len(groups), name)
        choice = plan.layers.get(name)
        if choice is None:
            made = rewired(graph, nodes, buses)
            if made is not None:
                buses.update(made)
                continue
            layer = build_once(graph, name, nodes, layer_output(graph, name, nodes), buses, settings)
            layers.append(layer)
            buses[layer.output] = [element for element in layer.elements if element is not None]
        elif isinstance(choice, Fold):
            output = layer_output(graph, name, nodes)
            kernel = slice_layer(graph, nodes, output, choice, live[output])
            layer, made = build_slots(graph, name, output, nodes, kernel, buses, settings)
            layers.append(layer)
            buses.update(made)
        else:
            kernels = slice_steps(graph, nodes, choice.cells)
            for n, kernel in enumerate(kernels):
                part = name if len(kernels) == 1 else f"{name}.{n}"
                layer, made = build_slots(graph, part, "", nodes, kernel, buses, settings)
                layers.append(layer)
                for node, elements in made.items():
                    known = buses.get(node, elements)
                    buses[node] = [e or k for e, k in zip(elements, known, strict=True)]
            rest = [node for node in nodes if node.name not in buses and not isinstance(node.op, Constant)]
            buses.update(rewired(graph, rest, buses) or {})
    progress("hardware", len(groups), len(groups))
    outputs = {}
    for output, name in graph.outputs.items():
        collector = collect(f"{output}.collect", name, buses[name], settings)
        if collector is None:
            outputs[output] = buses[name]
        else:
            layers.append(collector)
            outputs[output] = [element for element in collector.elements if element is not None]
    return layers, outputs


def input_elements(graph: Graph, beats: Mapping[str, int]) -> dict[str, list[Element]]:
    """Input name → the elements of its port.

    Args:
        graph: the network.
        beats: input → positions (rows of the last axis, neighbours along the axis before it) in a cycle.
    """
    found = {}
    for name, type in graph.inputs.items():
        beat, lane = beats_of(type.shape, beats.get(name, 0))
        low, high = (np.zeros(lane.max(initial=0) + 1, dtype=np.int64) for _ in range(2))
        np.minimum.at(low, lane, type.low.ravel())
        np.maximum.at(high, lane, type.high.ravel())
        if not beat.any():
            low, high = type.low.ravel(), type.high.ravel()
        found[name] = [
            Element(name, int(n), int(low[n]), int(high[n]), int(exponent), Arrival(int(cycle), 0.0))
            for n, cycle, exponent in zip(lane, beat, type.exponent.flat, strict=True)
        ]
    return found


def beats_of(shape: tuple[int, ...], positions: int) -> tuple[np.typing.NDArray[np.int64], ...]:
    """Beat and lane of every element of an input, flat; 0 positions in a beat means all of them."""
    size = int(np.prod(shape, dtype=np.int64))
    if positions < 1 or len(shape) < 2:
        return np.zeros(size, dtype=np.int64), np.arange(size)
    length, channels = shape[-2:]
    per_row = -(-length // positions)
    row, along, channel = np.unravel_index(np.arange(size), (size // (length * channels), length, channels))
    return row * per_row + along // positions, (along % positions) * channels + channel


def layer_groups(graph: Graph) -> dict[str, list[Node]]:
    """Nodes by layer, in the order of the graph; constants go with their layer.

    Raises:
        GraphError: the nodes of a layer do not follow each other.
    """
    groups: dict[str, list[Node]] = {}
    last = ""
    for node in graph.nodes:
        if isinstance(node.op, Input):
            continue
        if node.layer in groups and node.layer != last:
            message = f"layer {node.layer!r}: node {node.name!r} stands behind nodes of layer {last!r}"
            raise GraphError(message)
        groups.setdefault(node.layer, []).append(node)
        last = node.layer
    return groups


def layer_output(graph: Graph, name: str, nodes: list[Node]) -> str:
    """The node of the layer that others use.

    Raises:
        GraphError: there are several; a layer has one output bus.
    """
    inside = {node.name for node in nodes}
    used = []
    for node in nodes:
        result = node.name in graph.outputs.values()
        outside = any(user.name not in inside for user in graph.users[node.name])
        if result or (outside and not isinstance(node.op, Constant)):  # a constant is copied where it is used
            used.append(node.name)
    if len(used) > 1:
        message = f"layer {name!r}: other layers use {', '.join(used)}, but a layer has one output"
        raise GraphError(message)
    return used[0] if used else nodes[-1].name
