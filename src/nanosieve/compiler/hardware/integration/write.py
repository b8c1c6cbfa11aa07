"""The files of `integration`, beside a design in its folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection
from pathlib import Path

from nanosieve._files import output_folder, write_text
from nanosieve.compiler.hardware.integration.axis import axis_name, axis_verilog
from nanosieve.compiler.hardware.integration.interface import Interface
from nanosieve.compiler.hardware.integration.vendor import (
    clock_constraints,
    kernel_name,
    kernel_verilog,
    package_script,
    vivado_script,
)
from nanosieve.compiler.hardware.integration.vhdl import (
    vhdl_component,
    vhdl_name,
    vhdl_shim,
    vhdl_template,
)
from nanosieve.errors import UnknownNameError

__all__ = ["KINDS", "write_integration"]

KINDS = ("axi", "vhdl", "vendor")
"""What `write_integration` can write, each into a folder of that name."""

_WRITTEN = {"axi": ("*.v",), "vhdl": ("*.vhd", "*.v"), "vendor": ("*.tcl", "*.xdc", "*.v")}


def write_integration(folder: str | Path, kinds: Collection[str]) -> None:
    """Write what is asked for beside a design, and remove what an earlier design left.

    ``vendor`` needs the AXI4-Stream wrapper and writes it as well.

    Args:
        folder: of a design, with ``design.json``.
        kinds: some of `KINDS`.

    Raises:
        UnknownNameError: a kind that is none.
        OutputError: the folder cannot be written to.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError.among("kind of integration", kind, KINDS)
    folder = Path(folder)
    interface = Interface.of(json.loads((folder / "design.json").read_text(encoding="utf-8")))
    texts = _texts(interface, {*kinds, *(("axi",) if "vendor" in kinds else ())})
    for kind, patterns in _WRITTEN.items():
        for pattern in patterns:
            for stale in (folder / kind).glob(pattern):
                if f"{kind}/{stale.name}" not in texts:
                    stale.unlink()
        with contextlib.suppress(OSError):  # it is not there, or holds what a tool or the user put there
            (folder / kind).rmdir()
    for name, text in texts.items():
        output_folder((folder / name).parent)
        write_text(folder / name, text)


def _texts(interface: Interface, kinds: Collection[str]) -> dict[str, str]:
    """Path in the folder of the design → text."""
    texts: dict[str, str] = {}
    if "axi" in kinds:
        texts[f"axi/{axis_name(interface)}.v"] = axis_verilog(interface)
    if "vhdl" in kinds:
        top, shim = vhdl_name(interface), vhdl_shim(interface)
        texts[f"vhdl/{top}_component.vhd"] = vhdl_component(interface)
        texts[f"vhdl/{top}_instance.vhd"] = vhdl_template(interface)
        if shim is not None:
            texts[f"vhdl/{top}.v"] = shim
    if "vendor" in kinds:
        texts["vendor/clock.xdc"] = clock_constraints(interface)
        texts["vendor/vivado.tcl"] = vivado_script(interface)
        texts["vendor/package_ip.tcl"] = package_script(interface)
        texts[f"vendor/{kernel_name(interface)}.v"] = kernel_verilog(interface)
    return texts
