"""What an op is: a type rule and an integer meaning, and nothing else.

``result`` gives the type of the output (shape, proven range, step); ``evaluate`` gives the codes of the
output for codes of the inputs, batch axis first, in exact int64 arithmetic. Emulators and hardware are
tested against ``evaluate``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, TensorType
from nanosieve.errors import GraphError

__all__ = ["Op", "as_codes", "frozen", "same_shape"]


class Op(ABC):
    """Base of all ops; subclasses are frozen dataclasses whose fields are the attributes of the op."""

    operands: ClassVar[int | None] = 1
    """Number of inputs; None for any number."""

    @abstractmethod
    def result(self, *types: TensorType) -> TensorType:
        """The type of the output.

        Raises:
            GraphError: the input types do not fit.
        """

    @abstractmethod
    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """The codes of the output; `types` are those of the inputs."""

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other) and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name))
            if isinstance(getattr(self, f.name), np.ndarray)
            else getattr(self, f.name) == getattr(other, f.name)
            for f in fields(self)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]


def frozen(op: Op, *names: str) -> None:
    """Make the array fields int64 and read-only."""
    for name in names:
        array = np.array(getattr(op, name), dtype=np.int64)
        array.setflags(write=False)
        object.__setattr__(op, name, array)


def as_codes(array: Any) -> Integers:
    """`array` as int64."""
    return np.asarray(array, dtype=np.int64)


def same_shape(name: str, a: TensorType, b: TensorType) -> None:
    """Raise a GraphError unless both types have one shape."""
    if a.shape != b.shape:
        message = f"{name} takes two tensors of one shape, not {a.shape} and {b.shape}"
        raise GraphError(message)
