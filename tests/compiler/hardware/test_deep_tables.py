"""Tables that do not fit into a clock cycle: small ones and multiplexers that say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.netlists import evaluate_cells
from nanosieve.compiler.graph import Builder, Fixed, Lookup, TensorType, interpret
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.cells import ChooseCell, TableCell
from nanosieve.compiler.hardware.deep_tables import deep_table
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.verification import read_design, simulate


@pytest.mark.parametrize("seed", range(60))
def test_every_entry(seed: int) -> None:
    """Any range, signed or not; entries that are few, so that tables are alike or constant."""
    rng = np.random.default_rng(seed)
    low = int(rng.integers(-300, 100))
    high = low + int(rng.integers(1, 500))
    entries = rng.integers(0, rng.choice([2, 4, 1000]), high - low + 1).tolist()
    bits = int(rng.integers(1, 10))
    netlist = Netlist()
    given = netlist.input(0, 0, low, high)
    result = deep_table(netlist, given, entries, bits)
    found = [evaluate_cells(netlist, [[number]])[result] for number in range(low, high + 1)]
    assert found == entries
    for cell in netlist.cells:
        if isinstance(cell, TableCell):
            assert netlist.cells[cell.args[0]].width <= max(bits, 1)


def test_a_constant_half_is_no_table() -> None:
    netlist = Netlist()
    given = netlist.input(0, 0, 0, 255)
    deep_table(netlist, given, [*range(128), *[5] * 128], 7)
    kinds = [type(cell) for cell in netlist.cells]
    assert kinds.count(TableCell) == kinds.count(ChooseCell) == 1


@pytest.mark.parametrize("bits", range(1, 17))
def test_what_fits_into_a_cycle(bits: int) -> None:
    model = DelayModel()
    assert model.table_bits(model.table(bits)) >= bits
    if bits > 6:
        assert model.table_bits(model.table(bits) - 0.01) == bits - 1


@pytest.mark.slow
def test_a_design_with_a_deep_table(tmp_path: Path) -> None:
    """13 bits take 2.0 ns of the 1.9 that a large design leaves of a clock of 200 MHz."""
    rng = np.random.default_rng(1)
    builder = Builder("deep")
    x = builder.input("x", TensorType.of(Fixed(13, 5), (2,)))
    table = Lookup(rng.integers(-(1 << 9), 1 << 9, (1, 1 << 13)), np.array([-(1 << 12)]), np.array([-4]))
    graph = builder.finish({"y": builder.add(table, x, layer="table")})
    budget = Budget(every="5 ns", latency="100 ns", clock="200 MHz")
    design = build_design(graph, budget, model=DelayModel(luts=500_000.0))
    assert design.sources.latency > 1
    codes = {"x": rng.integers(-(1 << 12), 1 << 12, (9000, 2))}
    found = simulate(read_design(design.write(tmp_path)), codes)
    assert np.array_equal(found.outputs["y"], interpret(graph, codes)["y"])
