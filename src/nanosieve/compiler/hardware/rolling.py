"""Slots of a recurrent layer: one kernel computes a step, and its slots are the time steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Constant, Graph, Integers, Node
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.kernel import Fold, Kernel
from nanosieve.compiler.hardware.liveness import live_elements, read_elements
from nanosieve.compiler.hardware.rows import DEAD
from nanosieve.compiler.hardware.slices import live_slots
from nanosieve.compiler.hardware.slicing import Lanes, make_kernel
from nanosieve.compiler.passes.repeated_steps import Steps, steps_of
from nanosieve.errors import FoldingError

__all__ = ["Steps", "slice_steps", "slice_sums", "split_steps", "steps_of"]


Mask = NDArray[np.bool_]


def slice_steps(
    graph: Graph,
    steps: Steps,
    copies: int = 1,
    live: Mapping[str, Mask] | None = None,
    *,
    columns: int = 1,
) -> list[Kernel]:
    """One kernel for each copy of the cell, which makes so many steps one behind the other.

    Steps that no output depends on are left out, and copies that would make only such.

    Args:
        graph: the original graph.
        steps: of a layer (`steps_of`).
        copies: 1 for one cell that is used again in every step (static), as many as steps for a cell for each
            step, or between; the first copies make one step more where the steps do not divide.
        live: what `live_elements` says of the graph; computed if it is None.
        columns: slots of one step, each of which makes a part of the last axis of the state.

    Raises:
        FoldingError: the slots need different hardware, or there are more copies than steps.
    """
    count = len(steps.steps)
    if not 1 <= copies <= count or columns < 1:
        layer = steps.steps[0][0].layer
        message = (
            f"layer {layer!r}: {count} steps have 1 to {count} copies of their hardware and one or more "
            f"parts of the columns, not {copies} and {columns}"
        )
        raise FoldingError(message)
    live = live_elements(graph) if live is None else live
    read = [[_read_elsewhere(graph, node, step, live) for node in step] for step in steps.steps]
    needed = [n for n, masks in enumerate(read) if any(mask.any() for mask in masks)]
    chunks = [[n for n in chunk if n in needed] for chunk in np.array_split(np.arange(count), copies)]
    if not needed:
        message = f"layer {steps.steps[0][0].layer!r}: no output of the network depends on it"
        raise FoldingError(message)
    return [
        _kernel(graph, [steps.steps[n] for n in chunk], [read[n] for n in chunk], columns)
        for chunk in chunks
        if chunk
    ]


def slice_sums(graph: Graph, steps: Steps, fold: Fold, live: Mask) -> Kernel:
    """The kernel of the steps that `partial_sums` makes.

    In the first slots it adds the first part of the inputs of all positions and columns, then the second: the
    more slots lie between two parts of a sum, the longer the hardware may take for one.

    Args:
        graph: the layer with its partial sums.
        steps: those.
        fold: positions and parts of the columns of a slot.
        live: which elements of the sum are read at all.

    Raises:
        FoldingError: the slots need different hardware.
    """
    families = zip(*steps.steps, strict=True)
    rows = live_slots(graph, steps.steps[-1][-1], fold, live)
    place = np.repeat(np.arange(len(steps.steps)), rows.shape[1])
    shared = [Family(graph, nodes, place) for nodes in families]
    lanes = Lanes(shared[-1], np.tile(rows, len(steps.steps)))
    return make_kernel(graph, shared, [lanes], steps.steps[0][0].layer)


def split_steps(graph: Graph, nodes: Sequence[Node]) -> tuple[list[Node], list[Steps], list[Node]]:
    """What comes before the repeated steps of a layer, the steps, and what comes behind.

    Constants stand with both the nodes before and behind, for whoever reads them.
    """
    found = steps_of(graph, nodes)
    inside = {node.name for steps in found for step in steps.steps for node in step}
    behind: set[str] = set()
    for node in nodes:
        if node.name not in inside and any(name in inside or name in behind for name in node.inputs):
            behind.add(node.name)
    others = [node for node in nodes if node.name not in inside]
    constant = {node.name for node in nodes if isinstance(node.op, Constant)}
    before = [n for n in others if n.name not in behind]
    return before, found, [n for n in others if n.name in behind | constant]


def _kernel(
    graph: Graph, steps: Sequence[Sequence[Node]], read: Sequence[Sequence[Mask]], columns: int
) -> Kernel:
    masks = list(zip(*read, strict=True))
    lanes = [_lanes(own, columns) for own in masks]
    some = np.concatenate(lanes).max(axis=0) >= 0
    place = np.repeat(np.arange(len(steps)), columns)[some]
    families = [Family(graph, nodes, place) for nodes in zip(*steps, strict=True)]
    kept = [rows[:, some] for rows in lanes]
    wanted = [Lanes(f, rows) for f, rows in zip(families, kept, strict=True) if len(rows)]
    return make_kernel(graph, families, wanted, steps[0][0].layer)


def _lanes(masks: Sequence[Mask], columns: int) -> Integers:
    """The elements to make, shape (lanes, steps * columns), those that are never read left out."""
    mask = np.stack(masks)  # (steps, *shape)
    if not mask.any():
        return np.empty((0, len(masks) * columns), dtype=np.int64)
    axis = mask.shape[-1] if mask.ndim > 1 else 1
    part = -(-axis // columns)
    element = np.where(mask, np.arange(mask[0].size).reshape(mask.shape[1:]), DEAD).reshape(
        len(masks), -1, axis
    )
    padded = np.pad(element, ((0, 0), (0, 0), (0, part * columns - axis)), constant_values=DEAD)
    rows = padded.reshape(len(masks), -1, columns, part).transpose(1, 3, 0, 2)
    flat = rows.reshape(-1, len(masks) * columns)
    return np.asarray(flat[(flat >= 0).any(axis=1)], dtype=np.int64)


def _read_elsewhere(graph: Graph, node: Node, step: Sequence[Node], live: Mapping[str, Mask]) -> Mask:
    """Which elements of a node of a step others than the nodes of this step read."""
    inside = {other.name for other in step}
    mask = np.zeros(graph.types[node.name].shape, dtype=np.bool_)
    if node.name in graph.outputs.values():
        mask[...] = True
    for user in graph.users[node.name]:
        if user.name not in inside:
            for name, read in zip(user.inputs, read_elements(graph, user, live[user.name]), strict=True):
                if name == node.name:
                    mask |= read
    return mask
