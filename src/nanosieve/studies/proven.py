"""Hardware of a study: compiled, proven equal to its network, synthesised; and how results show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from nanosieve.compiler.design import Design, compile
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget
from nanosieve.compiler.synthesis import Synthesis, synthesize_all
from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Plan", "Proven", "prove", "simulated_timing"]


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


@dataclass(frozen=True)
class Plan:
    """A design to be made.

    Attributes:
        name: of the design and its folder.
        graph, budget: what is compiled, and for what.
        vectors: inputs that the proof runs over, beside corners and random ones.
        choices: further arguments of `nanosieve.compile`.
    """

    name: str
    graph: Graph
    budget: Budget
    vectors: NDArray[Any]
    choices: Mapping[str, Any] = field(default_factory=dict)


def prove(
    plans: Sequence[Plan], *, random: int, options: StudyOptions, watch: Stopwatch, progress: Progress
) -> list[tuple[Design, Verification, Synthesis]]:
    """Compile and verify one after the other, then synthesise all together.

    Args:
        random: number of random vectors of each proof.

    Raises:
        BudgetError: a design does not meet its budget.
        VerificationError: two stages differ.
    """
    proven = [_verified(plan, random, options, watch, progress) for plan in plans]
    folders = [design.folder for design, _ in proven]
    with watch.stage("synthesise"):
        counted = synthesize_all(folders, workers=options.workers, progress=progress)
    return [(design, proof, synthesis) for (design, proof), synthesis in zip(proven, counted, strict=True)]


def _verified(
    plan: Plan, random: int, options: StudyOptions, watch: Stopwatch, progress: Progress
) -> tuple[Design, Verification]:
    def told(stage: str, done: float, total: float, note: str = "") -> None:
        progress(f"{plan.name}: {stage}", done, total, note)

    with watch.stage(f"{plan.name}: compile"):
        place = options.out / plan.name
        design = compile(plan.graph, plan.budget, out=place, progress=told, **plan.choices)
    with watch.stage(f"{plan.name}: verify"):
        return design, design.verify(plan.vectors, random=random, seed=options.seed, progress=told)
