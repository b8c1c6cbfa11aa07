"""The nodes of each layer together, as hardware with one module for each layer wants them."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from nanosieve.compiler.graph import Input, Node

__all__ = ["by_layer"]


def by_layer(nodes: Sequence[Node]) -> list[Node]:
    """The same nodes, ports first, then layer after layer, each behind those it needs.

    The order is left as it is where layers need each other in a circle.

    >>> from nanosieve.compiler.graph import Relu
    >>> def node(name, *inputs):
    ...     return Node(name, Relu(), inputs, name[0])
    >>> [n.name for n in by_layer([node("x"), node("a1", "x"), node("b1", "x"), node("a2", "a1")])]
    ['x', 'a1', 'a2', 'b1']
    """
    layer_of = {node.name: node.layer for node in nodes}
    needs: dict[str, dict[str, None]] = {}
    for node in nodes:
        own = needs.setdefault(node.layer, {})
        own.update({layer_of[name]: None for name in node.inputs if layer_of[name] != node.layer})
    try:
        order = {layer: n for n, layer in enumerate(TopologicalSorter(needs).static_order())}
    except CycleError:
        return list(nodes)
    return sorted(nodes, key=lambda node: -1 if isinstance(node.op, Input) else order[node.layer])
