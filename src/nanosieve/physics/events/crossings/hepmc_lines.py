"""Whether every line of a HepMC file is what it has to be: pyhepmc trusts its files and may crash on damage.

The formats are those of arXiv:1912.08005 (HepMC 3, Asciiv3) and of the manual of HepMC 2 (IO_GenEvent).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Protocol

__all__ = ["LineCheck", "line_check"]

MOST = 1_000_000
"""Particles, vertices or weights in an event."""
HEAD = (b"HepMC::", b"W ", b"N ", b"T ", b"A ")
"""Beginnings of the lines before the first event."""

_WITH_NAMES = (b"A", b"N")
Words = Sequence[bytes]


class LineCheck(Protocol):
    """Takes the lines of a file one after another, white space removed at their ends."""

    def wrong(self, text: bytes) -> bool:
        """Whether a line, after all that came before it, breaks the format."""

    def complete(self) -> bool:
        """Whether the event so far has all that it announces."""


def line_check(form: bytes) -> LineCheck:
    """The check for ``HepMC::Asciiv3`` or ``HepMC::IO_GenEvent``."""
    return _Version3() if form == b"HepMC::Asciiv3" else _Version2()


class _Check:
    """What both formats share: counts of an event that are announced and reached."""

    def __init__(self) -> None:
        self.started = False
        self.particles = self.vertices = 0

    def wrong(self, text: bytes) -> bool:
        """See `LineCheck`."""
        if not text or text.startswith(b"HepMC::"):
            return False
        if not self.started and not text.startswith(b"E "):
            return not self.head(text)
        words = text.split()
        try:
            # Python reads 1_000 as a number, C++ as 1
            return (b"_" in text and words[0] not in _WITH_NAMES) or not self.fine(words[0], words[1:], text)
        except (ValueError, IndexError, OverflowError):
            return True

    def head(self, text: bytes) -> bool:
        """Whether a line may stand before the first event."""
        count = text[2:].strip()
        return text.startswith(HEAD) and (text[:1] != b"W" or (count.isdigit() and int(count) <= MOST))

    def fine(self, kind: bytes, words: Words, text: bytes) -> bool:
        """Whether a line within an event is right; may raise ValueError, IndexError or OverflowError."""
        raise NotImplementedError


class _Version3(_Check):
    def __init__(self) -> None:
        super().__init__()
        self.next_particle = 1
        self.units = False

    def complete(self) -> bool:
        return not self.started or (self.next_particle == self.particles + 1 and self.units)

    def fine(self, kind: bytes, words: Words, text: bytes) -> bool:
        match kind:
            case b"E":
                whole = self.complete()
                _, self.vertices, self.particles = (int(word) for word in words[:3])
                self.started, self.next_particle, self.units = True, 1, False
                counts = 0 <= self.vertices <= MOST and 0 < self.particles <= MOST
                return whole and counts and _place(words[3:])
            case b"U":
                self.units = True
                return _units(words)
            case b"W":
                return _finite(words)
            case b"V":
                incoming = words[2][1:-1].split(b",") if words[2] != b"[]" else []
                bracketed = words[2].startswith(b"[") and words[2].endswith(b"]")
                inside = all(1 <= int(word) <= self.particles for word in incoming)
                int(words[1])
                return -self.vertices <= int(words[0]) < 0 and bracketed and inside and _place(words[3:])
            case b"P":
                return self._particle(words)
            case b"A":
                return self._attribute(words)
        return False

    def _particle(self, words: Words) -> bool:
        number, parent = int(words[0]), int(words[1])
        int(words[2]), int(words[8])
        right = number == self.next_particle <= self.particles and -self.vertices <= parent < number
        self.next_particle += 1
        return right and len(words) == 9 and _finite(words[3:8])

    def _attribute(self, words: Words) -> bool:
        if not -self.vertices <= int(words[0]) <= self.particles:
            return False
        return words[1] != b"GenCrossSection" or (len(words) >= 6 and _finite(words[2:]))


class _Version2(_Check):
    def __init__(self) -> None:
        super().__init__()
        self.found = 0
        self.due = 0
        """Particles that the last vertex still announces."""
        self.units = False
        self.barcodes: set[bytes] = set()
        self.ends: set[bytes] = set()
        """Vertices where particles end."""

    def complete(self) -> bool:
        whole = self.found == self.vertices and self.due == 0 and self.ends <= self.barcodes
        return not self.started or (whole and self.units)

    def fine(self, kind: bytes, words: Words, text: bytes) -> bool:
        match kind:
            case b"E":
                whole = self.complete()
                self.started, self.found, self.due, self.units = True, 0, 0, False
                self.barcodes.clear()
                self.ends.clear()
                self.vertices = int(words[7])
                random = int(words[10])
                weights = int(words[11 + random]) if 0 <= random <= MOST else -1
                exact = len(words) == 12 + random + weights and 0 <= weights <= MOST
                for word in (words[0], words[1], *words[5:10]):
                    int(word)
                return whole and exact and 0 < self.vertices <= MOST and _finite(words)
            case b"U":
                self.units = True
                return _units(words)
            case b"N":
                return 0 <= int(words[0]) <= MOST and text.count(b'"') == 2 * int(words[0])
            case b"C":
                return len(words) >= 2 and _finite(words)
            case b"H" | b"F":
                return _finite(words)
            case b"V":
                whole = self.due == 0
                self.found += 1
                orphans, out, weights = (int(word) for word in words[6:9])
                self.due = orphans + out
                int(words[1])
                counts = min(orphans, out, weights) >= 0 and self.due <= MOST and len(words) == 9 + weights
                return whole and counts and self._new(words[0]) and int(words[0]) < 0 and _finite(words)
            case b"P":
                self.due -= 1
                flows = int(words[11])
                exact = len(words) == 12 + 2 * flows and 0 <= flows <= MOST
                if words[10] != b"0":
                    self.ends.add(words[10])
                for word in (words[1], words[7], words[10]):
                    int(word)
                right = self.due >= 0 and int(words[0]) > 0 and exact
                return right and self._new(words[0]) and _finite(words)
        return False

    def _new(self, barcode: bytes) -> bool:
        """Barcodes of an event differ."""
        known = barcode in self.barcodes
        self.barcodes.add(barcode)
        return not known


def _place(words: Words) -> bool:
    return not words or (words[0] == b"@" and len(words) == 5 and _finite(words[1:]))


def _units(words: Words) -> bool:
    return len(words) == 2 and words[0] in (b"GEV", b"MEV") and words[1] in (b"MM", b"CM")


def _finite(words: Words) -> bool:
    return all(isfinite(float(word)) for word in words)
