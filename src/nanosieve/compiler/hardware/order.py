"""Cells that compare: the largest of several values, its index, and a sorting network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanosieve.compiler.hardware.netlist import Netlist, Value

__all__ = ["arg_max", "comparators", "extreme", "sort"]


def extreme(netlist: Netlist, values: Sequence[Value], *, largest: bool) -> Value:
    """The largest (or smallest) of the values, by a tree of comparisons."""
    level = list(values)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [_ordered(netlist, a, b)[0 if largest else 1] for a, b in pairs] + odd
    return level[0]


def arg_max(netlist: Netlist, values: Sequence[Value]) -> Value:
    """The index of the largest value, the first of equals."""
    level = [(value, netlist.constant(n)) for n, value in enumerate(values)]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        winners = []
        for (a, first), (b, second) in zip(level[::2], level[1::2], strict=False):
            a, b = _aligned(netlist, a, b)
            wins = netlist.at_least(a.cell, b.cell, shift_a=0, shift_b=0)
            value = Value(netlist.choose(wins, a.cell, b.cell), a.exponent)
            winners.append((value, netlist.choose(wins, first, second)))
        level = winners + odd
    return Value(level[0][1], 0)


def sort(netlist: Netlist, values: Sequence[Value]) -> list[Value]:
    """The values, the largest first, by a network of comparators."""
    ordered = list(values)
    for i, j in comparators(len(ordered)):
        ordered[i], ordered[j] = _ordered(netlist, ordered[i], ordered[j])
    return ordered


def comparators(count: int) -> Iterator[tuple[int, int]]:
    """Batcher's merge exchange for any number of values (Knuth, TAOCP 3, algorithm 5.2.2M)."""
    top = 1 << max(count - 1, 0).bit_length() >> 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            yield from ((i, i + d) for i in range(count - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def _aligned(netlist: Netlist, a: Value, b: Value) -> tuple[Value, Value]:
    exponent = min(a.exponent, b.exponent)
    first, second = (Value(netlist.shift(v.cell, v.exponent - exponent), exponent) for v in (a, b))
    return first, second


def _ordered(netlist: Netlist, a: Value, b: Value) -> tuple[Value, Value]:
    """The larger, then the smaller of two values."""
    a, b = _aligned(netlist, a, b)
    wins = netlist.at_least(a.cell, b.cell, shift_a=0, shift_b=0)
    larger, smaller = netlist.choose(wins, a.cell, b.cell), netlist.choose(wins, b.cell, a.cell)
    return Value(larger, a.exponent), Value(smaller, a.exponent)
