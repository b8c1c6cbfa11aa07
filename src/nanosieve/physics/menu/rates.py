"""Rates of a menu: total, pure and proportional of every line, overlaps, efficiencies, in one pass.

``rate = L Σ w`` over the events that fire, with the error ``L √Σ w²``. *Pure* counts events that no other
line keeps; *proportional* shares every event between the lines that keep it, so that the proportional rates
add up to the rate of the menu. Prescales enter as probabilities, exactly in expectation (`prescales`,
`kernels`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, UnknownNameError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import clopper_pearson
from nanosieve.physics.events.trigger_sample import TriggerEvents, TriggerSample
from nanosieve.physics.menu import kernels
from nanosieve.physics.menu.conditions import Conditions, conditions_of
from nanosieve.physics.menu.evaluate import Decisions, Evaluator, Scorer
from nanosieve.physics.menu.passes import opened, pass_over
from nanosieve.physics.menu.prescales import Keep, keep_of_items, keep_of_lines
from nanosieve.physics.menu.rate import FEWEST, Rate, make_rate
from nanosieve.physics.menu.schema import Menu
from nanosieve.progress import Progress, silent

__all__ = ["MenuRates", "RateSums", "RateTable", "menu_rates"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RateTable:
    """The rates of one level.

    Attributes:
        total: item or line → its rate after prescales.
        pure: → the rate that no other one keeps.
        proportional: → its share; the shares add up to `any`.
        any: rate of the menu at this level.
        overlap: (M, M) rate that both keep, divided by that of the row; NaN where the row has none.
        overlap_error: (M, M) binomial, with the effective events of the row.
    """

    total: Mapping[str, Rate]
    pure: Mapping[str, Rate]
    proportional: Mapping[str, Rate]
    any: Rate
    overlap: Floats
    overlap_error: Floats

    def to_dict(self) -> dict[str, Any]:
        """Rates by name, and the overlap matrix with nulls where it is not defined."""
        tables = {"total": self.total, "pure": self.pure, "proportional": self.proportional}
        found: dict[str, Any] = {
            title: {name: rate.to_dict() for name, rate in table.items()} for title, table in tables.items()
        }
        overlap = [[None if np.isnan(value) else float(value) for value in row] for row in self.overlap]
        error = [[None if np.isnan(value) else float(value) for value in row] for row in self.overlap_error]
        return found | {"any": self.any.to_dict(), "overlap": overlap, "overlap_error": error}


@dataclass(frozen=True)
class MenuRates:
    """What a menu does to samples.

    Attributes:
        menu: as evaluated.
        conditions: luminosity, bunches, pile-up.
        events: crossings that the rates rest on.
        effective_events: of them, (Σ w)² / Σ w².
        l1: rates of items in kHz.
        hlt: rates of lines in Hz.
        efficiencies: signal → level → item or line, and ``any`` → % with its Clopper-Pearson error.
    """

    menu: Menu
    conditions: Conditions
    events: int
    effective_events: float
    l1: RateTable
    hlt: RateTable
    efficiencies: Mapping[str, Mapping[str, Mapping[str, Figure]]]


@dataclass
class RateSums:
    """Sums over events at one level; those of several blocks or samples add up."""

    keep: Keep
    sums: Floats = field(init=False)
    any: Floats = field(init=False)
    overlap: Floats = field(init=False)

    def __post_init__(self) -> None:
        number = len(self.keep.own)
        self.sums, self.any, self.overlap = np.zeros((6, number)), np.zeros(2), np.zeros((number, number))
        nodes, weights = np.polynomial.legendre.leggauss(number // 2 + 1)
        self._nodes, self._weights = (nodes + 1) / 2, weights / 2

    def add(self, fired: NDArray[np.bool_], weights: Floats) -> Floats:
        """Add events; gives the (N,) probabilities that any line keeps them."""
        kept = np.zeros(len(weights))
        bits = np.ascontiguousarray(fired).view(np.uint8)
        kernels.add_up(
            bits,
            weights,
            self.keep.own,
            self.keep.group,
            self.keep.common,
            self._nodes,
            self._weights,
            self.sums,
            self.any,
            kept,
        )
        pairs = np.zeros_like(self.overlap)
        kernels.add_pairs(bits, weights, kept, pairs)
        self.overlap += pairs * self.keep.both()
        return kept

    def __iadd__(self, other: RateSums) -> RateSums:
        """Those of other events of the same menu."""
        self.sums += other.sums
        self.any += other.any
        self.overlap += other.overlap
        return self

    def weights(self, fallback: Floats) -> Floats:
        """(M,) the weight of an event that fires, ``Σ w² / Σ w``; at least `fallback` where few do."""
        total, squares = self.sums[:2]
        own = np.where(total > 0, squares / np.where(total > 0, total, 1.0), 0.0)
        few = total**2 < FEWEST * squares
        return np.where(few | (total <= 0), np.maximum(own, fallback), own)

    def table(self, names: Sequence[str], per_weight: float, unit: str, fallback: Floats) -> RateTable:
        """The rates; `fallback` (M,) are weights for limits on lines without an event."""
        weights = (fallback, self.weights(fallback), self.weights(fallback))

        def rates(part: int) -> dict[str, Rate]:
            total, squares = self.sums[2 * part : 2 * part + 2]
            return {
                name: make_rate(total[n], squares[n], per_weight, unit, weights[part][n])
                for n, name in enumerate(names)
            }

        with np.errstate(invalid="ignore", divide="ignore"):
            overlap = self.overlap / self.sums[0][:, None]
            trials = self.sums[0] ** 2 / self.sums[1]
            error = np.sqrt(np.maximum(overlap * (1 - overlap), 0) / trials[:, None])
        whole = make_rate(self.any[0], self.any[1], per_weight, unit, float(fallback.max()))
        return RateTable(rates(0), rates(1), rates(2), whole, overlap, error)


def menu_rates(
    menu: Menu,
    samples: Iterable[TriggerSample | str | Path],
    *,
    luminosity: str | None = None,
    bunches: float | None = None,
    pileup: float | None = None,
    reweight_pileup: bool = False,
    signals: Sequence[str] = (),
    scorers: Mapping[str, Scorer] | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> MenuRates:
    """Rates and efficiencies of a menu.

    Args:
        menu: the menu.
        samples: trigger samples or their paths; their rates add up.
        luminosity: e.g. ``"2e34 / cm**2 / s"``; that of the menu by default.
        bunches, pileup, reweight_pileup: as in `nanosieve.physics.menu.conditions.conditions_of`.
        signals: processes whose efficiency is wanted; their events do not enter the rates.
        scorers: functions of the networks in the menu; picklable ones for several workers.
        workers, scheduler: as in `nanosieve.executor.run_tasks`; the rates do not depend on them.
        progress: called for every part of the samples.

    Raises:
        SampleError: samples that do not add up, negative weights, no events.
        SettingsError: luminosity, bunches and pile-up contradict each other; a network without scorer.
        UnknownNameError: a signal that no sample holds.
    """
    read = opened(samples)
    chosen = conditions_of(
        read,
        luminosity=menu.luminosity if luminosity is None else luminosity,
        bunches=bunches,
        pileup=pileup,
        reweight_pileup=reweight_pileup,
    )
    known = sorted({name for sample in read for name in sample.processes})
    for name in signals:
        if name not in known:
            raise UnknownNameError.among("process", name, known)
    evaluator = Evaluator(menu, scorers=scorers)
    keeps = {"l1": keep_of_items(menu), "hlt": keep_of_lines(menu)}
    found = {name: _Sums.of(keeps) for name in ("", *signals)}
    own = (evaluator, keeps, tuple(signals))
    blocks = pass_over(
        _sums_of_block, own, read, chosen, evaluator.columns,
        workers=workers, scheduler=scheduler, progress=progress,
    )  # fmt: skip
    for block in blocks:
        for name, sums in block.items():
            found[name] += sums
    levels, seen = found[""].levels, {name: sums.seen for name, sums in found.items()}
    number, total, squares = seen[""]
    if signals and not number:
        message = f"all events belong to the signals {', '.join(signals)}; add a sample that makes the rate"
        raise SampleError(message)
    if not squares > 0:
        message = f"all weights of {str(read[0].path)!r} are zero; make the sample again"
        raise SampleError(message)
    every = squares / total * levels["l1"].keep.single()
    after_item = levels["l1"].weights(every)[levels["hlt"].keep.group] * levels["hlt"].keep.own
    return MenuRates(
        menu,
        chosen,
        int(number),
        total**2 / squares,
        levels["l1"].table(list(menu.l1), chosen.luminosity / 1000, "kHz", every),
        levels["hlt"].table(list(menu.lines), chosen.luminosity, "Hz", after_item),
        {name: _efficiencies(menu, found[name].levels, seen[name]) for name in signals},
    )


@dataclass
class _Sums:
    """Of the events of one signal, or of all others.

    Attributes:
        levels: sums at each level.
        seen: their number, Σ w and Σ w².
    """

    levels: dict[str, RateSums]
    seen: Floats = field(default_factory=lambda: np.zeros(3))

    @classmethod
    def of(cls, keeps: Mapping[str, Keep]) -> _Sums:
        return cls({level: RateSums(keep) for level, keep in keeps.items()})

    def add(self, decisions: Decisions, weights: Floats, chosen: NDArray[np.bool_]) -> None:
        w = weights[chosen]
        self.seen += len(w), w.sum(), (w**2).sum()
        for level, sums in self.levels.items():
            sums.add(getattr(decisions, level)[chosen], w)

    def __iadd__(self, other: _Sums) -> _Sums:
        self.seen += other.seen
        for level, sums in self.levels.items():
            sums += other.levels[level]
        return self


def _sums_of_block(
    own: tuple[Evaluator, Mapping[str, Keep], tuple[str, ...]], events: TriggerEvents, weights: Floats
) -> dict[str, _Sums]:
    """Signal → sums of its events in a block, and under the empty name those of all others."""
    evaluator, keeps, signals = own
    decisions = evaluator(events)
    rest = np.ones(len(events), dtype=np.bool_)
    found: dict[str, _Sums] = {}
    for name in signals:
        mine = events.scalars["process"] == name
        rest &= ~mine
        if mine.any():
            found[name] = _Sums.of(keeps)
            found[name].add(decisions, weights, mine)
    if rest.any():
        found[""] = _Sums.of(keeps)
        found[""].add(decisions, weights, rest)
    return found


def _efficiencies(menu: Menu, levels: Mapping[str, RateSums], seen: Floats) -> dict[str, dict[str, Figure]]:
    names = {"l1": [*menu.l1], "hlt": [*menu.lines]}
    found = {}
    for level, sums in levels.items():
        passed = dict(zip(names[level], sums.sums[0], strict=True)) | {"any": sums.any[0]}
        found[level] = {name: _efficiency(float(value), seen) for name, value in passed.items()}
    return found


def _efficiency(passed: float, seen: Floats) -> Figure:
    _, total, squares = seen
    if not squares > 0:
        message = "a signal has no events of positive weight; make more"
        raise SampleError(message)
    trials = float(total**2 / squares)
    low, high = clopper_pearson(passed / total * trials, trials)
    error = 100 * (high - low) / 2
    return Figure(100 * passed / float(total), "%", Provenance.SIMULATED, error=error)
