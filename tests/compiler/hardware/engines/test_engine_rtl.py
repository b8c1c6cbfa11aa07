"""Engines through real Verilog, layer by layer, with gaps and resets; and what they refuse."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from helpers.image_network import ImageNetwork
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.hardware import Budget, HardwareDesign, build_design
from nanosieve.compiler.hardware.engines import choices
from nanosieve.compiler.hardware.plan import EngineParts, choice_of, text_of
from nanosieve.compiler.verification import simulate, verify
from nanosieve.errors import BudgetError, FoldingError

ENGINES = {
    "conv_3": "engine:1,1",
    "conv_4": "engine:2,9",
    "dense_1": "engine:2,3",
    "decay_length": "engine:1,4",
}
BUDGET = Budget(every="4 us", latency="20 us", clock="200 MHz", device="xcu250")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return ImageNetwork().graph


def built(graph: Graph, budget: Budget = BUDGET, **layers: str) -> HardwareDesign:
    chosen = {name: choice_of(text) for name, text in {**ENGINES, **layers}.items()}
    return build_design(graph, budget, layers=chosen, beats={"image": 1})


def test_a_network_of_engines_is_its_graph(graph: Graph, tmp_path: Path) -> None:
    design = built(graph)
    assert design.sources.interval <= 800
    design.write(tmp_path)
    found = verify(tmp_path, random=24)
    assert found.differences == 0
    assert [layer.name for layer in design.layers] == list(ENGINES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        {"conv_3": "engine:2,1", "conv_4": "engine:4,18", "dense_1": "engine:8,6"},
        {"conv_4": "engine:2,9,packed", "dense_1": "engine:4,3,packed"},
        {"conv_3": "engine:4,1", "dense_1": "slots:1,8,1", "decay_length": "unrolled"},
    ],
)
def test_other_cuts(graph: Graph, tmp_path: Path, layers: dict[str, str]) -> None:
    built(graph, Budget(every="20 us", latency="80 us", device="xcu250"), **layers).write(tmp_path)
    assert verify(tmp_path, random=24).differences == 0


@pytest.mark.slow
@pytest.mark.parametrize("shifts", [False, True])
def test_convolutions_one_by_one(tmp_path: Path, shifts: bool) -> None:
    graph = ImageNetwork(compose=False, shifts=shifts).graph
    layers = {"conv_1": "engine:1,1", "conv_2": "engine:1,9", "conv_3": "engine:1,9"}
    chosen = {name: choice_of(text) for name, text in {**ENGINES, **layers}.items()}
    budget = Budget(every="20 us", latency="80 us", device="xcu250")
    build_design(graph, budget, layers=chosen, beats={"image": 1}).write(tmp_path)
    assert verify(tmp_path, random=12).differences == 0


def test_a_wrong_coefficient_shows(graph: Graph, tmp_path: Path) -> None:
    folder = built(graph).write(tmp_path)
    source = next((folder / "rtl").glob("*conv_4.v"))
    text = source.read_text(encoding="utf-8")
    found = re.search(r"weights0_words\[3\] = (\d+)'d(\d+);", text)
    assert found is not None
    changed = f"weights0_words[3] = {found[1]}'d{int(found[2]) ^ 16};"
    source.write_text(text.replace(found[0], changed), encoding="utf-8")
    x = np.random.default_rng(1).integers(0, 2, (8, 8 * 33))
    right = interpret(graph, {"image": x.reshape(8, 8, 33, 1)})["decay_length"]
    assert (simulate(folder, {"image": x}).outputs["decay_length"] != right.reshape(8, -1)).any()


def test_more_steps_than_cycles_are_refused(graph: Graph) -> None:
    with pytest.raises(BudgetError, match=r"^layer 'conv_3': its engine takes 552 cycles, and there are 400"):
        built(graph, Budget(every="2 us", latency="20 us", device="xcu250"), conv_3="engine:2,1")


def test_the_scheduler_builds_large_layers_as_engines(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "LEAST", 10_000)
    design = build_design(graph, BUDGET, beats={"image": 1})
    assert set(design.plan.layers) == set(ENGINES)
    assert all(isinstance(choice, EngineParts) for choice in design.plan.layers.values())
    assert design.sources.interval <= 800
    assert [layer.name for layer in design.layers] == list(ENGINES)


def test_an_image_in_one_cycle_is_refused(graph: Graph) -> None:
    layers = {"conv_3": choice_of("engine:1,1")}
    with pytest.raises(
        FoldingError, match=r"^layer 'conv_3' cannot be an engine: .*; let its input enter in"
    ):
        build_design(graph, BUDGET, layers=layers)


@pytest.mark.parametrize("text", ["engine:1,1", "engine:2,9,packed"])
def test_the_text_of_a_choice(text: str) -> None:
    assert text_of(choice_of(text)) == text
