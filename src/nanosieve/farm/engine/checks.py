"""Settings of a farm that are read in one way: quantities with units, counts, fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nanosieve.errors import SettingsError
from nanosieve.units import magnitude

__all__ = ["quantity", "share", "sums_to_one", "whole"]


def quantity(value: float | str, unit: str, *, name: str, example: str, zero: bool = True) -> float:
    """The number of `unit` in `value`, which is not negative; infinity is accepted for "no limit".

    Args:
        value: a quantity such as ``"5 ms"``, or a number that is already in `unit`.
        unit: as `nanosieve.units.magnitude` takes it.
        name: what the user calls it.
        example: of what could be written instead.
        zero: whether zero is accepted.

    Raises:
        SettingsError: no quantity, of another dimension, negative, NaN, or zero where that is not accepted.

    >>> quantity("5 ms", "s", name="stage 'tracking': service", example="5 ms")
    0.005
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        message = f"{name} = {value!r} is not a number or a quantity; write for example {example!r}"
        raise SettingsError(message)
    found = magnitude(value, unit, name=name)
    if not found >= 0 or (found == 0 and not zero):
        least = "zero or more" if zero else "above zero"
        message = f"{name} = {value!r} must be {least}; write for example {example!r}"
        raise SettingsError(message)
    return found


def whole(value: int | float, *, name: str, least: int = 1) -> None:
    """Refuse what is not a whole number of at least `least`; infinity is accepted for "no limit".

    Raises:
        SettingsError: a fraction, or below `least`.

    >>> whole(3, name="nodes: slots")
    """
    if isinstance(value, bool) or not value >= least or (math.isfinite(value) and value != int(value)):
        message = f"{name} = {value!r} is not accepted; write a whole number of {least} or more"
        raise SettingsError(message)


def share(value: float, *, name: str) -> None:
    """Refuse what is not between 0 and 1.

    Raises:
        SettingsError: outside.

    >>> share(0.3, name="stage 'tracking': keep")
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        message = f"{name} = {value!r} is not a fraction; accepted: 0 to 1"
        raise SettingsError(message)


def sums_to_one(fractions: Mapping[str, float], *, name: str) -> None:
    """Refuse fractions that are not between 0 and 1 or do not add up to 1.

    Raises:
        SettingsError: says to how much they add up.

    >>> sums_to_one({"minimum bias": 0.9, "boosted": 0.1}, name="event classes")
    """
    for key, value in fractions.items():
        share(value, name=f"{name}: fraction of {key!r}")
    total = math.fsum(fractions.values())
    if abs(total - 1) > 1e-9:
        message = f"{name}: the fractions of {', '.join(fractions)} add up to {total:.6g}; make it 1"
        raise SettingsError(message)
