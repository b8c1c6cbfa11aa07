"""Compute what depends on constants only."""

from __future__ import annotations

from nanosieve.compiler.graph import Constant, Graph, Input, Node
from nanosieve.compiler.passes.repeated_steps import StepGuard

__all__ = ["fold_all_constants", "fold_computed_constants", "fold_constants"]


def fold_constants(graph: Graph) -> Graph:
    """The graph with every op of constants replaced by its result, also where a proven range is one code.

    Repeated steps stay alike: what is constant in the first step alone stays, and hardware drops it there.
    """
    return graph.rewrite(StepGuard.of(graph).even(lambda node: _constant(graph, node)))


def fold_computed_constants(graph: Graph) -> Graph:
    """As `fold_constants`, but only where no input is read: not where the present weights leave one code."""
    known: set[str] = set()
    for node in graph.nodes:
        if isinstance(node.op, Constant) or (node.inputs and known.issuperset(node.inputs)):
            known.add(node.name)
    return graph.rewrite(
        StepGuard.of(graph).even(lambda node: _constant(graph, node) if node.name in known else None)
    )


def fold_all_constants(graph: Graph) -> Graph:
    """As `fold_constants`, in repeated steps too: for software, which computes every step."""
    return graph.rewrite(lambda node: _constant(graph, node))


def _constant(graph: Graph, node: Node) -> Node | None:
    """The constant that stands for `node`, whose range is one code in every element."""
    type = graph.types[node.name]
    if isinstance(node.op, (Constant, Input)) or not type.size or (type.low != type.high).any():
        return None
    return Node(node.name, Constant(type.low, type.exponent), (), node.layer)
