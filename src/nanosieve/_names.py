"""Names that another language accepts for the names that a user gave."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["UniqueNames", "plain"]


def plain(name: str) -> str:
    """`name` in ASCII letters, digits and single underscores, none at an end; ``l`` if nothing is left.

    >>> plain("block/dense-1"), plain("µ")
    ('block_dense_1', 'l')
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "l"


class UniqueNames:
    """Identifiers that differ.

    Args:
        identifier: the identifier of a name, whether given before or not.
    """

    def __init__(self, identifier: Callable[[str], str]) -> None:
        self.identifier = identifier
        self.taken: set[str] = set()

    def new(self, name: str) -> str:
        """An identifier for `name` that was not given before."""
        text, n = self.identifier(name), 2
        while text in self.taken:
            text, n = f"{self.identifier(name)}_{n}", n + 1
        self.taken.add(text)
        return text
