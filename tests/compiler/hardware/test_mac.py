"""Sums of products in chains of DSP slices: the right numbers, cells, stages and counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from helpers.layers import OneLayer, lowered, one_layer_design
from helpers.random_graphs import random_codes
from nanosieve.compiler.graph import (
    Builder,
    Einsum,
    Fixed,
    Gather,
    Graph,
    Integers,
    Multiply,
    Reshape,
    Sum,
    TensorType,
    interpret,
)
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.estimate import registers_by_stage
from nanosieve.compiler.hardware.schedule import longest_path
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.used_bits import used_bits
from nanosieve.compiler.synthesis import netlist_design, prove_equivalent, synthesize
from nanosieve.compiler.verification import simulate
from nanosieve.errors import BudgetError, SettingsError

SIGNED, UNSIGNED = Fixed(8, 8), Fixed(9, 5, signed=False)


def matrices(rows: int = 2, sums: int = 11, a: Fixed = SIGNED, b: Fixed = UNSIGNED) -> Graph:
    """A product of two variable matrices."""
    builder = Builder("matrices")
    x = builder.input("x", TensorType.of(a, (rows, sums)))
    y = builder.input("y", TensorType.of(b, (sums, 2)))
    return builder.finish({"z": builder.add(Einsum("ij,jk->ik"), x, y, layer="layer")})


def dot(sums: int = 16, bits: int = 8) -> Graph:
    """One sum of products, in the shape (1, 1)."""
    return matrices(1, sums, Fixed(bits, bits), Fixed(bits, bits))


def multiplied(gather: bool = True, share: bool = False) -> Graph:
    """Products that a Multiply makes and a Sum adds, in another order."""
    builder = Builder("multiplied")
    x = builder.input("x", TensorType.of(Fixed(9, 7), (2, 6)))
    y = builder.input("y", TensorType.of(Fixed(6, 1), (2, 6)))
    value = product = builder.add(Multiply(), x, y, layer="layer", part="product")
    if gather:
        index = np.arange(12).reshape(3, 4)[:, ::-1]
        value = builder.add(
            Gather(index), builder.add(Reshape((12,)), value, layer="layer"), layer="layer", part="g"
        )
    total = builder.add(Sum(), value, layer="layer", part="sum")
    if share:
        total = builder.add(
            Multiply(),
            total,
            builder.add(
                Gather(np.arange(2).reshape(2, 1)),
                builder.add(Reshape((12,)), product, layer="layer"),
                layer="layer",
                part="some",
            ),
            layer="layer",
            part="twice",
        )
    return builder.finish({"z": total})


def compare(layer: OneLayer, events: int = 40) -> None:
    """The cells against the graph, the ends of all ranges among the events."""
    codes = {n: random_codes(np.random.default_rng(3), t, events) for n, t in layer.graph.inputs.items()}
    expected = interpret(layer.graph, codes)["z"].reshape(events, -1)
    for n in range(events):
        event = {name: array[n].reshape(-1).tolist() for name, array in codes.items()}
        assert layer.run(event) == expected[n].tolist()


def kinds(layer: OneLayer) -> Counter[str]:
    """How many of each cell the outputs depend on."""
    used = used_bits(layer.netlist)
    return Counter(type(cell).__name__ for cell, mask in zip(layer.netlist.cells, used, strict=True) if mask)


@pytest.mark.parametrize("chain", range(9))
@pytest.mark.parametrize(
    "graph", [matrices(), multiplied(), multiplied(gather=False)], ids=["einsum", "gather", "sum"]
)
def test_chains_compute_the_graph(graph: Graph, chain: int) -> None:
    layer = lowered(graph, chain=chain)
    compare(layer)
    found = kinds(layer)
    assert found["ProductCell"] == 0
    assert found["MacCell"] == (44 if graph.name == "matrices" else 12)
    if chain == 8 and graph.name == "matrices":
        assert found["AddCell"] == 4  # of 11 products 6 and 5 make a chain


def test_a_wrong_cell_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison bites."""
    layer = lowered(matrices())
    n = next(
        n for n, cell in enumerate(layer.netlist.cells) if isinstance(cell, c.MacCell) and len(cell.args) > 2
    )
    cell = layer.netlist.cells[n]
    layer.netlist.cells[n] = c.MacCell(cell.low, cell.high, cell.args[:2])
    with pytest.raises(AssertionError):
        compare(layer)


def test_stages_of_a_chain() -> None:
    """Operands are read one stage later at each place; results are there a stage after that."""
    layer = lowered(dot(8), chain=8)
    schedule, model = layer.schedule, DelayModel()
    macs = [n for n, cell in enumerate(layer.netlist.cells) if isinstance(cell, c.MacCell)]
    reads = sorted(schedule.reads_at(layer.netlist.cells[n], n) for n in macs)
    assert reads[::2] == reads[1::2] == list(range(8))  # two columns
    assert all(schedule.arrivals[n].stage == schedule.reads_at(layer.netlist.cells[n], n) + 1 for n in macs)
    assert schedule.stage == 8
    assert longest_path(layer.netlist, schedule, model) == model.dsp
    # a fast clock has no time for the multiplier between two registers
    with pytest.raises(
        BudgetError, match=r"layer 'layer': one mac of 16 bits takes 3\.20 ns, but a clock of 320 MHz"
    ):
        lowered(dot(8), period=1e3 / 320)


def test_inputs_at_any_stage() -> None:
    """What a memory of constants gives is asked for when it is read, and does not wait in registers."""
    graph = dot(8)
    late, early = lowered(graph, chain=8, late=("y",)), lowered(graph, chain=8)
    compare(late)
    stages = {
        cell.element: late.schedule.arrivals[n].stage
        for n, cell in enumerate(late.netlist.cells)
        if isinstance(cell, c.InputCell) and cell.port == 1
    }
    assert stages == {element: element // 2 for element in range(16)}
    assert late.schedule.stage == early.schedule.stage

    def waiting(layer: OneLayer) -> int:
        return sum(
            max(last - arrival.stage, 0)
            for cell, last, arrival in zip(
                layer.netlist.cells, layer.schedule.last_use, layer.schedule.arrivals, strict=True
            )
            if isinstance(cell, c.InputCell)
        )

    assert waiting(early) == sum(range(8)) * 3
    assert waiting(late) == sum(range(8))


@pytest.mark.parametrize(
    ("a", "b", "macs"),
    [
        (Fixed(27, 27), Fixed(18, 18), 12),
        (Fixed(18, 18), Fixed(27, 27), 12),
        (Fixed(17, 17, signed=False), Fixed(26, 26, signed=False), 12),
        (Fixed(27, 27, signed=False), Fixed(5, 5), 0),
        (Fixed(28, 28), Fixed(5, 5), 0),
        (Fixed(19, 19), Fixed(19, 19), 0),
        (Fixed(4, 4), Fixed(4, 4), 0),  # products of 8 bits stay in LUTs
        (Fixed(1, 1, signed=False), Fixed(12, 12), 0),  # a mask
    ],
)
def test_what_fits_a_slice(a: Fixed, b: Fixed, macs: int) -> None:
    layer = lowered(matrices(2, 3, a, b))
    compare(layer)
    assert kinds(layer)["MacCell"] == macs


def test_the_widest_sum_fits_48_bits() -> None:
    layer = lowered(matrices(1, 8, Fixed(27, 27), Fixed(18, 18)), chain=8)
    compare(layer)
    assert max(cell.width for cell in layer.netlist.cells) <= c.DSP_SUM


def test_products_that_others_read_are_made_once() -> None:
    layer = lowered(multiplied(gather=False, share=True))
    compare(layer)
    assert kinds(layer)["MacCell"] == 0


def test_products_of_several_steps() -> None:
    """Elements at their own binary points: a chain for each step of the products, then adders."""
    builder = Builder("steps")
    types = [TensorType(np.full(8, -99), np.full(8, 99), np.arange(8) % 2) for _ in range(2)]
    x, y = (builder.input(name, type) for name, type in zip("xy", types, strict=True))
    graph = builder.finish(
        {"z": builder.add(Sum(), builder.add(Multiply(), x, y, layer="layer"), layer="layer", part="s")}
    )
    layer = lowered(graph, chain=8)
    compare(layer)
    assert kinds(layer)["MacCell"] == 8
    assert kinds(layer)["AddCell"] == 1


def test_no_dsp() -> None:
    layer = lowered(dot(3), dsp=False)
    compare(layer)
    assert kinds(layer)["MacCell"] == 0
    products = [cell for cell in layer.netlist.cells if isinstance(cell, c.ProductCell)]
    assert len(products) == 6
    assert not any(cell.dsp for cell in products)
    # without the time for a whole product it is a sum over the bits of the narrower factor
    for graph in (dot(3), matrices(), matrices(1, 2, Fixed(5, 5, signed=False), Fixed(7, 7, signed=False))):
        layer = lowered(graph, dsp=False, period=1e3 / 350)
        compare(layer)
        assert kinds(layer)["ProductCell"] == kinds(layer)["MacCell"] == 0
        assert kinds(layer)["MaskCell"] > 0
    with pytest.raises(
        SettingsError, match="chain = 9: a chain of products is 1 to 8 long, or 0 for the best"
    ):
        lowered(matrices(), chain=9)


def _rtl(layer: OneLayer, folder: Path) -> tuple[Path, dict[str, Integers], Integers]:
    codes = {n: random_codes(np.random.default_rng(5), t, 300) for n, t in layer.graph.inputs.items()}
    return one_layer_design(layer, folder), codes, interpret(layer.graph, codes)["z"].reshape(300, -1)


@pytest.mark.slow
def test_verilog_and_netlist(tmp_path: Path) -> None:
    """RTL and netlist compute the graph; 16 products are 16 slices, and LUTs add the chains."""
    layer = lowered(matrices(1, 16, Fixed(8, 8), Fixed(8, 8)), chain=4, late=("y",))
    folder, codes, expected = _rtl(layer, tmp_path / "design")
    assert np.array_equal(simulate(folder, codes).outputs["result"], expected)
    netlist = netlist_design(folder)
    assert np.array_equal(simulate(netlist, codes).outputs["result"], expected)
    whole, part = synthesize(folder).modules
    assert (whole.module, part.module) == ("whole", "part")
    assert part.resources.dsp.value == 32
    adders = sum(cell.width for cell in layer.netlist.cells if isinstance(cell, c.AddCell))
    shifts = 4 * 8  # every fourth element of x waits three cycles in LUTs
    assert shifts + adders <= part.resources.lut.value <= shifts + 1.45 * adders
    assert part.resources.ff.value <= sum(registers_by_stage(layer).values())
    # both comparisons bite
    file = tmp_path / "design" / netlist.modules["part"].file
    file.write_text(file.read_text().replace("OPMODE(9'h035)", "OPMODE(9'h005)"))
    assert not np.array_equal(simulate(netlist, codes).outputs["result"], expected)
    source = folder / "rtl" / "nanosieve_mac.v"
    source.write_text(source.read_text().replace("a * b + c", "a * b - c"))
    assert not np.array_equal(simulate(folder, codes).outputs["result"], expected)


@pytest.mark.slow
def test_verilog_of_unsigned_factors_and_of_products_in_luts(tmp_path: Path) -> None:
    """Unsigned and unequal factors in slices; without DSP slices the same numbers from LUTs alone."""
    graph = matrices(1, 2, Fixed(9, 3, signed=False), Fixed(5, 2))
    for dsp in (True, False):
        folder, codes, expected = _rtl(lowered(graph, dsp=dsp), tmp_path / f"dsp {dsp}")
        assert np.array_equal(simulate(folder, codes).outputs["result"], expected)
        assert synthesize(folder).resources.dsp.value == (4 if dsp else 0)


@pytest.mark.slow
def test_equivalence_of_a_chain(tmp_path: Path) -> None:
    """RTL and netlist of a module with slices are compared with the library module inside."""
    folder, _, _ = _rtl(lowered(matrices(1, 2, Fixed(5, 5), Fixed(4, 4))), tmp_path / "design")
    assert prove_equivalent(folder, "part", time_limit=60).outcome == "proven"
    assert prove_equivalent(folder, "whole", time_limit=60).outcome == "proven"
