"""Hardware of the study: compiled, proven equal, synthesised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nanosieve.compiler.design import Design, compile
from nanosieve.errors import BudgetError
from nanosieve.networks.objects import flatten_objects
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.l1_anomaly.triggers import Trigger
from nanosieve.studies.proven import Plan, Proven, prove
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
    triggers: Sequence[Trigger],
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> list[Hardware]:
    """Compile, verify and synthesise.

    The proof runs over all events of the study (evenly thinned to ``settings.proof_events``), and over random
    and corner vectors.

    Raises:
        BudgetError: a design does not meet its budget.
        VerificationError: two stages differ.
    """
    parts = (samples.train, samples.test, *samples.signals.values())
    events = flatten_objects(np.concatenate([part.objects for part in parts]))
    vectors = events[:: -(-len(events) // settings.proof_events)]
    plans = [Plan(t.settings.name, t.graph, t.settings.budget, vectors) for t in triggers]
    proven = prove(plans, random=settings.random_vectors, options=options, watch=watch, progress=progress)
    with watch.stage("every crossing"):
        return [
            Hardware(*each, trigger, _every_crossing(trigger, options.out))
            for each, trigger in zip(proven, triggers, strict=True)
        ]


def _every_crossing(trigger: Trigger, out: Path) -> Design | None:
    budget = replace(trigger.settings.budget, every=BUNCH_SPACING)
    if trigger.settings.budget.every_ns <= budget.every_ns:
        return None
    try:
        return compile(trigger.graph, budget, out=out / f"{trigger.settings.name}_every_crossing")
    except BudgetError:
        return None
