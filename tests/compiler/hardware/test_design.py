"""The design in memory and on disk: what a budget allows, what is written, and what its numbers mean."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.random_graphs import random_graph
from nanosieve.compiler import hardware
from nanosieve.compiler.graph import Add, Builder, Dense, Fixed, Graph, Multiply, Relu, TensorType, load_graph
from nanosieve.compiler.hardware import Budget, HardwareDesign, build_design
from nanosieve.compiler.hardware.adder_graph import multiply_matrix
from nanosieve.compiler.hardware.estimate import registers_by_stage, top_estimate
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.errors import BudgetError, GraphError, OutputError, UnknownNameError, UnsupportedLayerError


def network(size: int = 8, name: str = "network") -> Graph:
    """Two dense layers with a ReLU between."""
    rng = np.random.default_rng(1)
    builder = Builder(name)
    x = builder.input("x", TensorType.of(Fixed(6, 3), (size,)))
    one = builder.add(Dense(rng.integers(-7, 8, (size, size)), -2), x, layer="dense_1")
    relu = builder.add(Relu(), one, layer="relu")
    return builder.finish(
        {"y": builder.add(Dense(rng.integers(-7, 8, (size, 2)), -2), relu, layer="dense_2")}
    )


def proposed(error: pytest.ExceptionInfo[BudgetError], pattern: str) -> str:
    match = re.search(pattern, str(error.value))
    assert match is not None, str(error.value)
    return match[1]


@pytest.mark.parametrize("clock", ["200 MHz", "300 MHz", "217.3 MHz"])
def test_a_latency_that_is_too_short(clock: str) -> None:
    """The message proposes a latency; that one does, and a cycle less does not."""
    cycles = build_design(network(), Budget(clock=clock)).sources.latency
    period = Budget(clock=clock).period_ns
    message = rf"^latency: {cycles} cycles of .* ns are .* ns, .* ns over the budget of .*layer is 'dense_2'"
    with pytest.raises(BudgetError, match=message) as error:
        build_design(network(), Budget(clock=clock, latency=(cycles - 1) * period))
    latency = proposed(error, r"--latency (.*) would do$")
    assert build_design(network(), Budget(clock=clock, latency=latency)).sources.latency == cycles


@pytest.mark.parametrize("every", ["3 ns", "4.7 ns", "30.3 ns"])
def test_events_faster_than_the_clock(every: str) -> None:
    clock = 0.9e3 / Budget(every=every).every_ns
    message = (
        r"^an event every .* ns is more than one event in a clock cycle of .* ns; a clock of .* would do$"
    )
    with pytest.raises(BudgetError, match=message) as error:
        build_design(network(4), Budget(every=every, clock=clock))
    assert (
        Budget(every=every, clock=proposed(error, r"a clock of ([\d.]+ MHz) or faster")).interval_cycles == 1
    )


def test_a_clock_that_is_too_fast() -> None:
    """One operation does not fit into a cycle; at the proposed clock it does."""
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(9, 9), (1,)))
    graph = builder.finish({"y": builder.add(Multiply(square=True), x, x, layer="square")})
    message = (
        r"^layer 'square': one product of 17 bits takes .* ns, but a clock of 500 MHz leaves .* ns; a clock"
    )
    with pytest.raises(BudgetError, match=message) as error:
        build_design(graph, Budget(clock="500 MHz"))
    build_design(graph, Budget(clock=proposed(error, r"a clock of (\d+ MHz) or slower would do$")))


def test_a_share_that_is_too_small() -> None:
    message = r"^LUT: about [\d,]+ are needed and \d+ are in the budget \(1e-05 of the .*\); the larg"
    with pytest.raises(BudgetError, match=message) as error:
        build_design(network(), Budget(share=1e-5))
    share = float(proposed(error, r"a share of ([\d.]+) would do$"))
    assert build_design(network(), Budget(share=share))


def test_a_device_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no share suffices, larger devices are named."""
    small = replace(hardware.design.find_device("xcvu9p"), name="tiny-fpga")
    monkeypatch.setattr(
        type(small), "usable_count", lambda self, kind: 50 if self.name == "tiny-fpga" else 1e5
    )
    for module in (hardware.fit, hardware.no_fit, hardware.scheduler):
        monkeypatch.setattr(module, "find_device", lambda name: small)
    with pytest.raises(BudgetError, match=r"LUT: about .*; of the devices, .*xcvu9p.* would do$"):
        build_design(network(), Budget(every="5 ns"))
    monkeypatch.setattr(type(small), "usable_count", lambda self, kind: 50)
    with pytest.raises(BudgetError, match=r"; no device of the catalogue would do$"):
        build_design(network(), Budget(every="5 ns"))


def test_an_unknown_device() -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown device 'xcvu9'; nearest: xcvu9p"):
        build_design(network(), Budget(device="xcvu9"))


def test_weights_that_the_solver_would_round() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(4, 4), (1,)))
    graph = builder.finish({"y": builder.add(Dense(np.array([[2**25 + 1]]), 0), x, layer="d")})
    with pytest.raises(UnsupportedLayerError, match=r"a weight has more than 24 significant bits"):
        build_design(graph, Budget())
    netlist = Netlist()
    (value,) = multiply_matrix(netlist, [Value(netlist.input(0, 0, 0, 1), 0)], [0.0], np.array([[2**40]]), 0)
    assert value.exponent == 40


def test_layers_that_are_no_modules() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(4, 4), (1,)))
    one = builder.add(Relu(), x, layer="a", part="one")
    two = builder.add(Add(), one, x, layer="a", part="two")
    with pytest.raises(
        GraphError, match=r"^layer 'a': other layers use a\.one, a\.two, but a layer has one output$"
    ):
        build_design(builder.finish({"y": one, "z": two}), Budget())
    between = builder.add(Add(), one, one, layer="b")
    last = builder.add(Add(), between, two, layer="a", part="three")
    with pytest.raises(GraphError, match=r"^layer 'a': node 'a\.three' stands behind nodes of layer 'b'$"):
        build_design(builder.finish({"y": last}), Budget())


@pytest.fixture
def design() -> HardwareDesign:
    return build_design(network(), Budget(clock="300 MHz", latency="100 ns", share=0.5))


def test_the_manifest(design: HardwareDesign, tmp_path: Path) -> None:
    folder = design.write(tmp_path / "deep" / "folder")
    manifest = json.loads((folder / "design.json").read_text())
    assert manifest == json.loads(json.dumps(design.manifest()))
    assert (manifest["format"], manifest["name"], manifest["device"]) == (2, "network", "xcvu9p")
    assert (manifest["clock_mhz"], manifest["interval_cycles"]) == (300, 1)
    assert manifest["budget"] == {
        "every": "25 ns", "latency": "100 ns", "clock": "300 MHz", "device": "xcvu9p", "share": 0.5,
    }  # fmt: skip
    assert [layer["name"] for layer in manifest["layers"]] == ["dense_1", "relu", "dense_2"]
    assert manifest["modules"]["network"]["children"] == [
        "network_dense_1",
        "network_relu",
        "network_dense_2",
    ]
    assert manifest["timing"]["latency_cycles"]["value"] == manifest["latency_cycles"]
    assert manifest["latency_cycles"] == 1 + manifest["layers"][-1]["stage"]
    (x,) = manifest["inputs"]
    assert [element["lsb"] for element in x["elements"]] == [6 * n for n in range(8)]
    assert x["elements"][0] == {
        "lsb": 0,
        "width": 6,
        "signed": True,
        "exponent": -3,
        "low": -32,
        "high": 31,
        "beat": 0,
    }
    assert manifest["outputs"][0]["bus"] == "y"
    for module in manifest["modules"].values():
        assert (folder / module["file"]).is_file()
    assert str(load_graph(folder / "graph.json")) == str(design.graph)


@pytest.mark.parametrize("seed", range(4))
def test_registers_agree_with_the_verilog(seed: int) -> None:
    """The registers of the picture are those of the text, but for bits that nobody reads."""
    design = build_design(random_graph(seed, 20), Budget(latency="10 us", every="5 ns"))
    for layer, module in zip(design.layers, design.sources.layers, strict=True):
        written: Counter[int] = Counter()
        for high, stage in re.findall(r"^  reg (?:signed )?\[(\d+):0\] n\d+_s(\d+);", module.text, re.M):
            written[int(stage)] += int(high) + 1
        counted = registers_by_stage(layer)
        assert counted.keys() == written.keys()
        assert all(0 < counted[stage] <= written[stage] for stage in written)
        if all(kind in ("Relu", "Nonzero", "Concatenate", "Multiply") for kind in layer.kinds):
            assert counted == written
    delays = re.findall(r"^  reg \[(\d+):0\] (\w+);", design.sources.text, re.M)
    registers = sum(int(high) + 1 for high, name in delays if not name.endswith("_chain"))
    assert registers == sum(width * depth for width, depth in design.sources.delays)


def test_long_delays_are_shift_registers() -> None:
    """One or two registers in a row are flip-flops; from three on, a LUT holds each bit."""
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(5, 5), (1,)))
    value = x
    for n in range(3):
        value = builder.add(Dense(np.array([[37]]), 0), value, layer=f"layer{n}")
    outputs = {"x": x, "x twice": builder.add(Add(), x, x, layer="twice"), "last": value}
    sources = build_design(builder.finish(outputs), Budget(clock="450 MHz")).sources
    (now, early, last) = sources.delays
    assert (now, early[1], last[1]) == ((5, sources.latency), sources.latency, 1)
    assert sources.latency >= 3
    ff = sources.latency + last[0]
    assert top_estimate(sources) == {"lut": now[0] + early[0], "ff": ff, "dsp": 0, "bram36": 0, "uram": 0}


def test_numbers_have_a_provenance(design: HardwareDesign) -> None:
    assert {str(figure.provenance) for figure in design.estimate.values()} == {"estimated"}
    assert str(design.timing["latency_cycles"].provenance) == "estimated"  # nothing is simulated yet
    assert str(design.timing["fmax_mhz"].provenance) == "estimated"
    assert design.timing["fmax_mhz"].value >= 300


def test_writing_again_leaves_nothing_of_before(design: HardwareDesign, tmp_path: Path) -> None:
    build_design(network(name="before"), Budget()).write(tmp_path)
    (tmp_path / "model.keras").write_text("of another graph")
    (tmp_path / "notes.txt").write_text("mine")
    design.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "design.json", "graph.json", "graph.npz", "notes.txt", "rtl",
    ]  # fmt: skip
    names = {"network", "network_dense_1", "network_relu", "network_dense_2"}
    assert {path.stem for path in (tmp_path / "rtl").iterdir()} == names


def test_the_model_goes_with_the_design(tmp_path: Path) -> None:
    source = tmp_path / "trained.keras"
    source.write_bytes(b"weights")
    design = build_design(replace(network(), source=source), Budget())
    assert (design.write(tmp_path / "design") / "model.keras").read_bytes() == b"weights"
    own = build_design(replace(network(), source=tmp_path / "design" / "model.keras"), Budget())
    assert (own.write(tmp_path / "design") / "model.keras").read_bytes() == b"weights"


def test_folders_that_cannot_be_written_to(design: HardwareDesign, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/nowhere")):
        with pytest.raises(OutputError, match=r"^cannot write to folder .*; choose another with --out$"):
            design.write(folder)


@pytest.mark.parametrize("victim", ["write_text", "save_graph"])
def test_a_stop_leaves_no_design(
    victim: str, design: HardwareDesign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped anywhere, also when writing over an older one, there is no manifest and no part file."""
    design.write(tmp_path)

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hardware.design, victim, stop)
    with pytest.raises(KeyboardInterrupt):
        design.write(tmp_path)
    assert not (tmp_path / "design.json").exists()
    assert not list(tmp_path.rglob("*.part"))
