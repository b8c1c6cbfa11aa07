"""Which bits of each cell anything reads: the others do not survive synthesis.

A quantiser that wraps drops the top of a sum, one that truncates drops the bottom, and the adders before
it need not make them.
"""

from __future__ import annotations

from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.netlist import Netlist

__all__ = ["carry_start", "used_bits"]


def used_bits(netlist: Netlist) -> list[int]:
    """A mask for each cell; bit ``k`` is set where bit ``k`` of the result is read."""
    used = [0] * len(netlist.cells)
    for n in netlist.outputs:
        used[n] = _ones(netlist.cells[n].width)
    for n in reversed(range(len(netlist.cells))):
        if used[n]:
            cell = netlist.cells[n]
            for a, mask in zip(cell.args, _read(cell, used[n], netlist), strict=True):
                used[a] |= _within(netlist.cells[a], mask)
    return used


def carry_start(cell: c.AddCell) -> int:
    """The lowest bit of a sum that needs an adder: below, one of the operands is zero."""
    if cell.subtract and cell.shift_a > cell.shift_b:
        return cell.shift_b  # a borrow comes from the bits below those of the first operand
    return max(cell.shift_a, cell.shift_b)


def _ones(bits: int) -> int:
    return (1 << bits) - 1


def _within(cell: c.Cell, mask: int) -> int:
    """The bits of `cell` behind `mask`; bits above its width are its sign."""
    sign = 1 << (cell.width - 1) if cell.signed and mask >> cell.width else 0
    return mask & _ones(cell.width) | sign


def _read(cell: c.Cell, mask: int, netlist: Netlist) -> list[int]:
    """The bits that `cell` reads of each argument to make the bits in `mask`."""
    below = _ones(mask.bit_length())  # carries come from all bits below
    everything = [-1 & _ones(netlist.cells[a].width) for a in cell.args]
    match cell:
        case c.AddCell():
            start = carry_start(cell)
            needed = mask & _ones(start) | below & ~_ones(start)
            return [needed >> cell.shift_a, needed >> cell.shift_b]
        case c.ShiftCell():
            return [mask >> cell.shift if cell.shift > 0 else mask << -cell.shift]
        case c.RoundCell(rounding=Rounding.TRN):
            return [mask << cell.drop]
        case c.RoundCell(rounding=Rounding.RND):
            return [(below << 1 | 1) << (cell.drop - 1)]
        case c.WrapCell():
            return [mask]
        case c.SelectCell():
            return [1 << (netlist.cells[cell.args[0]].width - 1), mask, mask]
        case c.ChooseCell():
            return [1, mask, mask]
        case c.MaskCell():
            return [1, mask]
        case c.ProductCell() | c.MacCell():
            return [below] * len(cell.args)
        case _:
            return everything
