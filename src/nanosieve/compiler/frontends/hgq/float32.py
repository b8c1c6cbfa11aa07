"""Where a framework that computes in float32 can round although the hardware does not.

Multiples of one step that stay below 2**24 steps are exact in float32, in whatever order they are added. The
proven intervals of the graph say where a sum, a product or a rounding can leave that range.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import (
    Add,
    Dense,
    Einsum,
    Graph,
    Input,
    Integers,
    LeakyRelu,
    Lookup,
    Multiply,
    Node,
    Overflow,
    Quantize,
    Rounding,
    Sum,
    TensorType,
)

__all__ = ["FLOAT32_BITS", "report_wide_values", "wide_values"]

FLOAT32_BITS = 24
"""Integers up to 2**24 are exact in float32."""

_log = logging.getLogger(__name__)


def wide_values(graph: Graph) -> dict[str, int]:
    """Node → bits of the widest value that the framework may need to hold there, where they are too many."""
    found = {}
    for node in graph.nodes:
        given = [graph.types[name] for name in node.inputs]
        peak = _peak(node, given, graph.types[node.name])
        if peak > 2.0**FLOAT32_BITS and not _harmless(graph, node):
            found[node.name] = math.ceil(math.log2(peak + 1))
    return found


def report_wide_values(graph: Graph) -> bool:
    """Whether the framework computes without rounding; a warning names the first place where it may not."""
    wide = wide_values(graph)
    if wide:
        name, bits = next(iter(wide.items()))
        _log.warning(
            "layer %r: node %r can take %d bits and the framework's float32 holds %d: it may round where the "
            "graph is exact (%d such nodes); quantise the input of the layer to fewer bits",
            graph.by_name[name].layer, name, bits, FLOAT32_BITS, len(wide),
        )  # fmt: skip
    return not wide


def _peak(node: Node, given: list[TensorType], out: TensorType) -> float:
    """Largest partial result in steps of the finest of its terms."""
    op = node.op
    if isinstance(op, Dense):
        (x,) = given
        matrix = op.scaled(x)[0].astype(float)
        up, down = np.maximum(matrix, 0), np.maximum(-matrix, 0)
        # a sum of some of the terms lies between those of all that are negative and all that are positive
        most = np.maximum(x.high, 0).astype(float).reshape(op.rows(x.shape))
        least = np.maximum(-x.low, 0).astype(float).reshape(op.rows(x.shape))
        return float(np.maximum(most @ up + least @ down, least @ up + most @ down).max(initial=0.0))
    if isinstance(op, Einsum):
        a, b, result = op.indices
        return float(np.einsum(f"{a},{b}->{result}", *(_size(x) for x in given)).max(initial=0.0))
    if isinstance(op, Sum):
        (x,) = given
        return float((_size(x) * np.exp2(x.exponent - out.exponent)).sum(axis=-1).max(initial=0.0))
    if isinstance(op, (Add, Input, LeakyRelu, Multiply)):  # Subtract is an Add
        return float(_size(out).max(initial=0.0))
    if isinstance(op, Quantize):
        return _rounding_peak(op, given[0])
    return 0.0


def _size(x: TensorType) -> NDArray[np.float64]:
    return np.maximum(np.abs(x.low), np.abs(x.high)).astype(np.float64)


def _rounding_peak(op: Quantize, x: TensorType) -> float:
    """What the framework adds when it rounds, ``x + 1/2``, and when it wraps, ``x + 2**(width - 1)``."""
    size = _size(x) * np.exp2(x.exponent - op.target.exponent)  # in steps of the target
    if op.overflow is Overflow.SAT:
        size = np.minimum(size, _size(op.target))
    peaks = [np.zeros(1)]
    if op.rounding is Rounding.RND:
        finest = np.minimum(np.exp2(x.exponent - op.target.exponent), 0.5)
        # far below the first tie the rounding of the sum does not matter
        peaks.append(np.where(size < 0.49, 0.0, (size + 0.5) / finest))
    if op.overflow is Overflow.WRAP:
        peaks.append(size - op.target.low)
    return max(float(peak.max(initial=0.0)) for peak in peaks)


def _harmless(graph: Graph, node: Node) -> bool:
    """Whether the values at a quantiser are those of a table, and the framework rounds each of them right."""
    table = graph.by_name[node.inputs[0]].op if node.inputs else None
    if not isinstance(node.op, Quantize) or not isinstance(table, Lookup):
        return False
    x = graph.types[node.inputs[0]]
    entries: Integers = table.tables.T[:, table.rows(x)] if x.shape else table.tables.T[:, 0]
    low, high = node.op.target.low, node.op.target.high
    scaled = entries.astype(np.float64) * np.exp2(x.exponent - node.op.target.exponent)
    if node.op.overflow is Overflow.SAT:
        scaled = np.clip(scaled, low, high)
    elif scaled.size and np.abs(scaled).max() >= 2.0 ** (FLOAT32_BITS - 1):
        return False
    single = scaled.astype(np.float32)
    rounded = np.floor(single + np.float32(0.5)) if node.op.rounding is Rounding.RND else single
    exact = np.floor(scaled + 0.5) if node.op.rounding is Rounding.RND else scaled
    return bool(np.array_equal(rounded, exact))
