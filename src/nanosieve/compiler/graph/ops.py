"""All ops by name, for the stored forms."""

from __future__ import annotations

from nanosieve.compiler.graph.arithmetic import Add, Dense, Multiply, Scale, Subtract, Sum
from nanosieve.compiler.graph.functions import GreaterEqual, LeakyRelu, Lookup, Nonzero, Relu
from nanosieve.compiler.graph.op import Op
from nanosieve.compiler.graph.quantize import Quantize
from nanosieve.compiler.graph.structure import Concatenate, Constant, Input, Reshape

__all__ = ["OPS"]

OPS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        Add, Concatenate, Constant, Dense, GreaterEqual, Input, LeakyRelu, Lookup, Multiply, Nonzero,
        Quantize, Relu, Reshape, Scale, Subtract, Sum,
    )
}  # fmt: skip
"""Name → op, for the stored forms."""
