"""Crossings as all versions of a menu see them: up to which factor of its thresholds each line fires.

A design with another rate limit runs the same menu with all thresholds multiplied by a factor, one at each
level (as `nanosieve.physics.menu.fit_menu` does). The largest factor at which an item or a line fires is
found once for every crossing; any number of designs are then comparisons with these numbers, on the same
crossings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.farm.impact.classes import CLASS_COLUMNS, event_classes
from nanosieve.farm.impact.signals import SIGNALS, Signal, find_signals
from nanosieve.physics.events import TriggerSample, open_trigger_sample
from nanosieve.physics.menu import Conditions, Evaluator, Menu, conditions_of, load_menu, parse_menu
from nanosieve.progress import Progress, silent

__all__ = ["DITHER", "HIGHEST", "LOWEST", "Crossings", "ImpactEvents", "load_events"]

LOWEST = 0.1
HIGHEST = 20.0
"""Factors of thresholds between which crossings are told apart, as in `fit_menu`."""

DITHER = 1e-5
"""Relative. Level-1 momenta come in steps, and a whole step may be a rate of 100 kHz: crossings of equal
factor are told apart at random, as a prescaled copy of the menu one step below would do it."""


@dataclass(frozen=True, eq=False)
class Crossings:
    """N crossings of the background, or of one signal.

    Attributes:
        weights: (N,) pb.
        classes: (N,) places in `CLASSES`.
        level1: (N, items) largest factor at which each item fires; 0 where it never does.
        high_level: (N, lines) the same of each line, whatever Level 1 does.
    """

    weights: NDArray[np.float64]
    classes: NDArray[np.int64]
    level1: NDArray[np.float64]
    high_level: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def best(self) -> NDArray[np.float64]:
        """(N,) largest factor at which any item fires."""
        return np.asarray(self.level1.max(axis=1, initial=0.0))

    @cached_property
    def falling(self) -> NDArray[np.int64]:
        """(N,) places of the crossings by falling `best`."""
        return np.argsort(-self.best, kind="stable")

    def only(self, chosen: NDArray[np.bool_]) -> Crossings:
        """Those where `chosen` (N,) holds."""
        return Crossings(
            self.weights[chosen], self.classes[chosen], self.level1[chosen], self.high_level[chosen]
        )


@dataclass(frozen=True, eq=False)
class ImpactEvents:
    """Everything that the physics of farm designs is calculated from.

    Attributes:
        menu: with its own thresholds, which are those of factor 1.
        conditions: luminosity, bunches and pile-up of the rates.
        items: (lines,) the place of the Level-1 item of each line.
        background: makes the rates.
        signals: by name.
        known: the signals themselves, by name.
    """

    menu: Menu
    conditions: Conditions
    items: NDArray[np.int64]
    background: Crossings
    signals: Mapping[str, Crossings]
    known: Mapping[str, Signal]


def load_events(
    samples: Iterable[TriggerSample | str | Path],
    *,
    signals: Sequence[str] = tuple(SIGNALS),
    menu: Menu | None = None,
    luminosity: str | None = None,
    progress: Progress = silent,
) -> ImpactEvents:
    """Read trigger samples once and find the factors of every crossing.

    Takes about 0.2 ms and 0.6 kB a crossing with the menu of 2018.

    Args:
        samples: background and signals, in one sample or several; benchmark signals make no rate.
        signals: names in `SIGNALS`.
        menu: without prescales [default: ``atlas-2018``, whose published lines cover all signals].
        luminosity: e.g. ``"2e34 / cm**2 / s"`` [default: that of the menu].
        progress: told of the crossings read.

    Raises:
        UnknownNameError: a signal that is not in `SIGNALS`, or in none of the samples.
        SampleError: no background, or samples that do not add up.
        SettingsError: a prescaled menu; luminosity and pile-up that contradict each other.
    """
    chosen = load_menu("atlas-2018") if menu is None else menu
    _unprescaled(chosen)
    read = [s if isinstance(s, TriggerSample) else open_trigger_sample(s) for s in samples]
    conditions = conditions_of(read, luminosity=chosen.luminosity if luminosity is None else luminosity)
    known = {signal.name: signal for signal in find_signals(signals)}
    processes = {name for sample in read for name in sample.processes}
    for signal in known.values():
        if signal.recipe not in processes:
            kind = f"process of signal {signal.name!r}:"
            raise UnknownNameError.among(kind, signal.recipe, processes)
    everything, names = _read(chosen, read, progress)
    background = everything.only(~np.isin(names, [signal.recipe for signal in SIGNALS.values()]))
    if not len(background):
        message = "the samples hold signals only, which make no rate; add the cocktail 'trigger'"
        raise SampleError(message)
    if (background.weights < 0).any():
        message = "genWeight of the background is negative in places; use leading-order processes"
        raise SampleError(message)
    items = [*chosen.l1]
    return ImpactEvents(
        chosen,
        conditions,
        np.array([items.index(line.l1) for line in chosen.lines.values()], dtype=np.int64),
        background,
        {name: everything.only(names == signal.recipe) for name, signal in known.items()},
        known,
    )


def _read(
    menu: Menu, samples: Sequence[TriggerSample], progress: Progress
) -> tuple[Crossings, NDArray[np.str_]]:
    """All crossings, and the process of each."""
    scaled = {name: range(len(item.legs)) for name, item in menu.l1.items()}
    first = Evaluator(menu, scaled=scaled)
    scaled = {name: range(len(line.hlt.legs)) for name, line in menu.lines.items()}
    second = Evaluator(_behind_nothing(menu), scaled=scaled)
    columns = [*dict.fromkeys([*first.columns, *second.columns, *CLASS_COLUMNS])]
    total, done, names = sum(len(sample) for sample in samples), 0, []
    parts: list[Crossings] = []
    for sample in samples:
        for events in sample.blocks(columns):
            parts.append(
                Crossings(
                    events.weights,
                    event_classes(events),
                    first.highest_scale(events, "l1", low=LOWEST, high=HIGHEST),
                    second.highest_scale(events, "hlt", low=LOWEST, high=HIGHEST),
                )
            )
            names.append(events.scalars["process"])
            done += len(events)
            progress("crossings", done, total)
    draw = np.random.default_rng(1)
    joined = Crossings(
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.classes for part in parts]),
        *(
            np.concatenate(scores) * (1 - DITHER * draw.random((done, 1)))
            for scores in ([part.level1 for part in parts], [part.high_level for part in parts])
        ),
    )
    return joined, np.concatenate(names)


def _unprescaled(menu: Menu) -> None:
    scaled = [name for name, item in menu.l1.items() if item.prescale != 1]
    scaled += [name for name, line in menu.lines.items() if line.hlt.prescale != 1]
    if scaled:
        message = f"menu {menu.name!r} prescales {', '.join(scaled)}; its rate is tuned by thresholds: give 1"
        raise SettingsError(message)


def _behind_nothing(menu: Menu) -> Menu:
    """`menu` with items that accept every crossing, so that its lines show what they do alone."""
    content = menu.model_dump(exclude_defaults=True)
    content["l1"] = {name: {"pass_through": True} for name in menu.l1}
    return parse_menu(content)
