"""Arrays with the class of each row in one file, and how many rows of one class are gathered."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path, existing_file
from nanosieve.errors import InputFileError, SampleError, ToolError

__all__ = [
    "Facts",
    "Keyed",
    "gathered",
    "read_arrays",
    "read_shard",
    "same_sample",
    "write_arrays",
    "write_shard",
]

LARGEST = 1 << 34
"""Bytes that a file may hold when it is unpacked."""
GIVE_UP_AFTER = 20_000
"""Collisions without a single jet that is wanted."""
_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


class Facts(NamedTuple):
    """What a file says of its arrays; see `LabelledSequences`."""

    format: int
    classes: tuple[str, ...]
    features: tuple[str, ...]
    origin: str
    key: str


class Keyed(Protocol):
    """A sample that knows the digest of what it was made with."""

    @property
    def key(self) -> str:
        """Empty for samples of others."""


class _Batch(Protocol):
    @property
    def events(self) -> int: ...


Sample = TypeVar("Sample", bound=Keyed)
Batch = TypeVar("Batch", bound=_Batch)


def write_arrays(path: str | Path, facts: Facts, **arrays: NDArray[Any]) -> Path:
    """Write facts (as JSON) and arrays to `path` (``.npz``) atomically and return it.

    Raises:
        OutputError: the folder cannot be written to.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, facts=np.array(json.dumps(facts._asdict())), **arrays)  # type: ignore[arg-type]
    return Path(path)


def read_arrays(path: str | Path, *names: str, kind: str) -> tuple[Path, Facts, tuple[NDArray[Any], ...]]:
    """What `write_arrays` has written: the path, the facts and the arrays `names`; no pickle is opened.

    Args:
        kind: what the file is, for messages: ``file of jets``.

    Raises:
        InputFileError: the file is missing, damaged, of another kind, or unpacks to more than `LARGEST`.
    """
    path = existing_file(path, kind=kind, suffixes=(".npz",))
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST:
            message = f"{str(path)!r} unpacks to {size:,} bytes; accepted: up to {LARGEST:,}; split it"
            raise InputFileError(message)
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            arrays = tuple(np.asarray(file[name]) for name in names)
        classes, features = (tuple(map(str, facts[word])) for word in ("classes", "features"))
        return (
            path,
            Facts(facts["format"], classes, features, str(facts["origin"]), str(facts["key"])),
            arrays,
        )
    except _BROKEN as error:
        reason = " ".join((str(error) or type(error).__name__).split())[:120]
        message = f"{str(path)!r} is no {kind}, or damaged ({reason}); make it again"
        raise InputFileError(message) from error


def same_sample(path: Path, key: str, read: Callable[[Path], Sample]) -> Sample | None:
    """The sample of that key, if it is there; a damaged one is made again."""
    if not path.exists():
        return None
    try:
        found = read(path)
    except (InputFileError, SampleError):
        return None
    return found if found.key == key else None


def write_shard(path: Path, **arrays: NDArray[Any]) -> None:
    """Write the arrays of a shard atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_shard(path: Path, *names: str) -> tuple[NDArray[Any], ...]:
    """The arrays of a shard.

    Raises:
        InputFileError: it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return tuple(file[name] for name in names)
    except _BROKEN as error:
        message = f"the shard {str(path)!r} is damaged; remove it and make the sample again"
        raise InputFileError(message) from error


def gathered(
    batches: Iterable[Batch],
    select: Callable[[Batch], tuple[NDArray[np.float32], ...]],
    number: int,
    what: str,
) -> tuple[NDArray[np.float32], ...]:
    """Arrays of the first `number` rows that `select` finds in batches of collisions, one after the other.

    Args:
        select: gives arrays of one length.
        what: is looked for, for the message: ``jet of class 'w'``.

    Raises:
        ToolError: `GIVE_UP_AFTER` collisions hold none.
    """
    found: list[tuple[NDArray[np.float32], ...]] = []
    collisions = rows = 0
    for batch in batches:
        found.append(select(batch))
        rows, collisions = rows + len(found[-1][0]), collisions + batch.events
        if rows >= number:
            break
        if not rows and collisions > GIVE_UP_AFTER:
            message = f"none of {collisions:,} collisions has a {what}"
            raise ToolError(message)
    return tuple(np.concatenate(part)[:number] for part in zip(*found, strict=True))
