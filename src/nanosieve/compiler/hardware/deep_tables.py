"""Tables that are too deep for one clock cycle, as small ones with a tree of multiplexers behind them."""

from __future__ import annotations

from collections.abc import Sequence

from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware.netlist import Netlist

__all__ = ["deep_table"]


def deep_table(netlist: Netlist, a: int, entries: Sequence[int], bits: int) -> int:
    """The cell ``entries[a - low]``, from tables that are entered with no more than so many bits.

    The low bits of `a` enter a table for each value that the others take; these choose between the tables,
    bit by bit, and registers can stand between the choices.

    Args:
        netlist: that grows.
        a: a cell with the range ``[low, high]``.
        entries: one for each number of the range.
        bits: of the largest table, 1 or more.
    """
    low, high = netlist.range(a)
    width = netlist.cells[a].width
    if width <= bits:
        return netlist.table(a, tuple(entries))
    by_pattern: list[int | None] = [None] * (1 << width)
    for number, entry in enumerate(entries, start=low):
        by_pattern[number % (1 << width)] = entry
    place = netlist.wrap(a, 0, (1 << bits) - 1)
    chosen: list[int | None] = []
    for first in range(0, 1 << width, 1 << bits):
        block = by_pattern[first : first + (1 << bits)]
        known = [entry for entry in block if entry is not None]
        filled = tuple(known[0] if entry is None else entry for entry in block) if known else ()
        chosen.append(netlist.table(place, filled) if filled else None)
    for bit in range(bits, width):
        up = netlist.wrap(netlist.round(a, bit, Rounding.TRN, low >> bit, high >> bit), 0, 1)
        pairs = zip(chosen[::2], chosen[1::2], strict=True)
        chosen = [
            (one if zero is None else zero) if one is None or zero is None else netlist.choose(up, one, zero)
            for zero, one in pairs
        ]
    (result,) = chosen
    assert result is not None  # the range is not empty
    return result
