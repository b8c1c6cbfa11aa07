"""The scalar cells of which a layer is built: integers in, one integer out.

A cell knows the proven range ``[low, high]`` of its result. Shifts that align binary points are wiring
and belong to the cells that use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nanosieve.compiler.graph import Rounding, bit_width

__all__ = [
    "DSP_FACTORS",
    "DSP_SUM",
    "AddCell",
    "AtLeastCell",
    "Cell",
    "ChooseCell",
    "ConstantCell",
    "InputCell",
    "MacCell",
    "MaskCell",
    "NonzeroCell",
    "ProductCell",
    "RoundCell",
    "SaturateCell",
    "SelectCell",
    "ShiftCell",
    "SteadyCell",
    "TableCell",
    "WrapCell",
]

DSP_FACTORS = (27, 18)
"""Bits of the signed factors that one DSP48E2 multiplies (Xilinx UG579)."""
DSP_SUM = 48
"""Bits of the signed number to which it adds the product."""


@dataclass(frozen=True)
class Cell:
    """Base: range of the result and indices of the argument cells.

    Attributes:
        latency: stages between the operands and the result; 0 for a cell without a register inside.
    """

    low: int
    high: int
    args: tuple[int, ...]

    latency: ClassVar[int] = 0

    @property
    def width(self) -> int:
        """Bits of the result."""
        return bit_width(self.low, self.high)

    @property
    def signed(self) -> bool:
        """Whether the result can be negative."""
        return self.low < 0


@dataclass(frozen=True)
class InputCell(Cell):
    """Lane `element` of the module's input `port` as it is in stage `stage`."""

    port: int
    element: int
    stage: int = 0


@dataclass(frozen=True)
class SteadyCell(Cell):
    """Number `element` of what stands at the module's input ``weights``, the same in all stages."""

    element: int


@dataclass(frozen=True)
class ConstantCell(Cell):
    """``low`` (equal to ``high``)."""


@dataclass(frozen=True)
class AddCell(Cell):
    """``(a << shift_a) + (b << shift_b)``, or minus where `subtract`."""

    shift_a: int
    shift_b: int
    subtract: bool


@dataclass(frozen=True)
class ShiftCell(Cell):
    """``a << shift`` (wiring), or ``a >> -shift`` where the bits dropped are zero."""

    shift: int


@dataclass(frozen=True)
class RoundCell(Cell):
    """`a` without its lowest `drop` bits, rounded."""

    drop: int
    rounding: Rounding


@dataclass(frozen=True)
class SaturateCell(Cell):
    """`a` clipped to ``[low, high]``."""


@dataclass(frozen=True)
class WrapCell(Cell):
    """The low bits of `a`, read as a number of the target's width.

    With ``exact`` the range was proven elsewhere and no bit is lost.
    """

    exact: bool = False


@dataclass(frozen=True)
class SelectCell(Cell):
    """``args[1]`` where ``args[0]`` is negative, else ``args[2]``."""


@dataclass(frozen=True)
class ChooseCell(Cell):
    """``args[1]`` where the bit ``args[0]`` is set, else ``args[2]``."""


@dataclass(frozen=True)
class TableCell(Cell):
    """``entries[a - a.low]``."""

    entries: tuple[int, ...]


@dataclass(frozen=True)
class ProductCell(Cell):
    """``a * b``, in a DSP slice if it is wide enough and `dsp` allows it."""

    dsp: bool = True


@dataclass(frozen=True)
class MacCell(Cell):
    """``a * b + c``, or ``a * b`` of two arguments, in a DSP slice with its output register."""

    latency: ClassVar[int] = 1


@dataclass(frozen=True)
class MaskCell(Cell):
    """``args[1]`` where the bit ``args[0]`` is set, else 0."""


@dataclass(frozen=True)
class NonzeroCell(Cell):
    """1 where ``a != 0``."""


@dataclass(frozen=True)
class AtLeastCell(Cell):
    """1 where ``(a << shift_a) >= (b << shift_b)``."""

    shift_a: int
    shift_b: int
