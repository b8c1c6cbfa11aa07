"""Evaluates the cells of a built layer in plain Python: what the Verilog is meant to compute."""

from __future__ import annotations

from collections.abc import Mapping

from nanosieve.compiler.graph import Graph, Rounding
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.netlist import Netlist


def evaluate_cells(  # noqa: C901 - one arm for each cell
    netlist: Netlist, buses: list[list[int]], flips: Mapping[int, int] | None = None
) -> list[int]:
    """Code of every cell for one event.

    Args:
        buses: codes of the input ports.
        flips: cell → bits of it to flip before others read it; ranges are then not checked.
    """
    values: list[int] = []
    for cell in netlist.cells:
        a = [values[n] for n in cell.args]
        match cell:
            case c.InputCell():
                value = buses[cell.port][cell.element]
            case c.ConstantCell():
                value = cell.low
            case c.AddCell():
                right = a[1] << cell.shift_b
                value = (a[0] << cell.shift_a) + (-right if cell.subtract else right)
            case c.ShiftCell():
                value = a[0] << cell.shift if cell.shift > 0 else a[0] >> -cell.shift
            case c.RoundCell():
                value = _rounded(a[0], cell)
            case c.SaturateCell():
                value = min(max(a[0], cell.low), cell.high)
            case c.WrapCell():
                value = ((a[0] - cell.low) & ((1 << cell.width) - 1)) + cell.low if not cell.exact else a[0]
            case c.SelectCell():
                value = a[1] if a[0] < 0 else a[2]
            case c.TableCell():
                value = cell.entries[(a[0] - netlist.cells[cell.args[0]].low) % len(cell.entries)]
            case c.ProductCell():
                value = a[0] * a[1]
            case c.MacCell():
                value = a[0] * a[1] + sum(a[2:])
            case c.ChooseCell():
                value = a[1] if a[0] else a[2]
            case c.MaskCell():
                value = a[1] if a[0] else 0
            case c.NonzeroCell():
                value = int(a[0] != 0)
            case c.AtLeastCell():
                value = int(a[0] << cell.shift_a >= a[1] << cell.shift_b)
            case _:
                raise TypeError(type(cell).__name__)
        if flips is None:
            assert cell.low <= value <= cell.high, f"{cell} gives {value}, outside its proven range"
        else:
            value = as_stored(value ^ flips.get(len(values), 0), cell)
        values.append(value)
    return values


def as_stored(value: int, cell: c.Cell) -> int:
    """What a wire of the cell's width and sign holds of `value`."""
    low = value & ((1 << cell.width) - 1)
    return low - (1 << cell.width) if cell.signed and low >> (cell.width - 1) else low


def _rounded(value: int, cell: c.RoundCell) -> int:
    whole, rest = value >> cell.drop, value & ((1 << cell.drop) - 1)
    half = 1 << (cell.drop - 1)
    if cell.rounding is Rounding.TRN:
        return whole
    if cell.rounding is Rounding.RND:
        return whole + (rest >= half)
    return whole + (rest > half or (rest == half and whole & 1))


def evaluate_layers(
    graph: Graph,
    layers: list[BuiltLayer],
    outputs: Mapping[str, list[Element]],
    event: Mapping[str, list[int]],
) -> dict[str, list[int]]:
    """Output codes of all layers chained for one event."""
    buses: dict[str, list[int]] = dict(event)
    for layer in layers:
        values = evaluate_cells(layer.netlist, [buses[port] for port in layer.ports])
        buses[layer.name] = [values[n] for n in layer.netlist.outputs]
    return {
        name: [buses[e.source][e.index] if e.source else e.low for e in elements]
        for name, elements in outputs.items()
    }
