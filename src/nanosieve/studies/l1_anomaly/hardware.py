"""Hardware of the study: compiled, proven equal, synthesised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.design import Design, compile
from nanosieve.compiler.synthesis import Synthesis
from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure
from nanosieve.networks.objects import flatten_objects
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.l1_anomaly.triggers import Trigger
from nanosieve.studies.study import Stopwatch, StudyOptions, simulated_timing

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware:
    """One trigger as hardware, with the proof and the counts."""

    trigger: Trigger
    design: Design
    verification: Verification
    synthesis: Synthesis

    @property
    def timing(self) -> dict[str, Figure]:
        """Latency and interval; the simulation of the proof has confirmed both on every vector."""
        return simulated_timing(self.design)


def build_hardware(
    trigger: Trigger,
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> Hardware:
    """Compile, verify and synthesise.

    The proof runs over all events of the study (evenly thinned to ``settings.proof_events``), and over random
    and corner vectors.

    Raises:
        BudgetError: the design does not meet its budget.
        VerificationError: two stages differ.
    """
    name = trigger.settings.name

    def told(stage: str, done: float, total: float, note: str = "") -> None:
        progress(f"{name}: {stage}", done, total, note)

    with watch.stage(f"{name}: compile"):
        design = compile(trigger.graph, trigger.settings.budget, out=options.out / name, progress=told)
    parts = (samples.train, samples.test, *samples.signals.values())
    events = flatten_objects(np.concatenate([part.objects for part in parts]))
    events = events[:: -(-len(events) // settings.proof_events)]
    with watch.stage(f"{name}: verify"):
        proof = design.verify(events, random=settings.random_vectors, seed=options.seed, progress=told)
    with watch.stage(f"{name}: synthesise"):
        synthesis = design.synthesize(workers=options.workers, progress=told)
    return Hardware(trigger, design, proof, synthesis)
