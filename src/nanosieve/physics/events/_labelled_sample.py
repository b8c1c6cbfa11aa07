"""A labelled sample is found in its file, or made of shards that outlive an interruption."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nanosieve._files import output_folder
from nanosieve.physics.events._labelled_file import Keyed, same_sample
from nanosieve.physics.events.make import remove_parts, run_shards
from nanosieve.progress import Progress

__all__ = ["found_or_made", "hash_of"]

Sample = TypeVar("Sample", bound=Keyed)
Shard = TypeVar("Shard")


def hash_of(*parts: Any) -> str:
    """Sixteen hexadecimal digits that change when anything in `parts` (JSON) does.

    >>> hash_of(1, "a") == hash_of(1, "a") != hash_of(1, "b")
    True
    """
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def found_or_made(
    path: Path,
    key: str,
    *,
    plan: Callable[[Path], Sequence[Shard]],
    make_shard: Callable[[Shard], tuple[str, int]],
    merge: Callable[[Sequence[Shard]], Sample],
    read: Callable[[Path], Sample],
    write: Callable[[Sample, Path], Any],
    stage: str,
    workers: int | None,
    scheduler: str | None,
    progress: Progress,
) -> tuple[Sample, bool]:
    """The sample in `path` if it has that key; otherwise its missing shards are made, merged and written.

    Args:
        key: changes with everything that the content depends on.
        plan: the shards of the sample, each with a ``path`` in the folder given and its number of ``events``.
        make_shard: writes one; gives a word for the progress and the number of events. Runs elsewhere, so
            that it has to be picklable.
        merge: the sample of finished shards.
        read, write: its file; what `read` refuses is made again.
        stage: what progress calls the events.
        workers, scheduler: as `nanosieve.executor.run_tasks`.

    Returns:
        The sample, and whether it was there already.

    Raises:
        OutputError: the folder cannot be written to.
        InputFileError: a shard is damaged.
    """
    there = same_sample(path, key, read)
    if there is not None:
        return there, True
    output_folder(path.parent)
    parts = path.absolute().with_name(f"{path.name}.parts")  # workers may stand elsewhere
    shards = plan(output_folder(parts))
    run_shards(make_shard, shards, stage=stage, workers=workers, scheduler=scheduler, progress=progress)
    made = merge(shards)
    write(made, path)
    remove_parts(path)
    return made, False
