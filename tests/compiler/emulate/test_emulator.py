"""The emulator equals the interpreter on every op, in every arithmetic; a wrong arithmetic is found."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.random_graphs import graph_with_weights, random_codes, random_graph
from helpers.wide_graphs import wide_chain, wide_graph
from nanosieve.compiler.emulate import Emulator, tiers
from nanosieve.compiler.emulate.emulator import Workspace
from nanosieve.compiler.graph import (
    OPS,
    Add,
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    LeakyRelu,
    Min,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
    Weights,
    decode,
    encode,
    interpret,
)
from nanosieve.errors import SampleError, SettingsError, UnknownNameError


def differences(graph: Graph, events: int = 23, seed: int = 0) -> int:
    """How many output codes of the emulator are not those of the interpreter."""
    rng = np.random.default_rng(seed)
    codes = {name: random_codes(rng, type, events) for name, type in graph.inputs.items()}
    expected, found = interpret(graph, codes), Emulator(graph, threads=1).run(codes)
    assert found.keys() == expected.keys()
    assert all(found[name].shape == expected[name].shape for name in expected)
    return sum(int((found[name] != expected[name]).sum()) for name in expected)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 14))
def test_equals_the_interpreter_on_networks(seed: int, layers: int) -> None:
    assert differences(random_graph(seed, layers, weights=bool(seed % 2))) == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 14))
def test_equals_the_interpreter_on_wide_values(seed: int, layers: int) -> None:
    assert differences(wide_graph(seed, layers)) == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 9))
def test_equals_the_interpreter_on_chains(seed: int, layers: int) -> None:
    assert differences(wide_chain(seed, layers)) == 0


def test_weights_that_leave_a_value_no_choice_keep_its_step() -> None:
    """With these weights the second element is always zero, and its step would no longer count."""
    builder = Builder("narrow")
    x = builder.input("x", TensorType.of(Fixed(4, 4), (2,)))
    weights = Weights(np.array([0, -15]), TensorType(np.full(2, -15), np.full(2, 15), np.array([0, -1])))
    shifted = builder.add(Add(), x, builder.add(weights, layer="bias"), layer="sum")
    grid = TensorType(np.array([-16, 0]), np.array([15, 1]), np.array([0, -1]))
    cut = builder.add(Quantize(grid, Rounding.TRN, Overflow.SAT), shifted, layer="cut")
    graph = builder.finish({"y": builder.add(Min(), cut, layer="least")})
    assert graph.types[graph.outputs["y"]].exponent.tolist() == [-1]
    assert differences(graph) == 0


@pytest.mark.slow
@pytest.mark.parametrize("make", [graph_with_weights, wide_graph, wide_chain])
def test_equals_the_interpreter_on_many(make: Callable[[int, int], Graph]) -> None:
    assert [seed for seed in range(400) if differences(make(seed, 12), seed=seed)] == []


def test_the_random_graphs_reach_every_op_and_every_arithmetic() -> None:
    graphs = [make(seed, 12) for seed in range(60) for make in (graph_with_weights, wide_graph)]
    ops = {type(node.op).__name__ for graph in graphs for node in graph.nodes}
    assert ops == set(OPS)
    computed = Counter(tier for graph in graphs for tier in Emulator(graph).plan.tiers)
    assert min(computed[name] for name in ("float32", "float64", "int64")) >= 5, computed


@pytest.mark.parametrize("tier", [tiers.FLOAT32, tiers.FLOAT64])
def test_arithmetic_that_is_too_narrow_is_found(tier: tiers.Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiers.LIMITS, tier, 2.0**62)
    assert sum(differences(wide_graph(seed, 10)) > 0 for seed in range(60)) >= 3


def _sum_of_two(peak: int) -> Graph:
    """`x + y` for codes up to `peak`."""
    builder = Builder()
    type = TensorType(np.full(2, 0), np.full(2, peak), np.zeros(2))
    return builder.finish(
        {"y": builder.add(Dense(np.ones((2, 1)), 0), builder.input("x", type), layer="sum")}
    )


def test_the_last_bit_before_float32_ends() -> None:
    inside, outside = _sum_of_two(2**23), _sum_of_two(2**23 + 1)
    assert Emulator(inside).plan.tiers == {"float32"}
    assert Emulator(outside).plan.tiers == {"float64"}
    for graph in (inside, outside):
        high = graph.inputs["x"].high
        codes = np.stack([high, high - [0, 1], high - [1, 1]])
        expected = codes.sum(axis=1, keepdims=True)
        assert (Emulator(graph).run({"x": codes})["y"] == expected).all()


def test_one_bit_further_float32_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiers.LIMITS, tiers.FLOAT32, 2.0**25)
    codes = np.array([[2**23 + 1, 2**23]])
    assert Emulator(_sum_of_two(2**23 + 1)).run({"x": codes})["y"] != codes.sum()


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("width", [0, 1, 4])
def test_far_shifts(rounding: Rounding, overflow: Overflow, width: int) -> None:
    """To steps so coarse that nothing, or one code, is left."""
    for exponent in (0, 3, 8, 9, 10, 20, 60, 200):
        for low, high in ((-15, 0), (0, 15), (-(2**11), 2**11), (5, 9)):
            builder = Builder()
            x = builder.input("x", TensorType(np.full(3, low), np.full(3, high), np.zeros(3)))
            target = TensorType.of(Fixed(width, width + exponent), (3,))
            y = builder.add(Quantize(target, rounding, overflow), x, layer="q")
            z = builder.add(LeakyRelu(3, -3), y, layer="l")
            assert differences(builder.finish({"y": y, "z": z})) == 0


@pytest.fixture(scope="module")
def small() -> Graph:
    return random_graph(3, 8)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_sample_sizes_around_the_block(small: Graph, threads: int) -> None:
    emulator = Emulator(small, threads=threads)
    rng = np.random.default_rng(1)
    whole = {name: random_codes(rng, type, 4 * emulator.block) for name, type in small.inputs.items()}
    expected = interpret(small, whole)
    block = emulator.block
    for events in (0, 1, 2, block - 1, block, block + 1, 3 * block + 1):
        found = emulator.run({name: codes[:events] for name, codes in whole.items()})
        for name in expected:
            assert found[name].dtype == np.int64
            assert np.array_equal(found[name], expected[name][:events])


def test_a_constant_an_input_and_one_value_twice_as_outputs() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(8, 4), (2, 3)))
    constant = builder.constant(Constant([[1, -(2**40)]], [[0, 3]]), layer="c", part="value")
    y = builder.add(Relu(), x, layer="relu")
    folded = builder.add(Relu(), constant, layer="folded")
    graph = builder.finish({"x": x, "c": constant, "y": y, "again": y, "folded": folded})
    assert differences(graph) == 0
    found = Emulator(graph)({"x": np.ones((3, 2, 3))})
    assert found["c"].tolist() == [[[1.0, -(2.0**43)]]] * 3


def test_real_values_are_encoded_and_decoded(small: Graph) -> None:
    rng = np.random.default_rng(2)
    values = {name: rng.normal(0, 9, (50, *type.shape)) for name, type in small.inputs.items()}
    expected = interpret(small, encode(small, values))
    found = Emulator(small)(values)
    for name, node in small.outputs.items():
        assert np.array_equal(found[name], decode(expected[name], small.types[node]))
        assert not np.signbit(found[name][found[name] == 0]).any()
    assert all(np.array_equal(small.emulate(values)[name], found[name]) for name in found)


def test_the_graph_keeps_its_emulator_but_does_not_store_it(small: Graph) -> None:
    emulator = small._emulator
    assert small._emulator is emulator
    assert "_emulator" not in vars(pickle.loads(pickle.dumps(small)))
    again = pickle.loads(pickle.dumps(Emulator(small, threads=1)))
    codes = {name: random_codes(np.random.default_rng(3), t, 9) for name, t in small.inputs.items()}
    expected = interpret(small, codes)
    assert all(np.array_equal(again.run(codes)[name], expected[name]) for name in expected)


def test_progress_ends_with_all_events(small: Graph) -> None:
    seen: list[tuple[str, float, float]] = []
    emulator = Emulator(small, threads=2)
    codes = {
        name: np.zeros((9999, *t.shape), np.int64).clip(t.low, t.high) for name, t in small.inputs.items()
    }
    emulator.run(codes, progress=lambda stage, done, total, note="": seen.append((stage, done, total)))
    assert max(seen) == ("emulate", 9999, 9999)
    assert len(seen) == -(-9999 // emulator.block)


def test_a_workspace_is_used_again(small: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = Emulator(small, threads=1)
    codes = {name: random_codes(np.random.default_rng(4), t, 500) for name, t in small.inputs.items()}
    first = emulator.run(codes)
    monkeypatch.setattr(Workspace, "__init__", None)  # a second one cannot be made
    again = emulator.run(codes)
    assert all(np.array_equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_event_outside_its_type_is_named(threads: int) -> None:
    graph = _sum_of_two(100)
    codes = np.zeros((20_000, 2), dtype=np.int64)
    codes[[7_000, 7_001, 15_000], 1] = 101, -1, 200
    with pytest.raises(SampleError, match=r"^input 'x' has a code outside its type .* at event 7000$"):
        Emulator(graph, threads=threads).run({"x": codes})


def test_what_does_not_fit_is_refused() -> None:
    graph = _sum_of_two(100)
    emulator = Emulator(graph)
    with pytest.raises(SampleError, match=r"input 'x' takes an array \(events, 2\), not \(3, 4\)"):
        emulator(np.zeros((3, 4)))
    with pytest.raises(SampleError, match="the input 'x' of the graph is missing"):
        emulator({})
    with pytest.raises(UnknownNameError, match="unknown input 'z'"):
        emulator({"x": np.zeros((3, 2)), "z": np.zeros(3)})
    with pytest.raises(SettingsError, match="1 or more threads, not 0"):
        Emulator(graph, threads=0)
    two = random_graph(0, 2)
    with pytest.raises(SampleError, match="has the inputs x, y; give arrays by name"):
        Emulator(two)(np.zeros((3, 6)))
    with pytest.raises(SampleError, match="input 'y' has 2 events, the inputs before it have 3"):
        Emulator(two)({"x": np.zeros((3, 6)), "y": np.zeros((2, 2, 2))})
