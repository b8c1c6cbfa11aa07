"""Which elements of each value any output depends on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import (
    ArgMax,
    Concatenate,
    Dense,
    Einsum,
    Gather,
    Graph,
    Max,
    Min,
    Node,
    Reshape,
    Sort,
    Sum,
    Windows,
)

__all__ = ["live_elements", "read_elements"]

Mask = NDArray[np.bool_]


def live_elements(graph: Graph, wanted: Mapping[str, Mask] | None = None) -> dict[str, Mask]:
    """Node → which of its elements any output of the graph depends on, in its shape.

    A weight of zero is no dependence.

    Args:
        graph: verified.
        wanted: node → elements that count, in place of all elements of the outputs.
    """
    live: dict[str, Mask] = {name: np.zeros(type.shape, dtype=np.bool_) for name, type in graph.types.items()}
    ends = dict.fromkeys(graph.outputs.values(), np.True_) if wanted is None else wanted
    for name, mask in ends.items():
        live[name][...] = mask
    for node in reversed(graph.nodes):
        for name, mask in zip(node.inputs, read_elements(graph, node, live[node.name]), strict=True):
            live[name] |= mask
    return live


def read_elements(graph: Graph, node: Node, wanted: Mask) -> list[Mask]:
    """For each input of `node` which of its elements the `wanted` elements of the node depend on."""
    shapes = [graph.types[name].shape for name in node.inputs]
    match node.op:
        case Gather():
            return [_at(node.op.index[wanted], shapes[0])]
        case Windows():
            return [_at(node.op.index(shapes[0])[wanted], shapes[0])]
        case Reshape():
            return [wanted.reshape(shapes[0])]
        case Concatenate():
            return list(np.split(wanted, np.cumsum([s[-1] for s in shapes])[:-1], axis=-1))
        case Sum() | Max() | Min() | ArgMax() | Sort():
            return [np.broadcast_to(wanted.any(axis=-1, keepdims=True), shapes[0])]
        case Dense():
            used = wanted.reshape(len(node.op.blocks), -1, node.op.kernel.shape[-1])
            weights = (node.op.blocks != 0).transpose(0, 2, 1)
            return [(used.astype(np.float32) @ weights.astype(np.float32) > 0).reshape(shapes[0])]
        case Einsum():
            return [
                _at(place[wanted], shape) for place, shape in zip(pairs(graph, node), shapes, strict=True)
            ]
        case _:
            return [wanted] * len(shapes)


def pairs(graph: Graph, node: Node) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The elements of both operands of an `Einsum` that meet, shape (*result, products)."""
    assert isinstance(node.op, Einsum)
    places = [
        node.op.spread(np.arange(graph.types[name].size).reshape(graph.types[name].shape), n)
        for n, name in enumerate(node.inputs)
    ]
    left, right = np.broadcast_arrays(*places)
    shape = (*left.shape[: len(node.op.indices[2])], -1)
    return left.reshape(shape), right.reshape(shape)


def _at(places: NDArray[np.int64], shape: tuple[int, ...]) -> Mask:
    """The elements at flat `places`; -1 is a zero."""
    mask = np.zeros(int(np.prod(shape, dtype=np.int64)), dtype=np.bool_)
    mask[places[places >= 0]] = True
    return mask.reshape(shape)
