"""How well the networks tell the classes apart, in floating point."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nanosieve.figure import Figure
from nanosieve.physics.efficiency import Roc, area_under_curve, roc
from nanosieve.studies.rnn.networks import TrainedNetwork
from nanosieve.studies.rnn.samples import StudySequences

__all__ = ["ClassPerformance", "performance"]


@dataclass(frozen=True)
class ClassPerformance:
    """One class against all others: the curve and the area under it, with DeLong's error."""

    name: str
    roc: Roc
    auc: Figure


def performance(network: TrainedNetwork, sequences: StudySequences) -> tuple[ClassPerformance, ...]:
    """Each class against the others on the test sequences; of two classes the second."""
    scores, labels = network.scores, sequences.test_labels
    found = []
    for number, name in enumerate(sequences.whole.classes):
        if scores.shape[1] == 1 and number == 0:
            continue
        own = scores[:, 0 if scores.shape[1] == 1 else number]
        signal, background = own[labels == number], own[labels != number]
        area = area_under_curve(background, signal)
        found.append(
            ClassPerformance(name, roc(background, signal), replace(area, source=f"{len(labels):,} events"))
        )
    return tuple(found)
