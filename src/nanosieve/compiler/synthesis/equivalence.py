"""Formal equivalence of two forms of a module, for all inputs and all histories, by the SAT solver of Yosys.

Both forms get the same inputs in every cycle, and registers that start with any content. A pipeline of n
stages has forgotten that content after n cycles; if the outputs then cannot differ, they never can.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nanosieve.compiler.synthesis.netlist_simulation import netlist_design
from nanosieve.compiler.verification.folder import DesignFolder, Element, read_design
from nanosieve.errors import InputFileError, SettingsError, ToolError, UnknownNameError
from nanosieve.progress import Progress, silent

__all__ = ["Proof", "prove_equivalent", "prove_same"]

Outcome = Literal["proven", "undecided", "different"]
_VERDICTS: dict[str, Outcome] = {
    "no model found: SUCCESS": "proven",
    "model found: FAIL": "different",
}


@dataclass(frozen=True)
class Proof:
    """The outcome of one comparison.

    Attributes:
        module: what was compared.
        outcome: ``proven`` for all inputs, ``undecided`` in the time given, or ``different``.
        seconds: how long it took.
        counterexample: for ``different``, the values by cycle of every input (``in_…``), and of every
            output of both forms (``gold_…``, ``gate_…``); empty otherwise.
    """

    module: str
    outcome: Outcome
    seconds: float
    counterexample: Mapping[str, tuple[int, ...]]


def prove_equivalent(
    folder: str | Path,
    module: str,
    *,
    device: str | None = None,
    time_limit: float = 60,
    progress: Progress = silent,
) -> Proof:
    """Compare the RTL of a module with its netlist, for every input that its ports can carry.

    The top module is compared with the RTL of its layers inside, so that the wires and registers between
    them are proven.

    Args:
        folder: a compiled design; it is synthesised where that was not done yet.
        module: Verilog module, as ``design.json`` names it.
        device: of the synthesis; default the device of the design.
        time_limit: seconds, after which the module counts as undecided.
        progress: told of the synthesis.

    Raises:
        InputFileError: `folder` is not a design.
        UnknownNameError: no such module or device.
        ToolError: Yosys fails, or the netlist holds a primitive in a mode that has no model.
        MissingDependencyError: pyosys is not installed.
        SettingsError: a time limit that is not positive.
    """
    design = read_design(folder)
    if module not in design.modules:
        raise UnknownNameError.among("module", module, design.modules)
    netlist = netlist_design(folder, device=device, progress=progress)
    own, others = design.modules[module], design.modules[module].children
    inside = [design.path / design.modules[name].file for name in others]
    gate = [netlist.path / netlist.modules[module].file, *inside]
    return _prove(module, [design.path / own.file, *inside], gate, netlist.models, _depth(design), time_limit)


def prove_same(
    gold: DesignFolder, gate: DesignFolder, module: str | None = None, *, time_limit: float = 60
) -> Proof:
    """Compare a module in two versions of the RTL of one design, for the inputs that the design gives it.

    Args:
        gold: one version.
        gate: the other.
        module: Verilog module; default the top module with everything inside.
        time_limit: seconds, after which it counts as undecided.

    Raises:
        UnknownNameError: no such module.
        ToolError: Yosys fails.
        MissingDependencyError: pyosys is not installed.
        SettingsError: a time limit that is not positive.
    """
    module = module or gold.name
    if module not in gold.modules:
        raise UnknownNameError.among("module", module, gold.modules)
    names = (module, *gold.modules[module].children)
    left, right = ([side.path / side.modules[name].file for name in names] for side in (gold, gate))
    wrapper = _clipped(gold, module, left[0].read_text(encoding="utf-8"))
    return _prove(module, left, right, (), _depth(gold), time_limit, wrapper)


def _depth(design: DesignFolder) -> int:
    """Cycles after which no register remembers what it started with."""
    return max(design.latency_cycles, *(layer.stage for layer in design.layers), 1)


def _prove(
    module: str,
    gold: Sequence[Path],
    gate: Sequence[Path],
    models: Sequence[Path],
    depth: int,
    time_limit: float,
    wrapper: str = "",
) -> Proof:
    if not time_limit > 0:
        message = f"time limit: {time_limit!r} seconds is not positive"
        raise SettingsError(message)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nanosieve-proof-") as name:
        place = Path(name)
        script = _script(place, module, gold, gate, models, wrapper)
        script += _question(depth, time_limit)
        (place / "script").write_text("\n".join(script), encoding="utf-8")
        log = _run(place, module, time_limit)
        outcome: Outcome = next((found for said, found in _VERDICTS.items() if said in log), "undecided")
        found = _counterexample(place / "values.json") if outcome == "different" else {}
    return Proof(module, outcome, time.monotonic() - start, found)


def _script(
    place: Path, module: str, gold: Sequence[Path], gate: Sequence[Path], models: Sequence[Path], wrapper: str
) -> list[str]:
    """Commands that leave the modules ``gold`` and ``gate``."""
    commands = []
    for side, sources in (("gold", gold), ("gate", gate)):
        # Yosys reads no paths with spaces; of two models of a primitive the last counts
        texts = {f"model{n}.v": source for n, source in enumerate(reversed(models))}
        for file, source in texts.items():
            (place / file).write_bytes(source.read_bytes())
            commands.append(f"read_verilog -sv -defer -overwrite {file}")
        for n, source in enumerate(sources):
            (place / f"{side}{n}.v").write_bytes(source.read_bytes())
            commands.append(f"read_verilog -sv {side}{n}.v")
        top = module
        if wrapper:
            (place / "wrapper.v").write_text(wrapper, encoding="utf-8")
            commands.append("read_verilog -sv wrapper.v")
            top = _WRAPPER
        commands += [
            f"hierarchy -check -top {top}",
            "proc -norom",
            "memory",
            "flatten",
            "setattr -unset init w:*",
            "opt -full",
            f"rename {top} {side}",
            f"design -stash {side}",
        ]
    return commands


def _question(depth: int, time_limit: float) -> list[str]:
    """Commands that ask whether the outputs can differ after `depth` cycles."""
    return [
        "design -copy-from gold -as gold gold",
        "design -copy-from gate -as gate gate",
        "miter -equiv -flatten -make_outputs gold gate miter",
        "hierarchy -top miter",
        "async2sync",
        "opt -full",  # what is built alike on both sides becomes one
        f"sat -timeout {max(1, round(time_limit))} -seq {depth + 1} -prove-skip {depth} -prove trigger 0 "
        "-show-inputs -show-outputs -dump_json values.json miter",
    ]


def _run(place: Path, module: str, time_limit: float) -> str:
    """The log of Yosys; empty if it took longer than it may."""
    command = [sys.executable, "-m", "nanosieve.compiler.synthesis.yosys_script", "script"]
    try:
        done = subprocess.run(
            command,
            cwd=place,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "TMPDIR": "."},
            timeout=time_limit + 10,  # what comes before the question
        )
    except subprocess.TimeoutExpired:
        return ""
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()
        first = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no message")
        message = f"Yosys fails to compare module {module!r}: {' '.join(first.split())}"
        raise ToolError(message)
    return done.stdout


def _counterexample(path: Path) -> dict[str, tuple[int, ...]]:
    """The values by cycle that the solver left (WaveJSON)."""
    values: dict[str, tuple[int, ...]] = {}
    for signal in json.loads(path.read_text(encoding="utf-8"))["signal"]:
        data, row, current = iter(signal.get("data", ())), [], 0
        for mark in signal["wave"]:
            if mark in "01":
                current = int(mark)
            elif mark == "=":
                current = int(next(data).replace("x", "0") or "0", 2)  # what does not matter is 0
            row.append(current)
        values[signal["name"].lstrip("\\")] = tuple(row)
    return values


_WRAPPER = "nanosieve_clipped"
_PORT = re.compile(r"^\s*(input|output)\s+wire\s+(\[\d+:0\]\s+)?([A-Za-z_][A-Za-z0-9_$]*)", re.MULTILINE)


def _clipped(design: DesignFolder, module: str, text: str) -> str:
    """A module around `module` that turns codes which its inputs never carry into codes which they do.

    Raises:
        InputFileError: the module's header cannot be read.
    """
    carried: dict[str, list[Element]] = {bus.bus: _lanes(bus.elements) for bus in design.inputs}
    carried |= {layer.signal: _lanes(layer.made) for layer in design.layers}
    ports = _PORT.findall(text[: text.find(");")])
    if not ports:
        message = f"the Verilog of module {module!r} has no header that can be read; compile the model again"
        raise InputFileError(message)
    head = ", ".join(f"{way} wire {span}{name}" for way, span, name in ports)
    lines, pins = [], []
    for way, span, name in ports:
        pins.append(f".{name}({name})")
        if way == "input" and name in carried:
            pins[-1] = f".{name}({name}__in)"
            lines.append(f"  wire {span}{name}__in;")
            lines += [_clip(name, element) for element in carried[name] if element.width]
    body = "\n".join(lines)
    return f"module {_WRAPPER} ({head});\n{body}\n  {module} inside ({', '.join(pins)});\nendmodule\n"


def _lanes(elements: Sequence[Element]) -> list[Element]:
    """One element for all that have the same bits at different times; it takes the codes of each."""
    lanes: dict[tuple[int, int], Element] = {}
    for element in elements:
        place = element.lsb, element.width
        lane = lanes.setdefault(place, element)
        ends = {
            "low": min(lane.low, element.low),
            "high": max(lane.high, element.high),
            "signed": lane.signed or element.signed,
        }
        lanes[place] = lane.model_copy(update=ends)
    return list(lanes.values())


def _clip(bus: str, element: Element) -> str:
    place = f"[{element.lsb + element.width - 1}:{element.lsb}]"
    bits = element.width + 2
    value = f"$signed({bus}{place})" if element.signed else f"$signed({{1'b0, {bus}{place}}})"
    low, high = (f"{'-' if end < 0 else ''}{bits}'sd{abs(end)}" for end in (element.low, element.high))
    base = element.low & ((1 << element.width) - 1)
    return (
        f"  assign {bus}__in{place} = ({value} < {low} || {value} > {high}) ? "
        f"{element.width}'d{base} : {bus}{place};"
    )
