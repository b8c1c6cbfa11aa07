"""The networks of the study: trained in floating point, judged on sequences that no training has seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.networks.model_file import save_model
from nanosieve.networks.recurrent import build_recurrent, train_classifier
from nanosieve.networks.training import Trained
from nanosieve.progress import Progress
from nanosieve.studies.rnn.samples import StudySequences
from nanosieve.studies.rnn.settings import Benchmark
from nanosieve.studies.study import StudyOptions

__all__ = ["TrainedNetwork", "train_network"]


@dataclass(frozen=True)
class TrainedNetwork:
    """One network.

    Attributes:
        benchmark, cell: which one.
        name: of its files and designs.
        path: the model file, in floating point.
        trained: its history.
        recurrent, other: parameters of the recurrent layer, and of the rest.
        scores: (test events, outputs) of the float network.
    """

    benchmark: Benchmark
    cell: str
    name: str
    path: Path
    trained: Trained
    recurrent: int
    other: int
    scores: NDArray[np.float32]


def train_network(
    benchmark: Benchmark, cell: str, sequences: StudySequences, options: StudyOptions, progress: Progress
) -> TrainedNetwork:
    """Train one network, or load what an earlier run has trained.

    Raises:
        SampleError, SettingsError, OutputError: as `train_classifier`.
    """
    folder = output_folder(options.out / "models")
    model: Any = build_recurrent(benchmark.name, cell, seed=options.seed, network=benchmark.network)
    trained = train_classifier(
        model,
        sequences.train,
        sequences.train_labels,
        folder,
        settings=benchmark.training,
        progress=progress,
    )
    path = save_model(model, folder / f"{model.name}.keras")
    recurrent = int(model.get_layer("rnn").count_params())
    return TrainedNetwork(
        benchmark,
        cell,
        model.name,
        path,
        trained,
        recurrent,
        int(model.count_params()) - recurrent,
        np.asarray(model.predict(sequences.test, batch_size=512, verbose=0)),
    )
