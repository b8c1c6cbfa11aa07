"""The text form of a graph: what a person reads and what the tests of passes compare."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from nanosieve.compiler.graph.fixed import TensorType
from nanosieve.compiler.graph.graph import Graph, Node
from nanosieve.compiler.graph.quantize import Quantize
from nanosieve.compiler.graph.structure import Input

__all__ = ["to_text"]


def to_text(graph: Graph) -> str:
    """One line for each node: name, op with operands and attributes, and the proven type."""
    lines = [f"graph {graph.name}"]
    lines += [f"  {node.name} = {_call(node)}  # {graph.types[node.name]}" for node in graph.nodes]
    lines += [f"  output {output} = {name}" for output, name in graph.outputs.items()]
    return "\n".join(lines)


def _call(node: Node) -> str:
    arguments = list(node.inputs)
    if isinstance(node.op, Quantize):
        arguments += [str(node.op.target), str(node.op.rounding), str(node.op.overflow)]
    elif not isinstance(node.op, Input):
        arguments += [f"{f.name}={_short(getattr(node.op, f.name))}" for f in fields(node.op)]  # type: ignore[arg-type]
    return f"{type(node.op).__name__}({', '.join(arguments)})"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size <= 6:
            return str(value.tolist()).replace(" ", "")
        return f"<{'x'.join(map(str, value.shape))}>"
    return str(value) if isinstance(value, TensorType) else repr(value)
