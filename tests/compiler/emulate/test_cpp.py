"""The C++ of a graph computes what the interpreter computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers.cpp_graphs import EDGES, SANITIZED, STRICT
from helpers.random_graphs import graph_with_weights, random_codes, random_graph
from nanosieve.compiler.emulate import CppProgram, build_cpp, emulate_cpp, to_cpp, write_cpp
from nanosieve.compiler.graph import (
    OPS,
    Add,
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    Lookup,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
    interpret,
)
from nanosieve.errors import (
    GraphError,
    InputFileError,
    MissingDependencyError,
    SampleError,
    ToolError,
    UnknownNameError,
)


def differences(program: CppProgram, events: int = 200) -> list[str]:
    """Every output of every graph of `program` that is not the interpreter's."""
    wrong = []
    for name, graph in program.graphs.items():
        rng = np.random.default_rng(1)
        codes = {port: random_codes(rng, type, events) for port, type in graph.inputs.items()}
        expected, found = interpret(graph, codes), program.codes(codes, name)
        wrong += [f"{name}.{out}" for out in expected if not np.array_equal(expected[out], found[out])]
        assert list(expected) == list(found)
    return wrong


def network() -> Graph:
    """Weights, bias, rounding, saturation and a table."""
    builder = Builder("network")
    x = builder.input("x", TensorType.of(Fixed(6, 3), (3,)))
    product = builder.add(Dense(np.array([[5, -3], [7, 2], [-4, 11]]), -2), x, layer="dense", part="product")
    bias = builder.constant(Constant(np.array([13, -9]), np.full(2, -5)), layer="dense", part="bias")
    total = builder.add(Add(), product, bias, layer="dense")
    cut = Quantize(TensorType.of(Fixed(5, 4), (2,)), Rounding.RND, Overflow.SAT)
    table = Lookup(np.arange(32)[np.newaxis] ** 2 % 29, np.array([-16]), np.array([0]))
    return builder.finish({"y": builder.add(table, builder.add(cut, total, layer="cut"), layer="table")})


@pytest.fixture(scope="module")
def program() -> Iterator[CppProgram]:
    """Many graphs in one program, to compile once."""
    graphs = {f"random{seed}": graph_with_weights(seed, layers=6) for seed in range(40)}
    graphs |= {name: build() for name, build in EDGES.items()}
    with build_cpp(graphs, flags=(*STRICT, "-O0")) as program:
        yield program


def test_equals_the_interpreter(program: CppProgram) -> None:
    assert differences(program) == []
    used = {type(node.op).__name__ for graph in program.graphs.values() for node in graph.nodes}
    assert used == set(OPS)


@pytest.mark.slow
def test_equals_the_interpreter_on_many_graphs() -> None:
    graphs = {f"g{seed}": graph_with_weights(seed, layers=8) for seed in range(1000, 1100)}
    with build_cpp(graphs, flags=(*STRICT, "-O1")) as program:
        assert differences(program) == []


@pytest.mark.slow
def test_no_undefined_behaviour() -> None:
    graphs = {f"g{seed}": random_graph(seed, layers=8) for seed in range(2000, 2040)}
    graphs |= {name: build() for name, build in EDGES.items()}
    with build_cpp(graphs, flags=(*STRICT, "-O1", *SANITIZED)) as program:
        assert differences(program) == []


@pytest.mark.slow
def test_the_sanitizers_bite() -> None:
    source = to_cpp(network()).replace("k0[j * 3 + i]", "k0[j * 30 + i]")
    graphs, flags = {"network": network()}, ("-std=c++17", "-O0", *SANITIZED)
    message = r"^the C\+\+ of the network ends with status .*error"
    with (
        build_cpp(graphs, {"network": source}, flags=flags) as program,
        pytest.raises(ToolError, match=message),
    ):
        program.codes({"x": np.zeros((1, 3), int)})


@pytest.mark.slow
def test_no_warning_of_the_optimiser() -> None:
    graphs = {f"g{seed}": random_graph(seed, layers=8) for seed in range(3000, 3010)}
    graphs |= {name: build() for name, build in EDGES.items()}
    with build_cpp(graphs, flags=(*STRICT, "-O3")) as program:
        assert differences(program) == []


FAULTS = {
    "weight": (r"\b5, 7, -4,", "5, 6, -4,"),
    "bias": (r"\b13,", "14,"),
    "rounding": (r"round_shift<std::int32_t>", "floor_shift<std::int32_t>"),
    "shift": (r"v0, 4\)", "v0, 5)"),
    "saturation": (r", 15\)", ", 14)"),
    "table": (r"\b16, 25,", "16, 24,"),
    "index": (r"j \* 3 \+ i", "j + i"),
    "sign": (r"\+ k", "- k"),
}


def planted(header: str, fault: str) -> str:
    """`header` with a fault in the arrays and functions of the network."""
    pattern, replacement = FAULTS[fault]
    at = header.index("inline constexpr std::int")
    faulty, count = re.subn(pattern, replacement, header[at:], count=1)
    assert count == 1, fault
    return header[:at] + faulty


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    graph = network()
    codes = {"x": random_codes(np.random.default_rng(1), graph.inputs["x"], 4000)}
    expected = interpret(graph, codes)["y"]
    header = write_cpp(graph, tmp_path)
    assert header == tmp_path / "network.hpp"
    assert np.array_equal(emulate_cpp(graph, codes, header)["y"], expected)
    header.write_text(planted(header.read_text(), "weight"))
    assert not np.array_equal(emulate_cpp(graph, codes, header)["y"], expected)


def test_every_kind_of_fault_is_found() -> None:
    graph = network()
    codes = {"x": random_codes(np.random.default_rng(1), graph.inputs["x"], 4000)}
    expected = interpret(graph, codes)["y"]
    sources = {fault: planted(to_cpp(graph, fault), fault) for fault in FAULTS}
    with build_cpp(dict.fromkeys(FAULTS, graph), sources, flags=("-std=c++17", "-O0")) as program:
        found = {fault: program.codes(codes, fault)["y"] for fault in FAULTS}
    assert [fault for fault in FAULTS if np.array_equal(found[fault], expected)] == []


class TestRefusals:
    def test_codes_outside_their_type(self, program: CppProgram) -> None:
        for code in (-4, 6, 2**32, -(2**33)):
            codes = {
                port: np.zeros((3, *type.shape)) for port, type in program.graphs["trivial"].inputs.items()
            }
            codes["scalar"][1] = code
            with pytest.raises(SampleError, match=r"^the C\+\+ refuses event 1: an input code lies outside"):
                program.codes(codes, "trivial")

    def test_shapes_and_names(self, program: CppProgram) -> None:
        x, y = np.zeros((2, 6), int), np.zeros((2, 2, 2), int)
        with pytest.raises(SampleError, match=r"input 'y' takes an array \(events, 2, 2\), not \(3, 2, 2\)"):
            program.codes({"x": x, "y": np.zeros((3, 2, 2), int)}, "random0")
        with pytest.raises(SampleError, match=r"the input 'y' of the graph is missing"):
            program.codes({"x": x}, "random0")
        with pytest.raises(UnknownNameError, match="unknown input 'z'"):
            program.codes({"x": x, "y": y, "z": y}, "random0")
        with pytest.raises(UnknownNameError, match="unknown network 'random'"):
            program.codes({"x": x, "y": y}, "random")

    def test_a_step_that_is_no_double(self) -> None:
        builder = Builder()
        x = builder.input("x", TensorType.of(Fixed(4, 2000), (1,)))
        with pytest.raises(GraphError, match=r"^input 'x' has the step 2\*\*1996, which C\+\+ cannot"):
            to_cpp(builder.finish({"y": x}))

    def test_no_header_and_a_broken_one(self, tmp_path: Path) -> None:
        graph, codes = network(), {"x": np.zeros((1, 3), int)}
        with pytest.raises(InputFileError, match=r"^the C\+\+ header .*none.hpp' cannot be read"):
            emulate_cpp(graph, codes, tmp_path / "none.hpp")
        broken = tmp_path / "network.hpp"
        broken.write_text(to_cpp(graph).replace("sum = 0", "sum = nothing"))
        with pytest.raises(ToolError, match=r"fails to build the C\+\+ of the network: .*nothing"):
            emulate_cpp(graph, codes, broken)

    def test_no_compiler(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("CXX", raising=False)
        message = r"^the C\+\+ of a network needs a C\+\+ compiler and found none; remedy: install g\+\+"
        with pytest.raises(MissingDependencyError, match=message):
            emulate_cpp(network(), {"x": np.zeros((1, 3), int)})


def test_no_events(program: CppProgram) -> None:
    graph = program.graphs["large"]
    found = program.codes({"x": np.zeros((0, 6, 5, 2), int)}, "large")
    assert {name: codes.shape for name, codes in found.items()} == {
        name: (0, *graph.types[node].shape) for name, node in graph.outputs.items()
    }
