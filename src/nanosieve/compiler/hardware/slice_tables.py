"""A look-up table that several slots share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from nanosieve.compiler.graph import Integers, Lookup
from nanosieve.compiler.hardware.assembly import Assembly
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.slice_plan import Operands, Plan

__all__ = ["plan_lookup"]


@dataclass(frozen=True, eq=False)
class _Table:
    """The entries for the codes from `first` on; the ends stand for what lies beyond."""

    first: int
    entries: Integers

    def over(self, low: int, high: int) -> Integers:
        return self.entries[np.clip(np.arange(low, high + 1) - self.first, 0, len(self.entries) - 1)]


def plan_lookup(family: Family, rows: Integers) -> Plan:
    """One table for each row: the union of what its slots can reach, where they agree.

    Raises:
        FoldingError: two slots have different entries for a code, or different steps.
    """
    reached, parts = _classes(family)
    family.uniform(rows, lambda node: family.graph.types[node.inputs[0]].exponent, "the step of its input")
    exponent = family.uniform(rows, lambda node: _exponents(family, node), "the step of its entries")
    classes = family.pick(rows, reached)
    known: dict[tuple[int, ...], int] = {}
    tables: list[_Table] = []
    own = []
    for row, live in zip(classes, rows >= 0, strict=True):
        key = tuple(np.unique(row[live]).tolist())
        if key not in known:
            known[key] = len(tables)
            table = _common([parts[n] for n in key])
            if table is None:
                family.refuse("its tables differ between them")
            tables.append(table)
        own.append(known[key])

    shared = _common([parts[n] for n in sorted({n for key in known for n in key})])
    if shared is not None:
        tables, own = [shared], [0] * len(rows)

    def build(b: Assembly, x: Operands) -> str:
        value = b.fitted(x.native(0), family.type(rows, 0), exact=True)
        low, high = b.type(value).low.ravel(), b.type(value).high.ravel()
        if len(tables) == 1 and (exponent == exponent[0]).all():
            entries = tables[0].over(int(low.min()), int(high.max()))
            return b.add(Lookup(entries[np.newaxis], low.min(keepdims=True), exponent[:1]), value)
        length = int((high - low).max()) + 1
        each = [
            tables[t].over(int(first), int(first) + length - 1) for t, first in zip(own, low, strict=True)
        ]
        return b.add(Lookup(np.stack(each), low, exponent), value)

    return Plan([rows], build)


def _exponents(family: Family, node: object) -> Integers:
    op = cast(Lookup, node.op)  # type: ignore[attr-defined]
    return op.exponent[np.arange(int(np.prod(family.shape))) % len(op.tables)]


def _classes(family: Family) -> tuple[list[Integers], list[_Table]]:
    """For each node the class of each element, and what the elements of a class can reach."""
    reached: list[Integers] = []
    parts: list[_Table] = []
    for node, x in zip(family.nodes, family.given(), strict=True):
        op = cast(Lookup, node.op)
        row = op.rows(x).ravel()
        found, inverse = np.unique(
            np.stack([row, x.low.ravel(), x.high.ravel()]), axis=1, return_inverse=True
        )
        reached.append(inverse.ravel() + len(parts))
        parts += [
            _Table(int(low), op.tables[r, low - op.first[r] : high - op.first[r] + 1])
            for r, low, high in found.T
        ]
    return reached, parts


def _common(parts: list[_Table]) -> _Table | None:
    """All tables in one; None where they differ."""
    first = min(part.first for part in parts)
    last = max(part.first + len(part.entries) for part in parts)
    entries, known = np.zeros(last - first, dtype=np.int64), np.zeros(last - first, dtype=np.bool_)
    for part in parts:
        span = slice(part.first - first, part.first - first + len(part.entries))
        if np.any(known[span] & (entries[span] != part.entries)):
            return None
        entries[span], known[span] = part.entries, True
    nearest = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
    return _Table(first, entries[nearest])
