"""Hardware beside alkaid's, and folded beside unrolled: LUTs and DSPs of Yosys, and seconds to the Verilog.

``lut``: networks trained by others, the same number of pipeline stages, the same input types, two-operand
adders, both flattened and synthesised by the same Yosys. ``fold``: the dense 16-64-32-32-5 tagger with 8-bit
weights, unrolled and shared in time. ``no-dsp``: what the scheduler does where DSPs are forbidden.

Usage: python benchmarks/hardware.py [lut] [fold] [no-dsp] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import machine

import nanosieve as ns
import networks
from nanosieve.compiler.graph import Graph, TensorType
from nanosieve.compiler.hardware import Budget, HardwareDesign, build_design
from nanosieve.compiler.hardware.plan import Fold, Plan
from nanosieve.compiler.passes import run_passes
from nanosieve.compiler.synthesis import count_resources, synthesize

SHARED = Path(__file__).resolve().parents[2] / "shared" / "models"
CLOCK = "200 MHz"


def flattened(sources: Sequence[Path], top: str, folder: Path) -> dict[str, float]:
    """Resources of Verilog, flattened."""
    lines = [f'read_verilog -sv "{source}"' for source in sources]
    lines += [f"synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top {top}", "write_json netlist.json"]
    (folder / "script").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "nanosieve.compiler.synthesis.yosys_script", "script"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    cells = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"][top]["cells"]
    kinds = Counter(cell["type"] for cell in cells.values() if cell["type"] != "$scopeinfo")
    return count_resources(kinds, module=top)


def alkaids(
    model: Path, graph: Graph, stages: int, effort: int, folder: Path
) -> tuple[dict[str, float], float]:
    """Resources of alkaid's Verilog, and the seconds from the loaded model to it."""
    import hgq.layers  # noqa: F401 - registers its layers
    import keras
    from alkaid.codegen import RTLModel
    from alkaid.converter import trace_model
    from alkaid.trace import FVArray, HWConfig, trace

    loaded = keras.models.load_model(model, compile=False)
    start = time.perf_counter()
    hardware = HWConfig(1, 1, -1)
    given = tuple(
        FVArray.from_lhs(
            type.low * 2.0**type.exponent, type.high * 2.0**type.exponent, 2.0**type.exponent, hardware, 0.0
        )
        for type in map(batched, graph.inputs.values())
    )
    inputs, outputs = trace_model(loaded, hardware, {"hard_dc": effort}, False, inputs=given)
    logic = trace(inputs, outputs, optimize=True)
    written = RTLModel(
        logic, folder, "model", flavor="verilog", n_stages=stages, print_latency=False,
        part_name="xcvu9p-flga2104-2L-e", clock_period=5.0, ternary_fuse=False,
    )  # fmt: skip
    written.write({})
    taken = time.perf_counter() - start
    return flattened(sorted(folder.rglob("*.v")), "model", folder), taken


def batched(type: TensorType) -> TensorType:
    """With an axis of one event before the others."""
    return TensorType(*(array[np.newaxis] for array in (type.low, type.high, type.exponent)))


def lut() -> list[dict[str, Any]]:
    """Networks trained by others, ours beside alkaid's best of three efforts."""
    rows = []
    for model in sorted(SHARED.glob("jet_hgq2_ebops*.keras")):
        loaded = ns.load(model)
        start = time.perf_counter()
        graph = run_passes(loaded)
        design = build_design(graph, Budget(clock=CLOCK, latency="1 us", every="5 ns"), extra_depth=1)
        with tempfile.TemporaryDirectory() as name:
            folder = design.write(Path(name))
            taken = time.perf_counter() - start
            ours = flattened(sorted((folder / "rtl").glob("*.v")), design.sources.top, folder)
        row: dict[str, Any] = {"model": model.stem, "stages": design.sources.latency, "ours": ours}
        row["seconds"] = {"ours": taken}
        found = []
        for effort in (0, 2, 5):
            with tempfile.TemporaryDirectory() as name:
                found.append(alkaids(model, graph, design.sources.latency, effort, Path(name)))
        row["alkaid"], row["seconds"]["alkaid"] = min(found, key=lambda each: each[0]["lut"])
        row["lut_ratio"] = ours["lut"] / row["alkaid"]["lut"]
        rows.append(row)
        print(
            f"{model.stem:28s} {row['stages']} stages: LUT {ours['lut']:,.0f} / "
            f"{row['alkaid']['lut']:,.0f} = {row['lut_ratio']:.3f}; "
            f"FF {ours['ff']:,.0f} / {row['alkaid']['ff']:,.0f}; "
            + f"seconds {taken:.2f} / {row['seconds']['alkaid']:.2f}",
            flush=True,
        )
    return rows


def tagger() -> Graph:
    """The tagger after the passes."""
    with tempfile.TemporaryDirectory() as name:
        graph = run_passes(ns.load(networks.saved(networks.tagger(), Path(name))))
    return replace(graph, source=None)


def counted(design: HardwareDesign) -> dict[str, float]:
    """Resources of Yosys, module by module."""
    with tempfile.TemporaryDirectory() as name:
        resources = synthesize(design.write(Path(name))).resources
        return {kind: resources.count(kind) for kind in ("lut", "ff", "dsp", "bram36")}


def fold() -> list[dict[str, Any]]:
    """The tagger unrolled, in slots with packed multipliers, and as the scheduler builds it for more time."""
    graph, rows = tagger(), []
    for interval in (1, 5, 20, 64, 200, 1000):
        layers = {}
        for name, columns in (("dense_1", 64), ("dense_2", 32), ("dense_3", 32), ("output", 5)):
            parts = min(interval, columns)
            layers[name] = Fold(1, parts, packed=columns > parts)
        plan = Plan({} if interval == 1 else layers, {}, interval) if interval <= 20 else None
        budget = Budget(clock=CLOCK, latency="20 us", every=f"{5 * interval} ns")
        design = build_design(graph, budget, plan=plan)
        row = {"interval": design.sources.interval, "latency": design.sources.latency, **counted(design)}
        rows.append(row)
        print(
            f"interval {row['interval']:3d}: {row['lut']:,.0f} LUT ({row['lut'] / rows[0]['lut']:.3f} of "
            f"unrolled) {row['dsp']:,.0f} DSP {row['ff']:,.0f} FF, latency {row['latency']} cycles",
            flush=True,
        )
    return rows


def no_dsp() -> list[dict[str, Any]]:
    """Where sharing multipliers made of LUTs begins to pay against adder graphs."""
    graph, rows = tagger(), []
    for interval in (1, 2, 5, 10, 20, 40, 64, 200):
        budget = Budget(clock=CLOCK, latency="20 us", every=f"{5 * interval} ns")
        design = build_design(graph, budget, minimise="lut", dsp=False)
        row = {"interval": interval, "shared": sorted(design.plan.layers), **counted(design)}
        rows.append(row)
        print(
            f"interval {interval:2d}, no DSP: {row['lut']:,.0f} LUT, "
            f"shared: {', '.join(row['shared']) or 'none'}",
            flush=True,
        )
    return rows


def main() -> None:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=["lut", "fold", "no-dsp", []])
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/hardware.json"))
    arguments = parser.parse_args()
    calls = {"lut": lut, "fold": fold, "no-dsp": no_dsp}
    rows = {name: calls[name]() for name in arguments.parts or calls}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine(), "provenance": "synthesised, seconds measured", **rows}
    arguments.out.write_text(json.dumps(document, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
