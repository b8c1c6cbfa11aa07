"""Random networks under random plans: the RTL equals the graph, whatever the plan.

How many pairs of graph and plan: a handful in the quick run, a few hundred in the slow one, and with
``pytest -m long`` five thousand (``NANOSIEVE_PLANS`` for another number), which takes an hour or two.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from helpers.plans import fitting_plan, random_plan, union_plan
from helpers.random_graphs import random_codes, random_graph
from helpers.random_networks import random_network
from helpers.union import union
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.verification.folder import read_design
from nanosieve.compiler.verification.stages import Case, HardwareStage
from nanosieve.compiler.verification.vector_set import VectorSet
from nanosieve.progress import silent

pytestmark = pytest.mark.usefixtures("few_events")

EVENTS = 60
BLOCK = 15
"""Graphs that share a simulator."""
LONG = int(os.environ.get("NANOSIEVE_PLANS", "5000"))
CLOCKS = (60, 200, 230)
INTERVALS = (2, 4, 7, 12, 20, 33, 60)
MODEL = DelayModel(luts=0.0)
"""The delays do not depend on the size, so that a graph is built alike on its own and among others."""


def check_plan(graph: Graph, plan: Plan, folder: Path, *, clock: int = 200, seed: int = 0) -> None:
    """Build, and compare back to back, layer by layer, and with gaps and resets in mid-stream."""
    budget = Budget(latency="1 ms", clock=f"{clock} MHz")
    design = read_design(build_design(graph, budget, plan=plan, model=MODEL).write(folder))
    rng = np.random.default_rng(seed)
    codes = {name: random_codes(rng, type, EVENTS) for name, type in graph.inputs.items()}
    case = Case(graph, VectorSet({"random": EVENTS}, {}, codes), interpret(graph, codes))
    again = HardwareStage(design, EVENTS, seed).check(case, silent)
    assert again["layer by layer"] == EVENTS
    assert again["with gaps and resets"] >= EVENTS // 4


def check_block(block: int, folder: Path, count: int = BLOCK) -> int:
    """Compare the pairs of one block; how many layers of them work in slots."""
    rng = np.random.default_rng(block)
    interval, clock = int(rng.choice(INTERVALS)), int(rng.choice(CLOCKS))
    graphs = [
        random_graph(30_000_000 + block * BLOCK + n, 8) if n % 5 == 4 else random_network(rng)
        for n in range(count)
    ]
    settings = Settings(MODEL, 1e3 / clock)
    plans = [fitting_plan(graph, random_plan(rng, graph, interval), settings) for graph in graphs]
    check_plan(union(graphs), union_plan(plans), folder, clock=clock, seed=block)
    return sum(len(plan.layers) for plan in plans)


def test_random_plans(tmp_path: Path) -> None:
    assert check_block(3, tmp_path, 6) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100, 108))
def test_a_few_hundred_random_plans(block: int, tmp_path: Path) -> None:
    assert check_block(block, tmp_path) > 0


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("block", range(1000, 1000 + -(-LONG // BLOCK)))
def test_five_thousand_random_plans(block: int, tmp_path: Path) -> None:
    check_block(block, tmp_path)
