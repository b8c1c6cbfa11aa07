"""A QONNX quantiser behind a value of the graph: fixed point where scales are powers of two, else steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.onnx.file import OnnxNode
from nanosieve.compiler.frontends.onnx.quantisers import Quantiser
from nanosieve.compiler.frontends.onnx.steps import Steps, compared, stepped
from nanosieve.compiler.frontends.onnx.values import OnnxNodes, Places, Reals, Value, full, power_of_two
from nanosieve.compiler.frontends.quantizers import dyadic
from nanosieve.compiler.graph import (
    Add,
    GreaterEqual,
    Integers,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    Scale,
    TensorType,
)
from nanosieve.errors import InexactModelError

__all__ = ["ALIKE", "quantised", "short", "thresholded"]

ALIKE = 2.0**-20
"""Relative difference at which two scales that went through float32 arithmetic count as one."""

_HALF = {"ROUND": 0.5, "HALF_EVEN": 0.5, "HALF_UP": 0.5, "HALF_DOWN": 0.5, "FLOOR": 0.0, "CEIL": 1.0}
"""What is added before rounding down; the rules differ in ties, which the search for a line sees."""


def short(values: Any, where: str = "", bits: int = 17) -> tuple[Integers, int] | None:
    """Codes and exponent of fixed-point numbers of at most `bits` bits; None of others."""
    try:
        codes, exponent = dyadic(np.asarray(values, dtype=np.float64), where, bits=40)
    except InexactModelError:
        return None
    return (codes, exponent) if int(np.abs(codes).max(initial=0)) < 1 << (bits - 1) else None


def quantised(nodes: OnnxNodes, node: OnnxNode, value: Value, q: Quantiser) -> Value:
    """`value` behind the quantiser.

    Raises:
        UnsupportedLayerError: parameters that do not fit the shape, or a function that no hardware of
            reasonable size computes exactly.
    """
    arrays = [full(a, value.shape) for a in (q.divisor, q.scale, q.zero, q.offset, q.low, q.high)]
    if any(a is None for a in arrays):
        node.refuse("its parameters do not fit the input", "one each, or one for each channel")
    divisor, scale, zero, offset, low, high = (a for a in arrays if a is not None)
    shift = _shift(value, divisor)
    plain = not value.stages and shift is not None and q.first is None and q.rounding is not None
    step = power_of_two(divisor) if plain and value.scale is None and not zero.any() else None
    if step is not None and q.rounding is not None:
        ends = (value.physical(a.astype(np.int64)) for a in (low, high, step))
        node_name = rounded(nodes, value.node, _type(*ends), q.rounding)
        return replace(value, node=node_name, stages=(), scale=None)
    if not value.stages and shift is not None and short(zero) and short(offset):
        x = _scaled(nodes, value.node, value.physical(shift), "units")
        x = _exact(nodes, value, x, q, zero, low, high)
        x = _plus(nodes, x, value.physical(-offset), "centred")
    else:
        if np.any(offset != np.rint(offset)):
            node.refuse("a zero-point that is no integer", "train with whole zero-points")
        found = stepped(nodes, value.node, _steps(nodes, value, q, offset))
        if found is None:
            reason = "its step function needs a table of more than 16 bits"
            node.refuse(reason, "quantise its input to 16 bits or less, or scale by powers of two")
        x = found
    return with_scale(nodes, replace(value, node=x, stages=(), scale=None), scale)


def _shift(value: Value, divisor: Reals) -> Places | None:
    """The exponents of the units of `value` in those of a quantiser; None where they are no powers of two."""
    if value.scale is None:
        return power_of_two(1 / divisor)
    return power_of_two(value.scale / divisor, ALIKE)


def whole(nodes: OnnxNodes, value: Value, q: Quantiser) -> bool:
    """Whether the quantiser rounds nothing: it takes integers of a scale in units of this or a finer one."""
    shift = None if value.stages else _shift(value, np.broadcast_to(q.divisor, value.shape))
    return shift is not None and bool(np.all(value.physical(shift) + nodes.type_of(value).exponent >= 0))


def _type(low: Integers, high: Integers, exponent: Integers) -> TensorType:
    return TensorType(low, high, exponent)


def with_scale(nodes: OnnxNodes, value: Value, scale: Reals) -> Value:
    """`value` times `scale`: in the graph where that is a power of two, else beside it."""
    exponent = power_of_two(scale)
    if exponent is None:
        return replace(value, scale=scale)
    return replace(value, node=_scaled(nodes, value.node, value.physical(exponent), "scaled"))


def _scaled(nodes: OnnxNodes, x: str, shift: Places, part: str) -> str:
    return nodes.add(Scale(shift), x, part=part) if np.any(shift) else x


def _plus(nodes: OnnxNodes, x: str, values: NDArray[Any], part: str) -> str:
    """`x` plus fixed-point numbers."""
    if not np.any(values):
        return x
    codes, exponent = dyadic(values, nodes.name)
    return nodes.add(Add(), x, nodes.codes(codes, exponent, f"{part}_by"), part=part)


def _exact(nodes: OnnxNodes, value: Value, x: str, q: Quantiser, zero: Reals, low: Reals, high: Reals) -> str:
    """The integers of the quantiser for a node in units of its divisor."""
    x = _plus(nodes, x, value.physical(zero), "shifted")
    if q.rounding is None:
        shape = nodes.shape(x)
        bit = nodes.add(GreaterEqual(), x, nodes.codes(np.zeros(shape, np.int64), 0, "zero"), part="sign")
        twice = nodes.add(Scale(np.ones(shape, np.int64)), bit, part="twice")
        return _plus(nodes, twice, np.full(shape, -1.0), "bipolar")
    if q.first is not None:
        wide = nodes.type(x)
        bound = np.ceil(np.maximum(wide.high, -wide.low) * np.exp2(wide.exponent.astype(float))).astype(
            np.int64
        )
        x = nodes.add(
            Quantize(TensorType(-bound, bound, np.zeros_like(bound)), Rounding.RND_CONV, Overflow.SAT),
            x,
            part="whole",
        )
        first = np.broadcast_to(np.rint(np.log2(q.first)).astype(np.int64), value.shape)
        x = _scaled(nodes, x, value.physical(-first), "cut")
    given = nodes.type(x)
    limits = 2.0**61
    least, most = (value.physical(np.clip(end, -limits, limits)).astype(np.int64) for end in (low, high))
    if most.max(initial=0) >= 1 << 40:  # no range is stated: what can be reached
        most = (
            np.ceil(np.maximum(given.high, -given.low) * np.exp2(given.exponent.astype(float))).astype(
                np.int64
            )
            + 1
        )
        least = -most
    return rounded(nodes, x, TensorType(least, most, np.zeros_like(least)), q.rounding)


def rounded(nodes: OnnxNodes, x: str, target: TensorType, rounding: str) -> str:
    """`x` rounded to the step of `target` by one of QONNX's rules and saturated.

    All rules but the one of ties to even are ``floor(x + a + b * (x >= 0))`` with a and b in units of the
    last place of `x`, of which n lie behind the binary point and ``h = 2**(n - 1)``.
    """
    given = nodes.type(x)
    behind = np.maximum(target.exponent - given.exponent, 0)
    if rounding in ("ROUND", "HALF_EVEN") or not behind.any():
        return nodes.add(Quantize(target, Rounding.RND_CONV, Overflow.SAT), x, part="quantized")
    rest = (np.int64(1) << behind) - 1
    half, some = (rest + 1) // 2, (rest > 0).astype(np.int64)
    none = np.zeros_like(rest)
    always, not_negative = {
        "FLOOR": (none, none),
        "CEIL": (rest, none),
        "UP": (none, rest),
        "DOWN": (rest, -rest),
        "HALF_UP": (half - some, some),
        "HALF_DOWN": (half, -some),
    }[rounding]
    certain = given.low >= 0
    always, not_negative = always + np.where(certain, not_negative, 0), np.where(certain, 0, not_negative)
    start = x
    if not_negative.any():
        zero = nodes.codes(none, given.exponent, "zero")
        bit = nodes.add(GreaterEqual(), x, zero, part="positive")
        factor = nodes.codes(not_negative, given.exponent, "correction")
        start = nodes.add(Add(), x, nodes.add(Multiply(), bit, factor, part="corrected"), part="rounding")
    if always.any():
        start = nodes.add(Add(), start, nodes.codes(always, given.exponent, "rest"), part="raised")
    return nodes.add(Quantize(target, Rounding.TRN, Overflow.SAT), start, part="quantized")


def _steps(nodes: OnnxNodes, value: Value, q: Quantiser, offset: Reals) -> Steps:
    """The chain from the codes of the node to the integers of the quantiser, offset taken off."""

    def quantise(x: NDArray[np.float32], arrays: list[NDArray[Any]]) -> Integers:
        divisor, zero, low, high, less, *first = arrays
        whole = replace(
            q,
            divisor=divisor.astype(np.float32),
            zero=zero.astype(np.float32),
            low=low,
            high=high,
            first=first[0] if first else None,
        )
        return np.asarray(whole.integers(x) - less, dtype=np.int64)

    own = [q.divisor, q.zero, q.low, q.high, offset, *([] if q.first is None else [q.first])]
    arrays = [np.broadcast_to(np.asarray(a, dtype=np.float64), value.shape) for a in own]
    line = None
    if q.first is None and q.rounding in _HALF:
        line = (1 / arrays[0], arrays[1] + _HALF[q.rounding] - arrays[4])
    return steps_of(nodes, value, quantise, arrays, line)


def steps_of(
    nodes: OnnxNodes,
    value: Value,
    last: Callable[[NDArray[np.float32], list[NDArray[Any]]], Integers],
    arrays: list[Reals],
    line: tuple[Reals, Reals] | None,
) -> Steps:
    """The function from the codes of a node through scale, stages and `last` to integers.

    Args:
        nodes: where the node is.
        value: the node, its scale and stages.
        last: from real values and `arrays` to integers.
        arrays: parameters of `last`, of the shape of `value`.
        line: slope and offset of the line that `last` rounds down.
    """
    given = nodes.type_of(value)
    scale = np.ones(()) if value.scale is None else value.scale
    parameters = [full(scale, value.shape), *(p for s in value.stages for p in s.parameters), *arrays]
    slope, offset = _composed(value, line) if line is not None else (None, None)
    lines = [] if slope is None or offset is None else [slope, offset]
    flat = [value.physical(np.asarray(p)).reshape(-1) for p in [*parameters, *lines]]
    flat = [given.exponent.reshape(-1), *flat]
    rows = _period(flat, given.shape)
    rowed = [a[:rows, np.newaxis] for a in flat]
    step = np.exp2(rowed[0].astype(float))

    def function(codes: Integers) -> Integers:
        x = (codes * step * rowed[1]).astype(np.float32)
        used = 2
        with np.errstate(all="ignore"):  # as a framework: what is no number is clipped or refused later
            for stage in value.stages:
                own = rowed[used : used + len(stage.parameters)]
                x = stage.apply(x, *own)
                used += len(stage.parameters)
        return last(x, rowed[used : used + len(arrays)])

    monotonic = all(stage.kind != "any" for stage in value.stages)
    low, high = given.low.reshape(-1, rows).min(axis=0), given.high.reshape(-1, rows).max(axis=0)
    if not lines:
        return Steps(function, low, high, None, None, monotonic)
    return Steps(function, low, high, rowed[-2][:, 0] * step[:, 0], rowed[-1][:, 0], monotonic)


def _composed(value: Value, line: tuple[Reals, Reals]) -> tuple[Reals | None, Reals | None]:
    """The line behind scale and stages; None where one of them bends."""
    slope: Reals = np.ones(value.shape) if value.scale is None else value.scale
    offset: Reals = np.zeros(value.shape)
    for stage in value.stages:
        if stage.kind == "affine" and stage.slope is not None and stage.offset is not None:
            slope, offset = slope * stage.slope, offset * stage.slope + stage.offset
        elif stage.kind != "clamp":
            return None, None
    return slope * line[0], offset * line[0] + line[1]


def _period(arrays: list[NDArray[Any]], shape: tuple[int, ...]) -> int:
    """The fewest rows that serve all elements in turn: one, one for each of the last axis, or all."""
    size = int(np.prod(shape, dtype=np.int64))
    for rows in dict.fromkeys((1, shape[-1] if shape else 1)):
        if all(
            np.array_equal(a.reshape(-1, rows), np.broadcast_to(a[:rows], (size // rows, rows)))
            for a in arrays
        ):
            return rows
    return size


def thresholded(
    nodes: OnnxNodes, node: OnnxNode, value: Value, levels: NDArray[np.float32], axis: int
) -> str:
    """The node of how many `levels` (channels or 1, n) each element of `value` reaches."""
    shape = [1] * len(value.shape)
    shape[axis] = -1
    columns = [np.broadcast_to(levels[:, n].reshape(shape), value.shape) for n in range(levels.shape[1])]

    def count(x: NDArray[np.float32], arrays: list[NDArray[Any]]) -> Integers:
        total = np.zeros(x.shape, dtype=np.int64)
        for level in arrays:
            total += x >= level.astype(np.float32)
        return total

    arrays = [np.asarray(c, dtype=np.float64) for c in columns]
    found = stepped(nodes, value.node, steps_of(nodes, value, count, arrays, None))
    if found is None:
        node.refuse("its input has too wide a range", "quantise its input to 16 bits or less")
    return found


__all__ += ["compared", "rounded", "with_scale"]
