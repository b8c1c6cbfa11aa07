"""What a file computes from constants and shapes alone: worked out once, before the graph is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.frontends.onnx.file import OnnxModel, OnnxNode
from nanosieve.compiler.frontends.onnx.quantisers import quantiser

__all__ = ["Known", "evaluator", "fold", "is_quantiser"]

LARGEST = 1 << 26
"""Elements that a folded constant may have."""

_MOVING = (
    "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Tile", "Transpose",
    "Unsqueeze",
)  # fmt: skip
"""Ops that only move elements: a scale moves with them."""
_GROWING = ("ConstantOfShape", "Expand", "Range", "Tile", "Pad", "Resize", "Upsample", "OneHot")
_COMPUTING = (
    "Abs", "Add", "And", "ArgMax", "ArgMin", "Cast", "Ceil", "Clip", "Constant", "Cos",
    "CumSum", "Div", "Equal", "Erf", "Exp", "Floor", "Gemm", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual",
    "Log", "MatMul", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Round", "Shape", "Sigmoid", "Sign", "Sin",
    "Size", "Sqrt", "Sub", "Sum", "Tanh", "Where",
)  # fmt: skip

_MISFITS = (
    ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, AttributeError, AssertionError,
    MemoryError,
)  # fmt: skip
"""What the reference raises where inputs do not fit."""


@dataclass(frozen=True, eq=False)
class Known:
    """A constant.

    Attributes:
        values: as the framework has them.
        scale: step of a quantised constant, element by element; None where no quantiser states one.
    """

    values: NDArray[Any]
    scale: NDArray[np.float64] | None = None


def is_quantiser(node: OnnxNode) -> bool:
    """Whether the node is one of QONNX's quantisers with a scale."""
    return node.op in ("Quant", "IntQuant", "BipolarQuant", "Trunc") and node.proto.domain != ""


def fold(model: OnnxModel, node: OnnxNode, given: Sequence[Known | None]) -> list[Known]:
    """The outputs of a node whose inputs are constants (None for an input left out).

    Raises:
        UnsupportedLayerError: an op that is not worked out beforehand, a result that is too large, or
            inputs that do not fit.
    """
    if is_quantiser(node):
        first = given[0]
        if first is None:
            node.refuse("no input", "export it again")
        q = quantiser(node, [None if k is None else k.values for k in given[1:]])
        if not np.all(np.isfinite(np.asarray(first.values, dtype=np.float64))):
            node.refuse("constants that are not finite", "train and export again")
        try:
            values = q.values(np.asarray(first.values, dtype=np.float32))
        except ValueError:
            node.refuse("its parameters do not fit the constant", "one each, or one for each channel")
        return [Known(values, np.broadcast_to(q.scale.astype(np.float64), values.shape))]
    if node.op not in (*_MOVING, *_GROWING, *_COMPUTING) or node.channels_last:
        node.refuse("it is applied to constants alone", "fold constants before the export")
    _check_growth(node, [k.values for k in given if k is not None])
    run = evaluator(model, node)
    outputs = run([k.values if k is not None else None for k in given])
    if node.op not in _MOVING or not any(k is not None and k.scale is not None for k in given):
        return [Known(values) for values in outputs]
    moved = node.op != "Concat"
    if not moved and any(k is None or k.scale is None for k in given):
        return [Known(values) for values in outputs]
    scales = run([None if k is None else k.values if k.scale is None else k.scale for k in given])
    return [Known(values, scale) for values, scale in zip(outputs, scales, strict=True)]


def _check_growth(node: OnnxNode, given: Sequence[NDArray[Any]]) -> None:
    """Refuse a result that would be much larger than what it is made of."""
    if node.op not in _GROWING or not given:
        return
    sizes = [abs(float(n)) for array in given[1:] or given for n in array.ravel()[:64]]
    if node.op == "Range":
        size = (sizes[0] + abs(float(given[0].ravel()[0]))) / max(sizes[-1], 1e-30)
    elif node.op == "Pad":
        size = float(np.prod([n + sum(sizes) for n in given[0].shape]))
    else:
        size = float(np.prod([max(n, 1.0) for n in sizes])) * (given[0].size if len(given) > 1 else 1)
    if size > LARGEST:
        node.refuse(f"a constant of {size:.0f} elements", f"at most {LARGEST} are accepted")


def evaluator(
    model: OnnxModel, node: OnnxNode
) -> Callable[[Sequence[NDArray[Any] | None]], list[NDArray[Any]]]:
    """The node alone, by the reference implementation of the standard's ops."""
    helper = require("onnx.helper", extra="onnx", purpose="reading an ONNX file")
    reference = require("onnx.reference", extra="onnx", purpose="reading an ONNX file")

    def run(given: Sequence[NDArray[Any] | None]) -> list[NDArray[Any]]:
        feeds = {name: a for name, a in zip(node.inputs, given, strict=True) if name and a is not None}
        inputs = [helper.make_tensor_value_info(name, 1, None) for name in feeds]
        outputs = [helper.make_tensor_value_info(name, 1, None) for name in node.outputs if name]
        graph = helper.make_graph([node.proto], "one", inputs, outputs)
        small = helper.make_model(graph, opset_imports=[helper.make_opsetid("", model.opset)])
        try:
            with np.errstate(all="ignore"):
                results = reference.ReferenceEvaluator(small).run(None, feeds)
        except _MISFITS as error:
            reason = " ".join(str(error).split())[:200]
            node.refuse(f"its constants do not fit ({reason})", "export the model again")
        return [np.asarray(result) for result in results]

    return run
