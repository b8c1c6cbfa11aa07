"""Every exception that nanosieve raises on purpose.

Each message is one line: what is wrong, where in the user's input, what is accepted, and the remedy.
The command line prints it after ``error:`` and exits with code 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BudgetError",
    "ClockError",
    "FoldingError",
    "GraphError",
    "InexactModelError",
    "InputFileError",
    "InvariantError",
    "MissingDependencyError",
    "NanosieveError",
    "OutputError",
    "SampleError",
    "SettingsError",
    "ToolError",
    "UnknownNameError",
    "UnsupportedLayerError",
    "VerificationError",
]


class NanosieveError(Exception):
    """Base of all errors of this package."""


class MissingDependencyError(NanosieveError):
    """An optional package or program is not installed; the message names the pip extra."""


class InputFileError(NanosieveError):
    """A file given by the user is missing, of the wrong kind, damaged or too large."""


class OutputError(NanosieveError):
    """A result cannot be written where the user asked for it."""


class UnknownNameError(NanosieveError):
    """A process, device, study or column of that name does not exist; the message lists the nearest."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Build the error for `name`, with the nearest of the `known` names.

        >>> str(UnknownNameError.among("device", "xcvu9", ["xcvu9p", "alveo-u50"]))
        "unknown device 'xcvu9'; nearest: xcvu9p; known: alveo-u50, xcvu9p"
        """
        names = sorted(known)
        lower = {known_name.lower(): known_name for known_name in names}
        near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.4)]
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return cls(f"unknown {kind} {name!r}{hint}; known: {', '.join(names)}")


class SampleError(NanosieveError):
    """A sample holds values or columns that cannot be used (NaN, infinity, wrong shape)."""


class SettingsError(NanosieveError):
    """A setting is out of its domain or two settings contradict each other."""


class UnsupportedLayerError(NanosieveError):
    """A network holds a layer or an option that the compiler does not know."""


class InexactModelError(NanosieveError):
    """A network states arithmetic that no fixed-point hardware reproduces exactly."""


class GraphError(NanosieveError):
    """A graph breaks a rule of the intermediate representation."""


class BudgetError(NanosieveError):
    """No design meets the budget; the message says by how much and what would do."""


class ClockError(BudgetError):
    """One operation takes longer than a clock cycle; the message says which clock would do."""


class VerificationError(NanosieveError):
    """Two stages disagree; the message names layer, element, event and both values."""


class InvariantError(NanosieveError):
    """A simulation broke a law that it must obey, such as Little's: its fault, not that of the input."""


class ToolError(NanosieveError):
    """An external tool (Verilator, Yosys, Pythia) failed; the message quotes its first error."""


class FoldingError(NanosieveError):
    """A layer cannot be built with a folding, which the scheduler answers with another one.

    Attributes:
        node: the value whose computation differs between the slots; empty if there is none.
    """

    def __init__(self, message: str, node: str = "") -> None:
        super().__init__(message)
        self.node = node
