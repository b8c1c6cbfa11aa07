"""Where the weights of a design are kept that can be reloaded, and at which addresses of its write port.

A layer keeps the weights that all its slots read alike in registers, and those that differ from slot to slot
in the rows of a memory, one for each phase until they begin again. Both are written in words of `WORD` bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.feed import Stored
from nanosieve.compiler.hardware.weight_image import WORD, WeightImage

__all__ = ["SETTLE", "Bank", "Column", "WeightMap", "WeightStore", "map_weights"]

SETTLE = 2
"""Cycles after that of a write in which no event may enter, until all layers have the word."""

Place = tuple[str, int, int, int, int, int, int]


@dataclass(frozen=True)
class Column:
    """Neighbouring bits of all rows of a bank.

    Attributes:
        width: bits.
        content: the weight that stands there in each row; None in a row where nobody reads it, or zero.
    """

    width: int
    content: tuple[Stored | None, ...]


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

    def places(self) -> Iterator[Place]:
        """Where its weights are, as `WeightImage.of` takes it."""
        lsb = 0
        for column in self.columns:
            first = self.base + lsb // WORD * self.stride
            for row, entry in enumerate(column.content):
                if entry is not None:
                    e = entry.weight
                    yield e.source, e.index, entry.shift, first + row, lsb % WORD, column.width, self.stride
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

    @cached_property
    def image(self) -> WeightImage:
        """What makes words of weights."""
        places = [place for store in self.stores.values() for bank in store.banks for place in bank.places()]
        return WeightImage.of(places, self.words)


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
                content: list[Stored | None] = [None] * layer.feed.words
                for phase, n in port.loads:
                    choice = port.choices[n]
                    content[phase % layer.feed.period] = choice if isinstance(choice, Stored) else None
                columns.append(Column(port.width, tuple(content)))
    depth = layer.feed.words if layer.feed is not None else 1
    rows = Bank(tuple(columns), depth, style) if columns else None
    return WeightStore(Bank(steady, 1) if steady else None, rows)
