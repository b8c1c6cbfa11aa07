"""Networks of the study: trained, turned into triggers, thresholds fixed on background not trained on.

The threshold in the hardware is the one of a trigger rate, counted in bunch crossings with pile-up; that of
the false-positive rate of arXiv:2108.03986 refers to its data set: no pile-up, one lepton above 23 GeV.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.compiler.design import load
from nanosieve.compiler.graph import Graph, decode, encode, interpret
from nanosieve.networks.autoencoder import build_autoencoder, build_variational_autoencoder
from nanosieve.networks.model_file import save_model
from nanosieve.networks.objects import flatten_objects, normalising_exponents
from nanosieve.networks.training import Trained, train
from nanosieve.networks.trigger import assemble_trigger
from nanosieve.physics.efficiency import WorkingPoint, threshold_at_false_positive_rate, threshold_at_rate
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.events import Events
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings, TriggerSettings
from nanosieve.studies.study import StudyOptions

__all__ = ["Trigger", "make_triggers", "score"]

_BUILDERS = {"autoencoder": build_autoencoder, "variational_autoencoder": build_variational_autoencoder}


@dataclass(frozen=True)
class Trigger:
    """A trained trigger with its threshold.

    Attributes:
        settings: name, score, budget.
        trained: the network behind it, with its history.
        graph: the fixed-point graph of the model file, score and threshold included.
        at_rate: working point in the hardware, at the fixed trigger rate in crossings.
        at_false_positive_rate: working point at the fixed false-positive rate.
    """

    settings: TriggerSettings
    trained: Trained
    graph: Graph
    at_rate: WorkingPoint
    at_false_positive_rate: WorkingPoint


def score(graph: Graph, events: Events, name: str = "score") -> NDArray[np.float64]:
    """The score that the hardware gives, per event (N,): the reference interpreter on the port's codes."""
    (port,) = graph.inputs
    codes = interpret(graph, encode(graph, {port: flatten_objects(events.objects)}))
    return decode(codes[name], graph.types[graph.outputs[name]]).reshape(-1)


def make_triggers(
    settings: Settings, samples: StudySamples, options: StudyOptions, progress: Progress
) -> list[Trigger]:
    """Train the networks and fix the thresholds.

    Raises:
        SampleError: the samples are too small for a working point.
    """
    folder = output_folder(options.out / "models")
    return [_make(trigger, settings, samples, folder, progress) for trigger in settings.triggers]


def _make(
    trigger: TriggerSettings,
    settings: Settings,
    samples: StudySamples,
    folder: Path,
    progress: Progress,
) -> Trigger:
    exponents = normalising_exponents(samples.train.objects, samples.train.weights)
    network = _BUILDERS[trigger.network](replace(settings.network, input_exponents=exponents))
    trained = train(
        network,
        samples.train.objects,
        folder,
        weights=samples.train.weights,
        settings=replace(settings.training, bits_price=trigger.bits_price),
        progress=progress,
    )
    path = folder / f"{trigger.name}.keras"
    save_model(assemble_trigger(trained.model, score=trigger.score, threshold=1.0), path)
    graph = load(path)
    at_rate = threshold_at_rate(
        score(graph, samples.crossings),
        settings.rate,
        weights=samples.crossings.weights,
        luminosity=settings.luminosity,
    )
    save_model(assemble_trigger(trained.model, score=trigger.score, threshold=at_rate.threshold), path)
    at_false_positive_rate = threshold_at_false_positive_rate(
        score(graph, samples.test), settings.false_positive_rate, weights=samples.test.weights
    )
    return Trigger(trigger, trained, load(path), at_rate, at_false_positive_rate)
