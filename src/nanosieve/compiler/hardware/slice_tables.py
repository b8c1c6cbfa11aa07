"""A look-up table that several slots share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from nanosieve.compiler.graph import Integers, Lookup, TensorType
from nanosieve.compiler.hardware.assembly import Assembly
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.slice_plan import Operands, Plan

__all__ = ["plan_lookup"]


LONGEST = 1 << 20
"""Entries that a joined table may have."""


@dataclass(frozen=True, eq=False)
class _Table:
    """A function of codes: entries for the codes from `first` on; the ends stand for what lies beyond.

    Attributes:
        first, entries: see above.
        step: exponent of the codes.
        exponent: of the entries.
    """

    first: int
    entries: Integers
    step: int
    exponent: int

    def over(self, low: int, high: int) -> Integers:
        return self.entries[np.clip(np.arange(low, high + 1) - self.first, 0, len(self.entries) - 1)]


def plan_lookup(family: Family, rows: Integers) -> Plan:
    """One table for each row: the union of what its slots can reach, where they agree.

    Raises:
        FoldingError: two slots have different entries for a value.
    """
    reached, parts = _classes(family)
    classes = family.pick(rows, reached)
    known: dict[tuple[int, ...], int] = {}
    tables: list[_Table] = []
    own = []
    for row, live in zip(classes, rows >= 0, strict=True):
        key = tuple(np.unique(row[live]).tolist())
        if key not in known:
            known[key] = len(tables)
            table = _joined([parts[n] for n in key])
            if table is None:
                family.refuse("its tables differ between them")
            tables.append(table)
        own.append(known[key])
    shared = _joined([parts[n] for n in sorted({n for key in known for n in key})])
    if shared is not None:
        tables, own = [shared], [0] * len(rows)
    each = [tables[n] for n in own]

    def build(b: Assembly, x: Operands) -> str:
        given = x.native(0)
        type = family.type(rows, 0)
        step = np.array([table.step for table in each])
        shift = np.maximum(type.exponent - step, 0)  # a row that is always zero may have a finer step
        wanted = TensorType(type.low << shift, type.high << shift, step)
        value = b.fitted(given, wanted, exact=True)
        low, high = b.type(value).low.ravel(), b.type(value).high.ravel()
        if len(tables) == 1:
            entries = tables[0].over(int(low.min()), int(high.max()))
            op = Lookup(entries[np.newaxis], low.min(keepdims=True), np.array([tables[0].exponent]))
            return b.add(op, value)
        length = int((high - low).max()) + 1
        codes = [t.over(int(first), int(first) + length - 1) for t, first in zip(each, low, strict=True)]
        return b.add(Lookup(np.stack(codes), low, np.array([t.exponent for t in each])), value)

    return Plan([rows], build)


def _classes(family: Family) -> tuple[list[Integers], list[_Table]]:
    """For each node the class of each element, and what the elements of a class can reach."""
    reached: list[Integers] = []
    parts: list[_Table] = []
    for node, x in zip(family.nodes, family.given(), strict=True):
        op = cast(Lookup, node.op)
        row = op.rows(x).ravel()
        keys = np.stack([row, x.low.ravel(), x.high.ravel(), x.exponent.ravel()])
        found, inverse = np.unique(keys, axis=1, return_inverse=True)
        reached.append(inverse.ravel() + len(parts))
        for r, low, high, step in found.T.tolist():
            first = low - int(op.first[r])
            entries = op.tables[r, first : first + high - low + 1]
            parts.append(_Table(low, entries, step, int(op.exponent[r])))
    return reached, parts


def _joined(parts: list[_Table]) -> _Table | None:
    """All tables in one, at their finest steps; None where they differ."""
    varying = [part for part in parts if len(part.entries) > 1 or part.first] or parts
    step = min(part.step for part in varying)
    exponent = min(part.exponent for part in parts)
    strides = [1 << min(max(part.step - step, 0), 62) for part in parts]
    first = min(part.first * stride for part, stride in zip(parts, strides, strict=True))
    ends = [(p.first + len(p.entries) - 1) * stride for p, stride in zip(parts, strides, strict=True)]
    if max(ends) - first >= LONGEST or max(part.exponent for part in parts) - exponent > 40:
        return None
    entries = np.zeros(max(ends) - first + 1, dtype=np.int64)
    known = np.zeros(len(entries), dtype=np.bool_)
    for part, stride in zip(parts, strides, strict=True):
        places = (part.first + np.arange(len(part.entries))) * stride - first
        codes = part.entries << (part.exponent - exponent)
        if np.any(known[places] & (entries[places] != codes)):
            return None
        entries[places], known[places] = codes, True
    nearest = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
    return _Table(first, entries[nearest], step, exponent)
