"""A quantity that the user gave and that must be positive."""

from __future__ import annotations

import math

from nanosieve.errors import SettingsError
from nanosieve.units import magnitude


def positive(text: str | float, unit: str, *, name: str, example: str) -> float:
    """The number of `unit` in `text`, which is finite and above zero.

    Raises:
        SettingsError: `text` is no quantity, of another dimension, not finite or not positive.
    """
    value = magnitude(text, unit, name=name)
    if not 0 < value < math.inf:
        message = f"{name} = {text!r} is not positive and finite; write for example '{example}'"
        raise SettingsError(message)
    return value
