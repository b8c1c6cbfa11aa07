"""Quantities written with their unit in YAML, as pydantic types that hold plain numbers in SI units."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nanosieve.errors import SettingsError
from nanosieve.units import magnitude

__all__ = [
    "Bandwidth",
    "Count",
    "Edges",
    "Fraction",
    "Name",
    "Positive",
    "Rate",
    "Size",
    "Strict",
    "Time",
    "TimeEdges",
    "middle",
    "refuse",
]


class Strict(BaseModel):
    """Frozen; unknown keys, infinity and NaN are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def refuse(message: str) -> PydanticCustomError:
    """The error with which a type refuses what is written."""
    return PydanticCustomError("contradiction", "{message}", {"message": message})


def _quantity(unit: str, what: str, example: str) -> Callable[[Any], float]:
    """Reads a text with its unit; a number alone may be meant in any, and is refused."""

    def read(written: Any) -> float:
        hint = f"write a {what} with its unit, for example {example!r}"
        if not isinstance(written, str):
            message = f"{written!r} has no unit; {hint}"
            raise refuse(message)
        try:
            value = magnitude(written, unit, name=what)
        except SettingsError as error:
            message = f"{written!r} is no {what}; {hint}"
            raise refuse(message) from error
        if not 0 < value < math.inf:
            message = f"{written!r} is not positive and finite; {hint}"
            raise refuse(message)
        return value

    return read


def _number(written: Any) -> float:
    """A positive number."""
    if isinstance(written, bool) or not isinstance(written, int | float) or not 0 < written < math.inf:
        message = f"{written!r} is not a positive number"
        raise refuse(message)
    return float(written)


def _band(read: Callable[[Any], float]) -> Callable[[Any], tuple[float, float]]:
    """Reads ``[low, high]``, or one value, whose edges are equal."""

    def edges(written: Any) -> tuple[float, float]:
        if not isinstance(written, list | tuple):
            return (read(written),) * 2
        if len(written) != 2:
            message = f"a band has two edges, [low, high], not {len(written)}"
            raise refuse(message)
        low, high = map(read, written)
        if low > high:
            message = f"the band {list(written)} does not rise; write [low, high]"
            raise refuse(message)
        return low, high

    return edges


Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
_TIME, _RATE = _quantity("s", "time", "2.5 us"), _quantity("Hz", "rate", "100 kHz")
Time = Annotated[float, BeforeValidator(_TIME)]
"""s"""
Rate = Annotated[float, BeforeValidator(_RATE)]
"""Hz"""
Size = Annotated[float, BeforeValidator(_quantity("byte", "size", "2 MB"))]
"""byte"""
Bandwidth = Annotated[float, BeforeValidator(_quantity("byte/s", "bandwidth", "1.6 Tb/s"))]
"""byte/s"""
Edges = Annotated[tuple[float, float], BeforeValidator(_band(_number))]
"""A pure number as the edges of its band; equal where it was written as one number."""
TimeEdges = Annotated[tuple[float, float], BeforeValidator(_band(_TIME))]
"""s"""


def middle(edges: tuple[float, float]) -> float:
    """The geometric mean, as `nanosieve.devices.Band.middle`."""
    return math.sqrt(edges[0] * edges[1])
