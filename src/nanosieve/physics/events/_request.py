"""What a sample was asked for, kept beside its shards: with it the jobs of a batch system are merged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from nanosieve._files import write_text
from nanosieve.errors import InputFileError, SampleError

__all__ = ["keep_request", "read_request", "remove_request", "shards_to_make"]

FORMAT = 1
FILE = "request.json"


class _Shard(Protocol):
    @property
    def path(self) -> Path: ...


Piece = TypeVar("Piece", bound=_Shard)


def keep_request(parts: Path, kind: str, arguments: Mapping[str, Any], shard: tuple[int, int] | None) -> None:
    """Write what the sample is asked for into the folder of its shards; the newest request counts.

    Args:
        parts: the folder.
        kind: ``collisions`` or ``crossings``.
        arguments: of the function that makes such a sample.
        shard: (i, n) of this call.
    """
    processes = [
        str(Path(entry.strip()).absolute()) if ".y" in entry else entry.strip()
        for entry in str(arguments["processes"]).split(",")
    ]
    own = dict(arguments) | {"processes": ",".join(processes)}
    jobs = None if shard is None else shard[1]
    text = json.dumps({"format": FORMAT, "kind": kind, "jobs": jobs, "arguments": own}, indent=2)
    write_text(parts / FILE, text)


def read_request(path: Path) -> tuple[str, dict[str, Any]]:
    """Kind and arguments of the sample whose shards lie in ``PATH.parts``.

    Raises:
        InputFileError: there are none, or what they say is damaged.
    """
    file = path.with_name(f"{path.name}.parts") / FILE
    if not file.is_file():
        message = (
            f"there are no shards of {str(path)!r} to merge; make them with 'nanosieve events make PROCESS "
            f"-n N -o {path.name} --shard I/N'"
        )
        raise InputFileError(message)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(found["format"])
        return str(found["kind"]), dict(found["arguments"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{str(file)!r} is damaged ({error}); merge by 'events make' with all its arguments"
        raise InputFileError(message) from error


def remove_request(parts: Path) -> None:
    """Remove a request for which no shard was made."""
    if parts.is_dir() and [file.name for file in parts.iterdir()] == [FILE]:
        (parts / FILE).unlink(missing_ok=True)


def shards_to_make(
    shards: Sequence[Piece], shard: tuple[int, int] | None, only_merge: bool
) -> Sequence[Piece]:
    """The shards that a call is responsible for.

    Args:
        shards: all of the sample.
        shard: (i, n) means every n-th, from the i-th on.
        only_merge: none may be missing.

    Raises:
        SampleError: shards are missing; the message says which jobs have to make them.
    """
    if only_merge:
        missing = [place for place, each in enumerate(shards) if not each.path.is_file()]
        if missing:
            raise SampleError(_missing(shards, missing))
        return shards
    return shards if shard is None else shards[shard[0] - 1 :: shard[1]]


def _missing(shards: Sequence[Piece], missing: Sequence[int]) -> str:
    parts = shards[0].path.parent
    try:
        jobs = json.loads((parts / FILE).read_text(encoding="utf-8"))["jobs"]
    except (OSError, ValueError, KeyError):
        jobs = None
    text = f"{len(missing)} of {len(shards)} shards of {parts.name.removesuffix('.parts')!r} are missing"
    if jobs is None:
        return f"{text}; the same 'events make' again makes them"
    which = sorted({place % jobs + 1 for place in missing})
    names = ", ".join(f"{i}/{jobs}" for i in which[:8]) + (", …" if len(which) > 8 else "")
    return f"{text}; run the jobs with --shard {names} again"
