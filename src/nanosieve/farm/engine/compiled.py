"""How loops of the engine are compiled: numba, one thread, kept on disk after the first use."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numba

__all__ = ["compiled", "inlined", "loop", "version_of"]


def compiled(function: Callable[..., Any]) -> Any:
    """`function`, compiled at its first call."""
    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)


def inlined(function: Callable[..., Any]) -> Any:
    """`function`, compiled into the loop that calls it; it makes no arrays.

    Counting references to the tables at each call would cost five times the work (``_nrt``).
    """
    return numba.njit(nogil=True, error_model="numpy", _nrt=False, forceinline=True)(function)


def loop(function: Callable[..., Any]) -> Any:
    """`function`, a loop around `inlined` ones, compiled at its first call; it makes no arrays."""
    return numba.njit(nogil=True, cache=True, error_model="numpy", _nrt=False)(function)


def version_of(*modules: ModuleType) -> int:
    """A number that changes with the source of `modules`.

    numba keeps the code of a loop until the file of the loop changes, and does not look at the files of the
    steps that were compiled into it. It does look at the values that the loop closes over: this is one.
    """
    return zlib.crc32("".join(map(inspect.getsource, modules)).encode())
