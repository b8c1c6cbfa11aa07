"""Physical units: everything a user writes as ``"25 ns"`` passes through here (pint)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

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

    An amount of data is a dimension of its own: a rate in Hz is no bandwidth. In a bandwidth, ``b/s`` are
    bits; a size is written in bytes, ``B``, and everywhere else ``b`` is the barn.

    Raises:
        SettingsError: `text` is no quantity, or of another dimension.

    >>> magnitude("1 us", "ns", name="latency")
    1000.0
    >>> magnitude("1.6 Tb/s", "GB/s", name="bandwidth")
    200.0
    """
    if isinstance(text, (int, float)):
        return float(text)
    try:
        wanted = registry().Unit(unit)
        quantity: pint.Quantity[float] = registry().Quantity(
            _BIT.sub(r"\1bit", text) if _is_data(wanted) else text
        )
        if _is_data(quantity.units) != _is_data(wanted):  # to pint, both are plain numbers
            raise pint.DimensionalityError(quantity.units, wanted)
        return float(round(quantity.to(wanted).magnitude, 12))
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
        message = f"{name} = {text!r} is not a quantity in units of {unit}; write for example '25 {unit}'"
        raise SettingsError(message) from error


_BIT = re.compile(r"(?<![A-Za-z])([kMGTPE]?)b(?=\s*/\s*s\b)")


def _is_data(unit: Any) -> bool:
    """Whether bits or bytes are in `unit`."""
    return any(str(name).endswith(("bit", "byte")) for name in unit._units)


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """Ten to an integer power, as people read it.

    >>> power_of_ten(-5)
    '10⁻⁵'
    """
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"
