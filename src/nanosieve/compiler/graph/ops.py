"""All ops by name, for the stored forms."""

from __future__ import annotations

from nanosieve.compiler.graph.arithmetic import Add, Multiply, Scale, Subtract
from nanosieve.compiler.graph.functions import GreaterEqual, LeakyRelu, Lookup, Nonzero, Relu, Select
from nanosieve.compiler.graph.op import Op
from nanosieve.compiler.graph.products import Dense, Einsum
from nanosieve.compiler.graph.quantize import Quantize
from nanosieve.compiler.graph.reductions import ArgMax, Max, Min, Sort, Sum
from nanosieve.compiler.graph.rewiring import Gather, Windows
from nanosieve.compiler.graph.structure import Concatenate, Constant, Input, Reshape, Weights

__all__ = ["OPS"]

OPS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        Add, ArgMax, Concatenate, Constant, Dense, Einsum, Gather, GreaterEqual, Input, LeakyRelu, Lookup,
        Max, Min, Multiply, Nonzero, Quantize, Relu, Reshape, Scale, Select, Sort, Subtract, Sum, Weights,
        Windows,
    )
}  # fmt: skip
"""Name → op, for the stored forms."""
