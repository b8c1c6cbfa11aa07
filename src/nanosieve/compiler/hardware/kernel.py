"""A kernel: what one slot of an engine computes, and which elements of the graph it reads and makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph import Graph, Integers, interpret

__all__ = ["Fold", "Kernel", "addressed", "interpret_kernel"]


@dataclass(frozen=True)
class Fold:
    """How the output (…, M) of a layer is cut into slots.

    Attributes:
        positions: neighbouring positions along the last leading axis that one slot makes.
        columns: parts of the M columns, one for each slot.
        inputs: parts of the inputs of a product; each slot adds one to the sum of the parts before.
        packed: whether one multiplier makes two products wherever that is exact.
    """

    positions: int = 1
    columns: int = 1
    inputs: int = 1
    packed: bool = False


@dataclass(frozen=True)
class Kernel:
    """One layer as slots of one engine.

    In slot j, port p of `graph` is the element ``reads[p, j]``, its code shifted to the step of the port, or
    the code ``constants[p, j]``; lane l of the result is the element ``writes[l, j]``. A read may name an
    element that an earlier slot writes.

    Attributes:
        graph: one input ``in`` of shape (ports,), one output ``out`` of shape (lanes,).
        base: node of the original graph → address of its first element; the others follow in row-major order.
        reads: address, shape (ports, slots); -1 for a constant.
        constants: codes at the step of the port, shape (ports, slots); 0 where an element is read.
        writes: address, shape (lanes, slots); -1 where nobody reads the lane.
    """

    graph: Graph
    base: Mapping[str, int]
    reads: Integers
    constants: Integers
    writes: Integers

    @property
    def slots(self) -> int:
        """How often the engine is used for each event."""
        return int(self.writes.shape[1])


def addressed(kernel: Kernel, graph: Graph, address: int) -> tuple[str, int]:
    """The node and the flat element of an address."""
    name = max((n for n in kernel.base if kernel.base[n] <= address), key=lambda n: kernel.base[n])
    return name, address - kernel.base[name]


def interpret_kernel(kernel: Kernel, graph: Graph, values: Mapping[str, Integers]) -> dict[str, Integers]:
    """Every element that the kernel writes, slot by slot with the reference interpreter.

    Args:
        kernel: made from `graph`.
        graph: the original graph.
        values: node → codes (events, *shape), at least of the nodes that the kernel reads and does not make.

    Returns:
        Node → codes (events, *shape) at the node's own step; 0 where the kernel writes nothing.
    """
    events = len(next(iter(values.values())))
    size = sum(graph.types[name].size for name in kernel.base)
    memory, exponent = np.zeros((events, size), dtype=np.int64), np.zeros(size, dtype=np.int64)
    for name, first in kernel.base.items():
        type = graph.types[name]
        exponent[first : first + type.size] = type.exponent.ravel()
        if name in values:
            memory[:, first : first + type.size] = values[name].reshape(events, -1)
    own = np.unique(kernel.writes[kernel.writes >= 0])
    memory[:, own] = 0
    step = 1 if np.isin(kernel.reads, own).any() else max(1, 4096 // max(events, 1))
    port, lane = kernel.graph.types["in"], kernel.graph.types[kernel.graph.outputs["out"]]
    for start in range(0, kernel.slots, step):
        reads, writes = kernel.reads[:, start : start + step], kernel.writes[:, start : start + step]
        shift = np.where(reads >= 0, exponent[reads] - port.exponent[:, np.newaxis], 0)
        read = np.where(reads >= 0, memory[:, reads] << shift, kernel.constants[:, start : start + step])
        given = read.transpose(0, 2, 1).reshape(events * writes.shape[1], len(reads))
        out = (
            interpret(kernel.graph, {"in": given})["out"]
            .reshape(events, writes.shape[1], -1)
            .transpose(0, 2, 1)
        )
        shift = exponent[writes] - lane.exponent[:, np.newaxis]
        codes = np.where(shift >= 0, out >> np.maximum(shift, 0), out << np.maximum(-shift, 0))
        memory[:, writes[writes >= 0]] = codes[:, writes >= 0]
    made = {
        name: memory[:, first : first + graph.types[name].size].reshape(events, *graph.types[name].shape)
        for name, first in kernel.base.items()
    }
    return {name: codes for name, codes in made.items() if _written(kernel, graph, name)}


def _written(kernel: Kernel, graph: Graph, name: str) -> bool:
    first = kernel.base[name]
    return bool(np.any((kernel.writes >= first) & (kernel.writes < first + graph.types[name].size)))
