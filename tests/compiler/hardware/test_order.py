"""The sorting network sorts: by the 0-1 principle it is enough to try every row of zeros and ones."""

from __future__ import annotations

from itertools import product

import pytest

from nanosieve.compiler.hardware.order import comparators


def exchange(pairs: list[tuple[int, int]], values: list[int]) -> list[int]:
    for i, j in pairs:
        values[i], values[j] = max(values[i], values[j]), min(values[i], values[j])
    return values


@pytest.mark.parametrize("count", range(1, 11))
def test_every_row_of_bits_is_sorted(count: int) -> None:
    pairs = list(comparators(count))
    for bits in product((0, 1), repeat=count):
        assert exchange(pairs, list(bits)) == sorted(bits, reverse=True)


@pytest.mark.parametrize("count", [4, 7])
def test_no_comparator_is_spare(count: int) -> None:
    """The check bites: without any one comparator some row is not sorted."""
    pairs = list(comparators(count))
    for n in range(len(pairs)):
        rest = pairs[:n] + pairs[n + 1 :]
        rows = product((0, 1), repeat=count)
        assert any(exchange(rest, list(bits)) != sorted(bits, reverse=True) for bits in rows)
