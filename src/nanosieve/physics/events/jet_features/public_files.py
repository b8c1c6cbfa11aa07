"""The public data sets of jets, as they can be downloaded.

- OpenML ``hls4ml_lhc_jets_hlf``: ``.arff``, ``.csv`` or Parquet (``.pq``), sixteen features and ``class``.
- Zenodo 3602260: HDF5 files of 10,000 jets, ``jets`` (N, 59) and ``jetConstituentList`` (N, 150, 16), with
  the names of their columns.
- The HDF5 table ``t_allpar_new`` of arXiv:1804.06913 (``.z``): one row for each constituent, which states the
  features of its jet again.

All hold the features of `FEATURES`, in HDF5 with ``j_`` before the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.physics.events.jet_features.features import FEATURES
from nanosieve.physics.events.jet_features.labelled import CLASSES, CONSTITUENT, LabelledJets
from nanosieve.physics.events.jet_features.tables import read_table

__all__ = ["SUFFIXES", "read_public_jets"]

HDF5 = (".h5", ".hdf5", ".z")
SUFFIXES = (*HDF5, ".arff", ".csv", ".pq", ".parquet")
TABLE = "t_allpar_new"
IN_FILE = ("j1_pt", "j1_etarel", "j1_phirel")
"""What `CONSTITUENT` is called there."""
Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]


def read_public_jets(path: str | Path, *, constituents: int = 0, limit: int | None = None) -> LabelledJets:
    """The jets of a public file, or of all HDF5 files in a folder in the order of their names.

    Args:
        constituents: how many to read of each jet; only the files of Zenodo have any.
        limit: read no more jets than these, the first ones.

    Raises:
        InputFileError: missing, damaged, of another kind, or without a column that is needed.
        SampleError: a number that is not finite, a label that is none, or a class without a jet.
        SettingsError: `limit` < 1 or `constituents` < 0.
    """
    if constituents < 0 or (limit is not None and limit < 1):
        message = f"{constituents} constituents of {limit} jets; give 0 or more, and 1 jet or more"
        raise SettingsError(message)
    path = Path(path)
    files = sorted(part for part in path.glob("*") if part.suffix in HDF5) if path.is_dir() else [path]
    if not files:
        message = (
            f"the folder {str(path)!r} holds no {' or '.join(HDF5)} file; give the files of Zenodo 3602260"
        )
        raise InputFileError(message)
    parts: list[Arrays] = []
    for file in files:
        left = None if limit is None else limit - sum(len(part[2]) for part in parts)
        if left == 0:
            break
        parts.append(_read(existing_file(file, kind="file of jets", suffixes=SUFFIXES), constituents, left))
    features, inside, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    try:
        return LabelledJets(features, inside, labels, f"public file {path.name}")
    except SampleError as error:
        message = f"{str(path)!r}: {error}"
        raise SampleError(message) from error


def _read(file: Path, constituents: int, limit: int | None) -> Arrays:
    if file.suffix in HDF5:
        with _opened(file) as groups:
            if "jets" in groups:
                return _zenodo(file, groups, constituents, limit)
            if TABLE in groups and not constituents:
                return _per_constituent(file, groups[TABLE], limit)
            held = ", ".join(groups) or "nothing"
            message = (
                f"{str(file)!r} has no dataset 'jets' or, without constituents, {TABLE!r}; it holds {held}"
            )
            raise InputFileError(message)
    if constituents:
        message = f"{str(file)!r} holds no constituents; give a file of Zenodo 3602260, or ask for none"
        raise InputFileError(message)
    features, labels = read_table(file, limit)
    return features, _no_constituents(len(labels)), labels


def _zenodo(file: Path, groups: Any, constituents: int, limit: int | None) -> Arrays:
    names = _names(file, groups, "jetFeatureNames", "jets", 2)
    needed = [f"j_{name}" for name in (*FEATURES, *CLASSES)]
    values = groups["jets"][:limit][:, _places(file, names, needed)]
    features, marks = values[:, : len(FEATURES)], values[:, len(FEATURES) :]
    if constituents:
        own = _names(file, groups, "particleFeatureNames", "jetConstituentList", 3)
        places, stored = _places(file, own, IN_FILE), groups["jetConstituentList"]
        if len(stored) != len(groups["jets"]) or stored.shape[1] < constituents:
            message = (
                f"'jetConstituentList' of {str(file)!r} is {stored.shape}; {constituents} constituents of "
                f"{len(groups['jets'])} jets are needed"
            )
            raise InputFileError(message)
        inside = np.asarray(stored[:limit, :constituents], dtype=np.float32)[:, :, places]
    else:
        inside = _no_constituents(len(values))
    return features.astype(np.float32), inside, _labels(file, marks)


def _per_constituent(file: Path, table: Any, limit: int | None) -> Arrays:
    """One jet for each run of rows with the same features."""
    needed = [f"j_{name}" for name in (*FEATURES, *CLASSES)]
    present = table.dtype.names or ()
    _places(file, present, needed)
    columns = [np.asarray(table.fields(name)[:], dtype=np.float64) for name in needed]
    rows = np.stack(columns, axis=1)
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    jets = rows[new][:limit]
    labels = _labels(file, jets[:, len(FEATURES) :])
    return jets[:, : len(FEATURES)].astype(np.float32), _no_constituents(len(jets)), labels


def _labels(file: Path, marks: NDArray[Any]) -> NDArray[np.int64]:
    good = ((marks == 0) | (marks == 1)).all(axis=1) & (marks.sum(axis=1) == 1)
    if not good.all():
        jet = int(np.argmin(good))
        message = (
            f"jet {jet} of {str(file)!r} has the marks {marks[jet].tolist()} of g, q, w, z, t; one must be 1"
        )
        raise SampleError(message)
    labels: NDArray[np.int64] = marks.argmax(axis=1).astype(np.int64)
    return labels


def _names(file: Path, groups: Any, listed: str, of: str, dimensions: int) -> list[str]:
    """The names of the last axis of the dataset `of`."""
    if of not in groups or listed not in groups:
        held = ", ".join(groups)
        message = f"{str(file)!r} lacks the dataset {of!r} or {listed!r}; it holds {held}"
        raise InputFileError(message)
    shape: tuple[int, ...] = getattr(groups[of], "shape", ())
    names = [word.decode() if isinstance(word, bytes) else str(word) for word in groups[listed][:]]
    if len(shape) != dimensions or not shape[0] or shape[-1] > len(names):
        message = (
            f"{of!r} of {str(file)!r} is {shape}; expected {dimensions} axes, the last named by {listed!r}"
        )
        raise InputFileError(message)
    return names[: shape[-1]]


def _places(file: Path, names: Sequence[str], needed: Sequence[str]) -> list[int]:
    missing = [name for name in needed if name not in names]
    if missing:
        message = (
            f"{str(file)!r} lacks the columns {', '.join(missing)}; is it one of the public files of jets?"
        )
        raise InputFileError(message)
    return [names.index(name) for name in needed]


def _no_constituents(jets: int) -> NDArray[np.float32]:
    return np.zeros((jets, 0, len(CONSTITUENT)), dtype=np.float32)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    h5py = require("h5py", extra="events", purpose="reading HDF5 files of jets")
    try:
        with h5py.File(file, "r") as groups:
            yield groups
    except OSError as error:
        reason = " ".join(str(error).split())[:120]
        message = f"{str(file)!r} is not a readable HDF5 file ({reason}); download it again"
        raise InputFileError(message) from error
