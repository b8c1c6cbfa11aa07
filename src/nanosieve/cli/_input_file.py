"""Events that a user gives to a verb in a file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve.compiler.graph import Graph
from nanosieve.errors import InputFileError, SampleError

__all__ = ["read_arrays", "read_events"]

MAPPED = 1 << 20
"""Bytes from which a file is mapped instead of read."""


def read_events(path: Path, graph: Graph) -> Mapping[str, NDArray[Any]]:
    """The events of a file by input name, each reshaped to what the model takes.

    Raises:
        InputFileError: no such file, another kind, or damaged.
        SampleError: not numbers, no events, or another number of values per event.
    """
    path = existing_file(path, kind="input", suffixes=(".npy", ".npz", ".parquet"))
    arrays: Mapping[str, NDArray[Any]]
    if path.suffix == ".parquet":
        from nanosieve.physics.events.objects import objects
        from nanosieve.physics.events.sample import read_sample

        arrays = {next(iter(graph.inputs)): objects(read_sample(path).events)}
    else:
        loaded = read_arrays(path)
        arrays = loaded if isinstance(loaded, dict) else {next(iter(graph.inputs)): loaded}
    return {name: _shaped(path, name, array, graph) for name, array in arrays.items()}


def read_arrays(path: Path, kind: str = "input") -> NDArray[Any] | dict[str, NDArray[Any]]:
    """The array of an ``.npy`` file, or those of an ``.npz`` file by name; nothing in it is executed.

    Args:
        path: the file.
        kind: what it is for, in messages.

    Raises:
        InputFileError: no such file, another kind, or damaged.
    """
    path = existing_file(path, kind=kind, suffixes=(".npy", ".npz"))
    try:
        # a large file is read block by block; an empty array cannot be mapped
        mode: Literal["r"] | None = "r" if path.stat().st_size > MAPPED else None
        loaded = np.load(path, mmap_mode=mode, allow_pickle=False)
        return dict(loaded) if path.suffix == ".npz" else np.asanyarray(loaded)
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        message = f"{kind} {str(path)!r} is not a readable NumPy file: {' '.join(str(error).split())}"
        raise InputFileError(message) from error


def _shaped(path: Path, name: str, array: NDArray[Any], graph: Graph) -> NDArray[Any]:
    if name not in graph.inputs:
        return array  # the caller names it
    shape = graph.inputs[name].shape
    if array.dtype.kind not in "fiub":
        message = f"input {str(path)!r} holds {array.dtype}, not numbers; save float32"
        raise SampleError(message)
    per_event = int(np.prod(array.shape[1:])) if array.ndim else 0
    if array.ndim == 0 or len(array) == 0 or per_event != graph.inputs[name].size:
        accepted = ", ".join(map(str, ("events", *shape)))
        message = f"input {str(path)!r} has the shape {array.shape}; the input {name!r} takes ({accepted})"
        raise SampleError(message)
    return array.reshape(len(array), *shape)
