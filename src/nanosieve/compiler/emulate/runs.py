"""Index tables as runs of equally spaced elements, which are copied in one go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph import Integers

__all__ = ["Runs", "runs_of"]


@dataclass(frozen=True)
class Runs:
    """``index[n * length + j] = sources[n] + j * step``; a source of -1 stands for a run of -1."""

    sources: Integers
    length: int
    step: int


def runs_of(index: Integers, row: int, *, steps: bool = True) -> Runs:
    """The longest runs of one length that make up the flat `index`, -1 in it standing for zero.

    Args:
        index: places in the source.
        row: runs do not cross multiples of this, a divisor of the length of `index`.
        steps: allow elements further apart than one.
    """
    found = [_with_step(index, row, 1)]
    if steps and index.size > 1:
        differences = np.diff(index)[(index[1:] >= 0) & (index[:-1] >= 0)]
        values, counts = np.unique(differences, return_counts=True)
        if values.size:
            found.append(_with_step(index, row, int(values[np.argmax(counts)])))
    return max(found, key=lambda runs: runs.length)


def _with_step(index: Integers, row: int, step: int) -> Runs:
    ahead, behind = index[1:], index[:-1]
    zeros = (ahead < 0) & (behind < 0)
    goes_on = ((ahead - behind == step) & (ahead >= 0) & (behind >= 0)) | zeros
    length = int(np.gcd.reduce(np.flatnonzero(~goes_on) + 1, initial=max(row, 1)))
    return Runs(np.ascontiguousarray(index[::length].astype(np.int64)), length, step)
