"""Sums of products as chains of `MacCell`, each of which one DSP slice holds.

The cell at place i of a chain reads its factors i stages after the first one, so that they wait in registers
(in a LUT as shift register from three stages on), and saves the adder that a product beside it would need.
"""

from __future__ import annotations

from collections.abc import Sequence

from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.timing import DSP_RESULT_BITS

__all__ = [
    "LONGEST",
    "Pair",
    "best_length",
    "cut",
    "exponent_of",
    "factors_of",
    "grow_chain",
    "partial_products",
    "partition",
    "signed_width",
]

LONGEST = 8
"""Products in a chain at most: the sum of so many of the widest still fits the slice."""

_REGISTER, _SHIFT_REGISTER = 0.5, 3
"""A flip-flop in LUTs, of which a device has half as many; stages from which a LUT delays a bit."""
_CLOSE = 1.1
"""A chain that costs so many times the least is taken if it is shorter."""

Pair = tuple[Value, Value]
"""The factors of a product."""


def signed_width(cell: c.Cell) -> int:
    """Bits of the cell as a signed number."""
    return cell.width if cell.signed else cell.width + 1


def exponent_of(pair: Pair) -> int:
    """Exponent of the product."""
    return pair[0].exponent + pair[1].exponent


def factors_of(netlist: Netlist, value: Value) -> Pair | None:
    """The factors of a value that is a product, else None."""
    cell = netlist.cells[value.cell]
    if isinstance(cell, c.WrapCell) and cell.exact:
        cell = netlist.cells[cell.args[0]]
    if not isinstance(cell, c.ProductCell):
        return None
    return Value(cell.args[0], value.exponent), Value(cell.args[1], 0)


def partition(
    netlist: Netlist, row: Sequence[Value | Pair], dsp: bool
) -> tuple[list[Pair], list[Value | Pair]]:
    """The products of a sum that go to DSP slices, and the rest."""
    chained: list[Pair] = []
    rest: list[Value | Pair] = []
    for summand in row:
        if dsp and len(row) > 1 and not isinstance(summand, Value) and _fits(netlist, summand):
            chained.append(summand)
        else:
            rest.append(summand)
    return chained, rest


def _fits(netlist: Netlist, pair: Pair) -> bool:
    """Whether a DSP slice takes both factors, and is worth it."""
    factors = [netlist.cells[x.cell] for x in pair]
    if any(cell.low == cell.high or (cell.low, cell.high) == (0, 1) for cell in factors):
        return False
    widths = sorted((signed_width(cell) for cell in factors), reverse=True)
    low, high = netlist.product_range(*(x.cell for x in pair))
    wide_enough = max(-low, high).bit_length() + (low < 0) >= DSP_RESULT_BITS
    return wide_enough and all(width <= most for width, most in zip(widths, c.DSP_FACTORS, strict=True))


def best_length(netlist: Netlist, rows: Sequence[Sequence[Pair]]) -> int:
    """The shortest chains, and so the least latency, for which adders and registers together cost little."""
    pairs = [pair for row in rows for pair in row]
    if not pairs:
        return 1
    width = max(sum(netlist.cells[x.cell].width for x in pair) for pair in pairs) + 2
    # a factor that is read by several products waits once for all of them
    factors = {x.cell for pair in pairs for x in pair}
    moving = [cell for n in factors if not isinstance(cell := netlist.cells[n], c.SteadyCell)]
    waiting = sum(cell.width for cell in moving) / len(pairs)

    def cost(length: int) -> float:
        total = 0.0
        for row in rows:
            chains = -(-len(row) // length)
            total += max(chains - 1, 0) * width * (1 + _REGISTER)
            total += waiting * sum(_delay(n % length) for n in range(len(row)))
        return total

    costs = {length: cost(length) for length in range(1, LONGEST + 1)}
    return next(length for length in costs if costs[length] <= _CLOSE * min(costs.values()))


def _delay(stages: int) -> float:
    """Cost of one bit that waits."""
    return 1.0 if stages >= _SHIFT_REGISTER else stages * _REGISTER


def cut(pairs: Sequence[Pair], length: int) -> list[list[Pair]]:
    """The products of one step in chains of about equal length, `length` at most."""
    chains: list[list[Pair]] = []
    for exponent in dict.fromkeys(map(exponent_of, pairs)):
        alike = [pair for pair in pairs if exponent_of(pair) == exponent]
        size = -(-len(alike) // -(-len(alike) // length))
        chains += [alike[start : start + size] for start in range(0, len(alike), size)]
    return chains


def partial_products(netlist: Netlist, a: Value, b: Value) -> tuple[list[Value], Value | None]:
    """The product as numbers to add, for each bit of the narrower factor, and one to subtract, its sign."""
    many, few = sorted((a, b), key=lambda x: -netlist.cells[x.cell].width)
    low, high = netlist.range(few.cell)
    cell = netlist.cells[few.cell]
    parts = []
    for k in range(cell.width):
        bit = netlist.wrap(netlist.round(few.cell, k, Rounding.TRN, low >> k, high >> k), 0, 1)
        parts.append(Value(netlist.multiply(bit, many.cell), exponent_of((a, b)) + k))
    return (parts[:-1], parts[-1]) if cell.signed else (parts, None)


def grow_chain(netlist: Netlist, pairs: Sequence[Pair]) -> Value:
    """The cells of one chain."""
    total: int | None = None
    for a, b in pairs:
        total = netlist.multiply_add(a.cell, b.cell, total)
    if total is None:
        return Value(netlist.constant(0), 0)
    return Value(total, exponent_of(pairs[0]))
