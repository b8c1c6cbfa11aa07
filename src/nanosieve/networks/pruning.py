"""Magnitude pruning: the smallest weights of every kernel become zero, more and more of them in training.

A weight of zero is no adder and no multiplier in hardware where each weight has its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.errors import SettingsError, UnknownNameError

__all__ = ["PruningSchedule", "keep_pruned", "prune", "sparsity"]


@dataclass(frozen=True)
class PruningSchedule:
    """Part of the weights that are zero, as a polynomial in the step (arXiv:1710.01878 eq. 1).

    ``s(t) = final + (initial - final) (1 - (t - begin) / (end - begin))^power`` between `begin` and `end`,
    `initial` at `begin`, nothing before it, `final` after `end`.

    Attributes:
        final: part of the weights of a kernel that are zero in the end.
        initial: where it begins.
        begin, end: parts of the training, 0 to 1.
        every: steps between two changes.
        power: of the polynomial.
        spare: layers that keep all weights.

    Raises:
        SettingsError: a part outside 0 to 1, an end before the begin, or steps or a power below 1.
    """

    final: float = 0.5
    initial: float = 0.0
    begin: float = 0.0
    end: float = 0.6
    every: int = 10
    power: float = 3.0
    spare: Collection[str] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.initial <= self.final < 1:
            message = (
                f"pruning from initial={self.initial!r} to final={self.final!r}: accepted are parts of the "
                "weights with 0 <= initial <= final < 1"
            )
            raise SettingsError(message)
        if not 0 <= self.begin <= self.end <= 1:
            message = (
                f"pruning from begin={self.begin!r} to end={self.end!r}: accepted are parts of the training "
                "with 0 <= begin <= end <= 1"
            )
            raise SettingsError(message)
        if self.every < 1 or self.power < 1:
            message = f"pruning every {self.every!r} steps with power {self.power!r}: both are 1 or more"
            raise SettingsError(message)

    def at(self, step: Any, steps: int) -> Any:
        """The part at a step of a training of `steps`; a number, or a traced one of Keras.

        >>> round(float(PruningSchedule(0.5, end=0.5).at(25, 100)), 3)
        0.392
        """
        ops = require("keras", extra="train", purpose="pruning a network").ops
        first, last = self.begin * steps, self.end * steps
        changed = ops.cast(ops.floor_divide(step, self.every) * self.every, "float32")
        left = 1.0 - ops.clip((changed - first) / max(last - first, 1e-9), 0.0, 1.0)
        reached = self.final + (self.initial - self.final) * left**self.power
        reached = ops.where(changed < first, 0.0, reached)
        return ops.where(step >= last, self.final, reached)  # whether a multiple of `every` or not


def prune(model: Any, schedule: PruningSchedule, optimizer: Any, steps: int) -> None:
    """Make the kernels of `model` obey the schedule in any training with `optimizer`.

    The kernels get a constraint that Keras applies after every step; it holds for `model.fit` and for
    `nanosieve.networks` alike, and is not part of the saved model.

    Args:
        model: built.
        schedule: what to reach, and when.
        optimizer: the one that counts the steps.
        steps: of the whole training.

    Raises:
        UnknownNameError: a layer to be spared that the model has not.
    """
    names = [layer.name for layer in _with_kernels(model)]
    for spared in schedule.spare:
        if spared not in names:
            raise UnknownNameError.among("layer to be spared from pruning", spared, names)
    for layer in _with_kernels(model):
        if layer.name not in schedule.spare:
            _kernel(layer).constraint = _smallest_to_zero(schedule, optimizer, steps)


def keep_pruned(model: Any) -> None:
    """Keep the weights of `model` that are zero at zero in any further training."""
    ops = require("keras", extra="train", purpose="pruning a network").ops
    for layer in _with_kernels(model):
        kernel = _kernel(layer)
        mask = (np.asarray(ops.convert_to_numpy(kernel)) != 0).astype(np.float32)
        if not mask.all():
            kernel.constraint = _masked(mask)


def sparsity(model: Any) -> dict[str, float]:
    """Layer → part of the weights of its kernel that are zero; of a quantised layer, after rounding."""
    ops = require("keras", extra="train", purpose="pruning a network").ops
    found = {}
    for layer in _with_kernels(model):
        kernel = layer.qkernel if hasattr(layer, "qkernel") else layer.kernel
        found[layer.name] = float((np.asarray(ops.convert_to_numpy(kernel)) == 0).mean())
    return found


def _with_kernels(model: Any) -> list[Any]:
    return [layer for layer in model._flatten_layers() if getattr(layer, "_kernel", None) is not None]


def _kernel(layer: Any) -> Any:
    return layer._kernel


def _smallest_to_zero(schedule: PruningSchedule, optimizer: Any, steps: int) -> Any:
    ops = require("keras", extra="train", purpose="pruning a network").ops

    def constraint(variable: Any) -> Any:
        kernel = ops.convert_to_tensor(variable)
        size = ops.reshape(ops.abs(kernel), (-1,))
        number = ops.cast(ops.ceil(schedule.at(optimizer.iterations, steps) * size.shape[0]), "int32")
        largest = ops.take(ops.sort(size), ops.maximum(number - 1, 0))
        gone = ops.logical_and(ops.abs(kernel) <= largest, number > 0)
        return ops.where(gone, ops.zeros_like(kernel), kernel)

    return constraint


def _masked(mask: Any) -> Any:
    ops = require("keras", extra="train", purpose="pruning a network").ops
    return lambda variable: ops.convert_to_tensor(variable) * mask
