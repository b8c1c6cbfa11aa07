"""Fold a constant factor into the dense product behind or before it: what is left of a batch norm."""

from __future__ import annotations

import numpy as np

from nanosieve.compiler.graph import Constant, Dense, Graph, Integers, Multiply, Node
from nanosieve.compiler.passes.repeated_steps import StepGuard

__all__ = ["fold_batch_norm"]

WIDEST = 24
"""Bits that a folded weight may have; a wider one would cost more than the factor."""


def fold_batch_norm(graph: Graph) -> Graph:
    """The graph with ``dense(x * c)`` and ``dense(x) * c`` turned into one dense product.

    Only where no quantiser stands between, so that the integers stay the same.
    """
    guard = StepGuard.of(graph)
    return graph.rewrite(
        guard.even(lambda node: _factor_before(graph, node, guard) or _factor_behind(graph, node, guard))
    )


def _constant_factor(graph: Graph, node: Node) -> tuple[Node, Constant] | None:
    """The other operand and the constant of a product with a constant."""
    if not isinstance(node.op, Multiply):
        return None
    for n, name in enumerate(node.inputs):
        op = graph.by_name[name].op
        if isinstance(op, Constant) and op.codes.ndim == 1:
            return graph.by_name[node.inputs[1 - n]], op
    return None


def _only_use(graph: Graph, node: Node) -> bool:
    """Whether one node uses `node` and nothing else does."""
    return len(graph.users[node.name]) == 1 and node.name not in graph.outputs.values()


def _folded(kernel: Integers, exponent: int, factor: Constant, axis: int) -> Dense | None:
    lowest = int(factor.exponent.min())
    if np.any(factor.exponent - lowest > WIDEST):
        return None
    codes = factor.codes << (factor.exponent - lowest)
    product = kernel * (codes[:, np.newaxis] if axis == 0 else codes)
    if np.abs(product).max(initial=0) >= 1 << WIDEST:
        return None
    return Dense(product, exponent + lowest)


def _factor_before(graph: Graph, node: Node, guard: StepGuard) -> Node | None:
    if not isinstance(node.op, Dense):
        return None
    product = graph.by_name[graph.by_name[node.name].inputs[0]]
    found = _constant_factor(graph, product)
    if found is None or not _only_use(graph, product) or not guard.together(product, node):
        return None
    op = _folded(node.op.kernel, node.op.exponent, found[1], axis=0)
    return Node(node.name, op, (found[0].name,), node.layer) if op is not None else None


def _factor_behind(graph: Graph, node: Node, guard: StepGuard) -> Node | None:
    found = _constant_factor(graph, graph.by_name[node.name])
    if found is None or not isinstance(found[0].op, Dense) or not _only_use(graph, found[0]):
        return None
    if not guard.together(found[0], node):
        return None
    op = _folded(found[0].op.kernel, found[0].op.exponent, found[1], axis=1)
    return Node(node.name, op, found[0].inputs, node.layer) if op is not None else None
