"""Tables of constants and of weights that begin again with each step: a memory for one step, not for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.hardware.test_rolling import cell
from helpers.random_graphs import random_codes
from helpers.random_networks import Network, convolution, flat
from helpers.reloadable import shuffled
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.design import HardwareDesign
from nanosieve.compiler.hardware.feed import Feed
from nanosieve.compiler.hardware.plan import Copies, Fold, Plan
from nanosieve.compiler.hardware.reload import prepared, reloaded, weight_words
from nanosieve.compiler.verification import read_design, simulate
from nanosieve.compiler.verification.reload_stage import with_loads
from nanosieve.compiler.verification.stimulus import Stimulus

BUDGET = Budget(every="5 us", latency="1 ms")


def feed_of(design: HardwareDesign, layer: str) -> Feed:
    (feed,) = [built.feed for built in design.layers if built.name == layer and built.feed is not None]
    return feed


def wrong(folder: Path, graph: Graph, loads: np.ndarray | None = None) -> int:
    """Events in which the RTL differs, back to back and with gaps and resets."""
    rng = np.random.default_rng(0)
    codes = {name: random_codes(rng, type, 200) for name, type in graph.inputs.items()}
    meant = interpret(graph, codes)["y"].reshape(200, -1)
    design = read_design(folder)
    design = design if loads is None else with_loads(design, loads, 1)
    differ = 0
    for stimulus in (Stimulus(0.0, 0, 1), Stimulus(0.4, 6, 1)):
        found = simulate(design, codes, stimulus)
        assert found.delivered.sum() > 100
        differ += int((found.outputs["y"] != meant)[found.delivered].any(axis=1).sum())
    return differ


@pytest.fixture(scope="module")
def recurrent() -> tuple[Graph, HardwareDesign]:
    graph = cell(steps=40)
    return graph, build_design(
        graph, BUDGET, plan=Plan({"rnn": Copies(1, 3)}, {}, 1000), model=DelayModel(luts=0.0)
    )


def test_a_step_of_a_cell(recurrent: tuple[Graph, HardwareDesign]) -> None:
    feed = feed_of(recurrent[1], "rnn")
    step = feed.start[3] - feed.start[0]
    assert feed.phases > 39 * step
    assert feed.period == step
    assert feed.table is not None
    assert feed.table.depth == 3  # and not a word for the cycles in which a step waits for the one before


@pytest.mark.slow
def test_the_rtl_of_a_step(recurrent: tuple[Graph, HardwareDesign], tmp_path: Path) -> None:
    graph, design = recurrent
    folder = design.write(tmp_path)
    assert wrong(folder, graph) == 0
    (path,) = [p for p in (folder / "rtl").glob("*.v") if "row_phase <=" in p.read_text()]
    text = path.read_text()
    width = (feed_of(design, "rnn").period - 1).bit_length()
    last = f"(row_phase == {width}'d{feed_of(design, 'rnn').period - 1})"
    assert last in text
    path.write_text(text.replace(last, f"(row_phase == {width}'d{feed_of(design, 'rnn').period - 2})"))
    assert wrong(folder, graph) > 100


@pytest.mark.slow
def test_rows_of_weights(tmp_path: Path) -> None:
    """Each position of a convolution reads the same rows, and so do those that are loaded later."""
    net = Network(np.random.default_rng(4))
    original = net.builder.finish({"y": flat(net, convolution(net, net.input("image", (12, 12, 2))))})
    graph = prepared(original)
    conv = next(n.layer for n in graph.nodes if n.layer.startswith("conv"))
    design = build_design(graph, BUDGET, plan=Plan({conv: Fold(1, 2)}, {}, 1000), model=DelayModel(luts=0.0))
    feed = feed_of(design, conv)
    assert feed.rows is not None
    assert feed.period == feed.rows.depth == 2
    assert feed.phases > 100
    folder = design.write(tmp_path)
    assert wrong(folder, graph) == 0
    _, words = weight_words(folder, shuffled(original, np.random.default_rng(1)))
    assert wrong(folder, reloaded(graph, shuffled(original, np.random.default_rng(1))), words) == 0
