"""ONNX ops on each element: arithmetic with constants, functions of one value, and pairs of values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.frontends.calibrated.traced import Traced
from nanosieve.compiler.frontends.onnx.constants import Known
from nanosieve.compiler.frontends.onnx.conversion import Conversion
from nanosieve.compiler.frontends.onnx.functions import FUNCTIONS
from nanosieve.compiler.frontends.onnx.requantise import ALIKE, short
from nanosieve.compiler.frontends.onnx.values import Stage, Value, full, power_of_two, standard_layout
from nanosieve.compiler.graph import (
    Add,
    Concatenate,
    LeakyRelu,
    Max,
    Min,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Scale,
    Subtract,
    TensorType,
)

__all__ = ["ELEMENTWISE", "batch_norm", "plus", "times"]

Float = NDArray[np.float32]
Apply = Callable[..., Float]


# with constants


def _owed(
    c: Conversion, value: Value, apply: Apply, parameters: tuple[Any, ...], slope: Any, offset: Any
) -> Value:
    """One more affine step in the framework's own arithmetic; all arrays broadcast to the value."""
    wide = tuple(np.broadcast_to(np.asarray(p, dtype=np.float32), value.shape) for p in parameters)
    lines = full(slope, value.shape), full(offset, value.shape)
    return c.staged(value, Stage(apply, c.nodes.name, None, wide, "affine", *lines))


def times(c: Conversion, value: Value, factor: NDArray[Any], *, divided: bool = False) -> Value:
    """`value` times (or divided by) constants: in the graph, or owed."""
    value = c.spread(value, c.common_shape(value.shape, factor.shape))
    factor = np.asarray(factor, dtype=np.float32)
    if not np.all(np.isfinite(factor)) or (divided and not np.all(factor)):
        c.refuse("a factor that is not finite, or a division by 0", "train and export again")
    number = np.asarray(factor, dtype=np.float64)
    wide = np.broadcast_to(1 / number if divided else number, value.shape)
    if value.stages:
        apply: Apply = np.divide if divided else np.multiply
        return _owed(c, value, apply, (factor,), wide, 0.0)
    shift = power_of_two(wide)
    if value.places is None and shift is not None:
        return replace(value, node=c.nodes.add(Scale(value.physical(shift)), value.node, part="scaled"))
    codes = short(number) if not divided and value.places is None else None
    if codes is not None and (c.calibrated is None or np.any(wide == 0)):
        return c.times(value, *codes, value.shape)
    if np.any(wide == 0):
        return _owed(c, value, np.multiply, (factor,), wide, 0.0)
    if value.scale is None:
        return replace(value, scale=wide)
    return replace(value, scale=value.scale * wide, rounded=True)


def plus(c: Conversion, value: Value, offset: NDArray[Any]) -> Value:
    """`value` plus constants: in the graph where they are fixed point in its units, or owed."""
    value = c.spread(value, c.common_shape(value.shape, offset.shape))
    offset = np.asarray(offset, dtype=np.float32)
    if not np.all(np.isfinite(offset)):
        c.refuse("a summand that is not finite", "train and export again")
    if not offset.any():
        return value
    wide = np.broadcast_to(offset.astype(np.float64), value.shape)
    if value.pure and value.pending and value.scale is None and c.calibrated is not None:
        numbers = value.physical(wide)
        x = Traced(value.node, np.zeros((1, *numbers.shape)), value.pending)
        return replace(value, node=c.calibrated.offset(x, numbers, layer=c.nodes.name).node)
    if value.pure and (c.calibrated is None or _scale_of_constant(c) is not None):
        units = wide if value.scale is None else wide / value.scale
        if value.scale is not None:  # a bias in whole units of the scale, up to what float32 rounds
            whole = np.rint(units)
            near = np.abs(units - whole) <= np.maximum(ALIKE / 4 * np.abs(whole), 1e-6)
            units = whole if np.all(near) and np.abs(whole).max() < 1 << 18 else np.full(1, np.pi)
        found = short(units, bits=40 if value.scale is None and _scale_of_constant(c) is not None else 20)
        if found is not None:
            codes, exponent = found
            constant = c.nodes.codes(value.physical(np.broadcast_to(codes, value.shape)), exponent, "offset")
            return replace(value, node=c.nodes.add(Add(), value.node, constant, part="sum"))
    return _owed(c, value, np.add, (offset,), 1.0, wide)


def _scale_of_constant(c: Conversion) -> NDArray[np.float64] | None:
    """The scale of the constant operand, if a quantiser states one."""
    operands = (c.given(n) for n in range(len(c.node.inputs)))
    return next((k.scale for k in operands if isinstance(k, Known) and k.scale is not None), None)


def batch_norm(c: Conversion) -> Value:
    """BatchNormalization with its stored statistics."""
    value = c.value()
    names = ("scale", "bias", "mean", "variance")
    given = [c.known(n, name) for n, name in enumerate(names, start=1)]
    axis = len(value.shape) - 1 if c.node.channels_last else 1
    channels = value.shape[axis] if axis < len(value.shape) else 1
    arrays = [np.asarray(a, dtype=np.float32) for a in given if a is not None]
    if len(arrays) != 4 or any(a.shape != (channels,) for a in arrays) or axis >= len(value.shape):
        shapes = ", ".join(str(a.shape) for a in arrays)
        c.refuse(
            f"parameters of shape {shapes} for {channels} channels (axis {axis} of {value.shape})",
            "export the model again: no runtime can run this node",
        )
    if c.node.attributes.get("training_mode", 0):
        c.refuse("training_mode", "export the model for inference (model.eval())")
    shape = [1] * len(value.shape)
    shape[axis] = channels
    scale, bias, mean, variance = (a.reshape(shape) for a in arrays)
    if np.any(variance + epsilon_of(c) <= 0) or not all(np.all(np.isfinite(a)) for a in arrays):
        c.refuse("parameters that are not finite, or a variance of 0 or less", "train and export again")
    deviation = np.sqrt(variance + epsilon_of(c), dtype=np.float32)
    slope = scale.astype(np.float64) / deviation

    def apply(x: Float, s: Float, b: Float, m: Float, d: Float) -> Float:
        return np.asarray(s * (x - m) / d + b, dtype=np.float32)

    return _owed(c, value, apply, (scale, bias, mean, deviation), slope, bias - slope * mean)


def epsilon_of(c: Conversion) -> np.float32:
    """The epsilon of a batch normalisation."""
    return np.float32(c.node.attributes.get("epsilon", 1e-5))


# of one value


def _function(c: Conversion) -> Value:
    apply, kind = FUNCTIONS[c.node.op](c.node.attributes)
    value = c.value()
    if value.pure and (value.scale is None or value.scale.min() > 0):
        done = _in_the_graph(c, value)
        if done is not None:
            return done
    replay = _REPLAYS[c.node.op](c) if c.node.op in _REPLAYS else None
    return c.staged(value, Stage(apply, c.nodes.name, replay, (), kind))


def _in_the_graph(c: Conversion, value: Value) -> Value | None:
    """Functions that the graph has, of a value with a positive scale."""
    if c.node.op == "Relu":
        return replace(value, node=c.nodes.add(Relu(), value.node, part="relu"))
    if c.node.op == "LeakyRelu" and not value.pending:
        found = short(c.node.attributes.get("alpha", 0.01), bits=13)
        if found is not None and 0 < int(found[0]) < 2 ** -found[1]:
            op = LeakyRelu(int(found[0]), found[1])
            return replace(value, node=c.nodes.add(op, value.node, part="leaky"))
    return None


def _replay_relu(c: Conversion) -> Callable[..., Traced]:
    return lambda b, x, layer: b.relu(x, layer=layer)


def _replay_leaky(c: Conversion) -> Callable[..., Traced]:
    alpha = float(c.node.attributes.get("alpha", 0.01))
    return lambda b, x, layer: b.leaky_relu(x, alpha, layer=layer)


_REPLAYS: dict[str, Callable[..., Any]] = {"Relu": _replay_relu, "LeakyRelu": _replay_leaky}


def _prelu(c: Conversion) -> Value:
    value, slope = c.value(), c.known(1, "a slope")
    wide = None if slope is None else full(slope, value.shape)
    if wide is None:
        c.refuse("a slope that does not fit", "one, or one for each channel")

    def apply(x: Float, s: Float) -> Float:
        return np.where(x >= 0, x, x * s)

    def replay(b: CalibratedBuilder, x: Traced, s: Float, layer: str) -> Traced:
        return b.leaky_relu(x, s if np.any(s != s.flat[0]) else float(s.flat[0]), layer=layer)

    kind = "rising" if wide.min() >= 0 else "any"
    stage = Stage(apply, c.nodes.name, replay, (wide.astype(np.float32),), kind)  # type: ignore[arg-type]
    return c.staged(value, stage)


def _clip(c: Conversion) -> Value:
    value = c.value()
    ends = [c.known(n, "a limit") for n in (1, 2)]
    if any(end is not None and end.size > 1 for end in ends):
        c.refuse("limits that differ between elements", "use Max and Min")
    low, high = (
        float(given.reshape(-1)[0])
        if given is not None and given.size
        else float(c.node.attributes.get(name, limit))
        for given, name, limit in zip(ends, ("min", "max"), (-np.inf, np.inf), strict=True)
    )
    if not low <= high:
        c.refuse(f"the limits {low} … {high}", "the smaller one first")
    if value.pure and value.scale is None and not value.pending:
        given = c.nodes.type_of(value)
        step = np.exp2(given.exponent.astype(float))
        codes = [np.clip(end / step, given.low, given.high) for end in (low, high)]
        if all(np.all(end == np.rint(end)) for end in codes):
            target = TensorType(codes[0], codes[1], given.exponent)
            op = Quantize(target, Rounding.TRN, Overflow.SAT)
            return replace(value, node=c.nodes.add(op, value.node, part="clipped"))
    limits = [None if np.isinf(end) else end for end in (low, high)]

    def apply(x: Float) -> Float:
        return np.clip(x, x.dtype.type(low), x.dtype.type(high))

    def replay(b: CalibratedBuilder, x: Traced, layer: str) -> Traced:
        return b.clip(x, *limits, layer=layer)

    return c.staged(value, Stage(apply, c.nodes.name, replay, (), "clamp"))


# two operands


def _arithmetic(c: Conversion) -> Value:
    """Add, Sub, Mul and Div."""
    op, (first, second) = c.node.op, (c.given(0), c.given(1))
    if isinstance(second, Known):
        value, number = c.value(0), np.asarray(second.values, dtype=np.float32)
        if op in ("Mul", "Div"):
            return times(c, value, number, divided=op == "Div")
        return plus(c, value, number if op == "Add" else -number)
    if isinstance(first, Known):
        value, number = c.value(1), np.asarray(first.values, dtype=np.float32)
        if op == "Mul":
            return times(c, value, number)
        if op == "Div":
            value = c.spread(value, c.common_shape(value.shape, number.shape))
            wide = np.broadcast_to(number, value.shape)
            return c.staged(value, Stage(lambda x, n: n / x, c.nodes.name, None, (wide,), "any"))
        return plus(c, value if op == "Add" else times(c, value, np.full((), -1.0, dtype=np.float32)), number)
    if op == "Div":
        c.refuse("a quotient of two variables", "multiply by a function of the divisor instead")
    return _pair(c)


def _pair(c: Conversion) -> Value:
    """A sum, difference or product of two variables."""
    product = c.node.op == "Mul"
    left, right = (c.pure(n, pending=not product) for n in (0, 1))
    if not product and not _alike(left, right):
        left, right = (c.whole(n, pending=True) for n in (0, 1))
    shape = c.common_shape(left.shape, right.shape)
    left, right = c.spread(left, shape), c.spread(right, shape)
    if left.layout != right.layout:
        layout = standard_layout(shape)
        left, right = (replace(v, node=c.nodes.arranged(v, layout), layout=layout) for v in (left, right))
    scale = left.scale
    if product:
        scales = [v.scale for v in (left, right) if v.scale is not None]
        scale = None if not scales else np.prod(np.stack(np.broadcast_arrays(*scales)), axis=0)
        same = left.node == right.node
        node = c.nodes.add(Multiply(square=same), left.node, right.node, part="merged")
    else:
        node = right.node
        if right.scale is not None and left.scale is not None:
            shift = power_of_two(right.scale / left.scale, ALIKE)
            if shift is not None and shift.any():
                node = c.nodes.add(Scale(right.physical(shift)), node, part="units")
        node = c.nodes.add(Add() if c.node.op == "Add" else Subtract(), left.node, node, part="merged")
    return Value(node, shape, left.layout, scale, rounded=scale is not None, pending=c.pending())


def _alike(left: Value, right: Value) -> bool:
    """Whether two values have units that differ by powers of two."""
    if left.scale is None or right.scale is None:
        return left.scale is right.scale
    try:
        ratio = right.scale / left.scale
    except ValueError:
        return False
    return power_of_two(ratio, ALIKE) is not None


def _extreme(c: Conversion) -> Value | Known:
    """Max and Min of any number of operands."""
    values = [n for n in range(len(c.node.inputs)) if isinstance(c.given(n), Value)]
    constants = [k.values for n in range(len(c.node.inputs)) if isinstance(k := c.given(n), Known)]
    best = np.maximum if c.node.op == "Max" else np.minimum
    whole = [c.whole(n, pending=True) if len(values) > 1 else c.value(n) for n in values]
    shape = c.common_shape(*(v.shape for v in whole), *(k.shape for k in constants))
    whole = [c.spread(v, shape) for v in whole]
    result = whole[0]
    if len(whole) > 1:
        layout = standard_layout(shape)
        flat = [c.nodes.arranged(v, layout) for v in whole]
        size = c.nodes.shape(flat[0])
        pairs = c.nodes.add(
            Concatenate(), *(c.nodes.reshaped(x, (*size, 1), "apart") for x in flat), part="pairs"
        )
        node = c.nodes.add(Max() if c.node.op == "Max" else Min(), pairs, part="best")
        result = Value(c.nodes.reshaped(node, size, "merged"), shape, layout, pending=c.pending())
        result = replace(result, tensor=c.node.outputs[0])
    for constant in constants:
        limit = np.broadcast_to(np.asarray(constant, dtype=np.float32), shape)

        def replay(b: CalibratedBuilder, x: Traced, limit: Float, layer: str) -> Traced:
            other = b.constant(limit, layer=layer)
            return (b.maximum if best is np.maximum else b.minimum)(x, other, layer=layer)

        result = c.staged(result, Stage(best, c.nodes.name, replay, (limit,), "clamp"))
    return result


def _power(c: Conversion) -> Value:
    """Pow with a constant exponent: 1, 2, or a function of the value."""
    value, exponent = c.value(), c.known(1, "an exponent")
    if exponent is None or exponent.size != 1:
        c.refuse("an exponent that is not one constant", "write the power as products")
    number = float(exponent.reshape(-1)[0])
    if number == 1:
        return value
    if number == 2 and (value.pure or c.calibrated is not None):
        value = c.pure()
        node = c.nodes.add(Multiply(square=True), value.node, value.node, part="square")
        scale = None if value.scale is None else value.scale**2
        return Value(node, value.shape, value.layout, scale, pending=c.pending())
    return c.staged(value, Stage(lambda x: x ** x.dtype.type(number), c.nodes.name))


def _negative(c: Conversion) -> Value:
    return times(c, c.value(), np.full((), -1.0, dtype=np.float32))


ELEMENTWISE: dict[str, Callable[[Conversion], Any]] = {
    **dict.fromkeys(FUNCTIONS, _function),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    "BatchNormalization": batch_norm,
    "Clip": _clip,
    "Max": _extreme,
    "Min": _extreme,
    "Neg": _negative,
    "PRelu": _prelu,
    "Pow": _power,
}
"""Op → converter."""
