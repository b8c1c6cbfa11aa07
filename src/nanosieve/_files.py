"""Files that are either whole or not there, and folders checked before the work starts."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nanosieve.errors import InputFileError, OutputError

__all__ = ["atomic_path", "existing_file", "output_folder", "write_text"]


def existing_file(path: str | Path, *, kind: str, suffixes: tuple[str, ...]) -> Path:
    """`path` as a Path, if it is a file with one of the `suffixes`.

    Raises:
        InputFileError: no such file, a folder, or another suffix.
    """
    path = Path(path)
    if not path.exists():
        message = f"{kind} {str(path)!r} does not exist; check the path"
        raise InputFileError(message)
    if not path.is_file():
        message = f"{kind} {str(path)!r} is a folder; give a file ({', '.join(suffixes)})"
        raise InputFileError(message)
    if path.suffix not in suffixes:
        message = f"{kind} {str(path)!r} ends in {path.suffix!r}; accepted: {', '.join(suffixes)}"
        raise InputFileError(message)
    return path


def output_folder(path: str | Path) -> Path:
    """Make the folder `path` (with parents) and show that it can be written to.

    Raises:
        OutputError: a file stands in the way, or the folder cannot be written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        message = f"cannot write to folder {str(path)!r}: {error.strerror}; choose another with --out"
        raise OutputError(message) from error
    return path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place on success and vanishes on failure.

    Raises:
        OutputError: the folder cannot be written to.
    """
    path = Path(path)
    # processes of several machines with one file system can have the same number
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        message = f"cannot write {str(path)!r}: {error.strerror}; choose another place"
        raise OutputError(message) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8) to `path` atomically and return the path."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)
