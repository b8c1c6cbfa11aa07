"""Jets with their class, and their file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import InputFileError, SampleError
from nanosieve.physics.events._labelled_file import Facts, read_arrays, write_arrays
from nanosieve.physics.events.jet_features.features import FEATURES

__all__ = ["CLASSES", "CONSTITUENT", "LabelledJets", "read_jets", "write_jets"]

CLASSES = ("g", "q", "w", "z", "t")
"""Gluon, light quark, W boson, Z boson, top quark."""
CONSTITUENT = ("pT", "Δη", "Δφ")
"""GeV; relative to the axis of the jet."""
FORMAT = 1


@dataclass(frozen=True)
class LabelledJets:
    """N jets.

    Attributes:
        features: (N, 16) float32, see `FEATURES`.
        constituents: (N, P, 3) float32, see `CONSTITUENT`; by falling pT, zeros behind the last; P may be 0.
        labels: (N,) place of the class in `CLASSES`.
        origin: where the jets come from.
        key: digest of the settings that made them; empty for those of others.

    Raises:
        SampleError: shapes or labels that do not fit, a number that is not finite, or a class without a jet.
    """

    features: NDArray[np.float32]
    constituents: NDArray[np.float32]
    labels: NDArray[np.int64]
    origin: str
    key: str = ""

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise SampleError(problem)

    def _problem(self) -> str:
        number = len(self.labels)
        if self.features.shape != (number, len(FEATURES)):
            return (
                f"features of {number} jets have the shape ({number}, {len(FEATURES)}), "
                f"not {self.features.shape}"
            )
        if self.constituents.ndim != 3 or self.constituents.shape[::2] != (number, len(CONSTITUENT)):
            return (
                f"constituents of {number} jets have the shape ({number}, any, {len(CONSTITUENT)}), "
                f"not {self.constituents.shape}"
            )
        wrong = (self.labels < 0) | (self.labels >= len(CLASSES))
        if wrong.any():
            first = int(wrong.argmax())
            return (
                f"jet {first} has the label {int(self.labels[first])}; accepted: 0 to 4 "
                f"({', '.join(CLASSES)})"
            )
        bad = np.argwhere(~np.isfinite(self.features))
        if len(bad):
            jet, feature = (int(n) for n in bad[0])
            return f"jet {jet} has {FEATURES[feature]} = {self.features[jet, feature]}; remove or mend it"
        loose = np.argwhere(~np.isfinite(self.constituents))
        if len(loose):
            jet, place, quantity = (int(n) for n in loose[0])
            return f"constituent {place} of jet {jet} has {CONSTITUENT[quantity]} that is not finite; mend it"
        missing = [name for name, found in zip(CLASSES, self.counts(), strict=True) if not found]
        return f"there is no jet of class {', '.join(missing)}; add some of each" if missing else ""

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self) -> NDArray[np.int64]:
        """How many there are of each class."""
        return np.bincount(self.labels, minlength=len(CLASSES)).astype(np.int64)

    def only(self, chosen: NDArray[np.int64]) -> LabelledJets:
        """Those of these indices, in this order."""
        return replace(
            self,
            features=self.features[chosen],
            constituents=self.constituents[chosen],
            labels=self.labels[chosen],
        )


def write_jets(jets: LabelledJets, path: str | Path) -> Path:
    """Write to `path` (``.npz``) atomically and return it.

    Raises:
        OutputError: the folder cannot be written to.
    """
    facts = Facts(FORMAT, CLASSES, FEATURES, jets.origin, jets.key)
    return write_arrays(
        path, facts, features=jets.features, constituents=jets.constituents, labels=jets.labels
    )


def read_jets(path: str | Path) -> LabelledJets:
    """The jets that `write_jets` has written; no pickle is opened.

    Raises:
        InputFileError: the file is missing, damaged or of another kind.
        SampleError: its content does not fit together.
    """
    names = ("features", "constituents", "labels")
    path, facts, (features, constituents, labels) = read_arrays(path, *names, kind="file of jets")
    if facts[:3] != (FORMAT, CLASSES, FEATURES) or labels.dtype.kind not in "iu":
        message = f"{str(path)!r} holds other classes or features than this version's; make it again"
        raise InputFileError(message)
    try:
        return LabelledJets(
            features.astype(np.float32),
            constituents.astype(np.float32),
            labels.astype(np.int64),
            facts.origin,
            facts.key,
        )
    except SampleError as error:
        message = f"{str(path)!r}: {error}"
        raise SampleError(message) from error
