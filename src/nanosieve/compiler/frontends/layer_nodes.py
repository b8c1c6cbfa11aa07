"""The nodes of one layer as a front end adds them, and the few steps that all front ends need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Dense,
    Gather,
    Integers,
    Op,
    Reshape,
    TensorType,
    aligning,
)

__all__ = ["LayerNodes"]


@dataclass
class LayerNodes:
    """Adds nodes named ``layer.prefix.part``.

    Attributes:
        builder: the graph that grows.
        name: the user's name of the layer.
        prefix: the step inside the layer, such as ``t03``; may be empty.
    """

    builder: Builder
    name: str
    prefix: str = ""

    def within(self, step: str) -> Self:
        """The same layer, one step deeper in the names of its nodes."""
        return replace(self, prefix=self._named(step))

    def _named(self, part: str) -> str:
        return f"{self.prefix}.{part}" if self.prefix else part

    def add(self, op: Op, *inputs: str, part: str) -> str:
        """Add a node and return its name."""
        return self.builder.add(op, *inputs, layer=self.name, part=self._named(part))

    def codes(self, codes: Integers, exponent: Integers | int, part: str) -> str:
        """Add a constant of the given codes and step."""
        op = Constant(codes, np.broadcast_to(exponent, codes.shape))
        return self.builder.constant(op, layer=self.name, part=self._named(part))

    def type(self, node: str) -> TensorType:
        """Proven type of a node."""
        return self.builder.types[node]

    def shape(self, node: str) -> tuple[int, ...]:
        """Shape of a node without the batch."""
        return self.builder.types[node].shape

    def rewired(self, node: str, rule: Callable[[NDArray[Any]], NDArray[Any]], part: str) -> str:
        """Elements picked by `rule`: it does to an array of places what is to happen to the tensor.

        A place of -1 is a zero. No node where nothing changes, a `Reshape` where only the shape does.

        >>> from nanosieve.compiler.graph import Builder, Fixed, TensorType
        >>> b = LayerNodes(Builder(), "permute")
        >>> x = b.builder.input("x", TensorType.of(Fixed(8, 4), (2, 3)))
        >>> b.shape(b.rewired(x, np.transpose, "turned"))
        (3, 2)
        """
        shape = self.shape(node)
        places = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        index = np.asarray(rule(places), dtype=np.int64)
        if not np.array_equal(index.ravel(), places.ravel()):
            return self.add(Gather(index), node, part=part)
        return self.reshaped(node, index.shape, part)

    def reshaped(self, node: str, shape: tuple[int, ...], part: str) -> str:
        """The same elements in another shape; no node where it is the same."""
        return node if self.shape(node) == shape else self.add(Reshape(shape), node, part=part)

    def aligned(self, node: str, axes: tuple[int, ...], part: str = "aligned") -> str:
        """All elements along `axes` at one step, exactly; no node where they are."""
        op = aligning(self.type(node), axes)
        return node if op is None else self.add(op, node, part=part)

    def product(self, node: str, kernel: Integers, exponent: int, part: str = "product") -> str:
        """`Dense` with what it needs: the rows of its input at one step.

        Args:
            node: shape (*blocks, *rows, inputs).
            kernel: codes, shape (*blocks, inputs, outputs), of step ``2**exponent``.
            exponent: see `kernel`.
            part: name of the node.
        """
        rows = tuple(range(kernel.ndim - 2, len(self.shape(node)) - 1))
        return self.add(Dense(kernel, exponent), self.aligned(node, rows, f"{part}_aligned"), part=part)
