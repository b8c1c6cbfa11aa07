"""Triggers of the study: thresholds fixed on background not trained on.

The threshold in the hardware is the one of a trigger rate, counted in bunch crossings with pile-up; that of
the false-positive rate of arXiv:2108.03986 refers to its data set: no pile-up, one lepton above 23 GeV.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.compiler.design import load
from nanosieve.compiler.graph import Graph, decode, encode, interpret
from nanosieve.networks.model_file import save_model
from nanosieve.networks.objects import flatten_objects
from nanosieve.networks.scores import anomaly_scores
from nanosieve.networks.trigger import assemble_trigger
from nanosieve.physics.efficiency import WorkingPoint, threshold_at_false_positive_rate, threshold_at_rate
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.events import Events
from nanosieve.studies.l1_anomaly.networks import Network, make_network
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings, TriggerSettings
from nanosieve.studies.study import StudyOptions

__all__ = ["Cut", "Score", "Scored", "Trigger", "make_triggers"]

Score: TypeAlias = Callable[[Events], NDArray[np.float64]]
"""Events → their scores (N,)."""


@dataclass(frozen=True)
class Cut:
    """A score with its working points.

    Attributes:
        score: gives the score of events.
        at_rate: working point at the fixed trigger rate in crossings.
        at_false_positive_rate: working point at the fixed false-positive rate.
    """

    score: Score
    at_rate: WorkingPoint
    at_false_positive_rate: WorkingPoint


@dataclass(frozen=True)
class Scored:
    """A network with one of its scores.

    Attributes:
        score: its name, see `nanosieve.networks.trigger`.
        graph: the fixed-point graph of the model file, score and threshold of `fixed.at_rate` included.
        fixed: as the hardware computes it.
        floating: of the float network.
    """

    score: str
    graph: Graph
    fixed: Cut
    floating: Cut


@dataclass(frozen=True)
class Trigger:
    """A trained network with all its scores.

    Attributes:
        settings: name, scores, budget.
        network: float, and as it goes into hardware.
        scored: one for each score; the first is in the hardware.
    """

    settings: TriggerSettings
    network: Network
    scored: tuple[Scored, ...]

    @property
    def graph(self) -> Graph:
        """Of the hardware."""
        return self.scored[0].graph


def _cut(score: Score, samples: StudySamples, settings: Settings) -> Cut:
    """The working points of a score.

    Raises:
        SampleError: the samples are too small for one.
    """
    score = cache(score)
    return Cut(
        score,
        threshold_at_rate(
            score(samples.crossings),
            settings.rate,
            weights=samples.crossings.weights,
            luminosity=settings.luminosity,
        ),
        threshold_at_false_positive_rate(
            score(samples.test), settings.false_positive_rate, weights=samples.test.weights
        ),
    )


def make_triggers(
    settings: Settings, samples: StudySamples, options: StudyOptions, progress: Progress
) -> list[Trigger]:
    """Train the networks and fix the thresholds.

    Raises:
        SampleError: the samples are too small for a working point.
    """
    folder = output_folder(options.out / "models")
    triggers = []
    for trigger in settings.triggers:
        network = make_network(trigger, settings, samples.train, folder, progress)
        scored = tuple(
            _scored(trigger, network, score, settings, samples, folder) for score in trigger.scores
        )
        triggers.append(Trigger(trigger, network, scored))
    return triggers


def _scored(
    trigger: TriggerSettings,
    network: Network,
    score: str,
    settings: Settings,
    samples: StudySamples,
    folder: Path,
) -> Scored:
    first = score == trigger.scores[0]
    path = folder / (f"{trigger.name}.keras" if first else f"{trigger.name}_{score}.keras")
    save_model(assemble_trigger(network.model, score=score, threshold=1.0), path)
    graph = load(path)
    fixed = _cut(lambda events: _of_graph(graph, events), samples, settings)
    save_model(assemble_trigger(network.model, score=score, threshold=fixed.at_rate.threshold), path)
    floating = network.floating.model
    return Scored(
        score,
        load(path),
        fixed,
        _cut(lambda events: anomaly_scores(floating, events.objects)[score], samples, settings),
    )


def _of_graph(graph: Graph, events: Events) -> NDArray[np.float64]:
    """The score that the hardware gives: the reference interpreter on the port's codes."""
    (port,) = graph.inputs
    codes = interpret(graph, encode(graph, {port: flatten_objects(events.objects)}))
    return decode(codes["score"], graph.types[graph.outputs["score"]]).reshape(-1)
