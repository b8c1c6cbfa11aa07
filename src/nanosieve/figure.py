"""`Figure`: a number with its error, its unit and its provenance. Every number shown to a user is one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nanosieve.units import power_of_ten

__all__ = ["Figure", "Provenance"]


class Provenance(StrEnum):
    """Where a number comes from."""

    ESTIMATED = "estimated"
    """from a model of cost or delay"""
    SIMULATED = "simulated"
    """RTL simulation or Monte Carlo events"""
    SYNTHESISED = "synthesised"
    """counted in the netlist that Yosys made"""
    MEASURED = "measured"
    """on a machine, which `source` names"""
    PUBLISHED = "published"
    """printed in the publication that `source` names"""


@dataclass(frozen=True)
class Figure:
    """A number that may be shown.

    Attributes:
        value: the number, in `unit`.
        unit: e.g. ``"ns"``, ``"LUT"``, ``"%"``; empty for a pure number.
        provenance: one of `Provenance`.
        error: one standard deviation in `unit`; None where the number has no statistical error.
        source: publication (arXiv id), machine or tool; required for measured and published numbers.
        interval: lowest and highest value where these are known instead of an error, as of a price.

    Raises:
        ValueError: a measured or published number without a source, a negative error, or an interval that
            does not hold the value.

    >>> print(Figure(12.345, "%", Provenance.SIMULATED, error=0.21))
    12.35 ± 0.21 % (simulated)
    >>> print(Figure(1400.0, "USD", Provenance.ESTIMATED, interval=(800.0, 2500.0)))
    1,400 [800, 2,500] USD (estimated)
    """

    value: float
    unit: str
    provenance: Provenance
    error: float | None = None
    source: str = ""
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", Provenance(self.provenance))
        if self.provenance in (Provenance.MEASURED, Provenance.PUBLISHED) and not self.source:
            message = f"a {self.provenance} number needs its source"
            raise ValueError(message)
        if self.error is not None and self.error < 0:
            message = f"the error of a figure is not negative, not {self.error!r}"
            raise ValueError(message)
        if self.interval is not None and not self.interval[0] <= self.value <= self.interval[1]:
            message = f"the interval {self.interval!r} of a figure does not hold its value {self.value!r}"
            raise ValueError(message)

    def number(self) -> str:
        """Value and error without unit, rounded to two digits of the error (or three of the value).

        >>> Figure(2.038e-5, "pb", Provenance.SIMULATED, error=1.0e-7).number()
        '(2.038 ± 0.010) × 10⁻⁵'
        >>> Figure(10741.6, "events", Provenance.SIMULATED).number()
        '10,742'
        """
        if self.interval is not None:
            numbers = (Figure(value, "", Provenance.ESTIMATED) for value in (self.value, *self.interval))
            middle, low, high = (figure.number() for figure in numbers)
            return f"{middle} [{low}, {high}]"
        size = max(abs(self.value), self.error or 0.0)
        extreme = 0 < size < 1e-3 or 1e7 <= size < math.inf
        if extreme and (self.error or self.value % 1):
            power = math.floor(math.log10(size))
            error = self.error / 10.0**power if self.error else None
            text = Figure(self.value / 10.0**power, "", Provenance.ESTIMATED, error=error).number()
            return f"({text}) × {power_of_ten(power)}" if error else f"{text} × {power_of_ten(power)}"
        if self.error and math.isfinite(self.error):
            digits = max(0, 1 - math.floor(math.log10(self.error)))
            return f"{self.value:,.{digits}f} ± {self.error:,.{digits}f}"
        if self.value == int(self.value) and abs(self.value) < 1e15:
            return f"{int(self.value):,}"
        if 1000 <= abs(self.value) < 1e15:
            return f"{self.value:,.0f}"
        return f"{self.value:.3g}"

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.number()}{unit} ({self.provenance})"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: ``value``, ``error``, ``unit``, ``provenance``; ``source``, ``interval`` if any."""
        data: dict[str, Any] = {
            "value": self.value,
            "error": self.error,
            "unit": self.unit,
            "provenance": str(self.provenance),
        }
        if self.source:
            data["source"] = self.source
        if self.interval is not None:
            data["interval"] = list(self.interval)
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Figure:
        """The inverse of `to_dict`."""
        interval = data.get("interval")
        return cls(
            data["value"],
            data["unit"],
            Provenance(data["provenance"]),
            data["error"],
            data.get("source", ""),
            None if interval is None else (interval[0], interval[1]),
        )
