"""Drop the values that no output depends on; inputs stay, for they are ports of the hardware."""

from __future__ import annotations

from dataclasses import replace

from nanosieve.compiler.graph import Graph, Input

__all__ = ["drop_dead_values"]


def drop_dead_values(graph: Graph) -> Graph:
    """The graph without dead nodes."""
    live = set(graph.outputs.values())
    for node in reversed(graph.nodes):
        if node.name in live:
            live.update(node.inputs)
    kept = tuple(node for node in graph.nodes if node.name in live or isinstance(node.op, Input))
    return replace(graph, nodes=kept)
