"""The words that the write port of a design takes, for any weights of its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path, existing_file
from nanosieve.compiler.graph import Graph, Integers, Weights
from nanosieve.errors import InputFileError

__all__ = ["FILE", "WORD", "WeightImage", "Words"]

FILE = "weights.npz"
"""In the folder of a design."""
WORD = 32
"""Bits of a word."""

Words = NDArray[np.uint32]


@dataclass(frozen=True)
class WeightImage:
    """Where the bits of every weight are.

    A weight is in `width` bits of a row, which begin at bit `lsb` of the word at `address` and go on in the
    word `stride` addresses further.

    Attributes:
        nodes: names of the nodes of weights.
        node: for each place that holds a weight its node, as a number; (places,) like all that follow.
        index: its flat element of the node.
        shift: its code is shifted to the left by so much.
        address, lsb, width, stride: see above.
        words: number of addresses.
    """

    nodes: tuple[str, ...]
    node: Integers
    index: Integers
    shift: Integers
    address: Integers
    lsb: Integers
    width: Integers
    stride: Integers
    words: int

    @classmethod
    def of(cls, places: Sequence[tuple[str, int, int, int, int, int, int]], words: int) -> WeightImage:
        """From (node, index, shift, address, lsb, width, stride) of each place."""
        nodes = tuple(dict.fromkeys(place[0] for place in places))
        number = {name: n for n, name in enumerate(nodes)}
        rows = np.array([(number[place[0]], *place[1:]) for place in places], dtype=np.int64).reshape(-1, 7)
        return cls._of_rows(nodes, rows.T, words)

    @classmethod
    def _of_rows(cls, nodes: tuple[str, ...], rows: Integers, words: int) -> WeightImage:
        node, index, shift, address, lsb, width, stride = rows
        return cls(nodes, node, index, shift, address, lsb, width, stride, words)

    def fill(self, graph: Graph) -> Words:
        """The words at all addresses for the weights of `graph`; 0 where there is nothing."""
        codes = np.zeros(len(self.node), dtype=np.int64)
        for n, name in enumerate(self.nodes):
            op = graph.by_name[name].op
            assert isinstance(op, Weights)
            own = self.node == n
            codes[own] = op.codes.ravel()[self.index[own]]
        mask = (np.uint64(1) << self.width.astype(np.uint64)) - np.uint64(1)
        bits = (codes << self.shift).astype(np.uint64) & mask
        image = np.zeros(self.words, dtype=np.uint64)
        lsb, low = self.lsb.astype(np.uint64), np.uint64((1 << WORD) - 1)
        parts = (
            bits << lsb & low,
            bits >> (np.uint64(WORD) - lsb) & low,
            bits >> np.uint64(WORD) >> (np.uint64(WORD) - lsb),
        )
        for n, part in enumerate(parts):
            there = part != 0
            np.bitwise_or.at(image, (self.address + n * self.stride)[there], part[there])
        return image.astype(np.uint32)

    def save(self, folder: Path) -> None:
        """Write `FILE` into the folder of a design."""
        arrays = np.stack(
            [self.node, self.index, self.shift, self.address, self.lsb, self.width, self.stride]
        )
        with atomic_path(folder / FILE) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file, allow_pickle=False, nodes=np.array(self.nodes), places=arrays, words=self.words
            )

    @classmethod
    def load(cls, folder: Path) -> WeightImage:
        """Read what `save` wrote.

        Raises:
            InputFileError: the file is missing or damaged; a design with constant weights has none.
        """
        if not (folder / FILE).is_file() and (folder / "design.json").is_file():
            message = (
                f"design {str(folder)!r} has constant weights; compile the network with --reloadable to get "
                "one whose weights can be replaced"
            )
            raise InputFileError(message)
        path = existing_file(folder / FILE, kind="map of the weights", suffixes=(".npz",))
        try:
            with np.load(path, allow_pickle=False) as archive:
                return cls._of_rows(
                    tuple(archive["nodes"].tolist()), archive["places"], int(archive["words"])
                )
        except (ValueError, KeyError, OSError, TypeError) as error:
            message = f"{str(path)!r} is damaged: {error}; compile the model again"
            raise InputFileError(message) from error
