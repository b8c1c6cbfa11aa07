"""Where the weights of a design are kept that can be reloaded, and at which addresses of its write port.

A layer keeps the weights that all its slots read alike in registers, and those that differ from slot to slot
in the rows of a memory, one for each phase. Both are written in words of `WORD` bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, Integers, Weights
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.feed import Literal, Stored
from nanosieve.compiler.hardware.memories import WORD

__all__ = ["SETTLE", "Bank", "Column", "WeightMap", "WeightStore", "map_weights"]

SETTLE = 2
"""Cycles after that of a write in which no event may enter, until all layers have the word."""

Words = NDArray[np.uint32]


@dataclass(frozen=True)
class Column:
    """Neighbouring bits of all rows of a bank.

    Attributes:
        width: bits.
        content: what stands there in each row, a weight or a constant code.
    """

    width: int
    content: tuple[Stored | int, ...]

    def codes(self, values: Mapping[str, Integers]) -> Integers:
        """The codes in all rows; `values` holds those of each node of weights, flat."""
        return np.array(
            [
                int(values[entry.weight.source][entry.weight.index]) << entry.shift
                if isinstance(entry, Stored)
                else entry
                for entry in self.content
            ],
            dtype=np.int64,
        )


@dataclass(frozen=True)
class Bank:
    """Registers (one row) or a memory.

    Attributes:
        columns: side by side, the first at the lowest bits.
        depth: rows.
        style: of the memory; empty for registers.
        base: address of the first word.
    """

    columns: tuple[Column, ...]
    depth: int
    style: str = ""
    base: int = 0

    @property
    def width(self) -> int:
        """Bits of a row."""
        return sum(column.width for column in self.columns)

    @property
    def parts(self) -> tuple[int, ...]:
        """Bits of the words that make a row."""
        whole, rest = divmod(self.width, WORD)
        return (WORD,) * whole + ((rest,) if rest else ())

    @property
    def stride(self) -> int:
        """From an address to that of the next part of the same row, a power of two."""
        return 1 << (self.depth - 1).bit_length()

    @property
    def words(self) -> int:
        """Addresses that it takes."""
        return len(self.parts) * self.stride

    def fill(self, image: Words, values: Mapping[str, Integers]) -> None:
        """Put its words into the image of all words."""
        own = image[self.base : self.base + self.words].reshape(len(self.parts), self.stride)
        lsb = 0
        for column in self.columns:
            codes = column.codes(values) & ((1 << column.width) - 1)
            for part in range(lsb // WORD, (lsb + column.width - 1) // WORD + 1):
                shift = lsb - part * WORD
                bits = codes << shift if shift >= 0 else codes >> -shift
                own[part, : self.depth] |= (bits & ((1 << WORD) - 1)).astype(np.uint32)
            lsb += column.width


@dataclass(frozen=True)
class WeightStore:
    """The weights of one layer.

    Attributes:
        steady: those that stand still; None if there are none.
        rows: those of each phase.
    """

    steady: Bank | None
    rows: Bank | None

    @property
    def banks(self) -> tuple[Bank, ...]:
        """Those that there are."""
        return tuple(bank for bank in (self.steady, self.rows) if bank is not None)


@dataclass(frozen=True)
class WeightMap:
    """All weights of a design.

    Attributes:
        stores: layer → where its weights are.
        words: addresses, from 0 on.
    """

    stores: Mapping[str, WeightStore]
    words: int

    @cached_property
    def address_bits(self) -> int:
        """Of the write port."""
        return max(1, (self.words - 1).bit_length())

    def image(self, graph: Graph) -> Words:
        """The words at all addresses for the weights of `graph`; 0 where there is nothing."""
        nodes = (node for node in graph.nodes if isinstance(node.op, Weights))
        values = {node.name: node.op.codes.ravel() for node in nodes if isinstance(node.op, Weights)}
        image = np.zeros(self.words, dtype=np.uint32)
        for store in self.stores.values():
            for bank in store.banks:
                bank.fill(image, values)
        return image


def map_weights(layers: Sequence[BuiltLayer]) -> WeightMap | None:
    """The addresses of the weights of all layers; None where there are no weights.

    Banks with the longest strides come first, so that each begins at a multiple of its stride and the upper
    bits of an address tell to which part of which bank it belongs.
    """
    found = {layer.name: _store(layer) for layer in layers}
    stores = {name: store for name, store in found.items() if store.banks}
    if not stores:
        return None
    order = [
        (name, n)
        for name, store in stores.items()
        for n, bank in enumerate((store.steady, store.rows))
        if bank
    ]
    banks = {key: bank for key in order if (bank := (stores[key[0]].steady, stores[key[0]].rows)[key[1]])}
    base, placed = 0, {}
    for key in sorted(order, key=lambda key: -banks[key].stride):
        placed[key] = replace(banks[key], base=base)
        base += banks[key].words
    mapped = {name: WeightStore(placed.get((name, 0)), placed.get((name, 1))) for name in stores}
    return WeightMap(mapped, base)


def _store(layer: BuiltLayer) -> WeightStore:
    steady = tuple(Column(e.width, (Stored(e, 0),)) for e in layer.weights)
    columns, style = [], ""
    if layer.feed is not None and layer.feed.rows is not None:
        style = layer.feed.rows.style
        for port in layer.feed.ports:
            if port.stored:
                content: list[Stored | int] = [0] * layer.feed.phases
                for phase, n in port.loads:
                    choice = port.choices[n]
                    assert isinstance(choice, Stored | Literal)
                    content[phase] = choice if isinstance(choice, Stored) else choice.code
                columns.append(Column(port.width, tuple(content)))
    phases = layer.feed.phases if layer.feed is not None else 1
    rows = Bank(tuple(columns), phases, style) if columns else None
    return WeightStore(Bank(steady, 1) if steady else None, rows)
