"""The vectors of one verification: events, corners and random codes, all in one row, each with its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, decode, encode
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.compiler.verification.vectors import (
    all_vectors,
    corner_vectors,
    edge_values,
    random_vectors,
    scaled_vectors,
    usual_number,
)

__all__ = ["VectorSet", "flat", "take"]

Codes = NDArray[np.int64]
Values = NDArray[Any]


@dataclass(frozen=True)
class VectorSet:
    """Vectors of several kinds, one kind after the other.

    Attributes:
        counts: kind → number of vectors, in the order of the rows.
        values: input name → what the trained model gets, float32 (vectors, *shape).
        codes: input name → what the graph and the hardware get, int64 (vectors, *shape).
    """

    counts: Mapping[str, int]
    values: Mapping[str, Values]
    codes: Mapping[str, Codes]

    def __len__(self) -> int:
        return sum(self.counts.values())

    def name(self, number: int) -> str:
        """What the user can find vector `number` by: ``"event 3 of the random vectors"``."""
        for kind, count in self.counts.items():
            if number < count:
                return f"event {number} of the {kind}" + ("" if kind == "events" else " vectors")
            number -= count
        raise IndexError(number)

    @classmethod
    def make(
        cls,
        design: DesignFolder,
        graph: Graph,
        inputs: Mapping[str, Values] | Values | None,
        random: int,
        seed: int,
    ) -> VectorSet:
        """The given events, corners, edges, `random` vectors, and a quarter as many small ones.

        If the inputs take no more than `random` combinations of codes, all of them instead of random ones.

        Raises:
            SampleError: `inputs` hold NaN or infinity, or have the wrong shape.
            UnknownNameError: an input of another name.
        """
        generator = np.random.default_rng(seed)
        kinds: dict[str, Mapping[str, Values]] = {}
        if inputs is not None:
            named = inputs if isinstance(inputs, Mapping) else {next(iter(graph.inputs)): inputs}
            with np.errstate(over="ignore"):  # infinity is refused by name when encoded
                kinds["events"] = {name: np.asarray(array, dtype=np.float32) for name, array in named.items()}
        kinds["corner"] = _real(graph, corner_vectors(design, usual_number(design, 20_000, 50)))
        kinds["edge"] = edge_values(graph)
        if (everything := all_vectors(design, random)) is not None:
            kinds["exhaustive"] = _real(graph, everything)
        elif random:
            kinds["random"] = _real(graph, random_vectors(design, random, generator))
            kinds["small random"] = _real(graph, scaled_vectors(design, -(-random // 4), generator))
        # encoded again, so that a port wider than the 24 bits of float32 gets what the model gets
        codes = [encode(graph, values) for values in kinds.values()]
        counts = {kind: len(next(iter(part.values()))) for kind, part in zip(kinds, codes, strict=True)}
        return cls(counts, _join(list(kinds.values())), _join(codes))


def _real(graph: Graph, codes: Mapping[str, Codes]) -> dict[str, Values]:
    return {
        name: decode(codes[name].reshape(-1, *type.shape), type).astype(np.float32)
        for name, type in graph.inputs.items()
    }


def _join(parts: list[Any]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def take(codes: Mapping[str, Codes], pick: NDArray[Any] | slice) -> dict[str, Codes]:
    """The vectors number `pick` of every bus."""
    return {name: array[pick] for name, array in codes.items()}


def flat(array: Values) -> Values:
    """(vectors, *shape) as (vectors, elements)."""
    return array.reshape(len(array), math.prod(array.shape[1:]))  # of no vectors too
