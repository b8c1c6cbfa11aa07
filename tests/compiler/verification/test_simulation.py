"""The simulator against a design written by hand, whose valid misbehaves if a vector asks for it."""

import re
from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.verification import Stimulus, probe, simulate
from nanosieve.errors import MissingDependencyError, SampleError, ToolError, VerificationError

LOST, SURVIVES_RESET, TWICE = 1, 2, 3


def _codes(vectors: int, fault: int = 0, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    number = random.integers(-32, 32, vectors)
    faults = np.zeros(vectors, dtype=np.int64)
    faults[vectors // 2] = fault
    b = random.integers([-(2**34), -(2**36)], [2**34, 2**36], (vectors, 2))
    return {"a": np.stack([number, faults], axis=1), "b": b}


def _wrapped(codes: np.ndarray, width: int) -> np.ndarray:
    return (codes + (1 << width - 1)) % (1 << width) - (1 << width - 1)


@pytest.mark.parametrize("stimulus", [Stimulus(), Stimulus(0.4), Stimulus(0.2, 25, 3)])
def test_outputs_belong_to_their_vectors(hand: Path, stimulus: Stimulus) -> None:
    codes = _codes(500)
    result = simulate(hand, codes, stimulus)
    arrived = result.delivered
    assert arrived.all() == (stimulus.resets == 0)
    assert arrived.sum() > 300
    assert np.array_equal(result.outputs["sums"][arrived, 0], (codes["a"][:, 0] + codes["b"][:, 0])[arrived])
    # the 70 bits of `wide` are cut from b without regard to its elements: 35 bits and 35 of the 37
    second = _wrapped(codes["b"][:, 1], 35)
    assert np.array_equal(
        result.outputs["wide"][arrived], np.stack([codes["b"][:, 0], second], axis=1)[arrived]
    )
    assert not result.outputs["sums"][~arrived].any()


def test_probe_reads_the_wire_of_a_layer_at_its_stage(hand: Path) -> None:
    codes = _codes(40)
    assert np.array_equal(probe(hand, codes)["add"][:, 0], codes["a"][:, 0] + codes["b"][:, 0])


@pytest.mark.parametrize(
    ("fault", "stimulus", "message"),
    [
        (
            LOST,
            Stimulus(),
            r"valid_out of the RTL is low in cycle 29, when vector 25 \(entered in cycle 26\) is due",
        ),
        (
            TWICE,
            Stimulus(0.9, 0, 1),
            r"valid_out of the RTL is high in cycle \d+, when no vector is due; "
            "the latency is 3 cycles, the interval 1, the last reset",
        ),
    ],
)
def test_a_wrong_valid_is_found(hand: Path, fault: int, stimulus: Stimulus, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        simulate(hand, _codes(50, fault), stimulus)


def test_a_vector_that_survives_a_reset_is_found(hand: Path) -> None:
    stimulus = Stimulus(0.0, 20, 4)
    lost = np.flatnonzero(~simulate(hand, _codes(50), stimulus).delivered)
    codes = _codes(50)
    codes["a"][lost[0], 1] = SURVIVES_RESET
    with pytest.raises(VerificationError, match=r"is high in cycle .* when no vector is due"):
        simulate(hand, codes, stimulus)


def test_the_simulator_is_built_once(hand: Path) -> None:
    simulate(hand, _codes(3))
    (program,) = (hand / "sim").iterdir()
    before = program.stat().st_mtime_ns
    simulate(hand, _codes(3))
    assert [program] == list((hand / "sim").iterdir())
    assert program.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"a": np.zeros((4, 3), dtype=int)},
            r"input 'a' takes integer codes \(vectors, 2\), one or more, not int64 \(4, 3\)",
        ),
        ({"a": np.zeros((4, 2))}, r"not float64 \(4, 2\)"),
        ({"a": np.zeros((0, 2), dtype=int)}, r"not int64 \(0, 2\)"),
        ({"a": np.full((4, 2), 32)}, r"input 'a', vector 0, element 0: code 32 is outside -32 to 31"),
        ({"a": np.zeros((3, 2), dtype=int)}, r"different numbers of vectors: a 3, b 4"),
        ({"c": np.zeros((4, 2), dtype=int)}, r"takes the inputs a, b, not a, b, c"),
    ],
)
def test_codes_that_do_not_fit(hand: Path, change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(SampleError, match=message):
        simulate(hand, _codes(4) | change)


def test_verilog_that_verilator_refuses(toy_copy: Path) -> None:
    file = toy_copy / "rtl" / "toy_relu_1.v"
    file.write_text(file.read_text().replace("assign out[12:0] =", "assign out[12:0]"))
    with pytest.raises(
        ToolError, match=r"^Verilator refuses design .*: %Error: .*toy_relu_1\.v:\d+:\d+: syntax error"
    ):
        simulate(toy_copy, {"x": np.zeros((1, 5), dtype=int)})
    assert not list((toy_copy / "sim").iterdir())


def test_no_compiler(toy_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(toy_copy))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(MissingDependencyError, match=re.escape("remedy: install g++ (or set CXX)")):
        simulate(toy_copy, {"x": np.zeros((1, 5), dtype=int)})
