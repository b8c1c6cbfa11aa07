"""The one place where optional packages are imported."""

from __future__ import annotations

import importlib
from typing import Any

from nanosieve.errors import MissingDependencyError


def require(module: str, *, extra: str, purpose: str) -> Any:
    """Import `module`, or say which pip extra provides it.

    Args:
        module: dotted name, e.g. ``"pythia8mc"``.
        extra: name of the extra in ``pip install nanosieve[extra]``.
        purpose: what needs it, for the message.

    Raises:
        MissingDependencyError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        message = (
            f"{purpose} needs the package {error.name!r}, which is not installed; "
            f"remedy: pip install 'nanosieve[{extra}]'"
        )
        raise MissingDependencyError(message) from error


def installed(module: str) -> Any | None:
    """`module`, or None where it is not installed: for what is better but not needed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None
