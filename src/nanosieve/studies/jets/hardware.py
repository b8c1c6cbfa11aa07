"""Hardware of the ladder: compiled, proven equal, synthesised."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nanosieve.compiler.design import Design, compile
from nanosieve.compiler.synthesis import Synthesis
from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress
from nanosieve.studies.jets.ladder import Built, inputs_of
from nanosieve.studies.jets.samples import StudySamples
from nanosieve.studies.jets.settings import Settings
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware:
    """One rung as hardware, with the proof and the counts."""

    built: Built
    design: Design
    verification: Verification
    synthesis: Synthesis

    @property
    def timing(self) -> dict[str, Figure]:
        """Latency and interval; the simulation of the proof has confirmed both on every vector."""
        confirmed = {
            name: replace(self.design.timing[name], provenance=Provenance.SIMULATED, source="RTL")
            for name in ("latency_cycles", "interval_cycles")
        }
        return {**self.design.timing, **confirmed}

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
    built: Built,
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> Hardware:
    """Compile, verify and synthesise.

    The proof runs over jets that no training has seen, and over random and corner vectors.

    Raises:
        BudgetError: the design does not meet its budget.
        VerificationError: two stages differ.
    """
    name = built.rung.name

    def told(stage: str, done: float, total: float, note: str = "") -> None:
        progress(f"{name}: {stage}", done, total, note)

    with watch.stage(f"{name}: compile"):
        design = compile(built.graph, built.rung.budget, out=options.out / name, progress=told)
    jets = inputs_of(built.rung, samples.test)[: settings.proof_jets]
    with watch.stage(f"{name}: verify"):
        proof = design.verify(jets, random=settings.random_vectors, seed=options.seed, progress=told)
    with watch.stage(f"{name}: synthesise"):
        synthesis = design.synthesize(workers=options.workers, progress=told)
    return Hardware(built, design, proof, synthesis)
