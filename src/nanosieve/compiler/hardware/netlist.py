"""`Netlist`: the cells of one module, grown with constant folding and sharing of equal cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware import cells as c

__all__ = ["Netlist", "Value"]


def _rounded(code: int, drop: int, rounding: Rounding) -> int:
    """`code` without its lowest `drop` bits."""
    if rounding is Rounding.TRN or drop <= 0:
        return code >> max(drop, 0)
    half = 1 << (drop - 1)
    up = (code + half) >> drop
    tie = (code + half) & ((1 << drop) - 1) == 0
    return up & ~1 if tie and rounding is Rounding.RND_CONV else up


@dataclass(frozen=True)
class Value:
    """A cell read at a step: the number is ``code * 2**exponent``."""

    cell: int
    exponent: int


@dataclass
class Netlist:
    """Cells in topological order; `outputs` are the elements of the module's output bus.

    Every method that adds a cell returns its index; equal cells are shared and constants folded.

    Attributes:
        dsp: whether products may go to DSP slices.
    """

    cells: list[c.Cell] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    dsp: bool = True
    _known: dict[c.Cell, int] = field(default_factory=dict)

    def _add(self, cell: c.Cell) -> int:
        if cell.low == cell.high and not isinstance(cell, c.ConstantCell):
            return self.constant(cell.low)
        if cell not in self._known:
            self._known[cell] = len(self.cells)
            self.cells.append(cell)
        return self._known[cell]

    def range(self, a: int) -> tuple[int, int]:
        """Proven range of cell `a`."""
        return self.cells[a].low, self.cells[a].high

    def constant_code(self, a: int) -> int | None:
        """The code of a constant cell, else None."""
        cell = self.cells[a]
        return cell.low if isinstance(cell, c.ConstantCell) else None

    def constant(self, code: int) -> int:
        """A constant."""
        return self._add(c.ConstantCell(code, code, ()))

    def input(self, port: int, element: int, low: int, high: int, stage: int = 0) -> int:
        """A lane of an input bus as it is in `stage`."""
        return self._add(c.InputCell(low, high, (), port, element, stage))

    def steady(self, element: int, low: int, high: int) -> int:
        """A weight that is the same in all stages."""
        return self._add(c.SteadyCell(low, high, (), element))

    def shift(self, a: int, shift: int) -> int:
        """`a` at a finer step (positive `shift`), or at a coarser one where the bits dropped are zero."""
        low, high = self.range(a)
        if shift == 0:
            return a
        if (constant := self.constant_code(a)) is not None:
            return self.constant(constant << shift if shift > 0 else constant >> -shift)
        if shift > 0:
            return self._add(c.ShiftCell(low << shift, high << shift, (a,), shift))
        return self._add(c.ShiftCell(-(-low >> -shift), high >> -shift, (a,), shift))

    def add(self, a: int, b: int, *, shift_a: int = 0, shift_b: int = 0, subtract: bool = False) -> int:
        """Sum or difference of the shifted cells."""
        if self.constant_code(b) == 0:
            return self.shift(a, shift_a)
        if self.constant_code(a) == 0 and not subtract:
            return self.shift(b, shift_b)
        (a_low, a_high), (b_low, b_high) = self.range(a), self.range(b)
        if subtract:
            low, high = (a_low << shift_a) - (b_high << shift_b), (a_high << shift_a) - (b_low << shift_b)
        else:
            low, high = (a_low << shift_a) + (b_low << shift_b), (a_high << shift_a) + (b_high << shift_b)
        return self._add(c.AddCell(low, high, (a, b), shift_a, shift_b, subtract))

    def narrow(self, a: int, low: int, high: int) -> int:
        """`a`, known from elsewhere to lie in ``[low, high]``."""
        own_low, own_high = self.range(a)
        low, high = max(low, own_low), min(high, own_high)
        if (low, high) == (own_low, own_high):
            return a
        return self._add(c.WrapCell(low, high, (a,), exact=True))

    def round(self, a: int, drop: int, rounding: Rounding, low: int, high: int) -> int:
        """`a` without its lowest `drop` bits; `low` and `high` are the rounded ends."""
        if drop <= 0:
            return self.shift(a, -drop)
        if (constant := self.constant_code(a)) is not None:
            return self.constant(_rounded(constant, drop, rounding))
        return self._add(c.RoundCell(low, high, (a,), drop, rounding))

    def saturate(self, a: int, low: int, high: int) -> int:
        """`a` clipped; nothing where the range already fits."""
        own_low, own_high = self.range(a)
        if low <= own_low and own_high <= high:
            return a
        return self._add(c.SaturateCell(min(max(low, own_low), high), max(min(high, own_high), low), (a,)))

    def wrap(self, a: int, low: int, high: int) -> int:
        """The low bits of `a`; nothing where the range already fits."""
        own_low, own_high = self.range(a)
        if low <= own_low and own_high <= high:
            return a
        if own_low == own_high:
            return self.constant(((own_low - low) & (high - low)) + low)
        return self._add(c.WrapCell(low, high, (a,)))

    def select(self, sign: int, negative: int, positive: int) -> int:
        """`negative` where `sign` is below zero, else `positive`."""
        low, high = self.range(sign)
        if low >= 0:
            return positive
        if high < 0:
            return negative
        (n_low, n_high), (p_low, p_high) = self.range(negative), self.range(positive)
        return self._add(c.SelectCell(min(n_low, p_low), max(n_high, p_high), (sign, negative, positive)))

    def choose(self, bit: int, one: int, zero: int) -> int:
        """`one` where `bit` is set, else `zero`."""
        low, high = self.range(bit)
        if low == high or one == zero:
            return one if low else zero
        (o_low, o_high), (z_low, z_high) = self.range(one), self.range(zero)
        return self._add(c.ChooseCell(min(o_low, z_low), max(o_high, z_high), (bit, one, zero)))

    def table(self, a: int, entries: tuple[int, ...]) -> int:
        """Look-up; `entries` cover the range of `a`."""
        return self._add(c.TableCell(min(entries), max(entries), (a,), entries))

    def multiply(self, a: int, b: int) -> int:
        """Product, a mask where one factor is a bit, a square where both are one cell."""
        for bit, other in ((a, b), (b, a)):
            low, high = self.range(bit)
            if (low, high) == (0, 1) and a != b:
                o_low, o_high = self.range(other)
                return self._add(c.MaskCell(min(o_low, 0), max(o_high, 0), (bit, other)))
            if low == high == 1:
                return other
        return self._add(c.ProductCell(*self.product_range(a, b), (a, b), self.dsp))

    def multiply_add(self, a: int, b: int, addend: int | None = None) -> int:
        """Product, plus another cell, behind the register of a DSP slice, which the caller knows to do."""
        low, high = self.product_range(a, b)
        if addend is None:
            return self._add(c.MacCell(low, high, (a, b)))
        least, most = self.range(addend)
        return self._add(c.MacCell(low + least, high + most, (a, b, addend)))

    def product_range(self, a: int, b: int) -> tuple[int, int]:
        """Range of ``a * b``."""
        (a_low, a_high), (b_low, b_high) = self.range(a), self.range(b)
        corners = [x * y for x, y in product((a_low, a_high), (b_low, b_high))]
        if a != b:
            return min(corners), max(corners)
        squares = (a_low**2, a_high**2)
        return 0 if a_low <= 0 <= a_high else min(squares), max(squares)

    def nonzero(self, a: int) -> int:
        """1 where `a` is not zero."""
        low, high = self.range(a)
        if low > 0 or high < 0:
            return self.constant(1)
        return self._add(c.NonzeroCell(0, 0 if low == high else 1, (a,)))

    def at_least(self, a: int, b: int, *, shift_a: int, shift_b: int) -> int:
        """1 where the shifted `a` is at least the shifted `b`."""
        (a_low, a_high), (b_low, b_high) = self.range(a), self.range(b)
        if a_low << shift_a >= b_high << shift_b:
            return self.constant(1)
        if a_high << shift_a < b_low << shift_b:
            return self.constant(0)
        return self._add(c.AtLeastCell(0, 1, (a, b), shift_a, shift_b))
