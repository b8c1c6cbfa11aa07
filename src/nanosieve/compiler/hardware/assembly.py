"""The graph of a kernel while it grows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Gather,
    Integers,
    Op,
    Overflow,
    Quantize,
    Reshape,
    Rounding,
    TensorType,
    aligning,
)

__all__ = ["Assembly"]


@dataclass
class Assembly:
    """Adds nodes of one layer and names them after the values of the original graph."""

    layer: str
    builder: Builder
    prefix: str = ""
    cache: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def of(self, name: str) -> None:
        """The nodes that follow belong to the value `name`; its step is left out of their names."""
        self.prefix = re.sub(r"\.[a-z]\d+(?=\.)", "", name)

    def add(self, op: Op, *inputs: str, part: str = "") -> str:
        """Add a node and return its name."""
        name = f"{self.prefix}.{part}" if part else self.prefix
        unique, count = name, 2
        while unique in self.builder.types:
            unique, count = f"{name}_{count}", count + 1
        part = unique.removeprefix(f"{self.layer}.") if unique.startswith(f"{self.layer}.") else unique
        if unique == self.layer:
            return self.builder.add(op, *inputs, layer=self.layer)
        if unique == part:
            return self.builder._append(op, inputs, self.layer, unique)
        return self.builder.add(op, *inputs, layer=self.layer, part=part)

    def type(self, name: str) -> TensorType:
        """Proven type of a node."""
        return self.builder.types[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a node."""
        return self.builder.types[name].shape

    def constant(self, codes: Integers, exponent: Integers, part: str) -> str:
        """Add fixed codes."""
        return self.add(Constant(codes, exponent), part=part)

    def picked(self, name: str, index: Integers) -> str:
        """The flat elements `index`, in its shape; -1 is a zero. No node where nothing changes."""
        key = (name, index.shape, np.asarray(index, dtype=np.int64).tobytes())
        if key not in self.cache:
            same = np.array_equal(index.ravel(), np.arange(self.type(name).size))
            if not same:
                self.cache[key] = self.add(Gather(index), name, part="picked")
            elif index.shape == self.shape(name):
                self.cache[key] = name
            else:
                self.cache[key] = self.add(Reshape(index.shape), name, part="shaped")
        return self.cache[key]

    def reshaped(self, name: str, shape: tuple[int, ...]) -> str:
        """The same elements in another shape."""
        return self.picked(name, np.arange(self.type(name).size).reshape(shape))

    def aligned(self, name: str, axes: tuple[int, ...]) -> str:
        """All elements along `axes` at one step."""
        op = aligning(self.type(name), axes)
        return name if op is None else self.add(op, name, part="aligned")

    def fitted(self, name: str, wanted: TensorType, *, exact: bool = False) -> str:
        """`name`, whose values are known to have the type `wanted` wherever they are read.

        Bits beyond it are dropped, which costs nothing. With `exact` the step is that of `wanted` too.
        """
        own, wanted = self.type(name), wanted.reshape(self.shape(name))
        shift = own.exponent - wanted.exponent
        low, high = _cover(wanted)
        up, down = np.clip(shift, 0, 61), np.maximum(-shift, 0)
        room = own.width + up <= 61
        outside = (
            ~room | (own.low << np.where(room, up, 0) < low) | (own.high << np.where(room, up, 0) > high)
        )
        change = (down > 0) | outside | (exact & (shift != 0))
        if not change.any():
            return name
        own_low, own_high = _cover(own)
        target = TensorType(
            np.where(change, low, own_low),
            np.where(change, high, own_high),
            np.where(change, wanted.exponent, own.exponent),
        )
        return self.add(Quantize(target, Rounding.TRN, Overflow.WRAP), name, part="fitted")


def _cover(x: TensorType) -> tuple[Integers, Integers]:
    """The range of the narrowest format that holds each element."""
    width, signed = x.width, x.signed
    half = np.int64(1) << np.maximum(width - 1, 0)
    low = np.where(signed, -half, 0)
    return low, np.where(signed, half - 1, (np.int64(1) << width) - 1)
