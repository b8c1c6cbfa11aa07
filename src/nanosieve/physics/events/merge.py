"""Merge the shards that jobs of a batch system have made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nanosieve.errors import InputFileError
from nanosieve.physics.events._request import read_request
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.make import MakeResult, make_sample
from nanosieve.physics.events.sample import sample_suffix
from nanosieve.progress import Progress, silent

__all__ = ["merge_sample"]


def merge_sample(path: str | Path, *, progress: Progress = silent) -> MakeResult:
    """One sample from the shards in ``PATH.parts``, as they were asked for; nothing is generated.

    The bytes are those of the same sample made in one go.

    Args:
        path: that was given to the jobs, ends in ``.parquet``.
        progress: told of the shards that are read and written.

    Raises:
        InputFileError: there are no shards, or damaged ones.
        SampleError: shards are missing; the message names the jobs to be run again.
        SettingsError, UnknownNameError: the request cannot be met here, for want of a recipe for example.
        OutputError: the file cannot be written.
    """
    path = sample_suffix(path)
    if path.is_file() and not path.with_name(f"{path.name}.parts").exists():
        return MakeResult(path, True, True, 0, 0, 0)
    kind, arguments = read_request(path)
    functions: dict[str, Callable[..., MakeResult]] = {
        "collisions": make_sample,
        "crossings": make_trigger_sample,
    }
    try:
        return functions[kind](**arguments, path=path, only_merge=True, progress=progress)
    except (KeyError, TypeError) as error:
        message = f"the request in '{path.name}.parts' is of another version ({error}); make the sample again"
        raise InputFileError(message) from error
