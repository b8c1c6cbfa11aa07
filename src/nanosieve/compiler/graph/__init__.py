"""The fixed-point graph: types, ops, verification, text form, storage and the reference interpreter."""

from nanosieve.compiler.graph.align import aligning
from nanosieve.compiler.graph.arithmetic import Add, Multiply, Scale, Subtract
from nanosieve.compiler.graph.fixed import Fixed, Integers, Overflow, Rounding, TensorType, bit_width
from nanosieve.compiler.graph.functions import GreaterEqual, LeakyRelu, Lookup, Nonzero, Relu, Select
from nanosieve.compiler.graph.graph import Builder, Graph, Node
from nanosieve.compiler.graph.interpreter import decode, encode, interpret
from nanosieve.compiler.graph.op import Op
from nanosieve.compiler.graph.ops import OPS
from nanosieve.compiler.graph.overflow import Excess, overflows
from nanosieve.compiler.graph.products import Dense, Einsum
from nanosieve.compiler.graph.quantize import Quantize
from nanosieve.compiler.graph.reductions import ArgMax, Max, Min, Sort, Sum
from nanosieve.compiler.graph.rewiring import Gather, Windows
from nanosieve.compiler.graph.storage import load_graph, save_graph
from nanosieve.compiler.graph.structure import Concatenate, Constant, Input, Reshape, Weights
from nanosieve.compiler.graph.text import to_text

__all__ = [
    "OPS",
    "Add",
    "ArgMax",
    "Builder",
    "Concatenate",
    "Constant",
    "Dense",
    "Einsum",
    "Excess",
    "Fixed",
    "Gather",
    "Graph",
    "GreaterEqual",
    "Input",
    "Integers",
    "LeakyRelu",
    "Lookup",
    "Max",
    "Min",
    "Multiply",
    "Node",
    "Nonzero",
    "Op",
    "Overflow",
    "Quantize",
    "Relu",
    "Reshape",
    "Rounding",
    "Scale",
    "Select",
    "Sort",
    "Subtract",
    "Sum",
    "TensorType",
    "Weights",
    "Windows",
    "aligning",
    "bit_width",
    "decode",
    "encode",
    "interpret",
    "load_graph",
    "overflows",
    "save_graph",
    "to_text",
]
