"""The Verilog modules that layers are made of besides their own: the same text in every design."""

from __future__ import annotations

from pathlib import Path

from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.verilog import MAC

__all__ = ["library_text", "used_library"]


def used_library(netlist: Netlist) -> tuple[str, ...]:
    """The library modules that the module of a netlist instantiates."""
    return (MAC,) if any(isinstance(cell, c.MacCell) for cell in netlist.cells) else ()


def library_text(module: str) -> str:
    """The Verilog of a library module, portable text from which synthesis infers primitives."""
    return (Path(__file__).parent / "rtl" / f"{module}.v").read_text(encoding="utf-8")
