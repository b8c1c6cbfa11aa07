"""The nodes of a graph that one node of a kernel stands for, one in each slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from nanosieve.compiler.graph import Graph, Integers, Node, Op, TensorType
from nanosieve.compiler.hardware.rows import ZERO, joined
from nanosieve.errors import FoldingError

__all__ = ["Family"]


@dataclass(frozen=True, eq=False)
class Family:
    """Nodes that do the same, one for each step; all slots of a layer that is no recurrence have one node.

    Attributes:
        graph: the original graph.
        nodes: the different nodes.
        place: in which of the `nodes` each slot is, shape (slots,).

    Raises:
        FoldingError: the nodes are not alike.
    """

    graph: Graph
    nodes: tuple[Node, ...]
    place: Integers

    def __post_init__(self) -> None:
        first = self.nodes[0]
        for node in self.nodes[1:]:
            alike = type(node.op) is type(first.op) and len(node.inputs) == len(first.inputs)
            if not alike or self.graph.types[node.name].shape != self.graph.types[first.name].shape:
                self.refuse(f"{node.name!r} differs from the same value of another step")

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(node.name for node in self.nodes)

    @property
    def op(self) -> Op:
        """The op of the first node."""
        return self.nodes[0].op

    def operand(self, n: int) -> tuple[str, ...]:
        """The names of the n-th inputs."""
        return tuple(node.inputs[n] for node in self.nodes)

    def given(self, n: int = 0) -> list[TensorType]:
        """The types of the n-th inputs."""
        return [self.graph.types[name] for name in self.operand(n)]

    def refuse(self, why: str) -> NoReturn:
        """Raise the error that names this value."""
        name = self.nodes[0].name
        message = f"layer {self.nodes[0].layer!r}: {name!r} cannot be shared by slots: {why}"
        raise FoldingError(message, name)

    def pick(self, rows: Integers, arrays: Sequence[Any]) -> Integers:
        """For each row and slot the entry of the slot's array, one flat array for each node."""
        if len(arrays) == 1:
            return np.asarray(arrays[0]).reshape(-1)[np.maximum(rows, 0)]
        stack = np.stack([np.asarray(array).reshape(-1) for array in arrays])
        return stack[np.broadcast_to(self.place, rows.shape), np.maximum(rows, 0)]

    def map(self, rows: Integers, arrays: Sequence[Integers]) -> Integers:
        """As `pick`, but rows that are no elements stay as they are."""
        return np.where(rows >= 0, self.pick(rows, arrays), rows)

    def uniform(self, rows: Integers, parameter: Callable[[Node], Any], what: str) -> Integers:
        """A parameter of the op that every row has alike in all its slots, shape (rows,).

        Raises:
            FoldingError: it differs.
        """
        values = self.pick(rows, [parameter(node) for node in self.nodes])
        reference = first_live(rows, values)
        if np.any((values != reference[:, np.newaxis]) & (rows >= 0)):
            self.refuse(f"{what} differs between them")
        return reference

    def alike(self, attribute: Callable[[Op], Any], what: str) -> Any:
        """What all nodes have in common.

        Raises:
            FoldingError: they differ.
        """
        found = [attribute(node.op) for node in self.nodes]
        if any(value != found[0] for value in found[1:]):
            self.refuse(f"{what} differs between them")
        return found[0]

    def type(self, rows: Integers, n: int | None = None) -> TensorType:
        """One type for each row over all its slots: of the result, or of the n-th input."""
        types = [self.graph.types[node.name] for node in self.nodes] if n is None else self.given(n)
        low, high, exponent = (
            self.pick(rows, [getattr(t, part) for t in types]) for part in ("low", "high", "exponent")
        )
        return joined(low, high, exponent, rows >= 0, (rows == ZERO).any(axis=1))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of each node."""
        return self.graph.types[self.nodes[0].name].shape


def first_live(rows: Integers, values: Integers) -> Integers:
    """For each row the value in its first slot that is an element."""
    return np.asarray(values[np.arange(len(rows)), (rows >= 0).argmax(axis=1)])
