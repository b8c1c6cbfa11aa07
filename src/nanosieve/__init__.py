"""nanosieve: neural-network triggers from collisions to bit-exact hardware.

>>> import nanosieve as ns
>>> print(ns.Fixed.parse("fixed<16,10>"))
fixed<16,10>
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nanosieve.figure import Figure, Provenance

if TYPE_CHECKING:
    from nanosieve.compiler.design import Design, compile, load
    from nanosieve.compiler.graph import Fixed, Graph
    from nanosieve.compiler.hardware import Budget

__version__ = "0.1.0"

__all__ = ["Budget", "Design", "Figure", "Fixed", "Graph", "Provenance", "__version__", "compile", "load"]


_HOMES = {
    "Budget": "nanosieve.compiler.hardware",
    "Design": "nanosieve.compiler.design",
    "Fixed": "nanosieve.compiler.graph",
    "Graph": "nanosieve.compiler.graph",
    "compile": "nanosieve.compiler.design",
    "load": "nanosieve.compiler.design",
}


def __getattr__(name: str) -> Any:
    """Load the compiler when one of its names is first used, so that ``import nanosieve`` is light."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    message = f"module 'nanosieve' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
