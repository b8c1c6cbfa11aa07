"""Many graphs side by side as one: one simulator is built for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from nanosieve.compiler.graph import Graph, Node


def union(graphs: Iterable[Graph]) -> Graph:
    """The graphs with their names (nodes, layers, inputs, outputs) behind ``g0_``, ``g1_`` …"""
    nodes: list[Node] = []
    outputs: dict[str, str] = {}
    for n, graph in enumerate(graphs):
        prefix = f"g{n}_"
        nodes += [
            Node(
                prefix + node.name,
                node.op,
                tuple(prefix + name for name in node.inputs),
                prefix + node.layer,
            )
            for node in graph.nodes
        ]
        outputs |= {prefix + output: prefix + name for output, name in graph.outputs.items()}
    return Graph(tuple(nodes), outputs, "union").verify()
