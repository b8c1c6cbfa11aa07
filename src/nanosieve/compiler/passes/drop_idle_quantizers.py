"""Drop the quantisers that change nothing, because the proven range and step of their input fit already."""

from __future__ import annotations

import numpy as np

from nanosieve.compiler.graph import Graph, Node, Quantize
from nanosieve.compiler.passes.repeated_steps import StepGuard

__all__ = ["drop_idle_quantizers"]


def drop_idle_quantizers(graph: Graph) -> Graph:
    """The graph without idle quantisers; in repeated steps without those that are idle in all of them."""
    guard = StepGuard.of(graph)
    return graph.rewrite(guard.even(lambda node: node.inputs[0] if is_idle(graph, node) else None))


def is_idle(graph: Graph, node: Node) -> bool:
    """Whether every code of the input is kept, at its own step."""
    if not isinstance(node.op, Quantize):
        return False
    before, after = graph.types[graph.by_name[node.name].inputs[0]], graph.types[node.name]
    same = (
        np.array_equal(before.low, after.low)
        and np.array_equal(before.high, after.high)
        and np.array_equal(before.exponent, after.exponent)
    )
    target = node.op.target
    return same and bool(np.all((before.low >= target.low) & (before.high <= target.high)))
