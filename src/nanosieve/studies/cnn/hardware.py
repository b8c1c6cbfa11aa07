"""Hardware of the study: compiled, proven equal on images, synthesised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.compress import Candidate
from nanosieve.progress import Progress
from nanosieve.studies.cnn.networks import Networks
from nanosieve.studies.cnn.samples import StudySamples
from nanosieve.studies.cnn.settings import DesignSettings, Settings
from nanosieve.studies.proven import Plan, Proven, prove
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
    networks: Networks,
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> list[Hardware]:
    """Compile, verify on test images (and such of the training, if those are too few) and synthesise.

    Raises:
        BudgetError: a design does not meet its budget.
        VerificationError: two stages differ.
    """
    candidates = [networks.candidate(which.recipe) for which in settings.designs]
    more = max(0, settings.proof_images - len(samples.test.x))
    vectors = np.concatenate([samples.test.x[: settings.proof_images], samples.train.x[:more]])
    plans = [
        Plan(
            which.name,
            candidate.graph,
            which.budget,
            vectors,
            {"beats": {networks.workshop.input: which.pixels}},
        )
        for which, candidate in zip(settings.designs, candidates, strict=True)
    ]
    proven = prove(plans, random=settings.random_vectors, options=options, watch=watch, progress=progress)
    return [
        Hardware(*each, which, candidate, _pace(each[1], watch.times[f"{which.name}: verify"]))
        for each, which, candidate in zip(proven, settings.designs, candidates, strict=True)
    ]


def _pace(proof: Verification, taken: Figure) -> Figure:
    vectors = sum(proof.vectors.values())
    return Figure(vectors / max(taken.value, 0.1), "1/s", Provenance.MEASURED, source=machine())
