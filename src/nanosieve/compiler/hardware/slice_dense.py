"""A product with a constant matrix in slots: a `Dense` where the columns are alike, else coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Concatenate, Dense, Integers, Multiply, Sum
from nanosieve.compiler.hardware.assembly import Assembly
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.rows import DEAD, ZERO, Constants, merged, scaled_rows, unique_rows
from nanosieve.compiler.hardware.slice_plan import Operands, Plan

__all__ = ["plan_dense"]


@dataclass(frozen=True, eq=False)
class _Columns:
    """The columns of weights that the outputs have in the slots.

    Attributes:
        weights: all columns of all blocks of all kernels, shape (columns, inputs).
        column: which of them, or less than 0, shape (outputs, classes); slots of one class are alike.
        classes: the class of each slot.
        exponent: step of the weights.
    """

    weights: Integers
    column: Integers
    classes: Integers
    exponent: int


def plan_dense(family: Family, rows: Integers, constants: Constants) -> Plan:
    """One `Dense` for outputs whose weights are the same in all slots, products with ports for the others.

    Raises:
        FoldingError: the kernels of the steps differ in shape.
    """
    columns, vector = _columns(family, rows)
    inputs = columns.weights.shape[1]
    local, group = merged(vector)
    live = columns.column >= 0
    picked = columns.weights[np.maximum(columns.column, 0)] if columns.column.size < 1 << 22 else None
    reference = columns.weights[columns.column[np.arange(len(rows)), live.argmax(axis=1)]]
    constant = np.array(
        [_is_constant(columns, o, reference[o]) for o in range(len(rows))] if picked is None
        else ((picked == reference[:, np.newaxis]).all(axis=2) | ~live).all(axis=1)
    )  # fmt: skip
    used = np.zeros((len(local), columns.column.shape[1], inputs), dtype=np.bool_)
    for o in range(len(rows)):
        used[group[o]] |= (columns.weights[np.maximum(columns.column[o], 0)] != 0) & live[o][:, np.newaxis]
    wide = scaled_rows(local, inputs, np.arange(inputs))
    spare = (wide >= 0) & ~used.transpose(0, 2, 1)[:, :, columns.classes]
    demand = np.where(spare, DEAD, wide).reshape(-1, rows.shape[1])
    same, varying = np.flatnonzero(constant), np.flatnonzero(~constant)
    needed = [_needed(columns, o) for o in varying.tolist()]
    coefficients = [
        _coefficients(columns, o, k, constants) for o, k in zip(varying.tolist(), needed, strict=True)
    ]

    def build(b: Assembly, x: Operands) -> str:
        parts, order = [], []
        if len(same):
            dense, places = _constant_part(b, x, reference[same], group[same], len(local), columns.exponent)
            parts.append(dense)
            order.append(places)
        if len(varying):
            offset = b.type(parts[0]).size if parts else 0
            parts.append(_varying_part(b, x, group[varying], needed, inputs))
            order.append(offset + np.arange(len(varying)))
        place = np.empty(len(rows), dtype=np.int64)
        place[np.concatenate([same, varying])] = np.concatenate(order)
        if len(parts) == 1:
            natural = np.array_equal(place, np.arange(b.type(parts[0]).size))
            return parts[0] if natural else b.picked(parts[0], place)
        flat = [b.reshaped(part, (b.type(part).size,)) for part in parts]
        return b.picked(b.add(Concatenate(), *flat, part="both"), place)

    ports = [np.concatenate(coefficients)] if len(varying) else []
    return Plan([demand], build, ports, exact=not len(varying))


def _columns(family: Family, rows: Integers) -> tuple[_Columns, Integers]:
    """The columns, and for each output and slot the row of the input."""
    ops: list[Dense] = []
    place = []
    for node in family.nodes:
        op = cast(Dense, node.op)
        known = next((n for n, other in enumerate(ops) if other is op or other == op), len(ops))
        if known == len(ops):
            ops.append(op)
        place.append(known)
    if len({op.kernel.shape for op in ops}) > 1:
        family.refuse("its kernels differ in shape")
    exponent = min(op.exponent for op in ops)
    blocks = np.concatenate([op.blocks << (op.exponent - exponent) for op in ops])
    count, per_block, _ = ops[0].rows(family.given()[0].shape)
    outputs = blocks.shape[2]
    vector = np.where(rows >= 0, rows // outputs, rows)
    kernel = np.asarray(place)[family.place]
    column = np.where(rows >= 0, (kernel * count + vector // per_block) * outputs + rows % outputs, rows)
    different, classes = unique_rows(column.T)
    unique = np.ascontiguousarray(different.T)
    weights = np.ascontiguousarray(blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1]))
    return _Columns(weights, unique, classes, exponent), vector


def _is_constant(columns: _Columns, o: int, reference: Integers) -> bool:
    found = np.unique(columns.column[o][columns.column[o] >= 0])
    return bool((columns.weights[found] == reference).all())


def _needed(columns: _Columns, o: int) -> NDArray[np.intp]:
    """The inputs that have a weight in any slot."""
    found = columns.column[o][columns.column[o] >= 0]
    return np.flatnonzero((columns.weights[found] != 0).any(axis=0))


def _coefficients(columns: _Columns, o: int, needed: NDArray[np.intp], constants: Constants) -> Integers:
    """The weights of an output as rows of constants, shape (needed, slots)."""
    column = columns.column[o]
    codes = columns.weights[np.maximum(column, 0)][:, needed].T
    entries = constants.encode(codes, np.full_like(codes, columns.exponent))
    entries = np.where((column == DEAD) | (column == ZERO), DEAD, entries)
    return np.asarray(entries[:, columns.classes], dtype=np.int64)


def _constant_part(
    b: Assembly, x: Operands, weights: Integers, group: Integers, vectors: int, exponent: int
) -> tuple[str, Integers]:
    """The product, and the place of each output in it."""
    inputs = weights.shape[1]
    vector = np.unique(group)
    own = [np.flatnonzero(group == v) for v in vector]
    most = max(len(outputs) for outputs in own)
    kernel = np.zeros((len(vector), inputs, most), dtype=np.int64)
    places = np.empty(len(group), dtype=np.int64)
    for n, outputs in enumerate(own):
        kernel[n, :, : len(outputs)] = weights[outputs].T
        places[outputs] = n * most + np.arange(len(outputs))
    if len(vector) < vectors:
        index = vector[:, np.newaxis] * inputs + np.arange(inputs)
        value = b.picked(x.flat(0), index if len(vector) > 1 else index[0])
    else:
        value = x.shaped(0, (vectors, inputs) if vectors > 1 else (inputs,))
    if (kernel == kernel[:1]).all():
        kernel = kernel[0]
    value = b.aligned(value, tuple(range(kernel.ndim - 2, len(b.shape(value)) - 1)))
    return b.add(Dense(kernel, exponent), value), places


def _varying_part(
    b: Assembly, x: Operands, group: Integers, needed: list[NDArray[np.intp]], inputs: int
) -> str:
    """Products with coefficients and their sums, flat."""
    longest = max(max(len(k) for k in needed), 1)
    left = np.full((len(group), longest), -1)
    right = np.full((len(group), longest), -1)
    count = 0
    for n, (vector, own) in enumerate(zip(group, needed, strict=True)):
        left[n, : len(own)] = vector * inputs + own
        right[n, : len(own)] = count + np.arange(len(own))
        count += len(own)
    products = b.add(Multiply(), b.picked(x.flat(0), left), b.picked(x.flat(1), right), part="products")
    return b.reshaped(b.add(Sum(), products, part="sums"), (len(group),))
