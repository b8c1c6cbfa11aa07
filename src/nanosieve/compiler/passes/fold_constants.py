"""Compute what depends on constants only."""

from __future__ import annotations

from nanosieve.compiler.graph import Constant, Graph, Input, Node

__all__ = ["fold_constants"]


def fold_constants(graph: Graph) -> Graph:
    """The graph with every op of constants replaced by its result, also where a proven range is one code."""
    return graph.rewrite(lambda node: _constant(graph, node))


def _constant(graph: Graph, node: Node) -> Node | None:
    """The constant that stands for `node`, whose range is one code in every element."""
    type = graph.types[node.name]
    if isinstance(node.op, (Constant, Input)) or not type.size or (type.low != type.high).any():
        return None
    return Node(node.name, Constant(type.low, type.exponent), (), node.layer)
