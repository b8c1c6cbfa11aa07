"""What an op of a kernel needs and how it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from nanosieve.compiler.graph import Integers
from nanosieve.compiler.hardware.assembly import Assembly

__all__ = ["Operands", "Plan"]


class Operands(Protocol):
    """The operands of an op of a kernel, as demanded."""

    def native(self, n: int) -> str:
        """The n-th operand in the shape it has, if its elements are as demanded; else flat."""

    def shaped(self, n: int, shape: tuple[int, ...]) -> str:
        """The n-th operand in a shape."""

    def flat(self, n: int) -> str:
        """The n-th operand, flat."""


@dataclass(frozen=True)
class Plan:
    """How rows of a result come from rows of the operands.

    Attributes:
        operands: for each input of the node the rows that it has to hold, shape (rows, slots).
        build: adds the nodes to the kernel; the result holds the rows in order, in any shape.
        constants: rows of constants, which stand behind the operands.
        exact: the result needs no narrower type than the kernel proves.
    """

    operands: list[Integers]
    build: Callable[[Assembly, Operands], str]
    constants: list[Integers] = field(default_factory=list)
    exact: bool = False
