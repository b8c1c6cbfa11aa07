"""What a network is worth as a trigger: turn-on, efficiency, what fires that should not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import (
    clopper_pearson,
    signal_efficiency,
    threshold_at_false_positive_rate,
)
from nanosieve.physics.menu.turn_on import TurnOn
from nanosieve.studies.muon_compression.networks import Student
from nanosieve.studies.muon_compression.settings import MOST_FALSE, PLATEAU, SOFT, THRESHOLD

__all__ = ["EDGES", "Performance", "curve", "over_seeds", "performance"]

EDGES = np.array([2.0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20])
"""GeV."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Performance:
    """Of one network.

    Attributes:
        plateau: muons from `PLATEAU` on of which it says `THRESHOLD` or more, in %.
        soft: the same of muons below `SOFT`.
        fake: fragments of noise alone of which it says so, in %.
        equal: muons from `PLATEAU` on that are kept where the part `MOST_FALSE` of those below `SOFT` fires,
            whatever threshold that is, in %.
        resolution: root mean square of (said - true) / true between 6 and 14 GeV, in %.
        noise_rate, muon_rate: in kHz, of the trigger at `THRESHOLD`: images of noise and muons of all momenta
            in the whole barrel.
        turn_on: at `THRESHOLD`.
    """

    plateau: Figure
    soft: Figure
    fake: Figure
    equal: Figure
    resolution: Figure
    noise_rate: Figure
    muon_rate: Figure
    turn_on: TurnOn


def performance(student: Student, true: Values, rates: Mapping[float, Figure], *, name: str) -> Performance:
    """Everything on the test fragments.

    Args:
        student: with what it says.
        true: (muons,) true pT in GeV.
        rates: pT in GeV → rate of such muons in kHz, that of noise under 0.
        name: of the turn-on.
    """
    high, low = student.muons[true >= PLATEAU], student.muons[true < SOFT]
    middle = (true >= 6) & (true < 14)
    off = (student.muons[middle] - true[middle]) / true[middle]
    spread = float(np.sqrt(np.mean(off**2)))
    error = float(np.std(off**2)) / (2 * max(spread, 1e-12) * np.sqrt(len(off)))
    source = f"{len(off):,} muons of 6 to 14 GeV"
    fake = _part(student.noise, "fragments")
    muons = {pt: _part(student.muons[np.isclose(true, pt)], "muons") for pt in rates if pt > 0}
    return Performance(
        _part(high, "muons"),
        _part(low, "muons"),
        fake,
        _equal(high, low),
        Figure(100 * spread, "%", Provenance.SIMULATED, 100 * error, source),
        _rate({0.0: fake}, rates),
        _rate(muons, rates),
        curve(name, true, student.muons),
    )


def _equal(high: Values, low: Values) -> Figure:
    try:
        return signal_efficiency(high, threshold_at_false_positive_rate(low, MOST_FALSE))
    except SampleError:  # few bits: more of them than that share the highest value
        source = f"no threshold: over {MOST_FALSE:.0%} of the soft muons share the highest value"
        return Figure(0.0, "%", Provenance.SIMULATED, 0.0, source)


def curve(name: str, true: Values, said: Values) -> TurnOn:
    """Part of the muons of which a network says `THRESHOLD` or more, in bins of their true pT."""
    bins = len(EDGES) - 1
    place = np.searchsorted(EDGES, true, side="right") - 1
    place[true == EDGES[-1]] = bins - 1
    inside = (place >= 0) & (place < bins)
    seen = np.bincount(place[inside], minlength=bins)
    passed = np.bincount(place[inside & (said >= THRESHOLD)], minlength=bins)
    ends = [clopper_pearson(*pair) if pair[1] else (np.nan,) * 2 for pair in zip(passed, seen, strict=True)]
    low, high = np.array(ends).T
    efficiency = np.where(seen > 0, passed / np.maximum(seen, 1), np.nan)
    return TurnOn(name, "pT", (), EDGES, efficiency, low, high, seen.astype(np.float64))


def over_seeds(figures: Sequence[Figure]) -> Figure:
    """The mean over trainings that differ in their seed only; its error is their standard deviation, which
    holds what the training makes of chance. One alone keeps its own error.
    """
    first = figures[0]
    if len(figures) == 1:
        return first
    values = [figure.value for figure in figures]
    return Figure(
        float(np.mean(values)), first.unit, first.provenance, float(np.std(values, ddof=1)),
        f"mean and spread of {len(values)} trainings",
    )  # fmt: skip


def _rate(parts: Mapping[float, Figure], rates: Mapping[float, Figure]) -> Figure:
    """Sum of what fires, in kHz; its error is that of the parts, the rates being estimates."""
    total = sum(part.value * rates[pt].value for pt, part in parts.items()) / 100
    error = math.hypot(*((part.error or 0.0) * rates[pt].value / 100 for pt, part in parts.items()))
    return Figure(total, "kHz", Provenance.ESTIMATED, error, "statistics of the fragments alone")


def _part(said: Values, of: str) -> Figure:
    passed, number = int((said >= THRESHOLD).sum()), len(said)
    low, high = clopper_pearson(passed, number)
    return Figure(
        100 * passed / number, "%", Provenance.SIMULATED, 50 * (high - low), f"{passed:,} of {number:,} {of}"
    )
