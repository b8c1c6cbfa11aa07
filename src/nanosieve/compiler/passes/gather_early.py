"""Pick elements before they are computed, not after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nanosieve.compiler.graph import (
    Gather,
    Graph,
    Integers,
    LeakyRelu,
    Lookup,
    Node,
    Nonzero,
    Op,
    Quantize,
    Relu,
    Scale,
    TensorType,
)
from nanosieve.compiler.passes.drop_dead_values import drop_dead_values
from nanosieve.compiler.passes.merge_rewiring import merge_rewiring

__all__ = ["gather_early"]


def gather_early(graph: Graph) -> Graph:
    """The graph with every `Gather` of fewer elements moved before the functions of one element it reads."""
    while any(_moved(graph, node) for node in graph.nodes):
        nodes = [new for node in graph.nodes for new in _moved(graph, node) or [node]]
        graph = drop_dead_values(merge_rewiring(replace(graph, nodes=tuple(nodes))))
    return graph


def _moved(graph: Graph, node: Node) -> list[Node]:
    """The gather, then the function; nothing where `node` stays."""
    if not isinstance(node.op, Gather):
        return []
    function, index = graph.by_name[node.inputs[0]], node.op.index
    only_use = len(graph.users[function.name]) == 1 and function.name not in graph.outputs.values()
    name = f"{node.name}.early"
    if not only_use or function.layer != node.layer or name in graph.types or not index.size:
        return []
    if index.size >= graph.types[function.name].size or index.min() < 0:
        return []
    op = _picked(function.op, graph.types[function.name].shape, index)
    if op is None:
        return []
    return [
        Node(name, Gather(index), function.inputs, node.layer),
        Node(node.name, op, (name,), node.layer),
    ]


def _picked(op: Op, shape: tuple[int, ...], index: Integers) -> Op | None:
    """The function of the elements `index` alone; None for other ops."""
    match op:
        case Relu() | LeakyRelu() | Nonzero():
            return op
        case Scale():
            return Scale(_at(np.broadcast_to(op.shift, shape), index))
        case Quantize():
            target = op.target
            picked = TensorType(_at(target.low, index), _at(target.high, index), _at(target.exponent, index))
            return Quantize(picked, op.rounding, op.overflow)
        case Lookup():
            rows = index.ravel() % len(op.tables)
            return Lookup(op.tables[rows], op.first[rows], op.exponent[rows])
        case _:
            return None


def _at(array: Integers, index: Integers) -> Integers:
    return array.reshape(-1)[index]
