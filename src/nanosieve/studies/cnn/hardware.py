"""Hardware of the study: compiled, proven equal on images, synthesised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanosieve.figure import Figure, Provenance
from nanosieve.networks.compress import Candidate
from nanosieve.progress import Progress
from nanosieve.studies.cnn.networks import Networks
from nanosieve.studies.cnn.samples import StudySamples
from nanosieve.studies.cnn.settings import DesignSettings, Settings
from nanosieve.studies.proven import Proven, prove
from nanosieve.studies.study import Stopwatch, StudyOptions, machine

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware(Proven):
    """One network as hardware, with the proof and the counts.

    Attributes:
        settings: which one.
        candidate: its network.
        pace: vectors that the whole proof took per second, all stages and repetitions included.
    """

    settings: DesignSettings
    candidate: Candidate
    pace: Figure

    def to_dict(self) -> dict[str, Any]:
        """The entry of the design in ``results.json``."""
        own = {"recipe": self.settings.recipe.title, "pixels_per_cycle": self.settings.pixels}
        return {**super().to_dict(), **own}


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
    candidate = networks.candidate(which.recipe)
    design, proof, synthesis = prove(
        which.name,
        candidate.graph,
        which.budget,
        samples.test.x[: settings.proof_images],
        random=settings.random_vectors,
        options=options,
        watch=watch,
        progress=progress,
        beats={networks.workshop.input: which.pixels},
    )
    seconds = max(watch.times[f"{which.name}: verify"].value, 0.1)
    pace = Figure(sum(proof.vectors.values()) / seconds, "1/s", Provenance.MEASURED, source=machine())
    return Hardware(design, proof, synthesis, which, candidate, pace)
