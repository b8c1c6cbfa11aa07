"""One RTL, several sets of weights: what is loaded is what is computed, and all else is refused by name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nanosieve as ns
from helpers.plans import fitting_plan, random_plan
from helpers.random_graphs import random_codes
from helpers.reloadable import image_network, shuffled, weighted_network
from nanosieve.compiler.design import Design
from nanosieve.compiler.graph import Fixed, Graph, Input, Lookup, Quantize, TensorType, Weights, interpret
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.reload import prepared, reloaded, weight_words, write_weights
from nanosieve.compiler.verification import read_design, simulate
from nanosieve.compiler.verification.bench import Bench
from nanosieve.compiler.verification.bench_run import Look, run_bench
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.compiler.verification.reload_stage import with_loads
from nanosieve.compiler.verification.stages import Case, HardwareStage
from nanosieve.compiler.verification.stimulus import BACK_TO_BACK, Schedule, Stimulus
from nanosieve.compiler.verification.vector_set import VectorSet
from nanosieve.errors import (
    InputFileError,
    SettingsError,
    UnknownNameError,
    UnsupportedLayerError,
    VerificationError,
)

BUDGET = Budget(every="100 ns", latency="3 us")


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design:
    return ns.compile(image_network(), BUDGET, out=tmp_path_factory.mktemp("design"), reloadable=True)


def codes_of(graph: Graph, events: int, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: random_codes(rng, type, events) for name, type in graph.inputs.items()}


def differences(
    folder: DesignFolder, graph: Graph, stimulus: Stimulus = BACK_TO_BACK, events: int = 1000
) -> int:
    """Codes of outputs in which the RTL differs from the graph."""
    codes = codes_of(graph, events)
    found, expected = simulate(folder, codes, stimulus), interpret(graph, codes)
    assert found.delivered.sum() > events / 2
    wrong = [
        found.outputs[name][found.delivered] != meant.reshape(events, -1)[found.delivered]
        for name, meant in expected.items()
    ]
    return sum(int(each.sum()) for each in wrong)


def test_two_sets_of_weights_through_one_rtl(design: Design) -> None:
    folder, original = read_design(design.folder), image_network()
    assert differences(folder, design.graph) == 0  # those of the configuration
    seen = []
    for seed in (1, 2):
        graph, words = weight_words(design.folder, shuffled(original, np.random.default_rng(seed)))
        assert not np.array_equal(words, design.weights_of())
        loaded = with_loads(folder, words, seed)
        assert differences(loaded, graph) == 0
        assert differences(loaded, graph, Stimulus(0.3, 5, seed), 300) == 0
        seen.append(interpret(graph, codes_of(graph, 1000))["y"])
    assert not np.array_equal(*seen)


def test_a_wrong_bit_of_a_weight_is_found_and_its_layer_named(design: Design) -> None:
    graph, words = weight_words(design.folder)
    folder, image = read_design(design.folder), design.hardware.sources.weights.image
    vectors = VectorSet.make(folder, graph, None, 300, 1)
    case = Case(graph, vectors, interpret(graph, vectors.codes))
    for layer in ("conv1", "dense3", "dense4"):
        place = next(n for n, node in enumerate(image.node) if image.nodes[node].startswith(f"{layer}."))
        wrong = words.copy()
        wrong[image.address[place]] ^= np.uint32(1 << image.lsb[place] + image.width[place] - 1)
        with pytest.raises(VerificationError, match=rf"differ first in layer '{layer}'"):
            HardwareStage(with_loads(folder, wrong, 1), 0, 1).check(case, lambda *_: None)


def test_events_during_a_load(design: Design) -> None:
    """A load forgets the events in flight, and none enters until it is complete, however long that takes."""
    folder, old = read_design(design.folder), design.graph
    new, words = weight_words(design.folder, shuffled(image_network(), np.random.default_rng(3)))
    events, every, latency = 60, folder.interval_cycles, folder.latency_cycles
    begin, gap = 1 + 30 * every + 5, 7  # in the middle of an event; cycles from word to word
    end = begin + gap * (len(words) - 1) + folder.weights.settle_cycles
    entered = np.concatenate([1 + every * np.arange(31), end + 1 + every * np.arange(events - 31)])
    cycles = int(entered[-1]) + every + 2 * latency
    reset, valid, writes = np.zeros(cycles, bool), np.zeros(cycles, bool), np.full((cycles, 2), -1)
    reset[0], valid[entered] = True, True
    valid[begin : end + 1] = np.random.default_rng(1).random(end + 1 - begin) < 0.5
    writes[begin : begin + gap * len(words) : gap] = np.stack([np.arange(len(words)), words], axis=1)
    out = (entered + latency <= begin) | (entered > end)
    assert 0 < out.sum() < events
    codes = {name: array.reshape(events, -1) for name, array in codes_of(old, events).items()}
    looks = [Look(n, bus.elements, latency + bus.times) for n, bus in enumerate(folder.outputs)]
    schedule = Schedule(reset, valid, entered, out, out, writes)
    (found,), high = run_bench(
        Bench(folder), codes, schedule, looks, entered=entered[out], seed=1, progress=lambda *_: None
    )
    assert np.array_equal(high, entered[out] + latency)
    shape = next(iter(old.inputs.values())).shape
    given = {name: array.reshape(events, *shape) for name, array in codes.items()}
    before, after = (interpret(graph, given)["y"] for graph in (old, new))
    assert np.array_equal(found, np.where((entered < begin)[:, np.newaxis], before, after)[out])


def test_the_rtl_is_a_function_of_the_shape_alone(design: Design, tmp_path: Path) -> None:
    other = shuffled(image_network(), np.random.default_rng(5))
    again = ns.compile(other, BUDGET, out=tmp_path, reloadable=True)
    assert again.timing["latency_cycles"] == design.timing["latency_cycles"]
    mine, theirs = (each.hardware.sources.texts for each in (design, again))
    assert mine.keys() == theirs.keys()
    differing = {name for name in mine if mine[name] != theirs[name]}
    assert differing
    assert all(name.endswith("_weights") for name in differing)
    number = re.compile(r"= \d+'d\d+;")
    assert all(number.sub("", mine[name]) == number.sub("", theirs[name]) for name in mine)


def test_forms_of_the_words(design: Design, tmp_path: Path) -> None:
    words = design.weights_of()
    hexadecimal = write_weights(words, tmp_path / "w.hex", "x").read_text()
    assert [int(line, 16) for line in hexadecimal.split()] == words.tolist()
    assert hexadecimal == (design.folder / "weights.hex").read_text()
    assert np.array_equal(np.load(write_weights(words, tmp_path / "w.npy", "x")), words)
    assert np.array_equal(np.fromfile(write_weights(words, tmp_path / "w.bin", "x"), "<u4"), words)
    header = write_weights(words, tmp_path / "w.h", "net").read_text()
    assert f"net_weights[{len(words)}]" in header
    assert [int(n, 16) for n in re.findall(r"0x(\w+)u", header)] == words.tolist()


def changed(graph: Graph, name: str, op: object) -> Graph:
    return graph.rewrite(lambda node: replace(node, op=op) if node.name == name else None)


def test_what_differs_in_more_than_weights_is_refused(design: Design) -> None:
    graph = image_network()
    cut = graph.by_name["dense3.cut"].op
    wider = Quantize(TensorType.of(Fixed(6, 6), (4,)), cut.rounding, cut.overflow)
    with pytest.raises(SettingsError, match=r"layer 'dense3' .* target of 'dense3.cut'"):
        design.weights_of(changed(graph, "dense3.cut", wider))
    port = Input(TensorType.of(Fixed(6, 6), (5, 4, 2)))
    with pytest.raises(SettingsError, match=r"layer 'image' .* type of 'image'"):
        design.weights_of(changed(graph, "image", port))
    kernel = graph.by_name["dense4.product"].op
    far = replace(kernel, kernel=kernel.kernel * 1000)
    with pytest.raises(SettingsError, match=r"layer 'dense4': its kernel holds .* has no code"):
        design.weights_of(changed(graph, "dense4.product", far))
    fewer = replace(
        graph, nodes=tuple(n for n in graph.nodes if n.layer != "dense4"), outputs={"y": "dense3.cut"}
    )
    with pytest.raises(SettingsError, match=r"layer 'dense4' .* only the design has"):
        design.weights_of(fewer)


def test_types_that_are_stated() -> None:
    types = {"default": "fixed<9,5>", "dense4": "fixed<12,8>", "dense4.bias": "fixed<10,6>"}
    kept = {n.name: n.op.type for n in prepared(image_network(), types).nodes if isinstance(n.op, Weights)}
    assert {str(type).split()[1] for name, type in kept.items() if "conv1" in name} == {"fixed<9,5>"}
    assert str(kept["dense4.product.kernel"]) == "4x4 fixed<12,8>"
    assert str(kept["dense4.biased.bias"]) == "4 fixed<10,6>"
    with pytest.raises(UnknownNameError, match="unknown layer of the reloadable weights 'dense_4'"):
        prepared(image_network(), {"dense_4": "fixed<8,4>"})
    with pytest.raises(SettingsError, match=r"layer 'conv1': its kernel holds .* fixed<3,3> has no code"):
        prepared(image_network(), "fixed<3,3>")


def test_designs_that_cannot_be_reloaded(tmp_path: Path) -> None:
    graph = image_network()
    constant = ns.compile(graph, BUDGET, out=tmp_path / "constant")
    with pytest.raises(InputFileError, match="has constant weights"):
        constant.weights_of(graph)
    with pytest.raises(SettingsError, match="no port for weights"):
        ns.compile(graph, BUDGET, out=tmp_path, reloadable=True, integration=["axi"])
    none = replace(graph, nodes=graph.nodes[:1], outputs={"image": "image"})
    with pytest.raises(UnsupportedLayerError, match="no dense or convolution layer"):
        prepared(none)


def test_a_table_for_the_present_weights_alone_is_refused() -> None:
    graph = weighted_network(np.random.default_rng(1))
    table = graph.by_name["conv1.table"].op
    reached = graph.types["conv1.cut"]
    low, high = int(reached.low.min()), int(reached.high.max())
    few = Lookup(
        table.tables[:, low - table.first[0] :][:, : high - low + 1], np.array([low]), table.exponent
    )
    prepared(graph)
    with pytest.raises(
        SettingsError, match=rf"^layer 'conv1': its table .* {low} to {high}, .* others reach"
    ):
        prepared(changed(graph, "conv1.table", few))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_random_networks_and_plans(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    original = weighted_network(rng)
    graph, interval = prepared(original), int(rng.choice([1, 4, 30, 150]))
    plan = random_plan(rng, graph, interval)
    plan = fitting_plan(graph, plan, Settings(DelayModel(), 5.0, interval))
    budget = Budget(every=f"{5 * interval} ns", latency="20 us")
    folder = read_design(build_design(graph, budget, plan=plan).write(tmp_path))
    assert differences(folder, graph, events=100) == 0
    other = reloaded(graph, shuffled(original, rng))
    words = weight_words(tmp_path, shuffled(original, np.random.default_rng(1)))
    assert differences(with_loads(folder, words[1], seed), words[0], Stimulus(0.2, 3, seed), 150) == 0
    assert [node.name for node in other.nodes] == [node.name for node in graph.nodes]
