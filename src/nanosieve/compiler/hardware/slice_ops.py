"""For each op: what its inputs have to hold in every slot, and the op of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Concatenate,
    Constant,
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
    Quantize,
    Relu,
    Reshape,
    Scale,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
    Windows,
)
from nanosieve.compiler.hardware.assembly import Assembly
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.liveness import pairs
from nanosieve.compiler.hardware.rows import Constants, scaled_rows
from nanosieve.compiler.hardware.slice_dense import plan_dense
from nanosieve.compiler.hardware.slice_plan import Operands, Plan
from nanosieve.compiler.hardware.slice_tables import plan_lookup

__all__ = ["keeps_zero", "plan"]


def keeps_zero(family: Family) -> bool:
    """Whether the result is zero where all inputs are."""
    for node in family.nodes:
        match node.op:
            case GreaterEqual() | Lookup() | Constant():
                return False
            case Quantize() if np.any((node.op.target.low > 0) | (node.op.target.high < 0)):
                return False
    return True


def plan(family: Family, rows: Integers, constants: Constants) -> Plan:  # noqa: C901 - one arm for each op
    """How a kernel computes `rows` of the result.

    Raises:
        FoldingError: the slots need different hardware.
    """
    match family.op:
        case Add() | Subtract() | Relu() | Nonzero() | Select() | GreaterEqual():
            return _element_wise(family, rows, lambda shape: family.op)
        case Multiply():
            square = all(cast(Multiply, node.op).square for node in family.nodes)
            return _element_wise(family, rows, lambda shape: Multiply(square=square))
        case LeakyRelu():
            slope = family.alike(
                lambda op: (cast(LeakyRelu, op).code, cast(LeakyRelu, op).exponent), "its slope"
            )
            return _element_wise(family, rows, lambda shape: LeakyRelu(*slope))
        case Scale():
            shift = family.uniform(rows, _shift(family), "its shift")
            return _element_wise(family, rows, lambda shape: Scale(shift.reshape(shape)))
        case Quantize():
            return _quantize(family, rows)
        case Lookup():
            return plan_lookup(family, rows)
        case Gather() | Windows():
            index = [_index(family, node) for node in family.nodes]
            return Plan([family.map(rows, index)], _same)
        case Reshape():
            return Plan([rows], _same)
        case Concatenate():
            return _concatenate(family, rows)
        case Sum() | Max() | Min() | ArgMax() | Sort():
            return _reduction(family, rows)
        case Dense():
            return plan_dense(family, rows, constants)
        case Einsum():
            return _einsum(family, rows)
        case _:
            return family.refuse(f"{type(family.op).__name__} has no slots")


def _same(b: Assembly, x: Operands) -> str:
    return x.native(0)


def _element_wise(family: Family, rows: Integers, op: Callable[[tuple[int, ...]], Op]) -> Plan:
    count = len(family.nodes[0].inputs)
    bit = isinstance(family.op, Select)

    def build(b: Assembly, x: Operands) -> str:
        first = x.native(0)
        if bit:
            first = b.fitted(first, family.type(rows, 0), exact=True)
        shape = b.shape(first)
        return b.add(op(shape), first, *(x.shaped(n, shape) for n in range(1, count)))

    return Plan([rows] * count, build)


def _shift(family: Family) -> Callable[[Node], Integers]:
    def shift(node: Node) -> Integers:
        return np.broadcast_to(cast(Scale, node.op).shift, family.shape)

    return shift


def _index(family: Family, node: Node) -> Integers:
    if isinstance(node.op, Windows):
        return node.op.index(family.graph.types[node.inputs[0]].shape)
    return cast(Gather, node.op).index


def _quantize(family: Family, rows: Integers) -> Plan:
    """Where a quantiser changes no value in any slot, it is left out; else all slots have one target."""
    rounding, overflow = family.alike(
        lambda op: (cast(Quantize, op).rounding, cast(Quantize, op).overflow), "it"
    )
    idle = [_keeps_values(node, x) for node, x in zip(family.nodes, family.given(), strict=True)]
    kept = (family.pick(rows, idle) | (rows < 0)).all(axis=1)
    changed = np.flatnonzero(~kept)
    low, high, exponent = (_target(family, rows[changed], part) for part in ("low", "high", "exponent"))
    target = TensorType(low, high, exponent)

    def build(b: Assembly, x: Operands) -> str:
        if not len(changed):
            return x.native(0)
        if len(changed) == len(rows):
            value = x.native(0)
            return b.add(Quantize(target.reshape(b.shape(value)), rounding, overflow), value)
        value = x.flat(0)
        new = b.add(Quantize(target, rounding, overflow), b.picked(value, changed))
        index = np.arange(len(rows))
        index[changed] = len(rows) + np.arange(len(changed))
        return b.picked(b.add(Concatenate(), value, new, part="both"), index)

    return Plan([rows], build)


def _target(family: Family, rows: Integers, part: str) -> Integers:
    """One of the arrays of the targets, alike in all slots."""
    return family.uniform(rows, lambda node: getattr(cast(Quantize, node.op).target, part), "its format")


def _keeps_values(node: Node, x: TensorType) -> Integers:
    """Which elements a quantiser leaves as they are, whatever their value."""
    op = cast(Quantize, node.op)
    finer = op.target.exponent <= x.exponent
    shift = np.where(finer, x.exponent - op.target.exponent, 0)
    fits = (x.low << shift >= op.target.low) & (x.high << shift <= op.target.high)
    return np.asarray(
        finer & fits | (x.low == 0) & (x.high == 0) & (op.target.low <= 0) & (op.target.high >= 0)
    )


def _concatenate(family: Family, rows: Integers) -> Plan:
    """Each row comes from one operand in all slots."""
    shapes = [t.shape for t in (family.given(n)[0] for n in range(len(family.nodes[0].inputs)))]
    which = np.concatenate([np.full(shape, n) for n, shape in enumerate(shapes)], axis=-1)
    element = np.concatenate([np.arange(np.prod(s)).reshape(s) for s in shapes], axis=-1)
    operand = family.uniform(rows, lambda node: which, "the operand it takes")
    own = [np.flatnonzero(operand == n) for n in range(len(shapes))]
    demands = [family.map(rows[places], [element] * len(family.nodes)) for places in own]

    def build(b: Assembly, x: Operands) -> str:
        used = [n for n, places in enumerate(own) if len(places)]
        parts = [x.flat(n) for n in used]
        order = np.argsort(np.concatenate([own[n] for n in used]))
        return b.picked(b.add(Concatenate(), *parts) if len(parts) > 1 else parts[0], order)

    return Plan(demands, build)


def _reduction(family: Family, rows: Integers) -> Plan:
    """Whole rows of the last axis; the order of `Sort` is picked from the sorted row."""
    (length,) = (
        {t.shape[-1] for t in family.given()} if len({t.shape[-1] for t in family.given()}) == 1 else (0,)
    )
    if not length:
        family.refuse("its rows differ in length")
    sort = isinstance(family.op, Sort)
    place = (
        family.uniform(rows, lambda node: np.arange(np.prod(family.shape)) % length, "its place")
        if sort
        else 0
    )
    whole = np.where(rows >= 0, rows // length, rows) if sort else rows
    demand = scaled_rows(whole, length, np.arange(length)).reshape(-1, rows.shape[1])

    def build(b: Assembly, x: Operands) -> str:
        value = b.add(family.op, x.shaped(0, (len(rows), length)))
        if sort:
            return b.picked(value, np.arange(len(rows)) * length + place)
        return b.reshaped(value, (len(rows),))

    return Plan([demand], build)


def _einsum(family: Family, rows: Integers) -> Plan:
    """A sum of products for each row, whatever the equation."""
    places = [pairs(family.graph, node) for node in family.nodes]
    count = places[0][0].shape[-1]
    if any(left.shape[-1] != count for left, _ in places):
        family.refuse("its sums differ in length")
    demands = [
        np.stack(
            [family.map(rows, [pair[n][..., s] for pair in places]) for s in range(count)], axis=1
        ).reshape(-1, rows.shape[1])
        for n in range(2)
    ]

    def build(b: Assembly, x: Operands) -> str:
        shape = (len(rows), count)
        products = b.add(Multiply(), x.shaped(0, shape), x.shaped(1, shape), part="products")
        return b.reshaped(b.add(Sum(), products), (len(rows),))

    return Plan(demands, build)
