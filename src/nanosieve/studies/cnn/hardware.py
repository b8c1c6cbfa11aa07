"""Hardware of the study: compiled, proven equal on images, synthesised."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.design import Design, compile
from nanosieve.compiler.synthesis import Synthesis
from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.compress import Candidate
from nanosieve.progress import Progress
from nanosieve.studies.cnn.networks import Networks
from nanosieve.studies.cnn.samples import StudySamples
from nanosieve.studies.cnn.settings import DesignSettings, Settings
from nanosieve.studies.study import Stopwatch, StudyOptions, machine, simulated_timing

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware:
    """One network as hardware, with the proof and the counts.

    Attributes:
        settings: which one.
        candidate: its network.
        pace: vectors that the whole proof took per second, all stages and repetitions included.
    """

    settings: DesignSettings
    candidate: Candidate
    design: Design
    verification: Verification
    synthesis: Synthesis
    pace: Figure

    @property
    def timing(self) -> dict[str, Figure]:
        """Latency and interval; the simulation of the proof has confirmed both on every vector."""
        return simulated_timing(self.design)


def build_hardware(
    which: DesignSettings,
    networks: Networks,
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> Hardware:
    """Compile, verify on test images and synthesise.

    Raises:
        BudgetError: the design does not meet its budget.
        VerificationError: two stages differ.
    """

    def told(stage: str, done: float, total: float, note: str = "") -> None:
        progress(f"{which.name}: {stage}", done, total, note)

    candidate = networks.candidate(which.recipe)
    with watch.stage(f"{which.name}: compile"):
        design = compile(
            candidate.graph,
            which.budget,
            out=options.out / which.name,
            beats={networks.workshop.input: which.pixels},
            progress=told,
        )
    name = f"{which.name}: verify"
    with watch.stage(name):
        images = samples.test.x[: settings.proof_images]
        proof = design.verify(images, random=settings.random_vectors, seed=options.seed, progress=told)
    vectors = sum(proof.vectors.values())
    pace = Figure(vectors / max(watch.times[name].value, 0.1), "1/s", Provenance.MEASURED, source=machine())
    with watch.stage(f"{which.name}: synthesise"):
        synthesis = design.synthesize(workers=options.workers, progress=told)
    return Hardware(which, candidate, design, proof, synthesis, pace)
