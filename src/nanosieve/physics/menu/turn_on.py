"""Turn-ons: the efficiency of an item or a line against a quantity that an analysis sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import clopper_pearson
from nanosieve.physics.events.trigger_sample import TriggerEvents, TriggerSample
from nanosieve.physics.menu.conditions import same_conditions
from nanosieve.physics.menu.evaluate import Evaluator, Scorer
from nanosieve.physics.menu.passes import opened, pass_over
from nanosieve.physics.menu.quantity import Quantity, find_quantity
from nanosieve.physics.menu.schema import Menu
from nanosieve.progress import Progress, silent

__all__ = ["TurnOn", "turn_on", "usual_quantity"]

_OFFLINE = {
    "mu": "Muon",
    "em": "Electron",
    "e": "Electron",
    "gamma": "Photon",
    "tau": "Tau",
    "jet": "Jet",
    "bjet": "Jet",
    "large_jet": "FatJet",
}
"""Object of either level → the collection that an analysis uses."""
_BINS = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TurnOn:
    """Efficiency in bins of a quantity.

    Attributes:
        name: of the item or line.
        against: the quantity, e.g. ``Jet_pt[0]``.
        processes: of which the events are; all if empty.
        edges: (B + 1,) of the bins.
        efficiency: (B,) fraction; NaN in an empty bin.
        low, high: (B,) ends of its central 68.27 % Clopper-Pearson interval, on effective events.
        effective_events: (B,).
    """

    name: str
    against: str
    processes: tuple[str, ...]
    edges: Floats
    efficiency: Floats
    low: Floats
    high: Floats
    effective_events: Floats

    def figures(self) -> list[Figure | None]:
        """The efficiency of each bin in %, half the interval as its error; None for an empty bin."""
        return [
            None
            if np.isnan(value)
            else Figure(100 * value, "%", Provenance.SIMULATED, error=50 * (high - low))
            for value, low, high in zip(
                self.efficiency.tolist(), self.low.tolist(), self.high.tolist(), strict=True
            )
        ]


def turn_on(
    menu: Menu,
    names: Sequence[str],
    samples: Iterable[TriggerSample | str | Path],
    *,
    against: str,
    edges: ArrayLike,
    processes: Sequence[str] = (),
    scorers: Mapping[str, Scorer] | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> list[TurnOn]:
    """The turn-ons of items or lines, before prescales, in one pass.

    Args:
        menu: the menu.
        names: of items or lines.
        samples: trigger samples or their paths.
        against: a column with one value per event (``MET_pt``), or a field of a collection: ``Jet_pt`` or
            ``Jet_pt[0]`` is that of the leading jet, ``Jet_pt[3]`` that of the fourth. Events without that
            object are left out.
        edges: of the bins, rising.
        processes: only these; all by default.
        scorers, workers, scheduler, progress: as `nanosieve.physics.menu.rates.menu_rates`.

    Raises:
        UnknownNameError: no such item, line, column or process.
        SettingsError: edges that do not rise.
        SampleError: as `nanosieve.physics.menu.rates.menu_rates`.
    """
    bins = np.asarray(edges, dtype=np.float64)
    if bins.ndim != 1 or len(bins) < 2 or not (np.diff(bins) > 0).all():
        message = "the edges of a turn-on must be two or more rising numbers"
        raise SettingsError(message)
    quantity = find_quantity(against)
    read = opened(samples)
    known = sorted({name for sample in read for name in sample.processes})
    for name in processes:
        if name not in known:
            raise UnknownNameError.among("process", name, known)
    for name in names:
        if name not in menu.lines and name not in menu.l1:
            raise UnknownNameError.among("item or line", name, [*menu.l1, *menu.lines])
    same_conditions(read)
    evaluator = Evaluator(menu, scorers=scorers)
    columns = [*dict.fromkeys([*evaluator.columns, quantity.column])]
    seen = np.zeros((2, len(bins) - 1))
    passed = np.zeros((len(names), len(bins) - 1))
    own = _Own(menu, tuple(names), evaluator, quantity, bins, tuple(processes))
    for of_block in pass_over(
        _counts, own, read, None, columns, workers=workers, scheduler=scheduler, progress=progress
    ):
        seen += of_block[0]
        passed += of_block[1]
    if not seen.any():
        message = f"no event has {against} between {bins[0]:g} and {bins[-1]:g}; choose other bins or samples"
        raise SampleError(message)
    whose = tuple(processes)
    return [
        _curve(name, quantity.title, whose, bins, row, seen) for name, row in zip(names, passed, strict=True)
    ]


def usual_quantity(menu: Menu, name: str) -> tuple[str, Floats]:
    """What the turn-on of an item or line is mostly drawn against, and bins up to twice its threshold.

    It is that of its first leg: the pT of the offline object of that number, or MET, or HT.

    Raises:
        UnknownNameError: no such item or line.
        SettingsError: it has no legs.
    """
    if name not in menu.lines and name not in menu.l1:
        raise UnknownNameError.among("item or line", name, [*menu.l1, *menu.lines])
    legs = (menu.lines[name].hlt if name in menu.lines else menu.l1[name]).legs
    if not legs:
        message = f"{name} has no leg; say with --against what its turn-on is drawn against"
        raise SettingsError(message)
    leg = legs[0]
    scalar = {"met": "MET_pt", "ht": "HT"}.get(leg.object)
    against = scalar or f"{_OFFLINE[leg.object]}_pt[{leg.count - 1}]"
    return against, np.linspace(0.0, 2 * max(leg.pt, 1.0), _BINS + 1)


@dataclass(frozen=True)
class _Own:
    """What the counts of a block need."""

    menu: Menu
    names: tuple[str, ...]
    evaluator: Evaluator
    quantity: Quantity
    bins: Floats
    processes: tuple[str, ...]


def _counts(own: _Own, events: TriggerEvents, weights: Floats) -> tuple[Floats, Floats]:
    """(2, B) Σ w and Σ w² of the events in each bin, and (names, B) Σ w of those that fire."""
    bins = own.bins
    values = own.quantity.values(events)
    use = (values >= bins[0]) & (values < bins[-1])
    if own.processes:
        use &= np.isin(events.scalars["process"], own.processes)
    place = np.searchsorted(bins, values[use], side="right") - 1
    w = weights[use]
    seen = [np.bincount(place, factors, minlength=len(bins) - 1) for factors in (w, w**2)]
    decisions = own.evaluator(events)
    fired = [_fired(own.menu, name, decisions.l1, decisions.hlt)[use] for name in own.names]
    passed = [np.bincount(place, w * each, minlength=len(bins) - 1) for each in fired]
    return np.array(seen), np.array(passed)


def _fired(menu: Menu, name: str, l1: NDArray[np.bool_], hlt: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if name in menu.lines:
        return np.asarray(hlt[:, [*menu.lines].index(name)])
    return np.asarray(l1[:, [*menu.l1].index(name)])


def _curve(
    name: str, against: str, processes: tuple[str, ...], edges: Floats, passed: Floats, seen: Floats
) -> TurnOn:
    bins = len(edges) - 1
    efficiency, low, high = (np.full(bins, np.nan) for _ in range(3))
    trials = np.zeros(bins)
    for b in np.flatnonzero(seen[1] > 0):
        trials[b] = seen[0, b] ** 2 / seen[1, b]
        efficiency[b] = min(passed[b] / seen[0, b], 1.0)
        low[b], high[b] = clopper_pearson(efficiency[b] * trials[b], trials[b])
    return TurnOn(name, against, processes, edges, efficiency, low, high, trials)
