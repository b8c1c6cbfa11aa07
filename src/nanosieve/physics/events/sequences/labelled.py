"""Sequences of one length with the class of each, and their file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import InputFileError, SampleError
from nanosieve.physics.events._labelled_file import Facts, read_arrays, write_arrays

__all__ = ["LabelledSequences", "joined", "read_sequences", "standardisation", "write_sequences"]

FORMAT = 1


@dataclass(frozen=True)
class LabelledSequences:
    """N sequences.

    Attributes:
        values: (N, steps, features) float32; a shorter sequence is filled up with zeros.
        labels: (N,) place of the class in `classes`.
        classes: names.
        features: names, with units where they have some.
        origin: where the sequences come from.
        key: digest of the settings that made them; empty for those of others.

    Raises:
        SampleError: shapes, labels or names that do not fit each other, a number that is not finite, or a
            class without a sequence.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    origin: str
    key: str = ""

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise SampleError(problem)

    def _problem(self) -> str:
        shape = self.values.shape
        if self.values.ndim != 3 or shape[2] != len(self.features) or not shape[1]:
            return f"sequences have the shape (events, steps, {len(self.features)} features), not {shape}"
        if self.labels.shape != (len(self.values),):
            return f"{len(self.values)} sequences have labels of shape {self.labels.shape}; give one for each"
        wrong = (self.labels < 0) | (self.labels >= len(self.classes))
        if wrong.any():
            first = int(wrong.argmax())
            return (
                f"sequence {first} has the label {int(self.labels[first])}; accepted: 0 to "
                f"{len(self.classes) - 1} ({', '.join(self.classes)})"
            )
        bad = np.argwhere(~np.isfinite(self.values))
        if len(bad):
            event, step, feature = (int(n) for n in bad[0])
            return (
                f"sequence {event} holds {self.values[event, step, feature]} at step {step}, feature "
                f"{self.features[feature]!r}; remove or mend it"
            )
        missing = [
            name for name, number in zip(self.classes, self.counts(), strict=True) if not number
        ] if len(self.labels) else list(self.classes)  # fmt: skip
        return f"there is no sequence of class {', '.join(missing)}; add some of each" if missing else ""

    def __len__(self) -> int:
        return len(self.values)

    def counts(self) -> NDArray[np.int64]:
        """How many there are of each class."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    def only(self, chosen: NDArray[np.int64]) -> LabelledSequences:
        """Those of these indices, in this order."""
        return replace(self, values=self.values[chosen], labels=self.labels[chosen])


def joined(parts: list[NDArray[np.float32]], seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The sequences of all classes, one part each, shuffled, and their labels."""
    values = np.concatenate(parts)
    labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.random.default_rng([seed, len(values)]).permutation(len(values))
    return values[order], labels[order]


def standardisation(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation (features,) over all steps, the empty ones included; 1 for a constant."""
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    spread = flat.std(axis=0)
    spread[spread == 0] = 1.0
    return flat.mean(axis=0).astype(np.float32), spread.astype(np.float32)


def write_sequences(sequences: LabelledSequences, path: str | Path) -> Path:
    """Write to `path` (``.npz``) atomically and return it.

    Raises:
        OutputError: the folder cannot be written to.
    """
    facts = Facts(FORMAT, sequences.classes, sequences.features, sequences.origin, sequences.key)
    return write_arrays(path, facts, values=sequences.values, labels=sequences.labels)


def read_sequences(path: str | Path, *, like: LabelledSequences | None = None) -> LabelledSequences:
    """The sequences in `path`; no pickle is opened.

    Args:
        like: sequences whose classes, steps and features the file must have.

    Raises:
        InputFileError: the file is missing, damaged or of another kind, or unlike `like`.
        SampleError: its content does not fit together.
    """
    path, facts, (values, labels) = read_arrays(path, "values", "labels", kind="file of sequences")
    if facts.format != FORMAT or labels.dtype.kind not in "iu":
        message = f"{str(path)!r} is of another format than {FORMAT}; make it again"
        raise InputFileError(message)
    try:
        found = LabelledSequences(values.astype(np.float32), labels.astype(np.int64), *facts[1:])
    except SampleError as error:
        message = f"{str(path)!r}: {error}"
        raise SampleError(message) from error
    if like is not None:
        _same(path, found, like)
    return found


def _same(path: Path, found: LabelledSequences, like: LabelledSequences) -> None:
    for word, own, wanted in (
        ("classes", found.classes, like.classes),
        ("features", len(found.features), len(like.features)),
        ("steps", found.values.shape[1], like.values.shape[1]),
    ):
        if own != wanted:
            message = f"{str(path)!r} has the {word} {own}; this network takes {wanted}"
            raise InputFileError(message)
