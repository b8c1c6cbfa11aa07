"""Thresholds at the rates of a design: one factor of the menu's thresholds at each level.

A crossing fires where its score, the largest factor at which it still does, lies **above** the factor. The
factor for a rate is the score of the first crossing, in falling order, that would be too much: the rate is
never above the limit, and the next crossing would take it there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, SettingsError
from nanosieve.farm.impact.events import DITHER, HIGHEST, LOWEST, Crossings

__all__ = ["Thresholds", "factor_at_rate", "high_level_scores", "level1_fires", "tune"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """Factors of a menu's thresholds, and the rates that they make.

    Attributes:
        level1: of the items; None where every crossing is accepted.
        high_level: of the lines.
        level1_rate, output_rate: of the background, Hz, before dead time and losses.
        forced_rate: stored without a decision beside `output_rate`, Hz.
    """

    level1: float | None
    high_level: float
    level1_rate: float
    output_rate: float
    forced_rate: float


def level1_fires(crossings: Crossings, level1: float | None) -> NDArray[np.bool_]:
    """(N,) whether any item fires."""
    if level1 is None:
        return np.ones(len(crossings), dtype=np.bool_)
    return np.asarray(crossings.best > level1)


def high_level_scores(crossings: Crossings, level1: float | None, items: NDArray[np.int64]) -> Floats:
    """(N,) largest factor at which any line fires whose item does.

    Args:
        crossings: (N) of them.
        level1: factor of the items; None: every crossing is accepted.
        items: (lines,) item of each line.
    """
    scores = crossings.high_level
    if level1 is not None:
        scores = np.where((crossings.level1 > level1)[:, items], scores, 0.0)
    return np.asarray(scores.max(axis=1, initial=0.0))


def factor_at_rate(
    scores: Floats, rates: Floats, wanted: float, order: NDArray[np.int64] | None = None
) -> float:
    """The factor above which crossings of `rates` (N,) fire with at most `wanted` together; 0 if all may.

    `order` are the places by falling score, where they are known.

    >>> factor_at_rate(np.array([1.0, 3.0, 2.0]), np.array([5.0, 5.0, 5.0]), 11.0)
    1.0
    """
    if order is None:
        order = np.argsort(-scores, kind="stable")
    allowed = int(np.searchsorted(np.cumsum(rates[order]), wanted * (1 + 1e-12), side="right"))
    return float(scores[order[allowed]]) if allowed < len(order) else 0.0


def tune(
    background: Crossings,
    rates: Floats,
    items: NDArray[np.int64],
    level1_rate: float | None,
    output_rate: float,
    *,
    forced: Floats | None = None,
    strict: bool = True,
) -> Thresholds:
    """The thresholds at which the background fires at most at the rates of a design.

    Args:
        background: the crossings that make the rates.
        rates: (N,) of each of them, Hz.
        items: (lines,) item of each line.
        level1_rate, output_rate: Hz; no hardware trigger: None.
        forced: (N,) part of each crossing that is stored without a decision if Level 1 accepts it; it takes
            its rate from the output.
        strict: refuse rates that are out of reach; otherwise the nearest threshold there is.

    Raises:
        SettingsError: a rate that no threshold reaches, or no output rate left.
        SampleError: so few crossings that none may fire.
    """
    level1 = None
    if level1_rate is not None:
        level1 = factor_at_rate(background.best, rates, level1_rate, background.falling)
        if strict:
            _reachable("Level 1", level1, background.best, rates, level1_rate)
    fires = level1_fires(background, level1)
    forced_rate = 0.0 if forced is None else float((rates * forced)[fires].sum())
    left = output_rate - forced_rate
    if strict and left <= 0:
        message = (
            f"time-outs alone store {forced_rate:.4g} Hz without a decision, and {output_rate:.4g} Hz may be "
            "stored; lengthen the time-out, or lose what times out"
        )
        raise SettingsError(message)
    accepted = rates[fires]  # what Level 1 rejects has the score 0
    scores = high_level_scores(background.only(fires), level1, items)
    high_level = factor_at_rate(scores, accepted, left)
    if strict:
        _reachable("the high-level trigger", high_level, scores, accepted, left)
    return Thresholds(
        level1,
        high_level,
        float(accepted.sum()),
        float(accepted[scores > high_level].sum()),
        forced_rate,
    )


def _reachable(where: str, factor: float, scores: Floats, rates: Floats, wanted: float) -> None:
    if factor == 0.0:
        most = float(rates[scores > 0].sum())
        message = (
            f"{where} fires at {most:.4g} Hz at most, with thresholds multiplied by {LOWEST:g}, and "
            f"{wanted:.4g} Hz were asked for; ask for less, or give a looser menu"
        )
        raise SettingsError(message)
    highest = HIGHEST * (1 - DITHER)
    if factor >= highest:
        least = float(rates[scores >= highest].sum())
        message = (
            f"{where} fires at {least:.4g} Hz even with thresholds multiplied by {HIGHEST:g}, above the "
            f"{wanted:.4g} Hz asked for; allow more, or give a tighter menu"
        )
        raise SettingsError(message)
    if not (scores > factor).any():
        message = (
            f"the first to fire make {rates[scores >= factor].sum():.4g} Hz of {where}, more than the "
            f"{wanted:.4g} Hz asked for, so that not one crossing may; make more background"
        )
        raise SampleError(message)
