"""The graph as a whole: rules, text, storage, interpreter, ports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.random_graphs import random_codes, random_graph
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Dense,
    Fixed,
    Graph,
    Input,
    Node,
    Overflow,
    Relu,
    Rounding,
    TensorType,
    decode,
    encode,
    interpret,
    load_graph,
    save_graph,
)
from nanosieve.errors import GraphError, InputFileError, SampleError, SettingsError, UnknownNameError


def toy() -> Graph:
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(4, 4), (2,)))
    y = builder.add(Dense(np.array([[1, -2], [3, 0]]), -1), x, layer="dense")
    return builder.finish({"y": builder.add(Relu(), y, layer="relu")})


def test_text_form() -> None:
    assert str(toy()) == (
        "graph toy\n"
        "  x = Input()  # 2 fixed<4,4>\n"
        "  dense = Dense(x, kernel=[[1,-2],[3,0]], exponent=-1)  # 2 5..6 bits, 11 in all\n"
        "  relu = Relu(dense)  # 2 4..5 bits, 9 in all\n"
        "  output y = relu"
    )


def test_interpreter_computes() -> None:
    out = interpret(toy(), {"x": np.array([[1, 2], [-3, 1], [7, -8]])})
    # (1 + 6) / 2 and max(-2, 0) / 1; the second column has the step 1, for its only weight is -2 / 2
    assert out["y"].tolist() == [[7, 0], [0, 3], [0, 0]]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_random_graphs_stay_in_range_and_survive_storage(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    graph = random_graph(seed, 8)
    rng = np.random.default_rng(seed)
    codes = {name: random_codes(rng, type, 16) for name, type in graph.inputs.items()}
    values = interpret(graph, codes, keep_all=True)
    for name, value in values.items():
        assert graph.types[name].holds(value).all(), name
    again = load_graph(save_graph(graph, tmp_path_factory.mktemp("graph") / "graph.json"))
    assert str(again) == str(graph)
    for name, value in interpret(again, codes).items():
        assert np.array_equal(value, values[graph.outputs[name]])


@pytest.mark.parametrize(
    ("nodes", "outputs", "message"),
    [
        ([("r", Relu(), ("x",))], {"y": "r"}, r"^node 'r' uses 'x', which is not defined before it$"),
        ([("x", None, ()), ("x", None, ())], {"y": "x"}, r"^node 'x' is assigned twice$"),
        ([("x", None, ()), ("a", Add(), ("x",))], {"y": "a"}, r"^node 'a': Add takes 2 inputs, not 1$"),
        ([("x", None, ())], {"y": "z"}, r"^output 'y' is the node 'z', which does not exist$"),
        ([("x", None, ())], {}, r"^a graph has at least one output$"),
    ],
)
def test_broken_graphs_are_refused(nodes: list, outputs: dict, message: str) -> None:
    port = Input(TensorType.of(Fixed(4, 4), (1,)))
    graph = Graph(tuple(Node(name, op or port, inputs, name) for name, op, inputs in nodes), outputs)
    with pytest.raises(GraphError, match=message):
        graph.verify()


def test_encode_rounds_and_saturates() -> None:
    values = np.array([[0.4999999, 0.5], [-0.5, 1e9], [-1e9, 1.49]])
    assert encode(toy(), {"x": values})["x"].tolist() == [[0, 1], [0, 7], [-8, 1]]


@pytest.mark.parametrize(
    ("rounding", "overflow", "expected"),
    [
        (Rounding.TRN, Overflow.WRAP, [2, -8]),
        (Rounding.RND, Overflow.SAT, [3, 7]),
        (Rounding.RND_CONV, Overflow.SAT, [2, 7]),
    ],
)
def test_ports_state_how_numbers_become_codes(
    rounding: Rounding, overflow: Overflow, expected: list[int]
) -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(4, 4), (2,)), rounding, overflow)
    graph = builder.finish({"y": builder.add(Relu(), x, layer="relu")})
    assert encode(graph, {"x": np.array([[2.5, 8.2]])})["x"].tolist() == [expected]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize(
    ("overflow", "expected"),
    [
        (Overflow.SAT, [2**61 - 1, -(2**61), 2**61 - 1, 2**60 + 256, -(2**61)]),
        (Overflow.WRAP, [-(2**61), -(2**61), 1024, 2**60 + 256, 0]),
    ],
)
def test_ports_wider_than_a_double_stay_in_their_type(
    rounding: Rounding, overflow: Overflow, expected: list[int]
) -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(62, 62), (5,)), rounding, overflow)
    values = np.array([[2.0**61, -(2.0**61), 2.0**62 + 1024, 2.0**60 + 256, -(2.0**900)]])
    assert encode(builder.finish({"y": x}), {"x": values})["x"].tolist() == [expected]


def test_decode_gives_numbers() -> None:
    type = TensorType.of(Fixed(8, 4), (1,))
    assert decode(np.array([[3]]), type).tolist() == [[3 / 16]]


def test_bad_samples_are_refused() -> None:
    with pytest.raises(SampleError, match=r"^input 'x' holds nan at event 1, element \[0\]; remove or mend"):
        encode(toy(), {"x": np.array([[0.0, 1.0], [np.nan, 0.0]])})
    with pytest.raises(SampleError, match=r"takes an array \(events, 2\), not \(4, 3\)"):
        encode(toy(), {"x": np.zeros((4, 3))})
    with pytest.raises(SampleError, match=r"the input 'x' of the graph is missing"):
        interpret(toy(), {})
    with pytest.raises(UnknownNameError, match=r"unknown input 'z'"):
        interpret(toy(), {"z": np.zeros((1, 2), dtype=np.int64)})
    with pytest.raises(SampleError, match=r"has a code outside its type 2 fixed<4,4> at event 0"):
        interpret(toy(), {"x": np.array([[8, 0]])})


def test_damaged_graph_files_are_refused(tmp_path: Path) -> None:
    path = save_graph(toy(), tmp_path / "graph.json")
    document = json.loads(path.read_text())
    for change, message in [
        ({"format": 99}, r"has the graph format 99; this version reads 2"),
        ({"nodes": [{"name": "x"}]}, r"is not a graph of this package"),
        ({"nodes": [document["nodes"][0] | {"op": "Exec"}]}, r"is not a graph of this package"),
    ]:
        path.write_text(json.dumps(document | change))
        with pytest.raises(InputFileError, match=message):
            load_graph(path)
    path.write_text("{")
    with pytest.raises(InputFileError, match=r"is damaged"):
        load_graph(path)
    path.with_suffix(".npz").unlink()
    with pytest.raises(InputFileError, match=r"arrays of the graph .* does not exist"):
        load_graph(path)


@pytest.mark.parametrize("text", ["float", "fixed<8>", "fixed<-1,2>", "fixed<80,2>"])
def test_bad_formats_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"fixed-point"):
        Fixed.parse(text)
