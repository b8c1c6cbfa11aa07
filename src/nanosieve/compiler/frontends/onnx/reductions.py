"""ONNX ops that make few elements of many: pooling, reductions, order, softmax; and the quantisers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.onnx.constants import Known
from nanosieve.compiler.frontends.onnx.conversion import Conversion
from nanosieve.compiler.frontends.onnx.elementwise import plus, times
from nanosieve.compiler.frontends.onnx.linear import spatial_axes, window_of
from nanosieve.compiler.frontends.onnx.ports import port
from nanosieve.compiler.frontends.onnx.quantisers import channel_axis, quantiser, thresholds_of
from nanosieve.compiler.frontends.onnx.requantise import quantised, thresholded, whole, with_scale
from nanosieve.compiler.frontends.onnx.values import Value, full, standard_layout
from nanosieve.compiler.frontends.windows import pooled, summed
from nanosieve.compiler.graph import ArgMax, Gather, Max, Min, Op, Sort, Sum

__all__ = ["REDUCTIONS", "quantise", "thresholds"]


def _pool(c: Conversion) -> Value:
    """MaxPool and AveragePool."""
    value = c.value()
    axes = spatial_axes(c, value)
    attributes = c.node.attributes
    size = tuple(int(n) for n in attributes.get("kernel_shape", ()))
    if attributes.get("ceil_mode", 0) or attributes.get("storage_order", 0):
        c.refuse("ceil_mode or storage_order", "pool without it")
    strides, dilation, padding = window_of(c, tuple(value.shape[a] for a in axes[:-1]), size)
    largest = c.node.op == "MaxPool"
    value = _comparable(c, axes[:-1]) if largest else c.summable(axes[:-1], pending=True)
    x = c.nodes.arranged(value, axes)
    counts = None
    if largest:
        node = pooled(c.nodes, x, Max(), size, strides, padding, dilation)
    else:
        node, inside = summed(c.nodes, x, size, strides, padding, dilation)
        whole = np.full_like(inside, np.prod(size))
        counts = (whole if attributes.get("count_include_pad", 0) else inside)[..., np.newaxis]
    made = c.nodes.shape(node)
    shape = tuple(1 if a == 0 else made[axes.index(a)] for a in range(len(value.shape)))
    pending = value.pending and c.pending() if largest else c.pending()
    scale = c.along(value, axes[:-1], shape)
    rounded = value.rounded if largest else scale is not None
    result = Value(node, shape, axes, scale, rounded=rounded, pending=pending)
    if counts is None:
        return result
    return times(c, result, result.logical(np.broadcast_to(counts, made)), divided=True)


def _comparable(c: Conversion, axes: Sequence[int]) -> Value:
    """The input, whose nodes are in order along `axes` as the values are."""
    value = c.summable(axes, pending=True)
    return value if value.scale is None or value.scale.min() > 0 else c.whole(pending=True)


def _global_pool(c: Conversion) -> Value:
    axes = spatial_axes(c, c.value())[:-1]
    return _reduced(c, axes, keep=True, op="ReduceMax" if "Max" in c.node.op else "ReduceMean")


def _reduce(c: Conversion) -> Value:
    axes = c.known(1, "axes")
    stated = c.node.attributes.get("axes") if axes is None else axes.ravel().tolist()
    rank = len(c.value().shape)
    if not stated and c.node.attributes.get("noop_with_empty_axes", 0):
        return c.value()
    return _reduced(
        c,
        [_axis(c, a) for a in stated or range(rank)],
        keep=bool(c.node.attributes.get("keepdims", 1)),
        op=c.node.op,
    )


def _axis(c: Conversion, axis: Any) -> int:
    """An axis counted from the front.

    Raises:
        UnsupportedLayerError: there is no such axis.
    """
    rank = len(c.value().shape)
    if not -rank <= int(axis) < rank:
        c.refuse(f"axis {axis} of {rank}", "export the model again")
    return int(axis) % rank


def _reduced(c: Conversion, axes: Sequence[int], *, keep: bool, op: str) -> Value:
    ops: dict[str, Op] = {"ReduceMax": Max(), "ReduceMin": Min(), "ReduceSum": Sum(), "ReduceMean": Sum()}
    summing = op in ("ReduceSum", "ReduceMean")
    value = c.summable(axes, pending=True) if summing else _comparable(c, axes)
    gone = [a for a in range(len(value.shape)) if a in axes]
    kept = [a for a in standard_layout(value.shape) if a not in gone]
    if not gone:
        return value
    lengths = tuple(value.shape[a] for a in kept)
    count = int(np.prod([value.shape[a] for a in gone], dtype=np.int64))
    rows = c.nodes.reshaped(c.nodes.arranged(value, (*kept, *gone)), (*lengths, count), "rows")
    node = c.nodes.add(ops[op], rows, part="total")
    shape = tuple(1 if a in gone else n for a, n in enumerate(value.shape))
    pending = c.pending() if summing else value.pending and c.pending()
    scale = c.along(value, axes, shape)
    rounded = scale is not None if summing else value.rounded
    result = Value(node, shape, (*kept, gone[-1]), scale, rounded=rounded, pending=pending)
    if op == "ReduceMean":
        result = times(c, result, np.asarray(count, dtype=np.float32), divided=True)
    if keep:
        return result
    node = c.nodes.reshaped(result.node, lengths, "reduced")
    return _dropped(replace(result, node=node, layout=tuple(kept)), gone)


def _dropped(value: Value, gone: Sequence[int]) -> Value:
    """`value` without axes of length 1."""
    left = [a for a in range(len(value.shape)) if a not in gone]
    shape = tuple(value.shape[a] for a in left)
    scale = None if value.scale is None else full(value.scale.reshape(shape), shape)
    return replace(value, shape=shape, layout=tuple(left.index(a) for a in value.layout), scale=scale)


def _last(c: Conversion, axis: int, value: Value) -> tuple[str, tuple[int, ...]]:
    """The node of `value` with `axis` last, and its layout."""
    layout = tuple([a for a in standard_layout(value.shape) if a != axis] + [axis])
    return c.nodes.arranged(value, layout), layout


def _arg_max(c: Conversion) -> Value:
    attributes = c.node.attributes
    axis = _axis(c, attributes.get("axis", 0))
    if attributes.get("select_last_index", 0):
        c.refuse("select_last_index", "take the first of equals")
    value = _comparable(c, (axis,))
    x, layout = _last(c, axis, value)
    node = c.nodes.add(ArgMax(), x, part="index")
    shape = tuple(1 if a == axis else n for a, n in enumerate(value.shape))
    result = Value(node, shape, layout)
    if attributes.get("keepdims", 1):
        return result
    node = c.nodes.reshaped(node, c.nodes.shape(node)[:-1], "squeezed")
    return _dropped(replace(result, node=node, layout=layout[:-1]), [axis])


def _top_k(c: Conversion) -> list[Value | None]:
    attributes = c.node.attributes
    axis = _axis(c, attributes.get("axis", -1))
    number = c.known(1, "a number")
    count = int(np.ravel(number)[0]) if number is not None and number.size else int(attributes.get("k", 0))
    value = c.value()
    used = {name for node in c.model.nodes for name in node.inputs} | set(c.model.outputs)
    if (
        not attributes.get("largest", 1)
        or not 0 < count <= value.shape[axis]
        or (c.node.outputs[1:] and (c.node.outputs[1] in used))
    ):
        c.refuse("the smallest elements, or their indices", "take the values of the largest")
    value = _comparable(c, (axis,))
    x, layout = _last(c, axis, value)
    ordered = c.nodes.add(Sort(), x, part="sorted")
    places = np.arange(c.nodes.type(x).size).reshape(c.nodes.shape(x))[..., :count]
    node = c.nodes.add(Gather(places), ordered, part="best")
    shape = tuple(count if a == axis else n for a, n in enumerate(value.shape))
    pending = value.pending and c.pending()
    scale = c.along(value, (axis,), shape)
    return [Value(node, shape, layout, scale, rounded=value.rounded, pending=pending), None]


def _softmax(c: Conversion) -> Value:
    """Softmax of a network that is quantised after training."""
    value = c.value()
    rank = len(value.shape)
    axis = _axis(c, c.node.attributes.get("axis", 1 if c.model.opset < 13 else -1))
    if c.calibrated is None:
        c.refuse(
            "no integer arithmetic equals it",
            "give calibrate and precision, or end the model before it: the order of the classes is the same",
        )
    if c.model.opset < 13 and np.prod(value.shape[axis + 1 :]) != 1:
        c.refuse(f"axis {axis} of {rank} before opset 13", "normalise over the last axis")
    value = c.whole(pending=True)
    x, layout = _last(c, axis, value)
    arranged = replace(value, node=x, layout=layout)
    made = c.calibrated.softmax(c.traced(arranged), layer=c.nodes.name)
    return Value(made.node, value.shape, layout, pending=made.pending)


def quantise(c: Conversion) -> Value:
    """Quant, BipolarQuant and Trunc; an input that has no type yet takes the one stated here."""
    parameters = []
    for n in range(1, len(c.node.inputs)):
        given = c.given(n)
        parameters.append(given.values if isinstance(given, Known) else None)
    q = quantiser(c.node, parameters)
    value = c.value()
    if value.places is not None:
        found = port(c, value, q)
        if found is not None:
            return found
        value = _typed(c, value)
    stepped = quantised(c.nodes, c.node, value, q)
    if value.rounded and not whole(c.nodes, value, q):
        c.ideal.add(c.nodes.name)
    return replace(stepped, pending="", rounded=False)


def _typed(c: Conversion, value: Value) -> Value:
    """An input without a type as a port of the precision wanted, its stages still owed."""
    if c.calibrated is None:
        return c.settled(c.node.inputs[0], value)
    return c.ported(value, c.calibrated)


def thresholds(c: Conversion) -> Value:
    """MultiThreshold."""
    value = c.value()
    if value.places is not None:
        value = _typed(c, value)
    axis = channel_axis(c.node, len(value.shape))
    if axis >= len(value.shape):
        c.refuse(f"data_layout of an input of shape {value.shape}", "name one axis for each letter")
    levels = thresholds_of(c.node, c.known(1, "thresholds"), value.shape[axis])
    if value.rounded:
        c.ideal.add(c.nodes.name)
    node = thresholded(c.nodes, c.node, value, levels, axis)
    count = replace(value, node=node, stages=(), scale=None, tensor=c.node.outputs[0])
    count = replace(count, pending="", rounded=False)
    scale = float(c.node.attributes.get("out_scale", 1.0))
    bias = float(c.node.attributes.get("out_bias", 0.0))
    if scale <= 0:
        c.refuse(f"an out_scale of {scale}", "use a positive one")
    if bias % scale == 0:
        return with_scale(c.nodes, plus(c, count, np.asarray(bias / scale)), np.full(value.shape, scale))
    return plus(c, with_scale(c.nodes, count, np.full(value.shape, scale)), np.asarray(bias))


REDUCTIONS: dict[str, Callable[[Conversion], Any]] = {
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), _global_pool),
    **dict.fromkeys(("ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean"), _reduce),
    "ArgMax": _arg_max,
    "Softmax": _softmax,
    "TopK": _top_k,
}
"""Op → converter."""
