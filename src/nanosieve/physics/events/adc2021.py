"""The published files of the anomaly-detection challenge (arXiv:2107.02157): HDF5, 19 objects per event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file, output_folder
from nanosieve._require import require
from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.physics.events.objects import OBJECT_SLOTS, ROWS
from nanosieve.physics.events.sample import ProcessSummary, Sample, sample_suffix, write_sample

__all__ = ["convert_adc2021", "read_adc2021"]

DATASET = "Particles"
QUANTITIES = 4
"""pT, η, φ, class id"""
CLASSES = np.array([1] + [2] * 4 + [3] * 4 + [4] * 10)
"""Class id of each row where it is filled: MET, electrons, muons, jets."""
ENERGY = 13_000.0


def read_adc2021(path: str | Path, *, process: str | None = None, limit: int | None = None) -> Sample:
    """Read a published file as a sample.

    The files know neither charges, jet masses nor weights: charges and masses are 0, ``genWeight`` is 1 and
    so is the cross section in place of one (the sum of weights is the number of events).

    Args:
        process: name for all events; default is the name of the file.
        limit: read the first events only.

    Raises:
        InputFileError: missing, not HDF5, damaged, or without a dataset ``Particles`` of shape (N, 19, 4).
        SampleError: no events, NaN, infinity, negative pT, or class ids in the wrong rows.
        SettingsError: `limit` < 1.
    """
    if limit is not None and limit < 1:
        message = f"the limit is {limit}; give 1 or more events"
        raise SettingsError(message)
    file = existing_file(path, kind="ADC2021 file", suffixes=(".h5", ".hdf5"))
    with _dataset(file) as dataset:
        try:
            values = np.asarray(dataset[:limit], dtype=np.float32)
        except OSError as error:
            raise _damaged(file, error) from error
    if not len(values):
        message = f"{str(file)!r} holds no events; download it again"
        raise SampleError(message)
    _check(values, file)
    name = process or file.stem
    number = len(values)
    summary = ProcessSummary(
        name=name,
        title=f"{file.name} (arXiv:2107.02157)",
        events=number,
        generated=float(number),
        cross_section=0.0,
        cross_section_error=0.0,
        filter_efficiency=0.0,
        filter_efficiency_error=0.0,
        effective_events=float(number),
        weight_sum=float(number),
    )
    return Sample(_events(values, name), {name: summary}, ENERGY, 0, {name: number}, {})


def convert_adc2021(path: str | Path, output: str | Path, *, process: str | None = None) -> Sample:
    """Read a published file and write it as a Parquet sample.

    Raises:
        InputFileError, SampleError: as `read_adc2021`.
        SettingsError: `output` does not end in .parquet.
        OutputError: it cannot be written.
    """
    output = sample_suffix(output)
    sample = read_adc2021(path, process=process)
    output_folder(output.parent)
    write_sample(sample, output)
    return sample


@contextmanager
def _dataset(file: Path) -> Iterator[Any]:
    h5py = require("h5py", extra="events", purpose="reading the ADC2021 files")
    try:
        opened = h5py.File(file, "r")
    except OSError as error:
        raise _damaged(file, error) from error
    with opened:
        dataset = opened.get(DATASET)
        if dataset is None:
            message = f"{str(file)!r} has no dataset {DATASET!r}; it holds {', '.join(opened) or 'nothing'}"
            raise InputFileError(message)
        if not isinstance(dataset, h5py.Dataset) or dataset.shape[1:] != (ROWS, QUANTITIES):
            shape = getattr(dataset, "shape", "a group")
            message = f"{DATASET!r} of {str(file)!r} is {shape}; expected (N, {ROWS}, {QUANTITIES})"
            raise InputFileError(message)
        yield dataset


def _damaged(file: Path, error: BaseException) -> InputFileError:
    reason = " ".join(str(error).split())[:120]
    return InputFileError(f"{str(file)!r} is not a readable HDF5 file ({reason}); download it again")


def _check(values: NDArray[np.float32], file: Path) -> None:
    checks = (
        (~np.isfinite(values).all(axis=2), "a value that is not finite"),
        (values[:, :, 0] < 0, "a negative pT"),
        ((values[:, :, 0] > 0) & (values[:, :, 3] != CLASSES), "a class id that does not fit its row"),
    )
    for bad, what in checks:
        if bad.any():
            event, row = np.argwhere(bad)[0]
            message = f"{str(file)!r} has {what} in event {event}, row {row}; is it an ADC2021 file?"
            raise SampleError(message)


def _events(values: NDArray[np.float32], process: str) -> Any:
    awkward = require("awkward", extra="events", purpose="reading the ADC2021 files")
    number = len(values)
    columns: dict[str, Any] = {
        "run": np.ones(number, dtype=np.int32),
        "event": np.arange(number, dtype=np.int64),
        "process": np.full(number, process),
        "genWeight": np.ones(number),
        "MET_pt": values[:, 0, 0],
        "MET_phi": values[:, 0, 2],
    }
    for name, (first, rows) in OBJECT_SLOTS.items():
        group = values[:, first : first + rows]
        filled = group[:, :, 0] > 0
        counts = filled.sum(axis=1)
        for column, quantity in enumerate(("pt", "eta", "phi")):
            columns[f"{name}_{quantity}"] = awkward.unflatten(group[:, :, column][filled], counts)
        absent = "mass" if name == "Jet" else "charge"
        kind = np.float32 if name == "Jet" else np.int32
        columns[f"{name}_{absent}"] = awkward.unflatten(np.zeros(counts.sum(), dtype=kind), counts)
    return awkward.zip(columns, depth_limit=1)
