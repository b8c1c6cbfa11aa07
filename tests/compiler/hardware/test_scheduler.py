"""The search of a plan, and sketches against the designs that are built."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.plans import fitting_plan, random_plan
from helpers.random_networks import Network, convolution, flat, random_network
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Fold
from nanosieve.compiler.hardware.scheduler import find_plan
from nanosieve.compiler.hardware.sketch import Sketcher

BUDGET = Budget(every="250 ns", latency="5 us")
MODEL = DelayModel(luts=0.0)
SETTINGS = Settings(MODEL, BUDGET.period_ns)


def network() -> Graph:
    """A convolution and a product over all of it."""
    net = Network(np.random.default_rng(3))
    x = convolution(net, net.input("x", (5, 5, 2)))
    return net.builder.finish({"y": flat(net, x)})


def test_the_same_plan_again() -> None:
    first, again = (find_plan(Sketcher(network(), SETTINGS), BUDGET) for _ in range(2))
    assert first.best == again.best
    assert first.fits
    assert first.tried == again.tried


def test_a_fixed_layer_stays() -> None:
    """However short the latency is."""
    for choice in (None, Fold(1)):
        for latency in (None, 5):
            found = find_plan(Sketcher(network(), SETTINGS), BUDGET, fixed={"conv1": choice}, latency=latency)
            assert {sketch.plan.layers.get("conv1") for sketch in found.tried} == {choice}
            assert found.best.plan.layers.get("conv1") == choice


def test_less_latency_means_fewer_slots() -> None:
    free = find_plan(Sketcher(network(), SETTINGS), BUDGET)
    pressed = find_plan(Sketcher(network(), SETTINGS), BUDGET, latency=free.best.latency - 8)
    assert pressed.best.latency <= free.best.latency - 8
    assert sum(p.slots for p in pressed.best.parts) < sum(p.slots for p in free.best.parts)
    assert pressed.best.cost.lut > free.best.cost.lut


def test_what_is_dear_is_used_less() -> None:
    """The plan that is best at some prices costs, at these, no more than that of others."""
    luts = find_plan(Sketcher(network(), SETTINGS), BUDGET, prices={"lut": 1.0, "ff": 0.0, "dsp": 0.0})
    registers = find_plan(Sketcher(network(), SETTINGS), BUDGET, prices={"lut": 0.0, "ff": 1.0, "dsp": 0.0})
    assert luts.best.cost.lut <= registers.best.cost.lut
    assert registers.best.cost.ff <= luts.best.cost.ff
    assert luts.best.plan != registers.best.plan


@pytest.mark.parametrize("seed", range(8))
def test_a_sketch_is_close_to_the_design(seed: int) -> None:
    """The latency, within a third and four cycles."""
    rng = np.random.default_rng(900 + seed)
    graph = random_network(rng)
    plan = fitting_plan(graph, random_plan(rng, graph, 40), SETTINGS)
    sketch = Sketcher(graph, Settings(MODEL, 5.0, 40)).sketch(plan)
    built = build_design(graph, Budget(latency="1 ms"), plan=plan, model=MODEL).sources
    assert abs(sketch.latency - built.latency) <= 4 + built.latency / 3
