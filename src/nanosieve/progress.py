"""How long work reports on itself: the library calls a `Progress`, the command line draws it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called often by long work; must be cheap and must not raise."""

    def __call__(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Report that `done` of `total` units of `stage` are finished; `note` is a short remark."""


def silent(stage: str, done: float, total: float, note: str = "") -> None:
    """The `Progress` that shows nothing."""
