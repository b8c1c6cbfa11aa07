"""Slots of a layer: neighbouring positions and parts of its columns.

A slot makes some positions of the output times a part of its columns. What differs between the slots is only
what the ports read: elements, zeros of the padding, and constants such as the weights of a part of columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Constant, Graph, Input, Integers, Node
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.kernel import Fold, Kernel, addressed, interpret_kernel
from nanosieve.compiler.hardware.liveness import live_elements, read_elements
from nanosieve.compiler.hardware.rows import DEAD
from nanosieve.compiler.hardware.slicing import Lanes, make_kernel
from nanosieve.errors import FoldingError

__all__ = [
    "Fold", "Kernel", "addressed", "interpret_kernel", "live_elements", "live_slots", "read_elements",
    "slice_layer", "split_layer",
]  # fmt: skip


def slice_layer(
    graph: Graph, nodes: Sequence[Node], output: str, fold: Fold, live: NDArray[np.bool_] | None = None
) -> Kernel:
    """The kernel of a layer.

    Args:
        graph: the original graph.
        nodes: of the layer, in order; values that only rewire others are seen through.
        output: the node whose elements other layers read, shape (…, columns).
        fold: positions of a slot, and parts of the columns.
        live: which elements of the output are read at all (`live_elements`); None for all.

    Raises:
        FoldingError: the slots need different hardware; `node` of the error names the first such value, in
            front of which `split_layer` cuts.
    """
    rows = live_slots(graph, graph.by_name[output], fold, live)
    place = np.zeros(rows.shape[1], dtype=np.int64)
    families = {node.name: Family(graph, (node,), place) for node in nodes if not isinstance(node.op, Input)}
    return make_kernel(
        graph, list(families.values()), [Lanes(families[output], rows)], graph.by_name[output].layer
    )


def live_slots(graph: Graph, node: Node, fold: Fold, live: NDArray[np.bool_] | None = None) -> Integers:
    """The flat element of `node` of each lane in each slot, those that are read; else `DEAD`.

    Raises:
        FoldingError: the fold is none, or nothing is read.
    """
    rows = _slots(graph.types[node.name].shape, fold)
    if live is not None:
        rows = np.where((rows >= 0) & live.reshape(-1)[np.maximum(rows, 0)], rows, DEAD)
    some = rows >= 0
    rows = rows[some.any(axis=1)][:, some.any(axis=0)]
    if not rows.size:
        message = f"layer {node.layer!r}: no output of the network depends on it"
        raise FoldingError(message)
    return rows


def _slots(shape: tuple[int, ...], fold: Fold) -> Integers:
    """The flat element of each lane in each slot, positions and parts of columns padded with `DEAD`."""
    if fold.positions < 1 or fold.columns < 1:
        message = f"a fold has one or more positions and parts of columns, not {fold}"
        raise FoldingError(message)
    columns = shape[-1] if shape else 1
    axis = shape[-2] if len(shape) > 1 else 1
    most = min(fold.positions, max(axis, 1))
    part = -(-columns // min(fold.columns, max(columns, 1)))
    places = np.arange(np.prod(shape, dtype=np.int64)).reshape(-1, axis, columns)
    padding = ((0, 0), (0, -axis % most), (0, -columns % part))
    padded = np.pad(places, padding, constant_values=DEAD)
    lines, positions, wide = padded.shape
    blocks = padded.reshape(lines, positions // most, most, wide // part, part)
    return np.asarray(blocks.transpose(2, 4, 0, 1, 3).reshape(most * part, -1), dtype=np.int64)


def split_layer(
    graph: Graph, nodes: Sequence[Node], output: str, node: str
) -> tuple[list[Node], str, list[Node]]:
    """The layer in two, cut in front of `node`: what a `FoldingError` names is left to the second part.

    Returns:
        The nodes of the first part and the node that it makes; the nodes of the second part, which makes
        `output` and reads of the first part only that node. Constants go with the part that reads them.

    Raises:
        FoldingError: the parts meet in more than one value.
    """
    inside = {n.name: n for n in nodes}
    for name in dict.fromkeys(inside[node].inputs if node in inside else ()):
        front = _needed(inside, name) if name in inside else set()
        behind = _needed(inside, output, stop=name) if front else set()
        computed = {n for n in front if not isinstance(inside[n].op, Constant)}
        if computed and name in front and node in behind and not (computed & behind):
            return [n for n in nodes if n.name in front], name, [n for n in nodes if n.name in behind]
    message = f"layer {graph.by_name[output].layer!r} cannot be cut in front of {node!r}"
    raise FoldingError(message, node)


def _needed(inside: dict[str, Node], name: str, stop: str = "") -> set[str]:
    """The nodes of the layer that `name` depends on, itself included, without going beyond `stop`."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name in inside and name not in found and name != stop:
            found.add(name)
            waiting += inside[name].inputs
    return found
