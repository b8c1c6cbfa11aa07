"""How loops of the engine are compiled: numba, one thread, kept on disk after the first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled"]


def compiled(function: Callable[..., Any]) -> Any:
    """`function`, compiled at its first call."""
    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
