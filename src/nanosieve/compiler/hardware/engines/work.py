"""What an engine has to do: a layer, how it is cut, and what follows from both alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, TensorType
from nanosieve.compiler.hardware.engines.arithmetic import Arithmetic, arithmetic_of
from nanosieve.compiler.hardware.engines.positions import Positions
from nanosieve.compiler.hardware.engines.program import Program, program_of
from nanosieve.compiler.hardware.plan import EngineParts
from nanosieve.errors import FoldingError

__all__ = ["EngineWork", "ends_of"]


@dataclass(frozen=True, eq=False)
class EngineWork:
    """What an engine has to do.

    Attributes:
        graph: the network.
        layer: of it.
        parts: how it is cut.
        programs: those that are known, by the elements of the source that come at a time.
    """

    graph: Graph
    layer: Positions
    parts: EngineParts
    programs: dict[int, Program] = field(default_factory=dict)

    def program(self, beat: int) -> Program:
        """The program for a source of which so many elements come at a time, made once.

        Raises:
            FoldingError: the layer cannot be cut so.
        """
        if beat not in self.programs:
            source, output = (self.graph.types[n].shape for n in (self.layer.source, self.layer.output))
            parts = self.parts
            self.programs[beat] = program_of(self.layer, source, output, parts.columns, parts.inputs, beat)
        return self.programs[beat]

    @cached_property
    def read(self) -> NDArray[np.bool_]:
        """Which elements of the source are read, flat."""
        read = np.zeros(self.graph.types[self.layer.source].size, dtype=np.bool_)
        rows = self.layer.rows[np.unique(self.layer.windows)]
        read[rows[rows >= 0]] = True
        return read

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """The kernels.

        Raises:
            FoldingError: the layer cannot be cut so.
        """
        for whole, parts in (
            (self.layer.columns, self.parts.columns),
            (self.layer.inputs, self.parts.inputs),
        ):
            if whole % parts:
                message = f"layer {self.layer.layers[0]!r}: {whole} cannot be cut into {parts} equal parts"
                raise FoldingError(message)
        ends = ends_of(self.graph.types[self.layer.source])
        return arithmetic_of(
            self.layer, ends, self.parts.columns, self.parts.inputs, packed=self.parts.packed
        )

    @property
    def steps(self) -> int:
        """Cycles for each event, at least."""
        return self.layer.windows.size * self.parts.columns * self.parts.inputs


def ends_of(source: TensorType) -> tuple[int, int, int]:
    """Low, high and exponent of all elements of a source."""
    return min(int(source.low.min()), 0), max(int(source.high.max()), 1), int(source.exponent.flat[0])
