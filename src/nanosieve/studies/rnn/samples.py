"""The sequences of the study: made or found, split, standardised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.errors import SampleError
from nanosieve.physics.events.sequences import (
    KINDS,
    LabelledSequences,
    make_sequences,
    read_drawings,
    read_sequences,
    standardisation,
)
from nanosieve.physics.events.sequences.quickdraw import drawing_files
from nanosieve.progress import Progress
from nanosieve.studies.rnn.settings import Benchmark, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["StudySequences", "prepare_sequences"]


@dataclass(frozen=True)
class StudySequences:
    """The sequences of one benchmark as the networks see them.

    Attributes:
        whole: as they were made or read.
        train, test: (events, steps, features), standardised with mean and spread of the training part.
        train_labels, test_labels: (events,).
        remark: that they were found, or what they are not; empty for nothing to say.
    """

    whole: LabelledSequences
    train: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    remark: str

    def proof(self, number: int) -> NDArray[np.float32]:
        """The first `number` events, those that no training has seen before the others."""
        return np.concatenate([self.test, self.train])[:number]


def prepare_sequences(
    benchmark: Benchmark, settings: Settings, options: StudyOptions, progress: Progress
) -> StudySequences:
    """Make what is not there yet; files of the user in ``options.samples`` go first.

    These are ``NAME.npz`` as `nanosieve.physics.events.sequences.write_sequences` writes it, or, for
    ``quickdraw``, the simplified drawings of the public set.

    Raises:
        InputFileError, SampleError: a file of the user cannot be used, or has too few sequences.
        OutputError, ToolError: events cannot be made.
    """
    whole, remark = _found(benchmark, options)
    if whole is None:
        whole, reused = make_sequences(
            benchmark.name,
            benchmark.number,
            output_folder(options.out / "samples") / f"{benchmark.name}.npz",
            seed=options.seed,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=progress,
        )
        remark = f"{benchmark.name}: sequences of an earlier run were used again" if reused else ""
    shape = (benchmark.network.steps, benchmark.network.features)
    if whole.values.shape[1:] != shape or len(whole.classes) != max(2, benchmark.network.outputs):
        message = (
            f"sequences {benchmark.name!r} have the shape {whole.values.shape[1:]} and "
            f"{len(whole.classes)} classes; the network takes {shape} and {max(2, benchmark.network.outputs)}"
        )
        raise SampleError(message)
    first = round(settings.train_fraction * len(whole))
    train, test = whole.values[:first], whole.values[first:]
    labels = whole.labels[:first], whole.labels[first:]
    for part in labels:
        few = np.bincount(part, minlength=len(whole.classes)).min()
        if few < 5:
            message = (
                f"sequences {benchmark.name!r} have {few} of one class in a part of the split; give at least "
                "30 of each class, shuffled"
            )
            raise SampleError(message)
    mean, spread = standardisation(train)
    return StudySequences(
        whole, (train - mean) / spread, labels[0], (test - mean) / spread, labels[1], remark
    )


def _found(benchmark: Benchmark, options: StudyOptions) -> tuple[LabelledSequences | None, str]:
    folder = options.samples
    if folder is None:
        return None, ""
    path = folder / f"{benchmark.name}.npz"
    if benchmark.name == "quickdraw" and drawing_files(folder):
        drawings = read_drawings(folder, benchmark.number, seed=options.seed)
        return drawings, f"quickdraw: the drawings in {folder} were used"
    if not path.exists():
        return None, ""
    found = read_sequences(path)
    if found.classes != tuple(KINDS[benchmark.name].classes):
        message = (
            f"{str(path)!r} has the classes {', '.join(found.classes)}; accepted: "
            f"{', '.join(KINDS[benchmark.name].classes)}, in this order"
        )
        raise SampleError(message)
    return found, f"{benchmark.name}: sequences in {path} were used"
