"""Make one quantiser of two that follow each other, where the pair is provably one clipping."""

from __future__ import annotations

import numpy as np

from nanosieve.compiler.graph import Graph, Node, Overflow, Quantize, Rounding, TensorType
from nanosieve.compiler.passes.repeated_steps import StepGuard

__all__ = ["merge_quantizers"]


def merge_quantizers(graph: Graph) -> Graph:
    """The graph with such pairs merged; the first of a pair stays if others use it.

    Both saturate, and either both truncate or the first does not round: then rounding and clipping are
    monotonic maps of the same value, ``clip2(trn2(clip1(trn1(x)))) = clip12(trn2(x))``.
    """
    guard = StepGuard.of(graph)
    return graph.rewrite(guard.even(lambda node: _merged(graph, node, guard)))


def _merged(graph: Graph, second: Node, guard: StepGuard) -> Node | None:
    if not isinstance(second.op, Quantize):
        return None
    first = graph.by_name[graph.by_name[second.name].inputs[0]]
    if not isinstance(first.op, Quantize) or first.layer != second.layer:
        return None
    if not guard.together(first, second):
        return None
    a, b, given = first.op, second.op, graph.types[first.inputs[0]]
    if a.overflow is not Overflow.SAT or b.overflow is not Overflow.SAT:
        return None
    rounds = np.any(given.exponent < a.target.exponent)
    if rounds and not (a.rounding is b.rounding is Rounding.TRN):
        return None
    if np.any(b.target.exponent < a.target.exponent):
        return None
    ends = (b.round(end, a.target.exponent) for end in (a.target.low, a.target.high))
    low, high = (np.clip(end, b.target.low, b.target.high) for end in ends)
    return Node(
        second.name,
        Quantize(TensorType(low, high, b.target.exponent), b.rounding, b.overflow),
        first.inputs,
        second.layer,
    )
