"""Golden vectors: the files, and the test bench run in Verilator's own event-driven mode."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.designs import toy_graph
from nanosieve.compiler.graph import interpret
from nanosieve.compiler.verification import read_design, verify
from nanosieve.compiler.verification.verilator import verilator_root


def test_files_hold_one_vector_a_line(toy: Path) -> None:
    folder = verify(toy, random=300, streamed=0, golden=100).golden
    assert folder is not None
    design = read_design(toy)
    inputs = (folder / "inputs.hex").read_text().splitlines()
    expected = (folder / "expected.hex").read_text().splitlines()
    assert len(inputs) == len(expected) == 100
    graph = toy_graph()
    for given, meant in zip(inputs, expected, strict=True):
        bits = int(given, 16)
        codes = [((bits >> 7 * n & 127) ^ 64) - 64 for n in range(5)]
        outputs = interpret(graph, {"x": np.array([codes])})
        bits, at = 0, 0
        for bus in design.outputs:
            bits |= int(outputs[bus.name][0, 0]) << at
            at += bus.width
        assert int(meant, 16) == bits


def _run(folder: Path, build: Path) -> str:
    """Build the test bench with Verilator's timing support and run it."""
    root = verilator_root()
    command = ["perl", str(root / "bin" / "verilator"), "--binary", "--timing", "-Wno-fatal", "-Wno-lint"]
    command += ["-CFLAGS", "-std=gnu++20 -fcoroutines -O0", "--Mdir", str(build), "--top-module", "tb_toy"]
    sources = [str(folder / "tb_toy.v"), *map(str, sorted((folder.parent / "rtl").glob("*.v")))]
    environment = {**os.environ, "VERILATOR_ROOT": str(root)}
    subprocess.run([*command, *sources], env=environment, check=True, capture_output=True)
    return subprocess.run([build / "Vtb_toy"], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("perl") and shutil.which("make")), reason="needs perl and make")
def test_the_test_bench_passes_and_fails(toy_copy: Path, tmp_path: Path) -> None:
    folder = verify(toy_copy, random=300, streamed=0, golden=200).golden
    assert folder is not None
    latency = read_design(toy_copy).latency_cycles
    assert f"PASS: 200 vectors, latency {latency} cycles" in _run(folder, tmp_path / "build")
    expected = folder / "expected.hex"
    lines = expected.read_text().splitlines()
    lines[150] = f"{int(lines[150], 16) ^ 1:0{len(lines[150])}x}"
    expected.write_text("\n".join(lines))
    broken = subprocess.run(
        [tmp_path / "build" / "Vtb_toy"], cwd=folder, capture_output=True, text=True
    ).stdout
    assert re.search(r"vector 150, beat 0: outputs are \w+, not \w+", broken)
    assert "FAIL: 1 errors, 200 of 200 vectors received" in broken
