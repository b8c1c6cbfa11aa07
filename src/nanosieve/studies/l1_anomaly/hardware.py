"""Hardware of the study: compiled, proven equal, synthesised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nanosieve.compiler.design import Design, compile
from nanosieve.errors import BudgetError
from nanosieve.networks.objects import flatten_objects
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.l1_anomaly.triggers import Trigger
from nanosieve.studies.proven import Proven, prove
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Hardware", "build_hardware"]


BUNCH_SPACING = "25 ns"


@dataclass(frozen=True)
class Hardware(Proven):
    """One trigger as hardware, with the proof and the counts.

    Attributes:
        trigger: the network.
        every_crossing: where `design` takes longer than a bunch crossing, one of the same network that does
            not: compiled, its numbers estimated; None if there is none, or no need.
    """

    trigger: Trigger
    every_crossing: Design | None


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
    with watch.stage(f"{trigger.settings.name}: every crossing"):
        every_crossing = _every_crossing(trigger)
    return Hardware(*proven, trigger, every_crossing)


def _every_crossing(trigger: Trigger) -> Design | None:
    budget = replace(trigger.settings.budget, every=BUNCH_SPACING)
    if trigger.settings.budget.every_ns <= budget.every_ns:
        return None
    try:
        return compile(trigger.graph, budget)
    except BudgetError:
        return None
