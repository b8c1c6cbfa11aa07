"""Hardware of the study: compiled, proven equal, synthesised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.networks.objects import flatten_objects
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.l1_anomaly.triggers import Trigger
from nanosieve.studies.proven import Proven, prove
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Hardware", "build_hardware"]


@dataclass(frozen=True)
class Hardware(Proven):
    """One trigger as hardware, with the proof and the counts."""

    trigger: Trigger


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
    parts = (samples.train, samples.test, *samples.signals.values())
    events = flatten_objects(np.concatenate([part.objects for part in parts]))
    proven = prove(
        trigger.settings.name,
        trigger.graph,
        trigger.settings.budget,
        events[:: -(-len(events) // settings.proof_events)],
        random=settings.random_vectors,
        options=options,
        watch=watch,
        progress=progress,
    )
    return Hardware(*proven, trigger)
