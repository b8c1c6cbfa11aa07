"""Random graphs over all ops, types and shapes through every form of a network: one meaning, bit for bit.

The number of graphs is what makes this a proof or a smoke test: a few hundred in the ordinary run, and with
``pytest -m long`` ten thousand (``NANOSIEVE_GRAPHS`` for another number), which takes an hour or two.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from helpers.random_graphs import random_codes, random_graph
from helpers.union import union
from nanosieve.compiler.emulate import Emulator, build_cpp
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.passes import run_passes
from nanosieve.compiler.verification import simulate

pytestmark = pytest.mark.usefixtures("few_events")

EVENTS = 100
BLOCK = 50
"""Graphs that share a simulator and a C++ program."""
LONG = int(os.environ.get("NANOSIEVE_GRAPHS", "10000"))
CLOCKS = ("60 MHz", "200 MHz", "230 MHz")


def differences(graph: Graph, folder: Path, seed: int) -> list[str]:
    """Outputs in which a form of the graph differs from the interpreter."""
    codes = {
        name: random_codes(np.random.default_rng(seed + n), type, EVENTS)
        for n, (name, type) in enumerate(graph.inputs.items())
    }
    expected = interpret(graph, codes)
    simplified = run_passes(graph)
    with build_cpp({"graphs": simplified}, flags=("-std=c++17", "-O0")) as program:  # few events: build fast
        found = {"emulator": Emulator(simplified).run(codes), "C++": program.codes(codes)}
    design = build_design(
        simplified, Budget(latency="10 us", clock=CLOCKS[seed % len(CLOCKS)]), extra_depth=0
    )
    found["RTL"] = simulate(design.write(folder), codes).outputs
    wrong = []
    for form, outputs in found.items():
        for name, meant in expected.items():
            given = outputs[name].reshape(meant.shape)
            steps = (
                graph.types[graph.outputs[name]].exponent
                - simplified.types[simplified.outputs[name]].exponent
            )
            if not np.array_equal(meant * np.exp2(steps), given):
                wrong.append(f"{form}: {name} of block {seed}")
    return wrong


def check_block(block: int, folder: Path, graphs: int = BLOCK) -> None:
    """Compare the graphs of one block."""
    whole = union(random_graph(10_000_000 + block * BLOCK + n, 10) for n in range(graphs))
    assert differences(whole, folder, block) == []


def test_random_graphs(tmp_path: Path) -> None:
    check_block(0, tmp_path, graphs=12)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(1, 6))
def test_a_few_hundred_random_graphs(block: int, tmp_path: Path) -> None:
    check_block(block, tmp_path)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("block", range(100, 100 + -(-LONG // BLOCK)))
def test_ten_thousand_random_graphs(block: int, tmp_path: Path) -> None:
    check_block(block, tmp_path)
