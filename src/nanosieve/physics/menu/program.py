"""A menu as tables of numbers, which compiled loops go through.

Every selection is split by collection. Without pair cuts, distinct objects for all legs of one collection
exist exactly if for every subset of its legs at least as many objects pass one of them as the subset asks for
(Hall's theorem, J. London Math. Soc. 10 (1935) 26), whether the cuts nest or not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.menu.schema import Leg, Menu, PairCut, Selection
from nanosieve.physics.menu.words import LEVELS, OBJECTS, WORKING_POINTS, Level, TriggerObject

__all__ = ["CUTS", "CollectionTable", "PairTable", "Program", "compile_menu", "cuts"]

CUTS = ("pt", "eta_max", "iso_max", "quality_min", "mass_min", "btag_max", "charge", "scaled")
"""Columns of a table of legs."""
_OPEN = (0.0, np.inf, np.inf, -np.inf, -np.inf, np.inf, 0.0, 0.0)
"""The values that cut on nothing."""
PAIR_CUTS = ("mass", "delta_r", "delta_phi", "delta_eta")


@dataclass(frozen=True)
class CollectionTable:
    """All legs of one level on one collection; G groups, a group being the legs of one selection.

    Attributes:
        kind: an object that names the collection.
        selection: (G,) column of the decisions.
        first_leg: (G + 1,) group g has the rows ``first_leg[g]`` up to ``first_leg[g + 1]`` of `legs`.
        legs: (T, 8) `CUTS`; in a group by falling pT threshold.
        ladder: (T,) objects that this leg of a group and those before it ask for.
        first_need, need: for the m-th subset of the legs of a group, as a bit mask, how many objects it asks
            for: ``need[first_need[g] + m]``.
        plain: (G,) whether all its cuts are on pT: then `ladder` decides.
        scaled: (G,) whether a threshold of the group is multiplied by a factor of the event.
    """

    kind: TriggerObject
    selection: NDArray[np.int64]
    first_leg: NDArray[np.int64]
    legs: NDArray[np.float64]
    ladder: NDArray[np.int64]
    first_need: NDArray[np.int64]
    need: NDArray[np.int64]
    plain: NDArray[np.bool_]
    scaled: NDArray[np.bool_]


@dataclass(frozen=True)
class PairTable:
    """A selection with cuts on pairs, which needs a search for the assignment.

    Attributes:
        selection: column of the decisions.
        kinds: the objects whose collections take part, each once.
        place: (S,) which of `kinds` a slot takes its object from.
        legs: (S, 8) `CUTS` of the slot.
        twin: (S,) 1 where a slot belongs to the same leg as the one before: their order is of no matter.
        first, second: (P,) slots of a pair cut, ``first < second``.
        windows: (P, 8) least and largest mass, ΔR, Δφ and Δη.
        charge: (P,) 1 same, -1 opposite, 0 any.
    """

    selection: int
    kinds: tuple[TriggerObject, ...]
    place: NDArray[np.int64]
    legs: NDArray[np.float64]
    twin: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    windows: NDArray[np.float64]
    charge: NDArray[np.int64]


@dataclass(frozen=True)
class Program:
    """One level of a menu, ready to run.

    Attributes:
        names: of the items or lines: columns of the decisions.
        collections: one table for each collection.
        pairs: selections with pair cuts.
    """

    level: Level
    names: tuple[str, ...]
    selections: tuple[Selection, ...]
    collections: tuple[CollectionTable, ...]
    pairs: tuple[PairTable, ...]


def compile_menu(menu: Menu, scaled: dict[str, Sequence[int]] | None = None) -> dict[Level, Program]:
    """Both levels of `menu`.

    Args:
        menu: the menu.
        scaled: item or line → numbers of the legs whose pT threshold is multiplied by a factor, which
            each event may have for itself.
    """
    selections: dict[Level, dict[str, Selection]] = {
        LEVELS[0]: dict(menu.l1),
        LEVELS[1]: {name: line.hlt for name, line in menu.lines.items()},
    }
    return {level: _program(menu, level, found, scaled or {}) for level, found in selections.items()}


def cuts(menu: Menu, leg: Leg, kind: TriggerObject, scaled: bool = False) -> tuple[float, ...]:
    """The row of `CUTS` of a leg."""
    limits: Any = menu.definitions.isolated
    wanted = (
        leg.pt,
        leg.eta_max,
        limits[kind.level][kind.word] if leg.isolated else None,
        None if leg.quality is None else menu.definitions.quality[leg.quality],
        leg.mass_min,
        None if leg.btag_eff is None else WORKING_POINTS[leg.btag_eff],
        leg.charge,
        float(scaled),
    )
    return tuple(float(o if w is None else w) for w, o in zip(wanted, _OPEN, strict=True))


def _program(
    menu: Menu, level: Level, selections: dict[str, Selection], scaled: dict[str, Sequence[int]]
) -> Program:
    groups: dict[str, list[tuple[int, TriggerObject, list[tuple[Leg, tuple[float, ...]]]]]] = {}
    pairs = []
    for column, (name, selection) in enumerate(selections.items()):
        rows: dict[str, tuple[TriggerObject, list[tuple[Leg, tuple[float, ...]]]]] = {}
        for number, leg in enumerate(selection.legs):
            kind = OBJECTS[level][leg.object]
            row = cuts(menu, leg, kind, number in scaled.get(name, ()))
            rows.setdefault(kind.columns[0], (kind, []))[1].append((leg, row))
        for collection, (kind, legs) in rows.items():
            groups.setdefault(collection, []).append((column, kind, legs))
        if selection.pairs or selection.exclusive_dr is not None:
            pairs.append(_pairs(menu, level, column, selection, scaled.get(name, ())))
    tables = tuple(_table(found) for found in groups.values())
    return Program(level, tuple(selections), tuple(selections.values()), tables, tuple(pairs))


def _table(groups: list[tuple[int, TriggerObject, list[tuple[Leg, tuple[float, ...]]]]]) -> CollectionTable:
    need: list[int] = []
    ladder: list[int] = []
    first_need, rows, plain = [], [], []
    for _, _, legs in groups:
        legs.sort(key=lambda leg: -leg[1][0])
        counts = [leg.count for leg, _ in legs]
        first_need.append(len(need))
        need += [sum(c for k, c in enumerate(counts) if mask >> k & 1) for mask in range(1 << len(counts))]
        ladder += itertools.accumulate(counts)
        rows += [row for _, row in legs]
        plain.append(all(row[1:] == _OPEN[1:] for _, row in legs))
    lengths = [len(legs) for _, _, legs in groups]
    return CollectionTable(
        kind=groups[0][1],
        selection=np.array([column for column, _, _ in groups], dtype=np.int64),
        first_leg=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        legs=np.array(rows, dtype=np.float64),
        ladder=np.array(ladder, dtype=np.int64),
        first_need=np.array(first_need, dtype=np.int64),
        need=np.array(need, dtype=np.int64),
        plain=np.array(plain, dtype=np.bool_),
        scaled=np.array([any(row[-1] for _, row in legs) for _, _, legs in groups]),
    )


def _pairs(menu: Menu, level: Level, column: int, selection: Selection, scaled: Sequence[int]) -> PairTable:
    # what shares no collection with the cuts is settled by counting
    tied = {called for pair in selection.pairs for called in pair.between}
    columns = {OBJECTS[level][leg.object].columns for leg in selection.legs if leg.called in tied}
    slots = [
        (number, leg)
        for number, leg in enumerate(selection.legs)
        for _ in range(leg.count)
        if selection.exclusive_dr is not None or OBJECTS[level][leg.object].columns in columns
    ]
    # the search is short where slots with cuts between them come first
    slots.sort(key=lambda slot: slot[1].called not in tied)
    kinds = [OBJECTS[level][leg.object] for _, leg in slots]
    distinct = list({kind.columns: kind for kind in kinds}.values())
    order = [kind.columns for kind in distinct]
    found: list[tuple[int, int, PairCut | float]] = []
    for pair in selection.pairs:
        first, second = (n for n, (_, leg) in enumerate(slots) if leg.called in pair.between)
        found.append((first, second, pair))
    if selection.exclusive_dr is not None:
        found += [
            (n, m, selection.exclusive_dr)
            for m, other in enumerate(kinds)
            for n, kind in enumerate(kinds[:m])
            if kind.columns != other.columns and not kind.scalar and not other.scalar
        ]
    return PairTable(
        selection=column,
        kinds=tuple(distinct),
        place=np.array([order.index(kind.columns) for kind in kinds], dtype=np.int64),
        legs=np.array([
            cuts(menu, leg, kind, number in scaled)
            for (number, leg), kind in zip(slots, kinds, strict=True)
        ]),
        twin=np.array([n > 0 and slots[n][0] == slots[n - 1][0] for n in range(len(slots))], dtype=np.int64),
        first=np.array([n for n, _, _ in found], dtype=np.int64),
        second=np.array([m for _, m, _ in found], dtype=np.int64),
        windows=np.array([_windows(cut) for _, _, cut in found]).reshape(-1, 2 * len(PAIR_CUTS)),
        charge=np.array([_charge(cut) for _, _, cut in found], dtype=np.int64),
    )  # fmt: skip


def _windows(cut: PairCut | float) -> list[float]:
    ends = dict.fromkeys(PAIR_CUTS, (-np.inf, np.inf))
    if isinstance(cut, PairCut):
        for name, window in cut.windows().items():
            low, high = window.min, window.max
            ends[name] = (-np.inf if low is None else low, np.inf if high is None else high)
    else:
        ends["delta_r"] = (cut, np.inf)
    return [end for name in PAIR_CUTS for end in ends[name]]


def _charge(cut: PairCut | float) -> int:
    charge = cut.charge if isinstance(cut, PairCut) else None
    return {"same": 1, "opposite": -1, None: 0}[charge]
