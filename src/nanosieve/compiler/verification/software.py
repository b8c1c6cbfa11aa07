"""The software twins of the graph as stages of the proof: the emulator, and the C++ of the design folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate import Emulator, emulate_cpp
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.verification.difference import SUSPECTS
from nanosieve.compiler.verification.stages import Case
from nanosieve.compiler.verification.vector_set import flat, take
from nanosieve.errors import VerificationError
from nanosieve.progress import Progress

__all__ = ["CppStage", "EmulatorStage"]

Codes = NDArray[np.int64]
Run = Callable[[Graph, Mapping[str, Codes]], Mapping[str, Codes]]


@dataclass(frozen=True)
class EmulatorStage:
    """`nanosieve.compiler.emulate.Emulator`, compared code by code."""

    name = "emulator"

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """See `Stage.check`."""

        def run(graph: Graph, codes: Mapping[str, Codes]) -> Mapping[str, Codes]:
            return Emulator(graph).run(codes)

        _check(self.name, run, case, progress)
        return {}


@dataclass(frozen=True)
class CppStage:
    """The C++ source of the network, compiled and run, compared code by code.

    Attributes:
        header: the file in the design folder.
    """

    header: Path

    name = "C++"

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """See `Stage.check`."""

        def run(graph: Graph, codes: Mapping[str, Codes]) -> Mapping[str, Codes]:
            return emulate_cpp(graph, codes, self.header if graph is case.graph else None)

        _check(self.name, run, case, progress)
        return {}


def _check(stage: str, run: Run, case: Case, progress: Progress) -> None:
    """Compare what `run` gives with the graph on every vector.

    Raises:
        VerificationError: the first difference, by layer, element and event, with both values.
    """
    progress(stage, 0, len(case.vectors), "vectors")
    found = run(case.graph, case.vectors.codes)
    for output, meant in case.expected.items():
        rows = np.flatnonzero((flat(found[output]) != flat(meant)).any(axis=1))
        if len(rows):
            _check_layers(stage, run, case, rows[:SUSPECTS])
            row = rows[:1]
            place = f"output {output!r}, while every layer agrees when it is made anew"
            raise _error(stage, place, case, row, case.graph.outputs[output], meant[row], found[output][row])
    progress(stage, len(case.vectors), len(case.vectors), "vectors")


def _check_layers(stage: str, run: Run, case: Case, pick: NDArray[np.int64]) -> None:
    """Compare the last value of every layer for the vectors number `pick`."""
    last = {node.layer: node.name for node in case.graph.nodes}
    whole = replace(case.graph, outputs={name: name for name in last.values()})
    codes = take(case.vectors.codes, pick)
    meant, found = interpret(whole, codes), run(whole, codes)
    for layer, name in last.items():
        if not np.array_equal(meant[name], found[name]):
            raise _error(stage, f"layer {layer!r}", case, pick, name, meant[name], found[name])


def _error(
    stage: str, place: str, case: Case, numbers: NDArray[np.int64], node: str, meant: Any, found: Any
) -> VerificationError:
    one, other = flat(meant), flat(found)
    event, element = (int(n[0]) for n in np.nonzero(one != other))
    step = 2.0 ** int(case.graph.types[node].exponent.flat[element])
    right, wrong = int(one[event, element]), int(other[event, element])
    return VerificationError(
        f"graph and {stage} differ first in {place}, element {element}, "
        f"{case.vectors.name(int(numbers[event]))}: graph {right * step:.10g} (code {right}), "
        f"{stage} {wrong * step:.10g} (code {wrong})"
    )
