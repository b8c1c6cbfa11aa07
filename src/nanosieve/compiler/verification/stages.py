"""The stages of an equality proof: each compares one thing that computes the network with the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, decode
from nanosieve.compiler.verification.bench import Bench
from nanosieve.compiler.verification.difference import check_hardware, check_layers
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.compiler.verification.simulation import simulate
from nanosieve.compiler.verification.stimulus import Stimulus
from nanosieve.compiler.verification.vector_set import VectorSet, flat, take
from nanosieve.compiler.verification.verilator import build
from nanosieve.errors import VerificationError
from nanosieve.executor import default_workers
from nanosieve.progress import Progress, silent

__all__ = ["Case", "Framework", "FrameworkStage", "HardwareStage", "Stage", "check_outputs"]

LEAST_CYCLES = 5000
"""Of a simulation beside others; below, starting it costs more than it saves."""

Codes = NDArray[np.int64]
Values = NDArray[Any]
Framework = Callable[[Mapping[str, Values]], Mapping[str, Values]]
"""The trained model: input name → float32 (events, *shape), to output name → real values (events, …)."""


@dataclass(frozen=True)
class Case:
    """What every stage is compared with.

    Attributes:
        graph: the meaning.
        vectors: what enters.
        expected: output name → codes of the graph, int64 (vectors, *shape).
    """

    graph: Graph
    vectors: VectorSet
    expected: Mapping[str, Codes]

    @property
    def model_inputs(self) -> dict[str, Values]:
        """What the trained model is given: the numbers behind the codes where it does not round itself."""
        values, codes = self.vectors.values, self.vectors.codes
        return {
            name: values[name] if port.stated else decode(codes[name], port.type)
            for name, port in self.graph.ports.items()
        }


class Stage(Protocol):
    """One thing that computes the network."""

    @property
    def name(self) -> str:
        """What `Verification.stages` calls it."""

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """Compare it with the graph on every vector.

        Returns:
            How many vectors were compared once more, by the way in which.

        Raises:
            VerificationError: the first difference, by layer, element and event, with both values.
        """


@dataclass(frozen=True)
class FrameworkStage:
    """The trained model, compared as real numbers."""

    model: Framework

    name = "framework"

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """See `Stage.check`."""
        progress(self.name, 0, len(case.vectors), "vectors")
        check_outputs(self.name, self.model(case.model_inputs), case)
        progress(self.name, len(case.vectors), len(case.vectors), "vectors")
        return {}


@dataclass(frozen=True)
class HardwareStage:
    """Verilog, simulated cycle by cycle: RTL or a netlist.

    Attributes:
        design: where the Verilog is.
        streamed: number of vectors that are compared layer by layer, and once more with gaps and resets.
        seed: of their choice, of the gaps and of the resets.
    """

    design: DesignFolder
    streamed: int
    seed: int

    @property
    def name(self) -> str:
        """``rtl`` or ``netlist``."""
        return self.design.level.lower()

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """See `Stage.check`."""
        design, vectors = self.design, case.vectors
        codes = {name: flat(array) for name, array in vectors.codes.items()}
        everything = np.arange(len(vectors))
        found = _simulate_all(design, codes, vectors, progress)
        check_hardware(design, case.graph, vectors, case.expected, found, everything)
        where = "" if design.level == "RTL" else f"in the {design.level}, "
        again = {} if design.level == "RTL" else {f"in the {design.level}": len(vectors)}
        if self.streamed:
            pick = np.random.default_rng(self.seed).permutation(len(vectors))[: self.streamed]
            check_layers(design, case.graph, vectors, pick)
            again[f"{where}layer by layer"] = len(pick)
            # a reset costs the vectors in flight: so many that most arrive
            in_flight = -(-design.latency_cycles // design.interval_cycles)
            resets = 2 + len(pick) // min(50, 4 + 4 * in_flight)
            stream = simulate(
                design,
                take(codes, pick),
                Stimulus(0.3, resets, self.seed),
                name=lambda number: vectors.name(int(pick[number])),
            )
            arrived = take(stream.outputs, stream.delivered)
            check_hardware(design, case.graph, vectors, case.expected, arrived, pick[stream.delivered])
            again[f"{where}with gaps and resets"] = int(stream.delivered.sum())
        return again


def _simulate_all(
    design: DesignFolder, codes: Mapping[str, Codes], vectors: VectorSet, progress: Progress
) -> dict[str, Codes]:
    """Outputs for all vectors, from as many simulations side by side as there are processors to use."""
    number = len(vectors) * design.interval_cycles // LEAST_CYCLES
    number = max(1, min(default_workers(), number, len(vectors)))
    ends = np.linspace(0, len(vectors), number + 1).astype(int)
    build(Bench(design), progress=progress)

    def part(place: int) -> Mapping[str, Codes]:
        first, last = ends[place], ends[place + 1]
        return simulate(
            design,
            {name: array[first:last] for name, array in codes.items()},
            name=lambda vector: vectors.name(int(first) + vector),
            progress=_of_all(progress, number) if place == 0 else silent,
        ).outputs

    with ThreadPoolExecutor(number) as pool:
        parts = list(pool.map(part, range(number)))
    return {name: np.concatenate([found[name] for found in parts]) for name in parts[0]}


def _of_all(progress: Progress, number: int) -> Progress:
    """What one of `number` simulations of the same length says, as if it spoke for all."""

    def told(stage: str, done: float, total: float, note: str = "") -> None:
        progress(stage, number * done, number * total, note)

    return told


def check_outputs(stage: str, given: Mapping[str, Values], case: Case) -> None:
    """Compare the outputs of `stage`, as real numbers, with those of the graph.

    Args:
        stage: its name, for the message.
        given: output name → real values (vectors, …).
        case: what is right.

    Raises:
        VerificationError: an output is missing, has another shape, or differs; NaN differs from all.
    """
    for name, node in case.graph.outputs.items():
        meant = flat(decode(case.expected[name], case.graph.types[node]))
        found = flat(np.asarray(given[name], dtype=np.float64)) if name in given else None
        if found is None or found.shape != meant.shape:
            message = f"the {stage} has no output {name!r} of {meant.shape[1]} elements; compile it again"
            raise VerificationError(message)
        differs = ~(found == meant)
        if differs.any():
            event, element = (int(n[0]) for n in np.nonzero(differs))
            message = (
                f"{stage} and graph differ first in layer {case.graph.by_name[node].layer!r} "
                f"(output {name!r}), element {element}, {case.vectors.name(event)}: "
                f"{stage} {found[event, element]:.17g}, graph {meant[event, element]:.17g}"
            )
            raise VerificationError(message)
