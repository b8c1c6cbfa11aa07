"""Sum only what varies: pruned networks of tables leave most elements of a sum constant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nanosieve.compiler.graph import Add, Constant, Dense, Gather, Graph, Node, Reshape, Sum

__all__ = ["sum_varying"]


def sum_varying(graph: Graph) -> Graph:
    """The graph with every `Sum` most of whose elements are constant as a product with zeros and ones.

    The product takes the elements that vary, and the constant ones are added as one number for each row.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes += _summed(graph, node) or [node]
    return replace(graph, nodes=tuple(nodes))


def _summed(graph: Graph, node: Node) -> list[Node]:
    """The nodes that stand for `node`; none if it stays."""
    if not isinstance(node.op, Sum):
        return []
    x, total = graph.types[node.inputs[0]], graph.types[node.name]
    varying = np.flatnonzero(x.low != x.high)
    if not 0 < 2 * len(varying) <= x.size:
        return []
    names = [f"{node.name}.{part}" for part in ("varying", "product", "constant", "sum")]
    if any(name in graph.types for name in names):
        return []
    rows = varying // x.shape[-1]
    kernel = np.zeros((len(varying), total.size), dtype=np.int64)
    kernel[np.arange(len(varying)), rows] = 1
    shift = x.exponent - total.exponent
    fixed = np.where((x.low == x.high) & (x.low != 0), x.low << np.maximum(shift, 0), 0).sum(axis=-1)
    constant = Constant(fixed.ravel(), total.exponent.ravel())
    return [
        Node(names[0], Gather(varying), node.inputs, node.layer),
        Node(names[1], Dense(kernel, 0), (names[0],), node.layer),
        Node(names[2], constant, (), node.layer),
        Node(names[3], Add(), (names[1], names[2]), node.layer),
        Node(node.name, Reshape(total.shape), (names[3],), node.layer),
    ]
