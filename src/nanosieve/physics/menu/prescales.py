"""Prescales as probabilities: a prescale P keeps an event with probability 1/P, independently of all others.

A Level-1 item is prescaled once for all lines that start from it: given the events that fired, its lines are
kept together or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.menu.schema import Menu

__all__ = ["Keep", "enhanced_bias_weights", "keep_of_items", "keep_of_lines"]


@dataclass(frozen=True)
class Keep:
    """With which probability what fired is kept.

    Attributes:
        own: (M,) 1/prescale of each item or line.
        group: (M,) number of the common prescale, that of the Level-1 item.
        common: (groups,) 1/prescale of each.
    """

    own: NDArray[np.float64]
    group: NDArray[np.int64]
    common: NDArray[np.float64]

    def single(self) -> NDArray[np.float64]:
        """(M,) probability of each alone."""
        return self.own * self.common[self.group]

    def both(self) -> NDArray[np.float64]:
        """(M, M) probability that both of two are kept, given that both fired; alone on the diagonal."""
        product = np.outer(self.single(), self.single())
        together = self.group[:, None] == self.group
        found = np.where(together, product / self.common[self.group][:, None], product)
        np.fill_diagonal(found, self.single())
        return found


def keep_of_items(menu: Menu) -> Keep:
    """For the Level-1 items."""
    own = np.array([1 / item.prescale for item in menu.l1.values()])
    return Keep(own, np.arange(len(own)), np.ones(len(own)))


def keep_of_lines(menu: Menu) -> Keep:
    """For the lines, whose common prescale is that of their item."""
    items = list(menu.l1)
    return Keep(
        np.array([1 / line.hlt.prescale for line in menu.lines.values()]),
        np.array([items.index(line.l1) for line in menu.lines.values()], dtype=np.int64),
        keep_of_items(menu).own,
    )


def enhanced_bias_weights(passed: ArrayLike, prescales: ArrayLike) -> NDArray[np.float64]:
    """Weights that undo the selection of a sample recorded with prescaled chains.

    An event that passes the chains C was recorded with probability ``1 - Π_C (1 - 1 / P_c)``; its weight is
    the inverse. Sums of these weights over the recorded sample, divided by its live time, are rates with the
    error ``√Σw² / time`` (enhanced-bias method, ATL-DAQ-PUB-2016-002). P is the product of the prescales of a
    chain and of its Level-1 item, whose chains are taken as independent.

    Args:
        passed: (N, C) whether an event passes a chain before prescales.
        prescales: (C,) at least 1; infinity for a chain that was off.

    Raises:
        SettingsError: a prescale below 1, or shapes that do not belong together.
        SampleError: an event that no chain can have recorded.

    >>> enhanced_bias_weights([[True, False], [True, True]], [2, 4]).round(3).tolist()
    [2.0, 1.6]
    """
    fired = np.asarray(passed, dtype=np.bool_)
    factors: NDArray[Any] = np.asarray(prescales, dtype=np.float64)
    if fired.ndim != 2 or factors.shape != (fired.shape[1],):
        message = f"passed has shape {fired.shape}, prescales {factors.shape}; accepted: (N, C) and (C,)"
        raise SettingsError(message)
    if not (factors >= 1).all():
        message = f"prescale {factors[~(factors >= 1)][0]:g} is below 1; give 1 or more"
        raise SettingsError(message)
    lost = np.where(fired, 1 - 1 / factors, 1.0).prod(axis=1)
    if (lost >= 1).any():
        message = f"event {int(np.argmax(lost >= 1))} passes no chain that was on; it cannot be in the sample"
        raise SampleError(message)
    return np.asarray(1 / (1 - lost))
