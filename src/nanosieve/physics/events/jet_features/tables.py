"""Tables of jets in text and Parquet: one row a jet, sixteen features and the class by its letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import InputFileError, SampleError
from nanosieve.physics.events.jet_features.features import FEATURES
from nanosieve.physics.events.jet_features.labelled import CLASSES

__all__ = ["read_table"]

CLASS = "class"
LONGEST_HEADER = 1 << 20
"""Bytes before the data of an ARFF file."""
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)", re.IGNORECASE)


def read_table(file: Path, limit: int | None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (N, 16) and labels (N,) of an ``.arff``, ``.csv``, ``.pq`` or ``.parquet`` file.

    Raises:
        InputFileError: not such a file, damaged, or without a column that is needed.
        SampleError: an unknown class.
    """
    arrow = require("pyarrow", extra="events", purpose="reading tables of jets")
    try:
        table = _table(file)
        missing = [name for name in (*FEATURES, CLASS) if name not in table.column_names]
        if missing:
            message = (
                f"{str(file)!r} lacks the columns {', '.join(missing)}; is it 'hls4ml_lhc_jets_hlf' of "
                "OpenML?"
            )
            raise InputFileError(message)
        table = table.slice(0, limit)
        columns = [
            table[name].cast(arrow.float32()).to_numpy(zero_copy_only=False)  # what is missing becomes NaN
            for name in FEATURES
        ]
        letters = [str(word).strip("'\"") for word in table[CLASS].to_pylist()]
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:120]
        message = f"{str(file)!r} is not a readable table ({reason}); download it again"
        raise InputFileError(message) from error
    if not letters:
        message = f"{str(file)!r} holds no jets; download it again"
        raise InputFileError(message)
    place = {letter: number for number, letter in enumerate(CLASSES)}
    labels = np.array([place.get(letter, -1) for letter in letters], dtype=np.int64)
    if (labels < 0).any():
        jet = int((labels < 0).argmax())
        message = f"jet {jet} of {str(file)!r} is of class {letters[jet]!r}; accepted: {', '.join(CLASSES)}"
        raise SampleError(message)
    return np.stack(columns, axis=1), labels


def _table(file: Path) -> Any:
    if file.suffix in (".pq", ".parquet"):
        return require("pyarrow.parquet", extra="events", purpose="reading tables of jets").read_table(file)
    csv = require("pyarrow.csv", extra="events", purpose="reading tables of jets")
    if file.suffix == ".csv":
        return csv.read_csv(file)
    names, lines = _arff_header(file)
    return csv.read_csv(
        file,
        read_options=csv.ReadOptions(skip_rows=lines, column_names=names),
        convert_options=csv.ConvertOptions(null_values=["?", ""], strings_can_be_null=True),
    )


def _arff_header(file: Path) -> tuple[list[str], int]:
    """Names of the columns, and the lines before the data."""
    names: list[str] = []
    read = 0
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            read += len(line)
            text = line.decode("utf-8", errors="replace").strip()
            if text.lower().startswith("@data"):
                return names, number
            found = _ATTRIBUTE.match(text)
            if found:
                names.append(found.group(1).strip("'\""))
            if read > LONGEST_HEADER:
                break
    message = f"{str(file)!r} has no line '@data'; is it an ARFF file? download it again"
    raise InputFileError(message)
