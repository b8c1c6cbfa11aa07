"""What each primitive of the netlist costs, counted as the vendor's utilisation report does."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nanosieve.devices import RESOURCES
from nanosieve.errors import ToolError

__all__ = ["carry_blocks", "count_resources"]

# LUTs of a memory cell: one holds 64 bits of one port (32 bits of two)
_LUT_MEMORIES = {
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM512X1S": 8,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM256X1D": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM64X8SW": 8,
}

_RULES: tuple[tuple[str, str | None, float], ...] = (
    (r"LUT[1-6]|LUT6_2|INV", "lut", 1),  # an inverter that is left over takes a LUT
    (r"SRL16E?|SRLC16E?|SRLC32E", "lut", 1),
    (r"FD[RSCP]E(_1)?|LD[CP]E", "ff", 1),
    (r"DSP48E[12]|DSP58", "dsp", 1),
    (r"RAMB36E[12]", "bram36", 1),
    (r"RAMB18E[12]", "bram36", 0.5),
    (r"URAM288(_BASE)?", "uram", 1),
    # part of the slice beside the LUTs, or of the clock network: not counted
    (r"CARRY[48]|MUXF[789]|BUFG|BUFGCTRL|GND|VCC", None, 0),
    *((re.escape(name), "lut", luts) for name, luts in _LUT_MEMORIES.items()),
)


def count_resources(cells: Mapping[str, int], *, module: str) -> dict[str, float]:
    """LUT, FF, DSP, BRAM36 and URAM of a netlist.

    Args:
        cells: primitive → how many there are.
        module: for the message.

    Raises:
        ToolError: a cell that is no primitive of the device: the synthesis is not complete.

    >>> count_resources({"LUT2": 3, "SRL16E": 1, "FDRE": 8, "RAMB18E2": 1, "MUXF7": 9}, module="m")
    {'lut': 4, 'ff': 8, 'dsp': 0, 'bram36': 0.5, 'uram': 0}
    """
    counts: dict[str, float] = dict.fromkeys(RESOURCES, 0)
    for cell, number in cells.items():
        for pattern, resource, cost in _RULES:
            if re.fullmatch(pattern, cell):
                if resource is not None:
                    counts[resource] += cost * number
                break
        else:
            message = (
                f"module {module!r}: Yosys left a cell of type {cell!r}, which is no primitive of the device"
            )
            raise ToolError(message)
    return counts


def carry_blocks(cells: Mapping[str, int]) -> int:
    """CARRY4 blocks, a CARRY8 counted as two."""
    return cells.get("CARRY4", 0) + 2 * cells.get("CARRY8", 0)
