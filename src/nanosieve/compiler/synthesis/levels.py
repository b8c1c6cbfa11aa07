"""Logic levels of a netlist: LUTs and carry chains on the longest path between registers or ports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["logic_levels"]

_COMBINATIONAL = re.compile(r"LUT[1-6]|LUT6_2|INV|CARRY[48]|MUXF[789]")
_FREE = re.compile(r"INV|MUXF[789]")


def logic_levels(module: Mapping[str, Any]) -> int:
    """The depth of one module of a Yosys JSON netlist.

    A LUT is one level. A carry chain is one level, however long, where a signal enters it; what comes
    from the carry input goes on along the chain for free. Paths end at registers, memories, DSPs and
    ports, so that a module without registers counts from its inputs to its outputs.
    """
    drivers: dict[int, str] = {}
    cells: dict[str, Any] = {
        name: cell for name, cell in module["cells"].items() if _COMBINATIONAL.fullmatch(cell["type"])
    }
    sources: dict[str, list[tuple[str, int]]] = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "output":
                drivers.update((bit, name) for bit in bits if isinstance(bit, int))
    for name, cell in cells.items():
        sources[name] = []
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "input":
                continue
            for bit in bits:
                driver = drivers.get(bit) if isinstance(bit, int) else None
                chained = port == "CI" and driver is not None and cells[driver]["type"].startswith("CARRY")
                cost = 0 if chained or _FREE.fullmatch(cell["type"]) else 1
                sources[name].append((driver or "", cost))
    return max(_longest(sources).values(), default=0)


def _longest(sources: Mapping[str, list[tuple[str, int]]]) -> dict[str, int]:
    """Level of every cell; `sources` lists (driving cell or "", cost) of its inputs. Loops are cut."""
    levels: dict[str, int] = {"": 0}
    for start in sources:
        stack = [start]
        waiting: set[str] = set()
        while stack:
            name = stack[-1]
            unknown = [s for s, _ in sources[name] if s not in levels and s not in waiting]
            waiting.add(name)
            if name not in levels and unknown:
                stack.extend(unknown)
                continue
            stack.pop()
            waiting.discard(name)
            if name not in levels:
                levels[name] = max((levels.get(s, 0) + cost for s, cost in sources[name]), default=0)
    return levels
