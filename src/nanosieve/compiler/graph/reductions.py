"""From the elements of the last axis to one of them, their sum, or their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.compiler.graph.op import Op, as_codes
from nanosieve.compiler.graph.steps import finest_step
from nanosieve.errors import GraphError

__all__ = ["ArgMax", "Max", "Min", "Sort", "Sum"]


def _last(x: TensorType) -> tuple[Integers, Integers]:
    """The finest step along the last axis (kept, length 1), and the shifts that bring the elements to it."""
    if not x.shape or not x.shape[-1]:
        message = f"a reduction needs a last axis of one or more elements, not the shape {x.shape}"
        raise GraphError(message)
    return finest_step(x, (-1,))


@dataclass(frozen=True, eq=False)
class Sum(Op):
    """Sum over the last axis, which stays with length 1."""

    def result(self, *types: TensorType) -> TensorType:
        """The finest step; ranges add."""
        (x,) = types
        exponent, shift = _last(x)
        low = (x.low << shift).sum(axis=-1, keepdims=True)
        return TensorType(low, (x.high << shift).sum(axis=-1, keepdims=True), exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then add."""
        return as_codes((codes[0] << _last(types[0])[1]).sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Max(Op):
    """Largest value along the last axis, which stays with length 1."""

    def result(self, *types: TensorType) -> TensorType:
        """The finest step; the largest of either end."""
        (x,) = types
        exponent, shift = _last(x)
        low, high = ((end << shift).max(axis=-1, keepdims=True) for end in (x.low, x.high))
        return TensorType(low, high, exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then compare."""
        return as_codes((codes[0] << _last(types[0])[1]).max(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Min(Op):
    """Smallest value along the last axis, which stays with length 1."""

    def result(self, *types: TensorType) -> TensorType:
        """The finest step; the smallest of either end."""
        (x,) = types
        exponent, shift = _last(x)
        low, high = ((end << shift).min(axis=-1, keepdims=True) for end in (x.low, x.high))
        return TensorType(low, high, exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then compare."""
        return as_codes((codes[0] << _last(types[0])[1]).min(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class ArgMax(Op):
    """Index of the largest value along the last axis, the first of equals; the axis stays with length 1."""

    def result(self, *types: TensorType) -> TensorType:
        """An index that can be reached; one that loses against the lower end of another cannot."""
        (x,) = types
        _, shift = _last(x)
        best = (x.low << shift).max(axis=-1, keepdims=True)
        possible = (x.high << shift) >= best
        last = x.shape[-1] - 1 - np.argmax(possible[..., ::-1], axis=-1)[..., np.newaxis]
        first = np.argmax(possible, axis=-1)[..., np.newaxis]
        return TensorType(first, last, np.zeros_like(first))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then compare."""
        return as_codes(np.argmax(codes[0] << _last(types[0])[1], axis=-1)[..., np.newaxis])


@dataclass(frozen=True, eq=False)
class Sort(Op):
    """The values of the last axis, the largest first; the best k are a `Gather` behind it."""

    def result(self, *types: TensorType) -> TensorType:
        """The finest step; the k-th largest value lies between the k-th largest of either end."""
        (x,) = types
        exponent, shift = _last(x)
        low, high = (np.sort(end << shift, axis=-1)[..., ::-1] for end in (x.low, x.high))
        return TensorType(low, high, np.broadcast_to(exponent, x.shape))

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Align the steps, then sort."""
        return as_codes(np.sort(codes[0] << _last(types[0])[1], axis=-1)[..., ::-1])
