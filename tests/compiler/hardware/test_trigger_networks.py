"""The published networks under the budgets of their publications, in RTL equal to their graphs.

Every design is simulated back to back, with gaps in `valid` and with resets in mid-stream.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras import layers

from helpers.random_graphs import random_codes
from helpers.trigger_networks import anomaly_autoencoder, anomaly_encoder, quantised, svhn_cnn, top_tagger
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.hardware import Budget, HardwareDesign, build_design
from nanosieve.compiler.hardware.plan import Copies
from nanosieve.compiler.passes import run_passes
from nanosieve.compiler.verification import BACK_TO_BACK, Stimulus, simulate
from nanosieve.devices import find_device

SHARED = Path(__file__).parents[4] / "shared" / "models"


def assert_rtl_is_graph(design: HardwareDesign, folder: Path, events: int = 40) -> None:
    """Every output of every event, however the events come."""
    written, graph = design.write(folder), design.graph
    rng = np.random.default_rng(1)
    codes = {name: random_codes(rng, type, events) for name, type in graph.inputs.items()}
    expected = interpret(graph, codes)
    for stimulus in (BACK_TO_BACK, Stimulus(0.4, 0, 1), Stimulus(0.2, 2, 2)):
        found = simulate(written, codes, stimulus)
        assert found.delivered.any()
        for name, meant in expected.items():
            there = found.outputs[name].reshape(meant.shape)
            assert np.array_equal(there[found.delivered], meant[found.delivered]), (stimulus, name)


def latency_ns(design: HardwareDesign) -> float:
    return design.sources.latency * design.budget.period_ns


def interval_ns(design: HardwareDesign) -> float:
    return design.sources.interval * design.budget.period_ns


@pytest.mark.slow
@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_static_top_tagger(cell: type, tmp_path: Path) -> None:
    graph = quantised(top_tagger(cell), tmp_path, "fixed<8,3>")
    budget = Budget(every="1.5 us", latency="1.5 us", clock="200 MHz")
    design = build_design(graph, budget)
    assert design.plan.layers["rnn"] == Copies(1)
    assert latency_ns(design) < 1500
    assert_rtl_is_graph(design, tmp_path / "design")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_non_static_top_tagger(cell: type, tmp_path: Path) -> None:
    """A copy of the cell for every step: a new event at least as often as a step is made."""
    graph = quantised(top_tagger(cell), tmp_path, "fixed<8,3>")
    budget = Budget(every="40 ns", latency="2 us", clock="200 MHz")
    static = build_design(graph, Budget(every="2 us", latency="2 us"), layers={"rnn": Copies(1)})
    (cells,) = (layer for layer in static.layers if layer.name == "rnn")
    step = (cells.slots[-1] - cells.slots[0]) / (len(cells.slots) - 1)
    design = build_design(graph, budget, layers={"rnn": Copies(20)})
    assert design.sources.interval <= step
    assert_rtl_is_graph(design, tmp_path / "design")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("every", "most", "positions"),
    [("5.12 us", 1030, 1), pytest.param("2.56 us", 540, 2, marks=pytest.mark.long)],
)
def test_svhn_cnn(every: str, most: int, positions: int, tmp_path: Path) -> None:
    graph = quantised(svhn_cnn(), tmp_path, "fixed<6,3>")
    design = build_design(graph, Budget(every=every, latency=f"{5 * most} ns"))
    assert design.plan.beats == {"image": positions}
    assert design.sources.latency <= most
    assert design.sources.interval <= 1024 // positions
    assert_rtl_is_graph(design, tmp_path / "design", events=4)


@pytest.mark.slow
def test_anomaly_autoencoder(tmp_path: Path) -> None:
    """arXiv:2108.03986, Table III: 1,480 ns, an event every 895 ns, 47 % of the LUTs of a VU9P."""
    graph = quantised(anomaly_autoencoder(), tmp_path, "fixed<8,3>")
    design = build_design(graph, Budget(every="890 ns", latency="1.475 us", device="xcvu9p"))
    assert latency_ns(design) < 1480
    assert interval_ns(design) < 895
    assert design.estimate["lut"].value < 0.47 * find_device("xcvu9p").count("lut")
    assert_rtl_is_graph(design, tmp_path / "design")


@pytest.mark.slow
def test_anomaly_encoder(tmp_path: Path) -> None:
    """arXiv:2108.03986, Table III: 365 ns, an event every 115 ns."""
    graph = quantised(anomaly_encoder(), tmp_path, "fixed<8,3>")
    design = build_design(graph, Budget(every="110 ns", latency="360 ns"))
    assert latency_ns(design) < 365
    assert interval_ns(design) < 115
    assert_rtl_is_graph(design, tmp_path / "design")


def shared(name: str) -> Graph:
    path = SHARED / name
    if not path.exists():
        pytest.skip("no shared models")
    return run_passes(load_model(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["jet_particles8_linear_attention_hgq2.keras", "jet_particles8_mha_hgq2.keras"]
)
def test_particle_attention(name: str, tmp_path: Path) -> None:
    """Attention over particles, its layers in several slots of a bunch crossing."""
    design = build_design(shared(name), Budget(every="25 ns", latency="2 us"))
    assert design.plan.layers
    assert 1 < design.sources.interval <= 5
    assert_rtl_is_graph(design, tmp_path / "design")


@pytest.mark.slow
def test_a_hundred_trees(tmp_path: Path) -> None:
    """A forest of 100 trees of depth 4, an event every cycle."""
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 16))
    label = (x[:, 0] * x[:, 1] + x[:, 2] + 0.3 * rng.normal(size=4000) > 0).astype(int)
    settings = {"objective": "binary", "max_depth": 4, "num_leaves": 16, "verbose": -1, "seed": 1}
    forest = lightgbm.train(settings, lightgbm.Dataset(x, label), 100)
    forest.save_model(tmp_path / "forest.txt")
    from nanosieve.compiler.frontends import Calibration

    graph = run_passes(load_model(tmp_path / "forest.txt", Calibration(x.astype(np.float32), "fixed<10,4>")))
    design = build_design(graph, Budget(every="5 ns", latency="100 ns"))
    assert design.sources.interval == 1
    assert_rtl_is_graph(design, tmp_path / "design", events=500)
