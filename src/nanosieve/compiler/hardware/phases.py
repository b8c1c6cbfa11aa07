"""The phases of an event, which count the cycles of a layer: when they repeat, and how Verilog tells them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import numpy as np

from nanosieve.compiler.graph import Integers

__all__ = ["phase_patterns", "repeats_after"]

PREFIX = 64
"""Phases that are compared first with those a period later."""

Chosen = TypeVar("Chosen", bound=Hashable)


def phase_patterns(chosen: Sequence[tuple[int, Chosen]], phases: int) -> dict[Chosen, list[str]]:
    """What is chosen → patterns of the phases that choose it.

    Phases in which nothing is chosen go with those around them, so that a step of a recurrent layer or a line
    of an image is a range and not a list.

    Args:
        chosen: (phase, what is chosen), rising.
        phases: number of all phases.

    >>> phase_patterns([(0, "a"), (1, "b"), (2, "b"), (5, "b"), (6, "a")], 7)
    {'a': ["3'd0", "3'b11?"], 'b': ["3'd1", "3'b01?", "3'b10?"]}
    """
    width = max((phases - 1).bit_length(), 1)
    found: dict[Chosen, list[str]] = {}
    runs = [(what, [phase for phase, _ in run]) for what, run in groupby(chosen, key=itemgetter(1))]
    for n, (what, run) in enumerate(runs):
        end = (1 << width) - 1 if n == len(runs) - 1 else run[-1]
        found.setdefault(what, []).extend(_patterns(run[0], end, width))
    return found


def _patterns(first: int, last: int, width: int) -> Iterator[str]:
    """The aligned blocks of which the range consists."""
    while first <= last:
        free = width if first == 0 else (first & -first).bit_length() - 1
        free = min(free, (last - first + 1).bit_length() - 1)
        if free:
            fixed = f"{first >> free:0{width - free}b}" if free < width else ""
            yield f"{width}'b{fixed}{'?' * free}"
        else:
            yield f"{width}'d{first}"
        first += 1 << free


def repeats_after(content: Integers, phase: Integers) -> int:
    """The least number of phases after which what is read is the same again, or all phases.

    Args:
        content: what is read, a number of 0 or more for each slot (slots,).
        phase: of each slot, rising from 0 (slots,).

    >>> repeats_after(np.array([7, 8, 9, 7, 8, 9]), np.array([0, 1, 2, 5, 6, 7]))
    5
    """
    phases = int(phase[-1]) + 1
    by_phase = np.full(phases, -1)
    by_phase[phase] = content
    possible = np.ones(phases, dtype=bool)
    for n in range(min(PREFIX, phases)):  # most are ruled out by what the first phases read
        if by_phase[n] >= 0:
            possible[: phases - n] &= (by_phase[n:] < 0) | (by_phase[n:] == by_phase[n])
    for period in (np.flatnonzero(possible[1:]) + 1).tolist():
        before, after = by_phase[:-period], by_phase[period:]
        if ((before != after) & (before >= 0) & (after >= 0)).any():
            continue
        place = phase % period  # phases that are several periods apart may differ, with nothing between them
        first = np.full(period, -1)
        first[place] = content
        if np.array_equal(first[place], content):
            return period
    return phases
