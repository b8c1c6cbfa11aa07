"""Physical units: everything a user writes as ``"25 ns"`` passes through here (pint)."""

from __future__ import annotations

from functools import cache

import pint

from nanosieve.errors import SettingsError

__all__ = ["magnitude", "power_of_ten", "registry"]


@cache
def registry() -> pint.UnitRegistry[float]:
    """The unit registry of the package, with the barn of particle physics."""
    units: pint.UnitRegistry[float] = pint.UnitRegistry()
    if "barn" not in units:
        units.define("barn = 1e-28 * meter ** 2 = b")
    return units


def magnitude(text: str | float, unit: str, *, name: str) -> float:
    """The number of `unit` in `text`.

    Args:
        text: a quantity with its unit (``"1 us"``), or a plain number that is already in `unit`.
        unit: the unit wanted.
        name: what the user calls it, for the message.

    Raises:
        SettingsError: `text` is no quantity, or of another dimension.

    >>> magnitude("1 us", "ns", name="latency")
    1000.0
    """
    if isinstance(text, (int, float)):
        return float(text)
    try:
        return float(round(registry().Quantity(text).to(unit).magnitude, 12))
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
        message = f"{name} = {text!r} is not a quantity in units of {unit}; write for example '25 {unit}'"
        raise SettingsError(message) from error


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """Ten to an integer power, as people read it.

    >>> power_of_ten(-5)
    '10⁻⁵'
    """
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"
