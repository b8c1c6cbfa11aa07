"""Into the plan and out of it: real values and codes of the inputs checked and encoded, outputs decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate import kernels
from nanosieve.compiler.emulate.stage import tiled
from nanosieve.compiler.emulate.tiers import FLOAT32, FLOAT64, INT64, magnitude, tier_of
from nanosieve.compiler.graph import Graph, Input, Node, Overflow, Rounding, TensorType, encode

__all__ = ["Codes", "Decode", "Reals", "Refusal", "Store"]

LARGEST_FACTOR = 100
"""Bits of a step below 1 in float32."""


@dataclass(frozen=True)
class Refusal:
    """Why an event of an input is refused; `event` counts from the start of the sample."""

    event: int
    message: str


class Codes:
    """An input given as codes: copied, and refused outside of its type."""

    def __init__(self, name: str, port: Input) -> None:
        self.name, self.type = name, port.type
        self.bounds = tiled(INT64, port.type.low.reshape(-1), port.type.high.reshape(-1))

    def __call__(self, array: NDArray[Any], first: int, out: NDArray[Any]) -> Refusal | None:
        """The events of `array`, the first of which is event `first` of the sample, to the flat `out`."""
        if not self.type.size:
            return None
        place = kernels.load(_flat(array, (np.dtype(np.int64),)), *self.bounds, out)
        if place >= 0:
            event = first + place // self.type.size
            message = f"input {self.name!r} has a code outside its type {self.type} at event {event}"
            return Refusal(event, message)
        return None


class Reals:
    """An input given as real values: encoded as its port states, and refused where not finite."""

    def __init__(self, name: str, port: Input) -> None:
        type = port.type
        self.name, self.type = name, type
        factor = np.exp2(-type.exponent.astype(float))
        count = type.high - type.low + 1.0
        constants = [a.reshape(-1) for a in (factor, type.low, type.high, count)]
        self.constants = {FLOAT64: tiled(FLOAT64, *constants)}
        self.half = 0.5 if port.rounding is Rounding.RND else np.inf
        self.nearest = port.rounding is Rounding.RND_CONV
        self.overflow = kernels.CLIP
        if port.overflow is Overflow.WRAP:
            self.overflow = kernels.DROP if (np.frexp(count)[0] == 0.5).all() else kernels.WRAP
        # float32 times a power of two from 1 on is exact, or infinite and clipped. What rounding cuts off is
        # exact too, but for numbers between -1/2 and 0, for which it stays 1/2 or more.
        exact = (factor >= 1) & (factor <= 2.0**LARGEST_FACTOR)
        if self.overflow == kernels.CLIP and tier_of(magnitude(type)) == FLOAT32 and exact.all():
            self.constants[FLOAT32] = tiled(FLOAT32, *constants)
        self.alone: Graph | None = None
        if magnitude(type).max(initial=0.0) >= 2.0**52:  # too wide for the kernel
            self.alone = Graph((Node(name, port, (), name),), {name: name})

    def __call__(self, array: NDArray[Any], first: int, out: NDArray[Any]) -> Refusal | None:
        """The events of `array`, the first of which is event `first` of the sample, to the flat `out`."""
        if not self.type.size:
            return None
        x = _flat(array, (np.dtype(np.float32), FLOAT64))
        tier = x.dtype if x.dtype in self.constants else FLOAT64
        half = tier.type(self.half)
        place = kernels.encode(x, *self.constants[tier], half, self.nearest, self.overflow, out)
        if place >= 0:
            event, flat = divmod(int(place), self.type.size)
            element = [int(n) for n in np.unravel_index(flat, self.type.shape)]
            message = (
                f"input {self.name!r} holds {x[place]} at event {first + event}, element {element}; "
                "remove or mend such events"
            )
            return Refusal(first + event, message)
        if self.alone is not None:
            codes = encode(self.alone, {self.name: x.reshape(-1, *self.type.shape)})[self.name]
            np.copyto(out, codes.reshape(-1), casting="unsafe")
        return None


class Store:
    """An output as codes."""

    def __call__(self, block: NDArray[Any], out: NDArray[Any]) -> None:
        """The events of `block` to the same ones of the result."""
        np.copyto(out, block.reshape(out.shape), casting="unsafe")


class Decode:
    """An output as real values."""

    def __init__(self, type: TensorType) -> None:
        self.steps = tiled(FLOAT64, np.exp2(type.exponent.astype(float)).reshape(-1))

    def __call__(self, block: NDArray[Any], out: NDArray[Any]) -> None:
        """The events of `block` to the same ones of the result."""
        kernels.decode(block.reshape(-1), *self.steps, out.reshape(-1))


def _flat(array: NDArray[Any], accepted: tuple[np.dtype[Any], ...]) -> NDArray[Any]:
    """A block as a flat, contiguous, writable array of an accepted format (the last, if it has another)."""
    wanted = array.dtype if array.dtype in accepted else accepted[-1]
    flat = np.ascontiguousarray(array, dtype=wanted).reshape(-1)
    return flat if flat.flags.writeable else flat.copy()
