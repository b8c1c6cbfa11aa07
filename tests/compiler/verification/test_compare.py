"""The equality proof, and that it bites: one weight flipped in the Verilog must be found, by layer."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from helpers.designs import toy_graph
from helpers.mutations import mutate
from nanosieve.compiler.graph import (
    Builder,
    Dense,
    Fixed,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
    decode,
    encode,
    interpret,
)
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.verification import read_design, stages, verify
from nanosieve.compiler.verification.simulation import simulate
from nanosieve.errors import InputFileError, SampleError, SettingsError, VerificationError

GRAPH = toy_graph()
EVENTS = np.random.default_rng(0).normal(0, 3, (300, 5)).astype(np.float32)


def _trained(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Stands for the framework: real numbers in, real numbers out."""
    codes = interpret(GRAPH, encode(GRAPH, values))
    return {name: decode(codes[name], GRAPH.types[node]) for name, node in GRAPH.outputs.items()}


def test_all_stages_agree(toy: Path) -> None:
    result = verify(toy, EVENTS, random=1000, streamed=400, framework=_trained)
    assert result.stages == ("framework", "graph", "emulator", "rtl")
    assert result.to_dict()["differences"] == 0
    assert 200 < result.again["with gaps and resets"] < 400
    assert result.again["layer by layer"] == 400
    assert dict(result.vectors) == {
        "events": 300,
        "corner": 17,
        "edge": 23,
        "random": 1000,
        "small random": 250,
    }


def test_without_model_and_events(toy: Path) -> None:
    result = verify(toy, random=0, streamed=0, golden=0)
    assert result.stages == ("graph", "emulator", "rtl")
    assert dict(result.vectors) == {"corner": 17, "edge": 23}
    assert result.golden is None
    assert not result.again


def test_a_small_design_is_proven_for_all_inputs(tmp_path: Path) -> None:
    """The meaning of the cells, by enumeration: sums, roundings, ends, tables, slopes and comparisons."""
    builder = Builder("small")
    x = builder.input("x", TensorType(np.array([-16, -3]), np.array([15, 60]), np.array([-2, 0])))
    layers = {
        f"{rounding.name} {overflow.name}": Quantize(TensorType.of(Fixed(4, 3), (2,)), rounding, overflow)
        for rounding in Rounding
        for overflow in Overflow
    }
    values = {name: builder.add(op, x, layer=name) for name, op in layers.items()}
    table = np.random.default_rng(4).integers(-50, 50, (2, 64))
    values["table"] = builder.add(Lookup(table, np.array([-16, -3]), np.array([-1, 2])), x, layer="table")
    values["sums"] = builder.add(Dense(np.array([[5, -3, 0], [7, 1, -1]]), -1), x, layer="sums")
    values["slope"] = builder.add(LeakyRelu(3, -4), x, layer="slope")
    values["compare"] = builder.add(GreaterEqual(), values["slope"], x, layer="compare")
    values["product"] = builder.add(Multiply(), values["slope"], x, layer="product")
    design = build_design(builder.finish(values), Budget()).write(tmp_path / "small")
    result = verify(design, random=2048, streamed=3000)
    assert result.vectors["exhaustive"] == 32 * 64
    assert "random" not in result.vectors
    _flip(design, "sums", "add <-> subtract", 0)
    with pytest.raises(VerificationError, match="differ first in layer 'sums'"):
        verify(design, random=2048)


def test_a_framework_that_differs(toy: Path) -> None:
    def wrong(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = _trained(values)
        outputs["score"][7] += 2.0**-30
        return outputs

    message = (
        r"^framework and graph differ first in layer 'relu_2' \(output 'score'\), element 0, "
        r"event 7 of the events: framework \S+, graph \S+$"
    )
    with pytest.raises(VerificationError, match=message):
        verify(toy, EVENTS, random=0, framework=wrong)


@pytest.mark.parametrize("outputs", [{}, {"score": np.zeros((340, 2)), "trigger": np.zeros((340, 1))}])
def test_a_framework_of_another_shape(toy: Path, outputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(VerificationError, match="the framework has no output 'score' of 1 elements"):
        verify(toy, EVENTS, random=0, framework=lambda values: outputs)


def test_nan_from_the_framework_is_a_difference(toy: Path) -> None:
    def broken(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.full_like(array, np.nan) for name, array in _trained(values).items()}

    with pytest.raises(VerificationError, match="event 0 of the events: framework nan"):
        verify(toy, EVENTS, random=0, framework=broken)


FLIPS = [("dense_1", "add <-> subtract"), ("relu_1", "shift amount"), ("trigger", "constant bit")]


def _flip(design: Path, layer: str, kind: str, place: int) -> str:
    (entry,) = (entry for entry in read_design(design).layers if entry.name == layer)
    return mutate(design, entry.file, kind, place)


@pytest.mark.parametrize(("layer", "kind"), FLIPS)
def test_one_flipped_weight_is_found_by_layer(toy_copy: Path, layer: str, kind: str) -> None:
    golden = toy_copy / "golden"
    golden.mkdir()
    (golden / "expected.hex").write_text("of an earlier version")
    _flip(toy_copy, layer, kind, 0)
    with pytest.raises(VerificationError) as caught:
        verify(toy_copy, EVENTS, random=2000)
    message = str(caught.value)
    assert message.startswith(f"graph and RTL differ first in layer '{layer}' (rtl/toy_{layer}.v, stage ")
    assert "element" in message
    assert "event" in message
    assert message.count("(code ") == 2
    assert not list(golden.iterdir())


def test_simulations_side_by_side_are_one_proof(toy_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All vectors are there, and a fault is told with the number that the vector has among all."""
    monkeypatch.setattr(stages, "LEAST_CYCLES", 50)
    monkeypatch.setattr(stages, "default_workers", lambda: 3)
    started: list[int] = []

    def counted(design: object, codes: Mapping[str, np.ndarray], *args: object, **kwargs: object) -> object:
        started.append(len(next(iter(codes.values()))))
        return simulate(design, codes, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(stages, "simulate", counted)
    verify(toy_copy, EVENTS, random=0, streamed=0, golden=0, framework=_trained)
    assert len(started) == 3
    assert sum(started) == 300 + 17 + 23
    _flip(toy_copy, "relu_1", "shift amount", 0)
    with pytest.raises(VerificationError) as together:
        verify(toy_copy, EVENTS, random=0, streamed=0, golden=0)
    monkeypatch.undo()
    with pytest.raises(VerificationError) as alone:
        verify(toy_copy, EVENTS, random=0, streamed=0, golden=0)
    assert str(together.value) == str(alone.value)


def test_a_wrong_wire_behind_the_layers_is_found(toy_copy: Path) -> None:
    file = toy_copy / "rtl" / "toy.v"
    text = file.read_text()
    assert "<= relu_2[7:0];" in text
    file.write_text(text.replace("<= relu_2[7:0];", "<= {relu_2[7:1], 1'b0};"))
    with pytest.raises(VerificationError, match="differ first in output 'score', while every layer agrees"):
        verify(toy_copy, EVENTS, random=0)


def test_a_latency_that_is_not_the_stated_one(toy_copy: Path) -> None:
    path = toy_copy / "design.json"
    latency = read_design(toy_copy).latency_cycles
    path.write_text(
        path.read_text().replace(f'"latency_cycles": {latency},', f'"latency_cycles": {latency + 1},')
    )
    with pytest.raises(
        VerificationError,
        match=rf"valid_out of the RTL is high in cycle {latency + 1}, when no vector is due",
    ):
        verify(toy_copy, random=0)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (np.full((3, 5), np.nan), "input 'x' holds nan at event 0"),
        (np.full((3, 5), 1e300), "input 'x' holds inf at event 0"),
        (np.zeros((3, 4)), r"input 'x' takes an array \(events, 5\), not \(3, 4\)"),
    ],
)
def test_events_that_cannot_be_used(toy: Path, events: np.ndarray, message: str) -> None:
    with pytest.raises(SampleError, match=message):
        verify(toy, events)


def test_settings_and_folders(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the number of random vectors is 0 or more, not -1"):
        verify(toy, random=-1)
    with pytest.raises(InputFileError, match=r"holds no design\.json"):
        verify(tmp_path)
