"""The child process in which Yosys synthesises some modules: ``python -m … REQUEST RESULT``.

A process of its own, because Yosys keeps global state, writes to standard output, and ends the process
on an error. REQUEST is the JSON form of `Request`; RESULT maps each module to its cells and levels. The
netlist of each module is left beside it as Verilog, in ``MODULE.netlist.v``.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from nanosieve.compiler.synthesis._child import end_with_parent
from nanosieve.compiler.synthesis.levels import logic_levels

__all__ = ["Request", "main"]

_WRAPPER = "nanosieve_batch"
_KEEP_OUT = "chtype -set $__soft_mul w:* a:use_dsp=no %i %ci1 t:$mul %i"
"""The name under which the flow passes products over when it maps to DSP slices."""
_TABLES = 'setattr -set rom_style "logic" m:* a:rom_style=distributed %i'
"""What Yosys calls a table in LUTs; to it ``distributed`` is a memory of LUTs that can be written."""
_MEMORIES = "map_memory:map_ffram"
"""The part of the flow that maps memories; it reads 1.5 s of libraries even if there are none."""


@dataclass(frozen=True)
class Request:
    """Modules to synthesise together.

    Attributes:
        modules: their names; none of them may instantiate another.
        sources: Verilog files; modules without a body are black boxes.
        family: Yosys name of the architecture.
    """

    modules: tuple[str, ...]
    sources: tuple[str, ...]
    family: str

    @property
    def wrapper(self) -> str:
        """A module that holds them all; Yosys keeps the boundaries, so each is synthesised as if alone."""
        instances = "".join(f"  (* keep *) {name} u_{name} ();\n" for name in self.modules)
        return f"module {_WRAPPER} ();\n{instances}endmodule\n"

    @property
    def flow(self) -> tuple[str, ...]:
        """The standard flow of Yosys for the architecture, without pads and clock buffers.

        Library modules become part of the modules that use them, and products that the Verilog keeps out of
        DSP slices stay out.
        """
        ultra = "-uram " if self.family == "xcup" else ""
        flow = f"synth_xilinx -family {self.family} {ultra}-noiopad -noclkbuf -top {_WRAPPER} -run"
        return (
            f"{flow} begin:prepare",
            "proc",
            f"flatten -noscopeinfo {' '.join(self.modules)}",
            _TABLES,
            f"{flow} prepare:map_dsp",
            _KEEP_OUT,
            f"{flow} map_dsp:map_memory",
            f"{flow} {_MEMORIES}",
            f"{flow} map_ffram:",
        )


def main(request_path: str, result_path: str) -> None:
    """Synthesise in the current folder, which takes the temporary files, and write the result."""
    end_with_parent()
    from pyosys import libyosys

    request = Request(**json.loads(Path(request_path).read_text(encoding="utf-8")))
    wrapper, netlist = Path(f"{_WRAPPER}.v"), Path("netlist.json")
    wrapper.write_text(request.wrapper, encoding="utf-8")
    for source in (*request.sources, str(wrapper)):
        libyosys.run_pass(f'read_verilog -sv "{source}"')
    for command in request.flow:
        if not command.endswith(_MEMORIES) or _any(libyosys, "t:$mem*"):
            libyosys.run_pass(command)
    libyosys.run_pass(f'write_json "{netlist}"')
    for name in request.modules:
        libyosys.run_pass(f"select {name}")
        libyosys.run_pass(f'write_verilog -noattr -selected "{name}.netlist.v"')
        libyosys.run_pass("select -clear")
    modules = json.loads(netlist.read_text(encoding="utf-8"))["modules"]
    result = {
        name: {
            "cells": Counter(cell["type"] for cell in modules[name]["cells"].values()),
            "levels": logic_levels(modules[name]),
        }
        for name in request.modules
    }
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # what Yosys does at exit takes time and serves nobody


def _any(libyosys: ModuleType, pattern: str) -> bool:
    """Whether the design has something that `pattern` selects."""
    found = Path("selected")
    libyosys.run_pass(f'tee -q -o "{found}" select -list {pattern}')
    return bool(found.read_text(encoding="utf-8").strip())


if __name__ == "__main__":
    main(*sys.argv[1:])
