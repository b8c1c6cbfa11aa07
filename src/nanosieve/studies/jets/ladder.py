"""The networks of the ladder: trained, as fixed-point graphs, and what they are worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.compiler.design import load
from nanosieve.compiler.graph import Graph
from nanosieve.figure import Figure
from nanosieve.networks.compress import Workshop, accuracy, fit, paired_loss
from nanosieve.networks.jet_taggers import deep_sets, dense_tagger, linear_attention, table_tagger
from nanosieve.networks.training import Trained
from nanosieve.physics.efficiency import area_under_curve
from nanosieve.physics.events.jet_features import CLASSES
from nanosieve.progress import Progress
from nanosieve.report.training import TrainingHistory
from nanosieve.studies.jets.samples import Part, StudySamples
from nanosieve.studies.jets.settings import Compressed, Network, Rung, Settings, Tables, Trees
from nanosieve.studies.jets.trees import train_trees
from nanosieve.studies.study import StudyOptions

__all__ = ["Built", "FloatNetwork", "build_ladder", "inputs_of", "logits", "train_float_networks"]


@dataclass(frozen=True)
class FloatNetwork:
    """A network in floating point, where the quantisation loss is counted from.

    Attributes:
        trained: with its history.
        outputs: (events, 5) logits of the test sample.
        accuracy: in %.
        areas: class → area under its ROC curve against the others.
    """

    trained: Trained
    outputs: NDArray[np.float64]
    accuracy: Figure
    areas: Mapping[str, Figure]


@dataclass(frozen=True)
class Built:
    """A rung of the ladder before it is hardware.

    Attributes:
        rung: what was asked for.
        graph: what the hardware computes.
        outputs: (events, 5) of the test sample, as the hardware gives them.
        accuracy: in %.
        loss: what its float network has more, in % on the same jets; None for what was never in floating
            point: tables and trees. The error is that of the difference.
        areas: class → area under its ROC curve against the others.
        history: of a training that learned bits.
    """

    rung: Rung
    graph: Graph
    outputs: NDArray[np.float64]
    accuracy: Figure
    loss: Figure | None
    areas: Mapping[str, Figure]
    history: TrainingHistory | None = None


def inputs_of(rung: Rung, part: Part) -> NDArray[np.float32]:
    """What a network of the ladder reads of jets."""
    constituents = isinstance(rung, Compressed) and rung.network != "dense"
    return part.particles if constituents else part.features


def train_float_networks(
    settings: Settings, samples: StudySamples, options: StudyOptions, progress: Progress
) -> dict[Network, FloatNetwork]:
    """The float networks that rungs of the ladder start from.

    Raises:
        NanosieveError: as `nanosieve.networks.compress.fit`.
    """
    folder = output_folder(options.out / "models")
    needed = dict.fromkeys(rung.network for rung in settings.ladder if isinstance(rung, Compressed))
    found: dict[Network, FloatNetwork] = {}
    for kind in needed:
        model = _float_network(kind, settings)
        train, test = (
            part.features if kind == "dense" else part.particles for part in (samples.train, samples.test)
        )
        trained = fit(
            model, train, samples.train.labels, folder, settings=settings.training, progress=progress
        )
        outputs = np.asarray(trained.model.predict(test, batch_size=4096, verbose=0), dtype=np.float64)
        found[kind] = FloatNetwork(
            trained,
            outputs,
            accuracy({"logits": outputs}, samples.test.labels),
            _areas(outputs, samples.test.labels),
        )
    return found


def _float_network(kind: Network, settings: Settings) -> Any:
    name = f"float_{kind.replace(' ', '_')}"
    if kind == "dense":
        return dense_tagger(hidden=settings.hidden, seed=settings.seed, name=name)
    build = deep_sets if kind == "deep sets" else linear_attention
    return build(settings.particles, seed=settings.seed, name=name)


def build_ladder(
    settings: Settings,
    samples: StudySamples,
    floats: Mapping[Network, FloatNetwork],
    options: StudyOptions,
    progress: Progress,
) -> list[Built]:
    """Train and quantise every rung and measure it on jets that no training has seen.

    Raises:
        NanosieveError: whatever training and the front ends raise.
    """
    folder = output_folder(options.out / "models")
    return [_built(rung, settings, samples, floats, folder, progress) for rung in settings.ladder]


def _built(
    rung: Rung,
    settings: Settings,
    samples: StudySamples,
    floats: Mapping[Network, FloatNetwork],
    folder: Path,
    progress: Progress,
) -> Built:
    x, labels = inputs_of(rung, samples.train), samples.train.labels
    loss = history = None
    if isinstance(rung, Compressed):
        port = settings.feature_port if rung.network == "dense" else settings.particle_port
        workshop = Workshop(
            floats[rung.network].trained.model,
            x,
            labels,
            output_folder(folder / rung.network.replace(" ", "_")),
            pruned_training=settings.pruned_training,
            aware_training=settings.aware_training,
            port=port,
            progress=progress,
        )
        graph = workshop.graph(rung.recipe)
        history = _history(rung.title, workshop.path(rung.recipe))
    elif isinstance(rung, Trees):
        path = train_trees(rung, x, labels, settings.feature_port, folder / "trees.json", settings.seed)
        graph = load(path, precision=str(settings.feature_port))
    else:
        path = _tables(rung, x, labels, settings, folder, progress)
        graph, history = load(path), _history(rung.title, path)
    graph = replace(graph, name=rung.name)
    outputs = logits(graph, inputs_of(rung, samples.test))
    truth = samples.test.labels
    if isinstance(rung, Compressed):
        reference = {"logits": floats[rung.network].outputs}
        loss = paired_loss(accuracy, reference, {"logits": outputs}, truth, seed=settings.seed)
    worth = accuracy({"logits": outputs}, truth)
    return Built(rung, graph, outputs, worth, loss, _areas(outputs, truth), history)


def _history(title: str, model: Path) -> TrainingHistory | None:
    """What `fit` has written beside a quantised model; None for one that was quantised after training."""
    path = model.with_name(f"{model.stem}.history.json")
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    if not any(record["ebops"]):
        return None
    return TrainingHistory(
        title, record["loss"], record["validation_loss"], record["ebops"], record["best_epoch"]
    )


def _tables(
    rung: Tables,
    x: NDArray[np.float32],
    labels: NDArray[np.int64],
    settings: Settings,
    folder: Path,
    progress: Progress,
) -> Path:
    model = table_tagger(settings.feature_port, hidden=rung.hidden, seed=settings.seed, name=rung.name)
    training = replace(settings.aware_training, bits_price=rung.bits_price)
    return fit(model, x, labels, folder, settings=training, progress=progress).path


def logits(graph: Graph, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """(events, 5) what the hardware gives, bit for bit."""
    (outputs,) = graph.emulate(x).values()
    return outputs.reshape(len(x), len(CLASSES))


def _areas(outputs: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, Figure]:
    """Area under the ROC curve of each class against the others; the score is its probability."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    probability = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    return {
        name: area_under_curve(probability[labels != n, n], probability[labels == n, n])
        for n, name in enumerate(CLASSES)
    }
