"""Laws that every run must obey, checked at the end of each: conservation and Little's law."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import InvariantError
from nanosieve.farm.engine.tables import IN_FLIGHT

__all__ = ["check_conservation", "check_little"]

Floats = NDArray[np.float64]


def check_conservation(fate: NDArray[np.int8], in_flight: int, counted: int) -> None:
    """Offered = accepted + lost + rejected, and as many in flight at the end as the loop counted.

    Args:
        fate: (N,) of all events, once the farm is empty.
        in_flight: events that arrived before the end of the run and left behind it, from their times.
        counted: those that the loop counted at that moment.

    Raises:
        InvariantError: an event without a fate, or numbers that differ.
    """
    without = int((fate == IN_FLIGHT).sum())
    if without:
        message = f"conservation: {without} of {len(fate)} events have no fate though the farm is empty"
        raise InvariantError(message)
    if in_flight != counted:
        message = f"conservation: {in_flight} events in flight at the end by their times, {counted} by count"
        raise InvariantError(message)


def check_little(integral: float, arrivals: Floats, ended: Floats, horizon: float) -> None:
    """Little's law, ``N = λ T``, in the form that holds exactly for every run.

    Args:
        integral: of the number of events in the farm over the run, events · s, as the loop counted it.
        arrivals, ended: (N,) in s.
        horizon: end of the run in s.

    Raises:
        InvariantError: the integral is not the sum of the times that the events spent in the farm.
    """
    times = np.minimum(ended, horizon) - np.minimum(arrivals, horizon)
    spent = math.fsum(times.tolist()) if len(times) < 10_000 else float(times.sum())
    if abs(spent - integral) > 1e-7 * abs(spent) + 1e-12 * horizon * (len(times) + 1):
        message = (
            f"Little's law: events spent {spent:.9g} s in the farm, which held {integral:.9g} events · s"
        )
        raise InvariantError(message)
