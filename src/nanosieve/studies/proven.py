"""Hardware of a study: compiled, proven equal to its network, synthesised; and how results show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from nanosieve.compiler.design import Design, compile
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget
from nanosieve.compiler.synthesis import Synthesis
from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Proven", "prove", "simulated_timing"]


@dataclass(frozen=True)
class Proven:
    """A design with the proof and the counts."""

    design: Design
    verification: Verification
    synthesis: Synthesis

    @property
    def timing(self) -> dict[str, Figure]:
        """See `simulated_timing`."""
        return simulated_timing(self.design)

    def to_dict(self) -> dict[str, Any]:
        """The entry of a design in ``results.json``."""
        counted = self.synthesis.to_dict()
        shared = ("device", "resources", "percent_of_device", "percent_of_usable", "fits")
        return {
            **{name: counted[name] for name in shared},
            "timing": self.timing,
            "layers": counted["modules"],
            "estimate": self.design.hardware.estimate,
        }


def simulated_timing(design: Design) -> dict[str, Figure]:
    """The timing of a design whose proof has confirmed latency and interval on every vector, in RTL."""
    confirmed = {
        name: replace(design.timing[name], provenance=Provenance.SIMULATED, source="RTL")
        for name in ("latency_cycles", "interval_cycles")
    }
    return {**design.timing, **confirmed}


def prove(
    name: str,
    graph: Graph,
    budget: Budget,
    vectors: NDArray[Any],
    *,
    random: int,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
    **choices: Any,
) -> tuple[Design, Verification, Synthesis]:
    """Compile into the folder `name`, verify and synthesise.

    Args:
        vectors: inputs that the proof runs over, beside corners.
        random: number of random vectors beside them.
        choices: further arguments of `nanosieve.compile`.

    Raises:
        BudgetError: the design does not meet its budget.
        VerificationError: two stages differ.
    """

    def told(stage: str, done: float, total: float, note: str = "") -> None:
        progress(f"{name}: {stage}", done, total, note)

    with watch.stage(f"{name}: compile"):
        design = compile(graph, budget, out=options.out / name, progress=told, **choices)
    with watch.stage(f"{name}: verify"):
        proof = design.verify(vectors, random=random, seed=options.seed, progress=told)
    with watch.stage(f"{name}: synthesise"):
        synthesis = design.synthesize(workers=options.workers, progress=told)
    return design, proof, synthesis
