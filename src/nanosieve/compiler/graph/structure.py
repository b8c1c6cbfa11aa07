"""Ports, constants and other ways to look at the same elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph.fixed import Integers, Overflow, Rounding, TensorType
from nanosieve.compiler.graph.op import Op, frozen
from nanosieve.errors import GraphError

__all__ = ["Concatenate", "Constant", "Input", "Reshape", "Weights"]


@dataclass(frozen=True, eq=False)
class Input(Op):
    """A port of the design: codes of the given type.

    Attributes:
        type: range and step of each element.
        rounding, overflow: how a real number becomes a code, outside the hardware.
        stated: whether the model itself rounds its input like this. If not, the type was chosen for the
            hardware, and graph and model are compared on numbers that the port holds.
    """

    operands = 0
    type: TensorType
    rounding: Rounding = Rounding.RND
    overflow: Overflow = Overflow.SAT
    stated: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounding", Rounding(self.rounding))
        object.__setattr__(self, "overflow", Overflow(self.overflow))

    def result(self, *types: TensorType) -> TensorType:
        """The stated type."""
        return self.type

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """Not called: the interpreter is given the codes of the inputs."""
        message = "the codes of an input are given, not computed"
        raise GraphError(message)


@dataclass(frozen=True, eq=False)
class Constant(Op):
    """Fixed codes."""

    operands = 0
    codes: Integers
    exponent: Integers

    def __post_init__(self) -> None:
        frozen(self, "codes", "exponent")

    def result(self, *types: TensorType) -> TensorType:
        """Ranges of one code."""
        return TensorType(self.codes, self.codes, self.exponent)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """One event, which broadcasts over the batch."""
        return self.codes[np.newaxis]


@dataclass(frozen=True, eq=False)
class Weights(Op):
    """Codes that can be replaced by others of the same type, in hardware through a write port.

    What depends on them is proven for every code of the type, not for the present ones.

    Attributes:
        codes: the present ones.
        type: range and step of each element.
    """

    operands = 0
    codes: Integers
    type: TensorType

    def __post_init__(self) -> None:
        frozen(self, "codes")

    def result(self, *types: TensorType) -> TensorType:
        """The stated type."""
        if self.codes.shape != self.type.shape or not self.type.holds(self.codes[np.newaxis]).all():
            message = f"weights of shape {self.codes.shape} are no codes of {self.type}"
            raise GraphError(message)
        return self.type

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """One event, which broadcasts over the batch."""
        return self.codes[np.newaxis]


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """The same elements in another shape (without the batch axis)."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))

    def result(self, *types: TensorType) -> TensorType:
        """The same types."""
        (x,) = types
        if x.size != int(np.prod(self.shape, dtype=np.int64)):
            message = f"{x.size} elements do not fit the shape {self.shape}"
            raise GraphError(message)
        return x.reshape(self.shape)

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """The same codes."""
        return codes[0].reshape(-1, *self.shape)


@dataclass(frozen=True, eq=False)
class Concatenate(Op):
    """Tensors side by side along the last axis."""

    operands = None

    def result(self, *types: TensorType) -> TensorType:
        """The types side by side."""
        if len({t.shape[:-1] for t in types}) != 1:
            message = f"Concatenate takes tensors alike but for the last axis, not {[t.shape for t in types]}"
            raise GraphError(message)
        return TensorType(
            np.concatenate([t.low for t in types], axis=-1),
            np.concatenate([t.high for t in types], axis=-1),
            np.concatenate([t.exponent for t in types], axis=-1),
        )

    def evaluate(self, types: tuple[TensorType, ...], *codes: Integers) -> Integers:
        """The codes side by side."""
        batch = max(len(c) for c in codes)
        return np.concatenate([np.broadcast_to(c, (batch, *c.shape[1:])) for c in codes], axis=-1)
