"""The Verilog modules that layers are made of besides their own: the same text in every design."""

from __future__ import annotations

import re
from pathlib import Path

from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.verilog import MAC

__all__ = ["library_text", "used_library"]

_STYLED = re.compile(r"(nanosieve_(?:ring|ram))_(distributed|block|ultra)")


def used_library(netlist: Netlist) -> tuple[str, ...]:
    """The library modules that the module of a netlist instantiates."""
    return (MAC,) if any(isinstance(cell, c.MacCell) for cell in netlist.cells) else ()


def library_text(module: str) -> str:
    """The Verilog of a library module, portable text from which synthesis infers primitives.

    Args:
        module: ``nanosieve_mac``, ``nanosieve_delay``, or ``nanosieve_ring`` or ``nanosieve_ram`` followed by
            ``_distributed``, ``_block`` or ``_ultra``, which one text in the package holds for all three.
    """
    styled = _STYLED.fullmatch(module)
    name, style = styled.groups() if styled else (module, "")
    text = (Path(__file__).parent / "rtl" / f"{name}.v").read_text(encoding="utf-8")
    return text.replace(f"module {name} ", f"module {module} ").replace('"STYLE"', f'"{style}"')
