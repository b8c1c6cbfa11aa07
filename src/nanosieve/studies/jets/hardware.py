"""Hardware of the ladder: compiled, proven equal, synthesised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nanosieve.figure import Figure
from nanosieve.progress import Progress
from nanosieve.studies.jets.ladder import Built, inputs_of
from nanosieve.studies.jets.samples import StudySamples
from nanosieve.studies.jets.settings import Settings
from nanosieve.studies.proven import Plan, Proven, prove
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware(Proven):
    """One rung as hardware, with the proof and the counts."""

    built: Built

    @property
    def interval(self) -> Figure:
        """Time between two jets in ns."""
        cycles = self.timing["interval_cycles"]
        return replace(cycles, value=cycles.value * self.built.rung.budget.period_ns, unit="ns")

    def count(self, kind: str) -> Figure:
        """A resource: ``lut``, ``ff``, ``dsp`` or ``bram36``."""
        figure: Figure = getattr(self.synthesis.resources, kind)
        return figure


def build_hardware(
    ladder: Sequence[Built],
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> list[Hardware]:
    """Compile, verify and synthesise.

    The proof runs over jets that no training has seen, and over random and corner vectors.

    Raises:
        BudgetError: a design does not meet its budget.
        VerificationError: two stages differ.
    """
    plans = [
        Plan(
            built.rung.name,
            built.graph,
            built.rung.budget,
            inputs_of(built.rung, samples.test)[: settings.proof_jets],
        )
        for built in ladder
    ]
    proven = prove(plans, random=settings.random_vectors, options=options, watch=watch, progress=progress)
    return [Hardware(*each, built) for each, built in zip(proven, ladder, strict=True)]
