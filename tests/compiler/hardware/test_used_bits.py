"""Bits that nothing reads: found exactly, and changing them changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.netlists import evaluate_cells
from helpers.random_graphs import random_graph
from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware import DelayModel
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.hardware.timing import lut_cost
from nanosieve.compiler.hardware.used_bits import used_bits


def masks(build: object) -> list[str]:
    netlist = Netlist()
    a, b = netlist.input(0, 0, -8, 7), netlist.input(0, 1, 0, 15)
    netlist.outputs = [build(netlist, a, b)]  # type: ignore[operator]
    return [format(mask, "04b") for mask in used_bits(netlist)]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        # what truncation drops is read through its carries only
        (lambda n, a, b: n.round(a, 2, Rounding.TRN, -2, 1), ["1100", "0000", "0011"]),
        (lambda n, a, b: n.round(a, 2, Rounding.RND, -2, 2), ["1110", "0000", "0111"]),
        (lambda n, a, b: n.round(a, 2, Rounding.RND_CONV, -2, 2), ["1111", "0000", "0111"]),
        (lambda n, a, b: n.wrap(n.add(a, b), 0, 3), ["0011", "0011", "0011", "0011"]),
        (
            lambda n, a, b: n.round(n.add(a, b, shift_b=3), 3, Rounding.TRN, -1, 15),
            ["1000", "1111", "11111000", "11111"],
        ),
        (lambda n, a, b: n.saturate(a, -1, 1), ["1111", "0000", "0011"]),
        (
            lambda n, a, b: n.wrap(n.select(a, b, n.constant(5)), 0, 1),
            ["1000", "0001", "0001", "0001", "0001"],
        ),
    ],
)
def test_masks(build: object, expected: list[str]) -> None:
    assert masks(build) == expected


@pytest.mark.parametrize("seed", range(12))
def test_unused_bits_do_not_matter(seed: int) -> None:
    """Flip unused bits of every cell in turn: no output changes. Flip used ones: many outputs do."""
    rng = np.random.default_rng(seed)
    graph = random_graph(seed, 6)
    layers, _ = build_layers(graph, Plan(), Settings(DelayModel(), 5.0, extra_depth=0))
    changed = tried = 0
    for layer in layers:
        netlist = layer.netlist
        sizes = {(x.port, x.element): x for x in netlist.cells if isinstance(x, c.InputCell)}
        for n, mask in enumerate(used_bits(netlist)):
            cell = netlist.cells[n]
            if isinstance(cell, c.ConstantCell) or not cell.width:
                continue
            buses = [[0] * 99 for _ in layer.ports]
            for (port, element), x in sizes.items():
                buses[port][element] = int(rng.integers(x.low, x.high + 1))
            right = _outputs(netlist, buses, {})
            unused = int(rng.integers(0, 1 << cell.width)) & ~mask
            assert _outputs(netlist, buses, {n: unused}) == right, f"cell {n}, mask {mask:b}"
            tried += 1
            changed += _outputs(netlist, buses, {n: mask}) != right
    assert changed > tried / 4


def _outputs(netlist: Netlist, buses: list[list[int]], flips: dict[int, int]) -> list[int]:
    values = evaluate_cells(netlist, buses, flips)
    return [values[n] for n in netlist.outputs]


def test_cost_counts_what_is_used() -> None:
    """A sum of which the low three bits are kept needs three LUTs; a constant of zeros costs nothing."""
    netlist = Netlist()
    a, b = netlist.input(0, 0, -128, 127), netlist.input(0, 1, -128, 127)
    total = netlist.add(a, b)
    biased = netlist.add(a, netlist.constant(64))
    netlist.outputs = [netlist.wrap(total, 0, 7), biased]
    used = used_bits(netlist)
    assert lut_cost(netlist, netlist.cells[total], used[total]) == 3
    assert lut_cost(netlist, netlist.cells[biased], used[biased]) == 1
