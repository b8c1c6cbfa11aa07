"""The nodes of one layer as a front end adds them, and the few steps that all front ends need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.quantizers import dyadic
from nanosieve.compiler.graph import (
    Builder,
    Concatenate,
    Constant,
    Dense,
    Gather,
    Integers,
    Op,
    Overflow,
    Quantize,
    Reshape,
    Rounding,
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
        return self.picked(node, np.asarray(rule(places), dtype=np.int64), part)

    def picked(self, node: str, index: Integers, part: str) -> str:
        """The elements at the flat places `index`; as `rewired`."""
        if not np.array_equal(index.ravel(), np.arange(self.type(node).size)):
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

    def reduced(self, node: str, op: Op, axes: Sequence[int], part: str, *, keepdims: bool = False) -> str:
        """A reduction (`Sum`, `Max`, `Min`) over any axes, the batch not counted."""
        shape = self.shape(node)
        gone = sorted(axis % len(shape) for axis in axes)
        kept = [axis for axis in range(len(shape)) if axis not in gone]
        rows = self.rewired(
            node,
            lambda i: i.transpose(*kept, *gone).reshape(*(shape[axis] for axis in kept), -1),
            f"{part}_rows",
        )
        out = tuple(1 if axis in gone else n for axis, n in enumerate(shape) if keepdims or axis not in gone)
        return self.reshaped(self.add(op, rows, part=part), out, f"{part}_shape")

    def broadcast(self, node: str, shape: tuple[int, ...], part: str) -> str:
        """The tensor repeated to `shape` by the rules of NumPy."""
        return self.rewired(node, lambda i: np.broadcast_to(i, shape), part)

    def joined(self, nodes: Sequence[str], axis: int, part: str) -> str:
        """Tensors side by side along any axis, the batch not counted."""
        axis %= len(self.shape(nodes[0]))
        if axis == len(self.shape(nodes[0])) - 1:
            return self.add(Concatenate(), *nodes, part=part)
        sizes = [self.type(node).size for node in nodes]
        starts = np.cumsum([0, *sizes[:-1]])
        flat = [
            self.reshaped(node, (n,), f"{part}_flat{k}")
            for k, (node, n) in enumerate(zip(nodes, sizes, strict=True))
        ]
        places = [
            start + np.arange(size).reshape(self.shape(node))
            for start, size, node in zip(starts, sizes, nodes, strict=True)
        ]
        side = self.add(Concatenate(), *flat, part=f"{part}_flat")
        return self.picked(side, np.concatenate(places, axis=axis), part)

    def stacked(self, nodes: Sequence[str], part: str) -> str:
        """Tensors of one shape along a new last axis."""
        shape = (*self.shape(nodes[0]), 1)
        columns = [self.reshaped(node, shape, f"{part}_column{k}") for k, node in enumerate(nodes)]
        return self.add(Concatenate(), *columns, part=part)

    def clipped(self, node: str, low: float | None, high: float | None, part: str) -> str:
        """The value brought into ``[low, high]``; either end may be None.

        Raises:
            InexactModelError: an end is not fixed point.
        """
        x = self.type(node)
        where = f"layer {self.name!r}: {part}"
        ends = [dyadic(np.array(float(end)), where) if end is not None else None for end in (low, high)]
        exponent = x.exponent
        for end in ends:
            exponent = exponent if end is None or not end[0] else np.minimum(exponent, end[1])
        shift = x.exponent - exponent
        bounds = [x.low << shift, x.high << shift]
        for n, end in enumerate(ends):
            if end is not None:
                limit = np.where(exponent <= end[1], end[0] << np.maximum(end[1] - exponent, 0), 0)
                bounds[n] = np.broadcast_to(limit, x.shape)
        if low is None:
            bounds[0] = np.minimum(*bounds)
        if high is None:
            bounds[1] = np.maximum(*bounds)
        target = TensorType(bounds[0], bounds[1], np.broadcast_to(exponent, x.shape))
        return self.add(Quantize(target, Rounding.TRN, Overflow.SAT), node, part=part)
