"""One gather for several ways to look at the same elements behind each other."""

from __future__ import annotations

import numpy as np

from nanosieve.compiler.graph import Gather, Graph, Integers, Node, Reshape
from nanosieve.compiler.passes.repeated_steps import StepGuard

__all__ = ["merge_rewiring"]


def merge_rewiring(graph: Graph) -> Graph:
    """The graph with a `Gather` of a `Gather` or `Reshape` merged, and those that change nothing dropped."""
    guard = StepGuard.of(graph)
    return graph.rewrite(guard.even(lambda node: _unchanged(graph, node) or _merged(graph, node, guard)))


def _unchanged(graph: Graph, node: Node) -> str | None:
    """The input of a rewiring that gives it back as it is; a layer keeps the value that carries its name."""
    if not isinstance(node.op, (Gather, Reshape)) or node.name == node.layer:
        return None
    source = node.inputs[0]
    if graph.types[source].shape != graph.types[node.name].shape:
        return None
    index = _index(graph, node)
    return source if np.array_equal(index.ravel(), np.arange(graph.types[source].size)) else None


def _merged(graph: Graph, node: Node, guard: StepGuard) -> Node | None:
    """A chain of rewirings of one layer as one from the source of the first."""
    if not isinstance(node.op, (Gather, Reshape)):
        return None
    first = graph.by_name[graph.by_name[node.name].inputs[0]]
    index, only_reshaped, merged = _index(graph, node), isinstance(node.op, Reshape), False
    while (
        isinstance(first.op, (Gather, Reshape)) and first.layer == node.layer and guard.together(first, node)
    ):
        inner = _index(graph, first).ravel()
        index = np.where(index >= 0, inner[np.maximum(index, 0)], -1)
        only_reshaped, merged = only_reshaped and isinstance(first.op, Reshape), True
        source = first.inputs[0]
        first = graph.by_name[source]
    if not merged:
        return None
    op = Reshape(index.shape) if only_reshaped else Gather(index)
    return Node(node.name, op, (source,), node.layer)


def _index(graph: Graph, node: Node) -> Integers:
    """Which elements of its input the node reads, in its shape."""
    if isinstance(node.op, Gather):
        return node.op.index
    return np.arange(graph.types[node.name].size).reshape(graph.types[node.name].shape)
