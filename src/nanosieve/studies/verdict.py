"""One number of ours beside the published one, in a word."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.figure import Figure

__all__ = ["Verdict"]


@dataclass(frozen=True)
class Verdict:
    """One number of ours and the published one.

    Attributes:
        name: what it is.
        ours, theirs: less is better; `theirs` is None where none was read in the source.
    """

    name: str
    ours: Figure
    theirs: Figure | None

    @property
    def word(self) -> str:
        """``better``, ``worse``, ``equal`` (within one standard deviation) or ``not published``."""
        if self.theirs is None:
            return "not published"
        error = max(self.ours.error or 0.0, self.theirs.error or 0.0)
        difference = self.ours.value - self.theirs.value
        if abs(difference) <= error:
            return "equal"
        return "better" if difference < 0 else "worse"

    def __str__(self) -> str:
        if self.theirs is None:
            return f"{self.name} {self.ours.number()} {self.ours.unit}".strip() + " (none published)"
        numbers = f"{self.ours.number()} against {self.theirs.number()} {self.ours.unit}".strip()
        return f"{self.name} {self.word} ({numbers})"
