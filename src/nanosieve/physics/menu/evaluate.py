"""Decisions of a menu for blocks of events, with compiled loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.trigger_sample import Collection, TriggerEvents
from nanosieve.physics.menu import kernels
from nanosieve.physics.menu.inputs import network_columns, network_inputs
from nanosieve.physics.menu.program import CollectionTable, PairTable, Program, compile_menu
from nanosieve.physics.menu.schema import Menu
from nanosieve.physics.menu.words import LEVELS, OBJECTS, Level, TriggerObject

__all__ = ["Decisions", "Evaluator", "Scorer", "networks"]

Scorer: TypeAlias = Callable[[NDArray[np.float32]], NDArray[Any]]
"""Inputs of N events (N, 19, 3) → (N,) scores; higher is more interesting."""

_NO_FLOATS, _NO_INTEGERS = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int32)
_CUT_FIELDS = {2: "iso", 3: "quality", 4: "mass", 5: "btag"}
"""Column of the cuts → field."""
_INTEGERS = ("quality", "btag", "charge")


@dataclass(frozen=True)
class Decisions:
    """What fired, before prescales.

    Attributes:
        l1: (N, items) bool, in the order of the menu.
        hlt: (N, lines) bool; a line fires only with its item.
    """

    l1: NDArray[np.bool_]
    hlt: NDArray[np.bool_]


class Evaluator:
    """A menu that is ready to decide.

    Args:
        menu: the menu.
        scorers: a function for each network of the menu, by the path in its ``score``.
        scaled: item or line → numbers of the legs whose pT thresholds `highest_scale` multiplies.

    Raises:
        SettingsError: a network of the menu without a scorer.

    Attributes:
        columns: of the trigger sample that the menu needs.
    """

    def __init__(
        self,
        menu: Menu,
        *,
        scorers: Mapping[str, Scorer] | None = None,
        scaled: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.menu = menu
        self.scorers = dict(scorers or {})
        self._programs = compile_menu(menu, dict(scaled or {}))
        items = list(menu.l1)
        self._seeds = np.array([items.index(line.l1) for line in menu.lines.values()], dtype=np.int64)
        for where, network, _ in networks(menu):
            if network not in self.scorers:
                message = (
                    f"{where} needs the network {network!r}; give it as scorers={{{network!r}: function}}"
                )
                raise SettingsError(message)
        self.columns = _columns(menu)

    def __call__(self, events: TriggerEvents) -> Decisions:
        """Decide on a block that has at least `columns`.

        Raises:
            SampleError: a column is missing, objects are not ordered by falling pT, or scores not finite.
        """
        l1 = self._run("l1", events, self._start(events))
        hlt = self._run("hlt", events, np.ascontiguousarray(l1[:, self._seeds]))
        return Decisions(l1.view(np.bool_), hlt.view(np.bool_))

    def highest_scale(
        self, events: TriggerEvents, level: Level, *, low: float, high: float, steps: int = 26
    ) -> NDArray[np.float64]:
        """The largest factor of the scaled thresholds at which each item or line fires in each event.

        A line counts where its item fires, whose thresholds are not scaled. Decisions fall with the factor,
        so that it is found by bisection, for all at once.

        Args:
            events: a block.
            level: whose selections are scaled.
            low, high: between which factors it is sought, on a logarithmic scale.
            steps: halvings of the interval.

        Returns:
            (N, M) a factor at which it fires, within ``(high / low)^(1 / 2^steps)`` of the largest; `high`
            where it fires up to there, 0 where it does not even fire at `low`.
        """
        start = self._start(events)
        if level == "hlt":
            start = np.ascontiguousarray(self._run("l1", events, start)[:, self._seeds])
        passing = np.full(start.shape, np.log(low))
        failing = np.full(start.shape, np.log(high))
        fires = self._run(level, events, start.copy(), np.exp(passing))
        always = self._run(level, events, fires.copy(), np.exp(failing), scores=False)
        for _ in range(steps):
            middle = (passing + failing) / 2
            passed = self._run(level, events, fires.copy(), np.exp(middle), scores=False).astype(np.bool_)
            passing, failing = np.where(passed, middle, passing), np.where(passed, failing, middle)
        return np.where(always, high, np.where(fires, np.exp(passing), 0.0))

    def _start(self, events: TriggerEvents) -> NDArray[np.uint8]:
        """What may fire at Level 1 by its bunch slot."""
        missing = [c for c in self.columns if c not in events.collections and c not in events.scalars]
        if missing:
            message = (
                f"the events lack {', '.join(missing)}, which menu {self.menu.name!r} needs; read them too"
            )
            raise SampleError(message)
        l1 = np.ones((len(events), len(self.menu.l1)), dtype=np.uint8)
        for column, item in enumerate(self.menu.l1.values()):
            if item.bunch_group is not None:
                slots = np.asarray(dict(self.menu.bunch_groups)[item.bunch_group])
                l1[:, column] = np.isin(events.scalars["bunch"], slots)
        return l1

    def _run(
        self,
        level: Level,
        events: TriggerEvents,
        fired: NDArray[np.uint8],
        scale: NDArray[np.float64] | None = None,
        *,
        scores: bool = True,
    ) -> NDArray[np.uint8]:
        program = self._programs[level]
        factors = np.ones((1, 1)) if scale is None else scale
        for table in program.collections:
            _match_legs(table, events, factors, fired)
        for pairs in program.pairs:
            _match_pairs(pairs, events, factors, fired)
        if scores:
            self._scores(program, events, fired)
        return fired

    def _scores(self, program: Program, events: TriggerEvents, fired: NDArray[np.uint8]) -> None:
        """Networks come last, and see only events that pass everything else."""
        for column, selection in enumerate(program.selections):
            if selection.score is None:
                continue
            chosen = np.flatnonzero(fired[:, column])
            if not len(chosen):
                continue
            inputs = network_inputs(events, program.level)[chosen]
            scores = np.asarray(self.scorers[selection.score.network](inputs), dtype=np.float64)
            network = selection.score.network
            if scores.shape != (len(chosen),):
                message = (
                    f"network {network!r} gives scores of shape {scores.shape} for {len(chosen)} events; "
                    f"accepted: ({len(chosen)},)"
                )
                raise SampleError(message)
            if not np.isfinite(scores).all():
                message = f"network {network!r} gives a score that is not finite; look at its inputs"
                raise SampleError(message)
            fired[chosen, column] = scores > selection.score.above


def networks(menu: Menu) -> list[tuple[str, str, Level]]:
    """The networks of a menu: where each stands, its path and its level."""
    found: list[tuple[str, str, Level]] = [
        (f"item {name!r}", item.score.network, LEVELS[0]) for name, item in menu.l1.items() if item.score
    ]
    return found + [
        (f"line {name!r}", line.hlt.score.network, LEVELS[1])
        for name, line in menu.lines.items()
        if line.hlt.score
    ]


def _columns(menu: Menu) -> tuple[str, ...]:
    needed: dict[str, None] = {}
    for item in menu.l1.values():
        if item.bunch_group is not None:
            needed["bunch"] = None
        for leg in item.legs:
            needed |= dict.fromkeys(OBJECTS["l1"][leg.object].columns)
    for line in menu.lines.values():
        for leg in line.hlt.legs:
            needed |= dict.fromkeys(OBJECTS["hlt"][leg.object].columns)
    for _, _, level in networks(menu):
        needed |= dict.fromkeys(network_columns(level))
    return tuple(needed)


def _objects(kind: TriggerObject, events: TriggerEvents) -> tuple[NDArray[np.int64], Mapping[str, Any]]:
    """Offsets and fields of the objects of a kind; a scalar is a collection of one."""
    if not kind.scalar:
        collection = events.collections[kind.columns[0]]
        return collection.offsets, collection.fields
    fields = {
        name: np.ascontiguousarray(events.scalars[column], dtype=np.float32)
        for name, column in zip(("pt", "phi"), kind.columns, strict=False)
    }
    return np.arange(len(events) + 1, dtype=np.int64), fields


def _arrays(fields: Mapping[str, Any], names: Sequence[str]) -> list[NDArray[Any]]:
    """The fields as the compiled loops take them; those that do not exist are empty."""
    return [
        np.ascontiguousarray(
            fields.get(name, _NO_INTEGERS if name in _INTEGERS else _NO_FLOATS),
            dtype=np.int32 if name in _INTEGERS else np.float32,
        )
        for name in names
    ]


def _match_legs(
    table: CollectionTable, events: TriggerEvents, scale: NDArray[np.float64], fired: NDArray[np.uint8]
) -> None:
    offsets, fields = _objects(table.kind, events)
    arrays = _arrays(fields, ("pt", "eta", "iso", "quality", "mass", "btag", "charge"))
    if not table.kind.scalar and (event := kernels.unsorted_event(offsets, arrays[0])) >= 0:
        name = table.kind.columns[0]
        message = f"{name} is not ordered by falling pT in event {event} of a block; sort its objects"
        raise SampleError(message)
    kernels.match_legs(
        offsets,
        *arrays,
        table.selection,
        table.first_leg,
        table.legs,
        table.ladder,
        table.first_need,
        table.need,
        table.plain,
        table.scaled,
        scale,
        fired,
    )


def _match_pairs(
    table: PairTable, events: TriggerEvents, scale: NDArray[np.float64], fired: NDArray[np.uint8]
) -> None:
    """The search is only for events that have the objects; these are copied together."""
    chosen = np.flatnonzero(fired[:, table.selection])
    if not len(chosen):
        return
    starts, parts, total = [], [], 0
    for kind in table.kinds:
        offsets, fields = _objects(kind, events)
        found = _taken(Collection(offsets, fields), chosen)
        starts.append(found.offsets + total)
        size = int(found.offsets[-1])
        total += size
        own = kind.level == "hlt" and "mass" in found.fields
        rest = found.fields["mass"] if own else np.full(size, kind.mass)
        parts.append({**found.fields, "rest": rest})
    joined = {name: _joined(parts, name) for name in ("pt", "eta", "phi", "charge", "rest")}
    joined |= {
        name: _joined(parts, name)
        for column, name in _CUT_FIELDS.items()
        if np.isfinite(table.legs[:, column]).any()
    }
    event = np.concatenate([np.repeat(np.arange(len(chosen)), np.diff(start)) for start in starts])
    moved = table.legs[:, 7].any()
    factor = scale[chosen, table.selection][event] if moved else np.ones(1)
    accepted = np.array([_accepts(row, joined, factor) for row in table.legs], dtype=np.uint8)
    passed = np.zeros(len(chosen), dtype=np.uint8)
    kernels.match_pairs(
        np.array(starts),
        joined["pt"],
        joined["eta"],
        joined["phi"],
        joined["rest"],
        joined["charge"],
        accepted,
        table.place,
        table.twin,
        table.first,
        table.second,
        table.windows,
        table.charge,
        passed,
    )
    fired[chosen, table.selection] = passed


def _joined(parts: Sequence[Mapping[str, NDArray[Any]]], name: str) -> NDArray[np.float64]:
    """One field of several collections, zero where a collection does not have it."""
    columns = [part.get(name, np.zeros(len(part["pt"]))) for part in parts]
    return np.concatenate(columns).astype(np.float64, copy=False)


def _taken(collection: Collection, events: NDArray[np.intp]) -> Collection:
    """The objects of some events."""
    counts = collection.counts[events]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    index = np.repeat(collection.offsets[events] - offsets[:-1], counts) + np.arange(offsets[-1])
    return Collection(offsets, {name: values[index] for name, values in collection.fields.items()})


def _accepts(
    cut: NDArray[np.float64], objects: Mapping[str, NDArray[np.float64]], scale: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which objects pass a row of cuts."""
    found = objects["pt"] >= (cut[0] * scale if cut[7] else cut[0])
    if np.isfinite(cut[1]):
        found &= np.abs(objects["eta"]) < cut[1]
    if np.isfinite(cut[2]):
        found &= objects["iso"] < cut[2]
    if np.isfinite(cut[3]):
        found &= objects["quality"] >= cut[3]
    if np.isfinite(cut[4]):
        found &= objects["mass"] >= cut[4]
    if np.isfinite(cut[5]):
        found &= (objects["btag"] > 0) & (objects["btag"] <= cut[5])
    if cut[6]:
        found &= objects["charge"] == cut[6]
    return np.asarray(found)
