"""Thresholds for a wanted rate: of one leg, or of a whole menu that has to fit into a total rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import threshold_at_rate, trigger_rate
from nanosieve.physics.events.trigger_sample import TriggerEvents, TriggerSample
from nanosieve.physics.menu.conditions import Conditions, conditions_of
from nanosieve.physics.menu.evaluate import Evaluator, Scorer
from nanosieve.physics.menu.load import parse_menu
from nanosieve.physics.menu.passes import opened, pass_over
from nanosieve.physics.menu.prescales import Keep, keep_of_items, keep_of_lines
from nanosieve.physics.menu.rate import Rate
from nanosieve.physics.menu.rates import RateSums, menu_rates
from nanosieve.physics.menu.schema import Menu
from nanosieve.physics.menu.words import Level
from nanosieve.progress import Progress, silent
from nanosieve.units import magnitude

__all__ = ["MenuFit", "Threshold", "fit_menu", "threshold_for_rate"]

LOWEST, HIGHEST = 0.1, 20000.0
"""GeV: between which a threshold is sought."""
LOOSEST, TIGHTEST = 0.1, 20.0
"""Factors of thresholds between which a menu is fitted."""
LARGEST_PRESCALE = 1e9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A threshold that gives a wanted rate.

    Attributes:
        name: item or line.
        leg: number of its leg.
        threshold: GeV, with the error that the statistics of the sample make.
        rate: at the threshold, after prescales.
        menu: with this threshold.
    """

    name: str
    leg: int
    threshold: Figure
    rate: Figure
    menu: Menu


@dataclass(frozen=True)
class MenuFit:
    """A menu that fits into a total rate.

    Attributes:
        menu: the new one.
        by: ``thresholds`` or ``prescales``.
        factor: by which those of the chosen lines were multiplied, before rounding.
        before, after: rate of all lines or items together.
    """

    menu: Menu
    by: str
    factor: float
    before: Rate
    after: Rate


def threshold_for_rate(
    menu: Menu,
    name: str,
    samples: Iterable[TriggerSample | str | Path],
    rate: str,
    *,
    leg: int = 0,
    luminosity: str | None = None,
    bunches: float | None = None,
    pileup: float | None = None,
    reweight_pileup: bool = False,
    scorers: Mapping[str, Scorer] | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> Threshold:
    """The lowest pT threshold of one leg at which an item or a line fires at most at `rate`.

    Memory grows by 16 bytes for every event of the samples.

    Args:
        menu: the menu.
        name: an item, or else a line, whose item stays as it is.
        samples: trigger samples or their paths.
        rate: e.g. ``"15 kHz"``, after prescales.
        leg: number of the leg, from 0.
        luminosity, bunches, pileup, reweight_pileup, scorers, workers, scheduler, progress: as in
            `menu_rates`.

    Raises:
        UnknownNameError: no such item or line.
        SettingsError: no such leg; a rate that is not reached even without the threshold.
        SampleError: so small a sample that no event may fire.
    """
    level: Level = "l1" if name in menu.l1 else "hlt"
    if name not in menu.l1 and name not in menu.lines:
        raise UnknownNameError.among("item or line", name, [*menu.l1, *menu.lines])
    legs = (menu.l1[name] if level == "l1" else menu.lines[name].hlt).legs
    if not 0 <= leg < len(legs):
        message = f"{name} has no leg {leg}; accepted: 0 … {len(legs) - 1}"
        raise SettingsError(message)
    # with a threshold of 1 GeV the factor is the threshold in GeV
    unit = _changed(_only(menu, level, name), level, {name}, lambda pts: [*pts[:leg], 1.0, *pts[leg + 1 :]])
    read = opened(samples)
    chosen = conditions_of(
        read,
        luminosity=menu.luminosity if luminosity is None else luminosity,
        bunches=bunches,
        pileup=pileup,
        reweight_pileup=reweight_pileup,
    )
    evaluator = Evaluator(unit, scorers=scorers, scaled={name: [leg]})
    keep = float((keep_of_items if level == "l1" else keep_of_lines)(unit).single()[0])
    found, weights = [], []
    how: dict[str, Any] = {"workers": workers, "scheduler": scheduler, "progress": progress}
    own = (evaluator, level, LOWEST, HIGHEST)
    for scale, w in pass_over(_scale_of_block, own, read, chosen, evaluator.columns, **how):
        found.append(scale[:, 0])
        weights.append(w * keep)
    scores, all_weights = np.concatenate(found), np.concatenate(weights)
    wanted = magnitude(rate, "Hz", name="rate")
    most = chosen.luminosity * float(all_weights[scores > 0].sum())
    if wanted > most:
        message = (
            f"{name} fires at {most:.4g} Hz without the threshold, below the {wanted:.4g} Hz asked for; "
            "ask for less or loosen its other cuts"
        )
        raise SettingsError(message)
    luminosity_text = f"{chosen.luminosity!r} / pb / s"
    point = threshold_at_rate(scores, wanted / 1000, weights=all_weights, luminosity=luminosity_text)
    error = max(point.tight - point.loose, 0.0) / 2
    threshold = Figure(point.threshold, "GeV", Provenance.SIMULATED, error=error)
    value = float(point.threshold)
    changed = _changed(menu, level, {name}, lambda pts: [*pts[:leg], value, *pts[leg + 1 :]])
    fires = trigger_rate(scores, value, weights=all_weights, luminosity=luminosity_text)
    return Threshold(name, leg, threshold, fires, changed)


def fit_menu(
    menu: Menu,
    samples: Iterable[TriggerSample | str | Path],
    total_rate: str,
    *,
    level: Level = "hlt",
    by: Literal["thresholds", "prescales"] = "thresholds",
    only: Sequence[str] = (),
    step: float = 0.1,
    luminosity: str | None = None,
    bunches: float | None = None,
    pileup: float | None = None,
    reweight_pileup: bool = False,
    scorers: Mapping[str, Scorer] | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> MenuFit:
    """Scale a menu until all its lines together fire at most at `total_rate`.

    All pT thresholds of the chosen lines are multiplied by one factor and rounded up; the factor at which
    each line fires is found once for every event, and then the factor of the menu by bisection. Memory grows
    with the events that fire at a tenth of the thresholds.

    Args:
        menu: the menu.
        samples: trigger samples or their paths.
        total_rate: e.g. ``"1.5 kHz"``.
        level: ``hlt``: lines behind unchanged items; ``l1``: items.
        by: what is scaled; prescales are only raised.
        only: lines, items or categories; the others stay. All by default.
        step: GeV to which thresholds are rounded up.
        luminosity, bunches, pileup, reweight_pileup, scorers, workers, scheduler, progress: as in
            `menu_rates`.

    Raises:
        UnknownNameError: no such line, item or category.
        SettingsError: the rate cannot be reached within the allowed factors; a step that is not positive.
    """
    wanted = magnitude(total_rate, "Hz", name="total rate")
    if not (wanted > 0 and step > 0):
        message = f"total rate {total_rate!r} and step {step:g} GeV must be positive"
        raise SettingsError(message)
    names = _chosen(menu, level, only)
    read = opened(samples)
    settings: dict[str, Any] = {
        "luminosity": menu.luminosity if luminosity is None else luminosity,
        "bunches": bunches,
        "pileup": pileup,
        "reweight_pileup": reweight_pileup,
    }
    chosen = conditions_of(read, **settings)
    how: dict[str, Any] = {"workers": workers, "scheduler": scheduler, "progress": progress}
    scale, weights = _scales(menu, level, names if by == "thresholds" else set(), read, chosen, scorers, how)
    keep = keep_of_items(menu) if level == "l1" else keep_of_lines(menu)
    mine = np.array([name in names for name in (menu.l1 if level == "l1" else menu.lines)])

    def rate(factor: float) -> float:
        own = np.where(mine, keep.own / factor, keep.own) if by == "prescales" else keep.own
        sums = RateSums(Keep(own, keep.group, keep.common))
        sums.add(scale >= (factor if by == "thresholds" else 1.0), weights)
        return chosen.luminosity * float(sums.any[0])

    ends = (LOOSEST, TIGHTEST) if by == "thresholds" else (1.0, LARGEST_PRESCALE)
    factor = _bisect(rate, wanted, ends, f"{by} of {len(names)} of {len(mine)} at {level}")
    if by == "thresholds":
        changed = _changed(menu, level, names, lambda pts: [_up(pt * factor, step) for pt in pts])
    else:
        changed = _prescaled(menu, level, names, factor)
    before, after = (menu_rates(m, read, **settings, scorers=scorers, **how) for m in (menu, changed))
    return MenuFit(changed, by, factor, getattr(before, level).any, getattr(after, level).any)


def _scales(
    menu: Menu,
    level: Level,
    names: set[str],
    read: Sequence[TriggerSample],
    chosen: Conditions,
    scorers: Mapping[str, Scorer] | None,
    how: Mapping[str, Any],
) -> tuple[Floats, Floats]:
    """The factor up to which each item or line fires in each event that fires at all, and weights."""
    selections = menu.l1 if level == "l1" else {name: line.hlt for name, line in menu.lines.items()}
    scaled = {name: range(len(selections[name].legs)) for name in names}
    evaluator = Evaluator(menu, scorers=scorers, scaled=scaled)
    found, weights = [], []
    own, columns = (evaluator, level, LOOSEST, TIGHTEST), evaluator.columns
    for scale, w in pass_over(_scale_of_block, own, read, chosen, columns, stage="thresholds", **how):
        some = scale.any(axis=1)
        found.append(scale[some])
        weights.append(w[some])
    return np.concatenate(found), np.concatenate(weights)


def _scale_of_block(
    own: tuple[Evaluator, Level, float, float], events: TriggerEvents, weights: Floats
) -> tuple[Floats, Floats]:
    evaluator, level, low, high = own
    return evaluator.highest_scale(events, level, low=low, high=high), weights


def _bisect(rate: Callable[[float], float], wanted: float, ends: tuple[float, float], what: str) -> float:
    """The smallest factor at which the falling function `rate` is at most `wanted`."""
    low, high = ends
    most, least = rate(low), rate(high)
    if least > wanted:
        message = (
            f"a total of {wanted:.4g} Hz is not reached by the {what}: {least:.4g} Hz are left when they are "
            f"multiplied by {high:g}; allow more, or scale more of the menu"
        )
        raise SettingsError(message)
    if most <= wanted:
        if low == 1.0:
            return low
        message = (
            f"a total of {wanted:.4g} Hz is more than the {what} give: {most:.4g} Hz when they are "
            f"multiplied by {low:g}; ask for less, or loosen what comes before them"
        )
        raise SettingsError(message)
    while high / low > 1 + 1e-7:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if rate(middle) <= wanted else (middle, high)
    return high * (1 + 1e-6)  # beyond the precision of the factors of the events


def _up(value: float, step: float) -> float:
    return round(math.ceil(round(value / step, 9)) * step, 9)


def _chosen(menu: Menu, level: Level, only: Sequence[str]) -> set[str]:
    """Names of the items or lines that `only` means."""
    everything = set(menu.l1 if level == "l1" else menu.lines)
    if not only:
        return everything
    categories = {line.category for line in menu.lines.values()}
    found: set[str] = set()
    for word in only:
        if word in everything:
            found.add(word)
        elif word in categories:
            lines = [(name, line) for name, line in menu.lines.items() if line.category == word]
            found |= {line.l1 if level == "l1" else name for name, line in lines}
        else:
            raise UnknownNameError.among("line, item or category", word, everything | categories)
    return found


def _only(menu: Menu, level: Level, name: str) -> Menu:
    """The menu of one item or line, whose only neighbour is what the schema asks for."""
    line = name if level == "hlt" else next((n for n, li in menu.lines.items() if li.l1 == name), None)
    if line is None:  # an item that no line uses
        line = next(iter(menu.lines))
    items = dict.fromkeys([name] if level == "l1" else []) | {menu.lines[line].l1: None}
    content = menu.model_dump(exclude_defaults=True)
    content["l1"] = {item: content["l1"][item] for item in items}
    content["lines"] = {line: content["lines"][line]}
    return parse_menu(content)


def _changed(menu: Menu, level: Level, names: set[str], change: Callable[[list[float]], list[float]]) -> Menu:
    """`menu` with other thresholds; what was published of it is no longer true, and goes."""
    content = menu.model_dump(exclude_defaults=True)
    for name in names:
        selection = content["l1"][name] if level == "l1" else content["lines"][name]["hlt"]
        legs = selection.get("legs", ())
        selection["legs"] = [
            leg | {"pt": pt} for leg, pt in zip(legs, change([leg["pt"] for leg in legs]), strict=True)
        ]
    return _renamed(menu, content)


def _prescaled(menu: Menu, level: Level, names: set[str], factor: float) -> Menu:
    content = menu.model_dump(exclude_defaults=True)
    for name in names:
        selection = content["l1"][name] if level == "l1" else content["lines"][name]["hlt"]
        selection["prescale"] = selection.get("prescale", 1.0) * factor
    return _renamed(menu, content)


def _renamed(menu: Menu, content: dict[str, Any]) -> Menu:
    for line in content["lines"].values():
        line.pop("published", None)
        line.pop("offline", None)
        line["hlt"].pop("chain", None)
    for item in content["l1"].values():
        item.pop("chain", None)
    content.pop("totals", None)
    content["source"] = f"thresholds or prescales changed from {menu.name}"
    content["name"] = menu.name if menu.name.endswith("-adjusted") else f"{menu.name}-adjusted"
    return parse_menu(content)
