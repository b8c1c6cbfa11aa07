"""How each op of the graph is planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate.stage import Stage
from nanosieve.compiler.emulate.steps import Apply2, Choose, NotZero
from nanosieve.compiler.emulate.sums import (
    plan_concatenate,
    plan_dense,
    plan_einsum,
    plan_gather,
    plan_lookup,
    plan_reduction,
    shifted,
)
from nanosieve.compiler.emulate.tiers import FLOAT32, INT64, LIMITS, Floats, magnitude, tier_of
from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Concatenate,
    Dense,
    Einsum,
    Gather,
    GreaterEqual,
    Integers,
    LeakyRelu,
    Lookup,
    Max,
    Min,
    Multiply,
    Node,
    Nonzero,
    Op,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Scale,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
    Windows,
)
from nanosieve.errors import GraphError

if TYPE_CHECKING:
    from nanosieve.compiler.emulate.planner import Planner

__all__ = ["Rule", "rule_of"]

Rule = Callable[[Stage], Stage | None]
"""A change of a stage; None where one stage cannot hold it."""


def rule_of(op: Op) -> Callable[[Planner, Node], None]:
    """What plans an op.

    Raises:
        GraphError: an op that the emulator does not know.
    """
    if type(op) not in _RULES:
        message = f"the emulator does not know the op {type(op).__name__!r}"
        raise GraphError(message)
    return _RULES[type(op)]


FAR_SHIFT = 8
"""Bits."""


def _floats(codes: NDArray[Any]) -> Floats | None:
    """Flat codes as float64; None if that is not exact."""
    flat = codes.reshape(-1).astype(np.float64)
    return flat if not (np.abs(flat[np.isfinite(flat)]) > 2.0**53).any() else None


def _alias(planner: Planner, node: Node) -> None:
    planner.values[node.name] = planner.values[node.inputs[0]]


def _relu(planner: Planner, node: Node) -> None:
    if (planner.type(node.inputs[0]).low >= 0).all():
        _alias(planner, node)
        return
    planner.elementwise(node, node.inputs[0], Stage.relu)


def _leaky(planner: Planner, node: Node) -> None:
    op = node.op
    assert isinstance(op, LeakyRelu)
    slope, factor = op.code * 2.0**op.exponent, 2.0**-op.exponent
    # a code of many bits is no number of float64
    change = (lambda stage: stage.leaky(slope, factor)) if op.code < 2**53 else None
    planner.elementwise(node, node.inputs[0], change)


def _quantize(planner: Planner, node: Node) -> None:
    op, x, result = node.op, planner.type(node.inputs[0]), planner.type(node.name)
    assert isinstance(op, Quantize)
    shift = (x.exponent - op.target.exponent).reshape(-1)
    rounded = [op.round(end, x.exponent).reshape(-1) for end in (x.low, x.high)]
    low, high = op.target.low.reshape(-1), op.target.high.reshape(-1)
    inside = (rounded[0] >= low) & (rounded[1] <= high)
    # what always is one code, mostly an element of no bits, need not go through a far shift
    one = (np.abs(shift) > FAR_SHIFT) & (result.low == result.high).reshape(-1)
    saturates = op.overflow is Overflow.SAT
    if saturates:
        low, high = (np.where(one, result.low.reshape(-1), end) for end in (low, high))
    else:
        one &= low == high
    clips = bool(one.any() or not inside.all())
    factor = np.where(one, 1.0, np.exp2(shift.astype(float)))
    half = np.where(factor < 1, 0.5, 0.0) if op.rounding is Rounding.RND else np.zeros(x.size)
    # bounds that cannot be reached need not be numbers of the format
    far = inside & ~one & (np.maximum(-low, high) > LIMITS[FLOAT32])
    base = np.where(far, rounded[0], low).astype(np.float64)
    count = np.where(far, np.exp2(np.ceil(np.log2(rounded[1] - rounded[0] + 1.0))), high - low + 1.0)
    bounds = [np.where(far, sign * np.inf, end) for sign, end in zip((-1, 1), (low, high), strict=True)]

    def change(stage: Stage) -> Stage | None:
        moved = stage.round(factor, half, nearest=op.rounding is Rounding.RND_CONV)
        if moved is None or not clips:
            return moved
        return moved.saturate(*bounds) if saturates else moved.wrap(base, count)

    wide = any(_floats(end) is None for end in (*rounded, *(bounds if clips else [])))
    planner.elementwise(node, node.inputs[0], None if wide or (np.abs(shift) > 900).any() else change)


def _add(planner: Planner, node: Node) -> None:
    names, sign = node.inputs, -1 if isinstance(node.op, Subtract) else 1
    types = [planner.type(name) for name in names]
    exponent = np.minimum(types[0].exponent, types[1].exponent)
    shifts = [type.exponent - exponent for type in types]
    fixed = next((n for n in (0, 1) if names[n] in planner.constants), None)
    if fixed is None:
        _binary(planner, node, np.add if sign > 0 else np.subtract, shifts, planner.type(node.name))
        return
    signs = (1, sign)
    term = _floats(signs[fixed] * (planner.constants[names[fixed]] << shifts[fixed]))
    factor = signs[1 - fixed] * np.exp2(shifts[1 - fixed].reshape(-1).astype(float))
    change = None if term is None else lambda stage: stage.affine(factor, term)
    planner.elementwise(node, names[1 - fixed], change)


def _multiply(planner: Planner, node: Node) -> None:
    fixed = next((n for n in (0, 1) if node.inputs[n] in planner.constants), None)
    if fixed is None:
        zero = np.zeros(planner.type(node.name).shape, dtype=np.int64)
        a, b = (magnitude(planner.type(name)) for name in node.inputs)
        _binary(planner, node, np.multiply, [zero, zero], planner.type(node.name), a * b)
        return
    factor = _floats(planner.constants[node.inputs[fixed]])
    change = None if factor is None else lambda stage: stage.affine(factor, np.zeros_like(factor))
    planner.elementwise(node, node.inputs[1 - fixed], change)


def _greater_equal(planner: Planner, node: Node) -> None:
    a, b = (planner.type(name).exponent for name in node.inputs)
    exponent = np.minimum(a, b)
    _binary(planner, node, np.greater_equal, [a - exponent, b - exponent], planner.type(node.name))


def _binary(
    planner: Planner,
    node: Node,
    function: np.ufunc,
    shifts: list[Integers],
    result: TensorType,
    bound: Floats | None = None,
) -> None:
    """A NumPy function of two operands, brought to one step first."""
    bounds = [magnitude(result)] if bound is None else [bound]
    bounds += [shifted(planner.type(name), s) for name, s in zip(node.inputs, shifts, strict=True)]
    tier = tier_of(*bounds)
    if tier == INT64:
        planner.by_reference(node)
        return
    slots = [planner.read_aligned(name, s, tier) for name, s in zip(node.inputs, shifts, strict=True)]
    planner.set(node, planner.emit(Apply2(function), tuple(slots), result.size, tier))


def _nonzero(planner: Planner, node: Node) -> None:
    slot = planner.read(node.inputs[0])
    planner.set(node, planner.emit(NotZero(), (slot,), planner.slots[slot].size, FLOAT32))


def _select(planner: Planner, node: Node) -> None:
    result, names = planner.type(node.name), node.inputs
    types = [planner.type(name) for name in names]
    shifts = [np.zeros_like(result.low), *(type.exponent - result.exponent for type in types[1:])]
    tier = tier_of(*(shifted(type, shift) for type, shift in zip(types, shifts, strict=True)))
    if tier == INT64:
        planner.by_reference(node)
        return
    slots = tuple(planner.read_aligned(name, s, tier) for name, s in zip(names, shifts, strict=True))
    planner.set(node, planner.emit(Choose(), slots, result.size, tier))


_RULES: dict[type[Op], Callable[[Planner, Node], None]] = {
    Add: _add,
    ArgMax: plan_reduction,
    Concatenate: plan_concatenate,
    Dense: plan_dense,
    Einsum: plan_einsum,
    Gather: plan_gather,
    GreaterEqual: _greater_equal,
    LeakyRelu: _leaky,
    Lookup: plan_lookup,
    Max: plan_reduction,
    Min: plan_reduction,
    Multiply: _multiply,
    Nonzero: _nonzero,
    Quantize: _quantize,
    Relu: _relu,
    Reshape: _alias,
    Scale: _alias,
    Select: _select,
    Sort: plan_reduction,
    Subtract: _add,
    Sum: plan_reduction,
    Windows: plan_gather,
}
"""Inputs and constants are no steps; every other op of `compiler.graph.OPS` stands here."""
