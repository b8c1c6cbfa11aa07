"""Overflow reported before it happens: which quantisers can meet values beyond their range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Fixed, Overflow, bit_width
from nanosieve.compiler.graph.graph import Graph
from nanosieve.compiler.graph.quantize import Quantize

__all__ = ["Excess", "overflows"]


@dataclass(frozen=True)
class Excess:
    """A quantiser whose input can leave its range, by the proven intervals.

    Attributes:
        layer: the user's layer.
        node: the node of the quantiser.
        elements: how many of its elements can overflow.
        element: flat index of the worst of them.
        overflow: what then happens.
        has: the range that this element has.
        needs: the range that holds every value.
    """

    layer: str
    node: str
    elements: int
    element: int
    overflow: Overflow
    has: Fixed
    needs: Fixed

    def __str__(self) -> str:
        what = "wraps" if self.overflow is Overflow.WRAP else "saturates"
        return (
            f"layer {self.layer!r} ({self.node}) {what} where a value leaves its range, "
            f"in {self.elements} elements; the worst is element {self.element}: "
            f"{self.has} where {self.needs} holds every value"
        )


def overflows(graph: Graph, overflow: Overflow | None = None) -> list[Excess]:
    """The quantisers that can overflow, in the order of the graph.

    Args:
        graph: any graph.
        overflow: only those with this rule; None for all.
    """
    found = []
    for node in graph.nodes:
        op = node.op
        if not isinstance(op, Quantize) or (overflow is not None and op.overflow is not overflow):
            continue
        given = graph.types[node.inputs[0]]
        low, high = op.round(given.low, given.exponent), op.round(given.high, given.exponent)
        outside = (low < op.target.low) | (high > op.target.high)
        if not outside.any():
            continue
        worst = int(np.argmax(np.where(outside, np.maximum(op.target.low - low, high - op.target.high), -1)))
        exponent = int(op.target.exponent.flat[worst])
        width = bit_width(int(low.flat[worst]), int(high.flat[worst]))
        needs = Fixed(width, width + exponent, signed=bool(low.flat[worst] < 0))
        found.append(
            Excess(
                node.layer, node.name, int(outside.sum()), worst, op.overflow, op.target.fixed(worst), needs
            )
        )
    return found
