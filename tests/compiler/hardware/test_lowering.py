"""Random graphs: the cells of the unrolled architecture compute the graph, at every clock."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from helpers.netlists import evaluate_layers
from helpers.random_graphs import random_codes, random_graph
from nanosieve.compiler.graph import Rounding, interpret
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.hardware.schedule import CONSTANT, longest_path
from nanosieve.compiler.hardware.timing import DelayModel

EVENTS = 12


def compare(seed: int, layers: int = 10) -> None:
    graph = random_graph(seed, layers)
    rng = np.random.default_rng(seed)
    extra_depth = int(rng.integers(-1, 3))
    built, outputs = build_layers(graph, Plan(), Settings(DelayModel(), 5.0, extra_depth=extra_depth))
    codes = {name: random_codes(rng, type, EVENTS) for name, type in graph.inputs.items()}
    expected = interpret(graph, codes)
    for event in range(EVENTS):
        given = {name: array[event].reshape(-1).tolist() for name, array in codes.items()}
        for name, values in evaluate_layers(graph, built, outputs, given).items():
            assert values == expected[name][event].reshape(-1).tolist(), f"seed {seed}, event {event}, {name}"


@pytest.mark.parametrize("block", range(4))
def test_random_graphs(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        compare(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_random_graphs(block: int) -> None:
    for seed in range(1000 + 50 * block, 1050 + 50 * block):
        compare(seed, layers=14)


def test_a_wrong_shift_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison bites: one adder that shifts by one bit too many is noticed."""
    right = Netlist.add

    def wrong(
        self: Netlist, a: int, b: int, *, shift_a: int = 0, shift_b: int = 0, subtract: bool = False
    ) -> int:
        return right(self, a, b, shift_a=shift_a, shift_b=shift_b + (shift_b == 1), subtract=subtract)

    monkeypatch.setattr(Netlist, "add", wrong)
    failures = 0
    for seed in range(20):
        try:
            compare(seed)
        except AssertionError:
            failures += 1
    assert failures > 5


@pytest.mark.parametrize("seed", range(5))
def test_no_path_is_longer_than_the_clock(seed: int) -> None:
    """Between two registers lies no more delay than the model allows, and every value waits in registers."""
    model, period = DelayModel(), 5.0
    built, _ = build_layers(random_graph(seed, 20), Plan(), Settings(model, period))
    for layer in built:
        schedule = layer.schedule
        for n, cell in enumerate(layer.netlist.cells):
            if schedule.arrivals[n] == CONSTANT:
                continue
            arrival = schedule.arrivals[n]
            assert 0 <= arrival.time <= model.usable(period)
            reads = schedule.reads_at(cell, n)
            for a in cell.args:
                before = schedule.arrivals[a]
                assert before.stage <= reads <= schedule.last_use[a] or before == CONSTANT
                if before.stage == arrival.stage:
                    assert before.time + model.of(layer.netlist, cell) <= arrival.time + 1e-9
        assert longest_path(layer.netlist, schedule, model) <= model.usable(period)


def test_a_slower_clock_needs_fewer_stages() -> None:
    graph = random_graph(5, 20)
    fast, _ = build_layers(graph, Plan(), Settings(DelayModel(), 5.0, extra_depth=0))
    slow, _ = build_layers(graph, Plan(), Settings(DelayModel(), 40.0, extra_depth=0))
    assert max(la.schedule.stage for la in slow) < max(la.schedule.stage for la in fast)


@pytest.mark.parametrize("rounding", Rounding)
def test_a_constant_is_rounded_when_it_is_written(rounding: Rounding) -> None:
    """Where the graph has proven a range but the cells know the one code, no logic and no wire is left."""
    netlist = Netlist()
    for code in range(-20, 21):
        cell = netlist.round(netlist.constant(code), 3, rounding, -3, 3)
        step = Fraction(code, 8)
        expected = {
            Rounding.TRN: math.floor(step),
            Rounding.RND: math.floor(step + Fraction(1, 2)),
            Rounding.RND_CONV: round(step),
        }
        assert netlist.constant_code(cell) == expected[rounding]
