"""Quantise a value in the layer that makes it, where only one quantiser of another layer reads it.

Bits that the quantiser drops are then never made, kept in registers or sent from module to module.
"""

from __future__ import annotations

from dataclasses import replace

from nanosieve.compiler.graph import Constant, Graph, Input, Node, Quantize, Reshape, Scale

__all__ = ["quantize_at_source"]


def quantize_at_source(graph: Graph) -> Graph:
    """The graph with such quantisers moved; each takes the name of its new layer's value."""
    names: dict[str, str] = {}
    layers: dict[str, str] = {}
    for node in graph.nodes:
        if isinstance(node.op, Quantize) and movable(graph, node):
            source = graph.by_name[node.inputs[0]]
            names[source.name], names[node.name] = f"{source.name}.full", source.name
            layers[node.name] = source.layer
    moved = [
        Node(
            names.get(node.name, node.name),
            node.op,
            tuple(names.get(name, name) for name in node.inputs),
            layers.get(node.name, node.layer),
        )
        for node in graph.nodes
    ]
    outputs = {output: names.get(name, name) for output, name in graph.outputs.items()}
    return replace(graph, nodes=_behind_their_layer(moved, set(layers.values())), outputs=outputs)


def movable(graph: Graph, node: Node) -> bool:
    """Whether only `node` reads the value that another layer makes."""
    source = graph.by_name[node.inputs[0]]
    return (
        source.layer != node.layer
        and source.name == source.layer
        and len(graph.users[source.name]) == 1
        and source.name not in graph.outputs.values()
        and f"{source.name}.full" not in graph.types
        and not isinstance(source.op, (Constant, Input, Reshape, Scale, Quantize))
    )


def _behind_their_layer(nodes: list[Node], layers: set[str]) -> tuple[Node, ...]:
    """The nodes of each of the `layers` together, where the first of them stands."""
    ordered: list[Node] = []
    for node in nodes:
        last = max((n for n, other in enumerate(ordered) if other.layer == node.layer), default=None)
        if node.layer in layers and last is not None:
            ordered.insert(last + 1, node)
        else:
            ordered.append(node)
    return tuple(ordered)
