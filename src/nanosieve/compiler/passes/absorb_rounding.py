"""Round by truncation: half a step joins a constant that is added anyway, and rounding costs no adder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nanosieve.compiler.graph import Add, Constant, Graph, Integers, Node, Quantize, Relu, Rounding
from nanosieve.compiler.passes.repeated_steps import StepGuard

__all__ = ["absorb_rounding"]


def absorb_rounding(graph: Graph) -> Graph:
    """The graph with ``rnd(x + c)`` turned into ``trn(x + (c + half a step))``, also through a ReLU.

    Exact, for rounding half up is ``rnd(v) = floor(v / step + 1/2)`` and ``rnd(relu(v)) =
    trn(relu(v + step / 2))``: where ``v < 0``, both are 0, because then ``v + step / 2 < step``.
    Only where nothing else uses the sum. Elements whose step is not coarser than the sum's are not
    rounded and get no half.
    """
    changed: dict[str, Node] = {}
    added: dict[str, Node] = {}
    guard = StepGuard.of(graph)

    def absorbed(node: Node) -> Node | None:
        known: dict[str, Node] = {}
        if isinstance(node.op, Quantize) and node.op.rounding is Rounding.RND:
            _absorb(graph, node, known, {}, guard)
        return known.get(node.name)

    absorbs = guard.even(absorbed)
    for node in graph.nodes:
        if absorbs(node) is not None:
            _absorb(graph, node, changed, added, guard)
    nodes: list[Node] = []
    for node in graph.nodes:
        new = changed.get(node.name, node)
        if node.name in added:
            nodes.append(added[node.name])
        nodes.append(new)
    return replace(graph, nodes=tuple(nodes))


def _absorb(
    graph: Graph, node: Node, changed: dict[str, Node], added: dict[str, Node], guard: StepGuard
) -> None:
    """Note the new constant, the sum and the quantiser, if `node` rounds a sum with a constant."""
    assert isinstance(node.op, Quantize)
    total = graph.by_name[node.inputs[0]]
    if isinstance(total.op, Relu) and _only_use(graph, total):
        total = graph.by_name[total.inputs[0]]
    if type(total.op) is not Add or not _only_use(graph, total) or not guard.together(total, node):
        return
    constants = [name for name in total.inputs if isinstance(graph.by_name[name].op, Constant)]
    if len(constants) != 1:
        return
    old = graph.by_name[constants[0]].op
    assert isinstance(old, Constant)
    new = _with_half(old, graph.types[total.name].exponent, node.op.target.exponent)
    if new is None:
        return
    name = f"{total.name}.rounded"
    if name in graph.types:
        return
    added[total.name] = Node(name, new, (), total.layer)
    inputs = tuple(name if n == constants[0] else n for n in total.inputs)
    changed[total.name] = Node(total.name, total.op, inputs, total.layer)
    changed[node.name] = replace(node, op=Quantize(node.op.target, Rounding.TRN, node.op.overflow))


def _with_half(old: Constant, exponent: Integers, target: Integers) -> Constant | None:
    """The constant plus half a step of the target where that is coarser than the sum; None if too wide."""
    half = np.where(target > exponent, target - 1, old.exponent)
    common = np.minimum(old.exponent, half)
    if np.any(old.exponent - common > 20) or np.any(half - common > 40) or np.any(abs(old.codes) >= 1 << 40):
        return None
    codes = old.codes << (old.exponent - common)
    return Constant(codes + np.where(target > exponent, np.int64(1) << (half - common), 0), common)


def _only_use(graph: Graph, node: Node) -> bool:
    return len(graph.users[node.name]) == 1 and node.name not in graph.outputs.values()
