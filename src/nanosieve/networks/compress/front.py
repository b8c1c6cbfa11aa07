"""What a search has found, and of which no other is better in everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nanosieve.compiler.graph import Graph
from nanosieve.figure import Figure
from nanosieve.networks.compress.recipe import Recipe

__all__ = ["Candidate", "Front"]


@dataclass(frozen=True)
class Candidate:
    """One compressed network.

    Attributes:
        recipe: how it was made.
        path: its model file.
        graph: what the hardware computes.
        value: the metric, with its error.
        loss: by how much it is worse than the float network on the same events, with the error of that.
        resources: ``lut``, ``ff``, ``dsp``, ``bram36``, ``uram``, estimated.
        size: all of them in LUTs.
        latency_ns: estimated.
        fits: whether latency and room are within the budget.
    """

    recipe: Recipe
    path: Path
    graph: Graph
    value: Figure
    loss: Figure
    resources: Mapping[str, Figure]
    size: float
    latency_ns: Figure
    fits: bool


@dataclass(frozen=True)
class Front:
    """All networks of a search, and the choice among them.

    Attributes:
        metric: its name.
        reference: the metric of the float network.
        candidates: in the order in which they were made.
    """

    metric: str
    reference: Figure
    candidates: tuple[Candidate, ...]

    @property
    def points(self) -> tuple[Candidate, ...]:
        """The networks that no other beats: none is both smaller and better, or equal in one and better in
        the other; by size.
        """
        chosen: list[Candidate] = []
        for candidate in sorted(self.candidates, key=lambda c: (c.size, -c.value.value)):
            if not chosen or candidate.value.value > chosen[-1].value.value:
                chosen.append(candidate)
        return tuple(chosen)

    def smallest(self, loss: float) -> Candidate | None:
        """The smallest network within the budget whose loss in % is `loss` at most; None if there is none."""
        good = [c for c in self.candidates if c.fits and c.loss.value <= loss]
        return min(good, key=lambda c: c.size, default=None)

    def best(self, luts: float) -> Candidate | None:
        """The network within the budget with the best metric of those of `luts` LUTs at most, or None."""
        small = [c for c in self.candidates if c.fits and c.size <= luts]
        return max(small, key=lambda c: (c.value.value, -c.size), default=None)

    def rows(self) -> list[list[str]]:
        """The points as a table: recipe, metric, loss, LUT, DSP and latency, with their errors."""
        return [
            [
                c.recipe.title,
                c.value.number(),
                c.loss.number(),
                c.resources["lut"].number(),
                c.resources["dsp"].number(),
                c.latency_ns.number(),
            ]
            for c in self.points
        ]
