"""The students as hardware: compiled, proven equal on real fragments, synthesised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress
from nanosieve.studies.muon_compression.networks import Networks, Student
from nanosieve.studies.muon_compression.samples import StudySamples
from nanosieve.studies.muon_compression.settings import DesignSettings, Settings
from nanosieve.studies.proven import Plan, Proven, prove
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware(Proven):
    """One student as hardware, with the proof and the counts.

    Attributes:
        settings: which one.
        student: its network.
    """

    settings: DesignSettings
    student: Student

    @property
    def interval(self) -> Figure:
        """Time between two fragments."""
        cycles, period = self.timing["interval_cycles"].value, self.settings.budget.period_ns
        return Figure(round(cycles * period, 2), "ns", Provenance.SIMULATED, source="RTL, at the clock asked")

    @property
    def latency(self) -> Figure:
        """At the clock of the budget."""
        return self.timing["latency_ns"]

    def to_dict(self) -> dict[str, Any]:
        """The entry of the design in ``results.json``."""
        own = {"title": self.settings.title, "network": self.student.precision, "seed": self.student.seed}
        return {**super().to_dict(), **own}


def build_hardware(
    networks: Networks,
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> list[Hardware]:
    """Compile each, verify on test fragments, half of them with a muon, and synthesise all.

    Raises:
        BudgetError: a design does not meet its budget.
        SettingsError: a design is of a student in floating point.
        VerificationError: two stages differ.
    """
    half = settings.proof_fragments // 2
    vectors = np.concatenate([samples.muons.x[: settings.proof_fragments - half], samples.noise.x[:half]])
    students = [networks.chosen(which.network) for which in settings.designs]
    plans = []
    for which, student in zip(settings.designs, students, strict=True):
        if student.graph is None:
            message = f"design {which.name!r} is of a student in floating point; choose one with bits"
            raise SettingsError(message)
        beats = {"fragment": which.pixels} if which.pixels else None
        choices = {"beats": beats, "dsp": False}
        plans.append(Plan(which.name, student.graph, which.budget, vectors, choices))
    proven = prove(plans, random=settings.random_vectors, options=options, watch=watch, progress=progress)
    return [
        Hardware(*parts, which, student)
        for parts, which, student in zip(proven, settings.designs, students, strict=True)
    ]
