"""Two products in one multiplier: columns that share their inputs, as one coefficient ``a * 2**s + b``.

A DSP48E2 multiplies 27 by 18 signed bits. With coefficients a and b of two columns, the sum over some inputs
``sum x (a 2**s + b) = A 2**s + B`` holds both sums; while ``-2**(s-1) <= B < 2**(s-1)``, B is its low s bits
as a signed number and A is what is left, rounded half up. So as many products are added as keep B in s bits,
and both are split off each group. For 8-bit weights s is 18 or 19, and a group has four products or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph import (
    Builder,
    Concatenate,
    Constant,
    Gather,
    Graph,
    Integers,
    Lookup,
    Multiply,
    Node,
    Overflow,
    Quantize,
    Reshape,
    Rounding,
    Scale,
    Sum,
    TensorType,
    bit_width,
)
from nanosieve.compiler.hardware.assembly import Assembly
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.passes import drop_dead_values

__all__ = ["pack_columns"]

COEFFICIENT_BITS = 27
OPERAND_BITS = 18
LEAST_GROUP = 2
"""Products that a group has at least, or packing does not pay."""
LEAST_PRODUCT = 10
"""Bits of a product that is worth a multiplier of its own."""


@dataclass(frozen=True, eq=False)
class _Row:
    """One sum of products: elements of a value, and a coefficient for each with its code in every slot."""

    elements: tuple[int, ...]
    codes: Integers
    """(elements, slots), at `exponent`"""
    exponent: int


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two rows in one.

    Attributes:
        high, low: places of the rows.
        elements: of the value that is multiplied.
        groups: the elements (places in `elements`) that are summed before they are split.
        shift: s.
        codes: packed coefficients, shape (elements, slots).
        exponent: their step.
        range: of the sums of the high part of any group, at the steps of both factors.
    """

    high: int
    low: int
    elements: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    shift: int
    codes: Integers
    exponent: int
    range: tuple[int, int]


def pack_columns(kernel: Kernel) -> Kernel | None:
    """The kernel with pairs of columns in one multiplier each where that is exact; None where it is nowhere.

    Only sums of products with coefficients (ports that read constants) are packed.
    """
    graph = kernel.graph
    packed: dict[str, tuple[str, list[_Pair]]] = {}
    for node in graph.nodes:
        found = _sums(kernel, node)
        if found is not None:
            pairs = _pairs(graph.types[found[0]], found[1])
            if pairs:
                packed[node.name] = (found[0], pairs)
    if not packed:
        return None
    return _rebuilt(kernel, packed)


def _sums(kernel: Kernel, node: Node) -> tuple[str, list[_Row]] | None:
    """The value and the rows of a sum of products with coefficients; None for anything else."""
    graph = kernel.graph
    if not isinstance(node.op, Sum):
        return None
    products = graph.by_name[node.inputs[0]]
    if not isinstance(products.op, Multiply) or len(graph.users[products.name]) > 1:
        return None
    value, left = _places(graph, products.inputs[0])
    right = _coefficients(kernel, products.inputs[1])
    if right is None or left.ndim != 2:
        return None
    codes, exponent = right
    rows = []
    for row, own, steps in zip(left, codes, exponent, strict=True):
        there = row >= 0
        step = int(steps[there].min(initial=0)) if there.any() else 0
        shifted = own[there] << (steps[there] - step)[:, np.newaxis]
        rows.append(_Row(tuple(row[there].tolist()), shifted, step))
    return value, rows


def _places(graph: Graph, name: str) -> tuple[str, Integers]:
    """The value that a chain of rewirings reads, and its elements."""
    node = graph.by_name[name]
    places = np.arange(graph.types[name].size).reshape(graph.types[name].shape)
    while isinstance(node.op, (Gather, Reshape)):
        if isinstance(node.op, Gather):
            places = np.where(places >= 0, node.op.index.ravel()[np.maximum(places, 0)], -1)
        node = graph.by_name[node.inputs[0]]
    return node.name, places


def _coefficients(kernel: Kernel, name: str) -> tuple[Integers, Integers] | None:
    """Codes (rows, products, slots) and exponents (rows, products) of what only reads constants."""
    graph, slots = kernel.graph, kernel.slots
    value, places = _places(graph, name)
    source = graph.by_name[value]
    parts = source.inputs if isinstance(source.op, Concatenate) else (value,)
    codes, exponents, varies = [], [], []
    for part in parts:
        op, type = graph.by_name[part].op, graph.types[part]
        if part == "in":
            codes.append(kernel.constants)
            varies.append((kernel.reads >= 0).any(axis=1))
        elif isinstance(op, Constant):
            codes.append(np.repeat(op.codes.reshape(-1, 1), slots, axis=1))
            varies.append(np.zeros(type.size, dtype=np.bool_))
        else:
            return None
        exponents.append(type.exponent.ravel())
    place = np.maximum(places, 0)
    if (np.concatenate(varies)[place] & (places >= 0)).any():
        return None
    known = np.where((places >= 0)[..., np.newaxis], np.concatenate(codes)[place], 0)
    return known, np.concatenate(exponents)[place]


def _pairs(x: TensorType, rows: Sequence[_Row]) -> list[_Pair]:
    """Neighbouring rows that share more elements than each has alone, packed where that is exact."""
    pairs, n = [], 0
    while n + 1 < len(rows):
        pair = _pair(x, rows, n, n + 1)
        if pair is not None:
            pairs.append(pair)
        n += 1 if pair is None else 2
    return pairs


def _pair(x: TensorType, rows: Sequence[_Row], high: int, low: int) -> _Pair | None:
    a, b = rows[high], rows[low]
    elements = tuple(sorted({*a.elements, *b.elements}))
    if 2 * len(elements) > 1.5 * (len(a.elements) + len(b.elements)) or len(elements) < LEAST_GROUP:
        return None
    exponent = min(a.exponent, b.exponent)
    first, second = (_spread(row, elements, exponent) for row in (a, b))
    own = np.array(elements)
    steps = x.exponent.ravel()[own]
    up = steps - steps.min()
    low_x, high_x = x.low.ravel()[own] << up, x.high.ravel()[own] << up
    if bit_width(min(int(low_x.min()), -1), int(high_x.max())) > OPERAND_BITS:
        return None
    widest = max(bit_width(int(codes.min()), int(codes.max())) for codes in (first, second))
    shift = COEFFICIENT_BITS - bit_width(min(int(first.min()), -1), int(first.max()))
    if widest + bit_width(int(low_x.min()), int(high_x.max())) < LEAST_PRODUCT:
        return None
    while shift > 0:
        packed = (first << shift) + second
        if bit_width(min(int(packed.min()), -1), int(packed.max())) <= COEFFICIENT_BITS:
            break
        shift -= 1
    groups = _groups(second, low_x, high_x, shift) if shift > 0 else None
    if groups is None:
        return None
    least, most = _ends(first, low_x, high_x)
    span = [(int(least[list(g)].sum()), int(most[list(g)].sum())) for g in groups]
    ends = min(s[0] for s in span), max(s[1] for s in span)
    return _Pair(high, low, elements, groups, shift, packed, exponent, ends)


def _spread(row: _Row, elements: tuple[int, ...], exponent: int) -> Integers:
    """The coefficients of a row for other elements, zero where it has none; a row can hold one twice."""
    codes = np.zeros((len(elements), row.codes.shape[1]), dtype=np.int64)
    np.add.at(codes, np.searchsorted(elements, row.elements), row.codes << (row.exponent - exponent))
    return codes


def _ends(codes: Integers, low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """The ends of each product over all slots."""
    corners = [
        end[:, np.newaxis] * code[:, np.newaxis]
        for end in (low, high)
        for code in (codes.min(axis=1), codes.max(axis=1))
    ]
    return np.min(corners, axis=0).ravel(), np.max(corners, axis=0).ravel()


def _groups(codes: Integers, low: Integers, high: Integers, shift: int) -> tuple[tuple[int, ...], ...] | None:
    """Products whose sum stays in `shift` bits; None if one alone does not, or if most stand alone."""
    least, most = _ends(codes, low, high)
    half = 1 << (shift - 1)
    groups: list[list[int]] = [[]]
    bottom = top = 0
    for n, (a, b) in enumerate(zip(least.tolist(), most.tolist(), strict=True)):
        if a < -half or b >= half:
            return None
        bottom, top = bottom + a, top + b
        if bottom < -half or top >= half:
            groups.append([])
            bottom, top = a, b
        groups[-1].append(n)
    if len(groups) * LEAST_GROUP > len(codes):
        return None
    return tuple(map(tuple, groups))


def _rebuilt(kernel: Kernel, packed: dict[str, tuple[str, list[_Pair]]]) -> Kernel:
    """The kernel with new ports behind the old ones, of which those that are no longer read are left out."""
    graph, old = kernel.graph, kernel.graph.types["in"]
    pairs = [pair for _, own in packed.values() for pair in own]
    codes = np.concatenate([kernel.constants, *(pair.codes for pair in pairs)])
    more = sum(len(pair.codes) for pair in pairs)
    reads = np.concatenate([kernel.reads, np.full((more, kernel.slots), -1)])
    new = [(p.codes.min(axis=1), p.codes.max(axis=1), np.full(len(p.codes), p.exponent)) for p in pairs]
    type = TensorType(
        *(
            np.concatenate([part, *(n[k] for n in new)])
            for k, part in enumerate((old.low, old.high, old.exponent))
        )
    )
    layer = graph.nodes[-1].layer
    live = np.ones(type.size, dtype=np.bool_)
    for _ in range(2):  # first with all ports, then with those that are read
        place = np.where(live, np.cumsum(live) - 1, -1)
        builder = Builder(graph.name)
        builder.input("in", TensorType(type.low[live], type.high[live], type.exponent[live]))
        b = Assembly(layer, builder)
        b.of(f"{layer}.ports")
        names = {"in": b.add(Gather(place[: old.size]), "in")}
        start = old.size
        for node in graph.nodes[1:]:
            b.of(node.name)
            if node.name in packed:
                value, own = packed[node.name]
                names[node.name] = _packed_sums(
                    b, node, names, value, graph.types[node.name], own, place, start
                )
                start += sum(len(pair.codes) for pair in own)
            else:
                given = [names[name] for name in node.inputs]
                op = _widened(node.op, b.type(given[0])) if isinstance(node.op, Lookup) else node.op
                names[node.name] = b.add(op, *given)
        result = drop_dead_values(builder.finish({"out": names[graph.outputs["out"]]}))
        if live.all():
            live = live_elements(result)["in"].ravel()
    return Kernel(result, kernel.base, reads[live], codes[live], kernel.writes)


def _widened(op: Lookup, x: TensorType) -> Lookup:
    """The table with entries for all codes of `x`, whose ends are proven less sharply than before."""
    row = op.rows(x).ravel()
    first, last = op.first.copy(), op.first + op.tables.shape[1] - 1
    np.minimum.at(first, row, x.low.ravel())
    np.maximum.at(last, row, x.high.ravel())
    codes = first[:, np.newaxis] + np.arange(int((last - first).max()) + 1)
    places = np.clip(codes - op.first[:, np.newaxis], 0, op.tables.shape[1] - 1)
    return Lookup(np.take_along_axis(op.tables, places, axis=1), first, op.exponent)


def _packed_sums(
    b: Assembly,
    node: Node,
    names: dict[str, str],
    value: str,
    known: TensorType,
    pairs: Sequence[_Pair],
    place: Integers,
    start: int,
) -> str:
    """The sums, of the type `known`: of pairs from packed products, of the others as they were."""
    count = known.size
    x = b.reshaped(names[value], (b.type(names[value]).size,))
    parts: list[str] = []
    where = np.full(count, -1)
    for pair in pairs:
        longest = max(map(len, pair.groups))
        left = np.full((len(pair.groups), longest), -1)
        right = left.copy()
        for n, group in enumerate(pair.groups):
            left[n, : len(group)] = np.array(pair.elements)[list(group)]
            right[n, : len(group)] = place[start + np.array(group)]
        start += len(pair.elements)
        # all operands at the finest step, at which the sums were counted
        factor = b.aligned(b.picked(x, left), (0, 1))
        products = b.add(Multiply(), factor, b.picked("in", right), part="packed")
        total = b.reshaped(b.add(Sum(), products, part="group"), (len(pair.groups),))
        for row, split in ((pair.high, _high(b, total, pair)), (pair.low, _low(b, total, pair))):
            where[row] = len(parts)
            parts.append(b.add(Sum(), split, part="split"))
    rest = np.flatnonzero(where < 0)
    if len(rest):
        products_name = names[node.inputs[0]]
        shape = b.shape(products_name)
        index = np.arange(b.type(products_name).size).reshape(shape)[rest]
        others = b.reshaped(b.add(Sum(), b.picked(products_name, index), part="others"), (len(rest),))
        where[rest] = len(parts) + np.arange(len(rest))
        parts.append(others)
    joint = b.add(Concatenate(), *parts, part="joined") if len(parts) > 1 else parts[0]
    return b.fitted(b.picked(joint, where.reshape(count, 1)), known)


def _low(b: Assembly, total: str, pair: _Pair) -> str:
    """The signed number in the low bits."""
    half, exponent = 1 << (pair.shift - 1), b.type(total).exponent
    shape = exponent.shape
    target = TensorType(np.full(shape, -half), np.full(shape, half - 1), exponent)
    return b.add(Quantize(target, Rounding.TRN, Overflow.WRAP), total, part="low")


def _high(b: Assembly, total: str, pair: _Pair) -> str:
    """What is left above the low bits."""
    exponent = b.type(total).exponent
    shape = exponent.shape
    width = bit_width(min(pair.range[0], -1), pair.range[1])
    half = 1 << (width - 1)
    target = TensorType(np.full(shape, -half), np.full(shape, half - 1), exponent + pair.shift)
    high = b.add(Quantize(target, Rounding.RND, Overflow.WRAP), total, part="high")
    return b.add(Scale(np.full(shape, -pair.shift)), high, part="high_scaled")
