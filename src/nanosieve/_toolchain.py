"""The C++ compiler of the system, and what tools complain of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nanosieve.errors import MissingDependencyError, ToolError

__all__ = ["compiler_path", "first_complaint", "run_compiler"]


def compiler_path(purpose: str) -> str:
    """The C++ compiler: ``$CXX``, else g++ or clang++.

    Args:
        purpose: what needs it, for the message.

    Raises:
        MissingDependencyError: there is none.
    """
    for name in (os.environ.get("CXX", ""), "g++", "clang++", "c++"):
        if name and (found := shutil.which(name)):
            return found
    message = f"{purpose} needs a C++ compiler and found none; remedy: install g++ (or set CXX)"
    raise MissingDependencyError(message)


def run_compiler(command: Sequence[str], place: Path, *, what: str) -> None:
    """Run a compiler in the folder `place`.

    Args:
        command: the program and its arguments.
        place: the folder.
        what: what it builds, for the message.

    Raises:
        ToolError: it fails; the message quotes its first error.
    """
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode != 0:
        complaint = first_complaint(done.stderr, "error")
        message = f"{Path(command[0]).name} fails to build {what}: {complaint}"
        raise ToolError(message)


_SUM = "%Error: Exiting due to"
"""What Verilator says last, whatever went wrong."""


def first_complaint(text: str, mark: str) -> str:
    """The first line of a tool's output that holds `mark`, else the first warning, else its last line."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip() and _SUM not in line]
    warning = next((line for line in lines if "%Warning" in line), lines[-1] if lines else "no message")
    return next((line for line in lines if mark in line), warning)
