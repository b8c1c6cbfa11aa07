"""`Plan`: by which architecture every layer is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.compiler.hardware.kernel import Fold
from nanosieve.errors import SettingsError

__all__ = ["Choice", "Copies", "EngineParts", "Fold", "Plan", "choice_of", "text_of"]


@dataclass(frozen=True)
class Copies:
    """A recurrent layer as so many cells, each of which does an equal share of the time steps.

    Attributes:
        cells: how many.
        columns: parts of the state, one for each slot of a step.
    """

    cells: int = 1
    columns: int = 1


@dataclass(frozen=True)
class EngineParts:
    """A layer of products as an engine: a program of counters and tables over a memory.

    Attributes:
        columns: parts of the columns, one for each step.
        inputs: parts of the inputs, one for each step.
        packed: whether one multiplier makes two products.
    """

    columns: int = 1
    inputs: int = 1
    packed: bool = False


Choice = Fold | Copies | EngineParts
"""How a layer works in several slots per event; without a choice it is unrolled."""


@dataclass(frozen=True)
class Plan:
    """How every layer is built.

    Attributes:
        layers: layer → its choice; those not named are unrolled.
        beats: input → positions that enter in a cycle; those not named enter in one cycle.
        interval: cycles between two events.
    """

    layers: Mapping[str, Choice] = field(default_factory=dict)
    beats: Mapping[str, int] = field(default_factory=dict)
    interval: int = 1

    def to_dict(self) -> dict[str, object]:
        """The JSON form."""
        layers = {name: text_of(choice) for name, choice in self.layers.items()}
        return {"layers": layers, "beats": dict(self.beats), "interval": self.interval}


def text_of(choice: Choice | None) -> str:
    """How a user writes a choice.

    >>> text_of(None), text_of(Copies(2)), text_of(Fold(1, 4, packed=True))
    ('unrolled', 'cells:2', 'slots:1,4,packed')
    """
    match choice:
        case None:
            return "unrolled"
        case Copies():
            return f"cells:{choice.cells}" + (f",{choice.columns}" if choice.columns > 1 else "")
        case EngineParts():
            return f"engine:{choice.columns},{choice.inputs}" + (",packed" if choice.packed else "")
        case Fold():
            sizes = [choice.positions, choice.columns, *([choice.inputs] if choice.inputs > 1 else [])]
            return f"slots:{','.join(map(str, sizes))}" + (",packed" if choice.packed else "")


_WRITTEN = re.compile(
    r"unrolled|cells:(?P<cells>\d+)(,(?P<state>\d+))?|slots:(?P<p>\d+)(,(?P<q>\d+)(,(?P<r>\d+))?(?P<packed>,packed)?)?"
    r"|engine:(?P<columns>\d+),(?P<inputs>\d+)(?P<two>,packed)?"
)


def choice_of(text: str) -> Choice | None:
    """The inverse of `text_of`; parts may be left out.

    Raises:
        SettingsError: the text is no choice.
    """
    found = _WRITTEN.fullmatch(text.strip())
    counts = ("cells", "state", "p", "q", "r", "columns", "inputs")
    if found is None or "0" in [found[count] for count in counts]:
        message = (
            f"{text!r} is no way to build a layer: unrolled, slots:P,Q,R (P positions, one of Q parts of the "
            "columns and one of R parts of the inputs in a slot; slots:P,Q,R,packed for two products in a "
            "DSP slice), cells:N,Q (N copies of a recurrent cell, one of Q parts of the state in a slot), or "
            "engine:Q,R (one of Q parts of the columns and one of R parts of the inputs in a step; or packed)"
        )
        raise SettingsError(message)
    if found["cells"]:
        return Copies(int(found["cells"]), int(found["state"] or 1))
    if found["columns"]:
        return EngineParts(int(found["columns"]), int(found["inputs"]), packed=bool(found["two"]))
    if found["p"]:
        positions, columns, inputs = (int(found[size] or 1) for size in ("p", "q", "r"))
        return Fold(positions, columns, inputs, packed=bool(found["packed"]))
    return None
