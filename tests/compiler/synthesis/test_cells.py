import pytest

from nanosieve.compiler.synthesis.cells import carry_blocks, count_resources
from nanosieve.compiler.synthesis.levels import logic_levels
from nanosieve.errors import ToolError


def test_cells_are_counted_as_the_vendor_does() -> None:
    cells = {"LUT1": 1, "LUT6": 2, "INV": 1, "SRL16E": 3, "SRLC32E": 1, "RAM64M8": 2, "RAM32X1D": 1}
    cells |= {"FDRE": 5, "FDSE": 1, "FDCE": 1, "FDPE": 1, "FDRE_1": 1, "LDCE": 1}
    cells |= {"DSP48E2": 4, "RAMB36E2": 2, "RAMB18E2": 3, "URAM288": 1}
    cells |= {"CARRY4": 9, "MUXF7": 9, "MUXF8": 9, "BUFG": 1}
    counts = count_resources(cells, module="m")
    assert counts == {"lut": 8 + 16 + 2, "ff": 10, "dsp": 4, "bram36": 3.5, "uram": 1}
    assert carry_blocks(cells | {"CARRY8": 2}) == 13


@pytest.mark.parametrize("cell", ["$add", "$_DFF_P_", "lut6", "LUT7", "RAMB36E2X"])
def test_a_cell_that_is_no_primitive_is_refused(cell: str) -> None:
    with pytest.raises(ToolError, match=r"^module 'm': Yosys left a cell of type .* which is no primitive"):
        count_resources({"LUT2": 1, cell: 1}, module="m")


def _netlist(*cells: tuple[str, dict[str, list[int | str]], dict[str, list[int | str]]]) -> dict[str, object]:
    """A Yosys module of (type, inputs, outputs)."""
    return {
        "cells": {
            f"c{n}": {
                "type": kind,
                "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
                "connections": inputs | outputs,
            }
            for n, (kind, inputs, outputs) in enumerate(cells)
        }
    }


def test_levels_count_luts_between_registers() -> None:
    chain = _netlist(
        ("FDRE", {"D": [5]}, {"Q": [1]}),
        ("LUT2", {"I0": [1], "I1": [2]}, {"O": [3]}),
        ("LUT1", {"I0": [3]}, {"O": [4]}),
        ("FDRE", {"D": [4]}, {"Q": [6]}),
        ("LUT3", {"I0": [6], "I1": ["0"], "I2": [2]}, {"O": [5]}),
    )
    assert logic_levels(chain) == 2
    assert logic_levels(_netlist()) == 0
    assert logic_levels(_netlist(("FDRE", {"D": [1]}, {"Q": [2]}))) == 0


def test_a_carry_chain_is_one_level_however_long() -> None:
    cells = [("LUT2", {"I0": [1], "I1": [2]}, {"O": [10]})]
    for n in range(5):
        carry_in: list[int | str] = [20 + n] if n else ["0"]
        cells.append(("CARRY4", {"S": [10], "CI": carry_in, "DI": [1]}, {"O": [30 + n], "CO": [21 + n]}))
    assert logic_levels(_netlist(*cells)) == 2
    cells.append(("LUT1", {"I0": [34]}, {"O": [40]}))
    assert logic_levels(_netlist(*cells)) == 3
    cells.append(("CARRY4", {"S": ["0"], "CI": [40], "DI": ["0"]}, {"O": [50], "CO": [51]}))
    assert logic_levels(_netlist(*cells)) == 4


def test_deep_logic_needs_no_deep_stack() -> None:
    cells = [("LUT1", {"I0": [n]}, {"O": [n + 1]}) for n in range(20_000)]
    assert logic_levels(_netlist(*reversed(cells))) == 20_000
