"""The AXI4-Stream wrapper, simulated with sources and sinks that stall, whole and broken."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pytest

from helpers.behavioural_core import Core
from helpers.designs import hand_design, toy_graph
from nanosieve.compiler.graph import interpret
from nanosieve.compiler.hardware.integration import write_integration
from nanosieve.compiler.verification import Stalls, simulate, simulate_stream, verify
from nanosieve.errors import InputFileError, NanosieveError, SettingsError, VerificationError

RUNS = (
    Stalls(),
    Stalls(0.3, 0.3),
    Stalls(0, 0.5, seed=2),
    Stalls(0.5, 0, seed=3),
    Stalls(0.2, 0.2, seed=4, reset=137),
    Stalls(0, 1, seed=5, reset=138),
)

EVERY_CYCLE = Core(5, 1)
UNEVEN = Core(9, 3, ((11, 1), (5, 3)), ((13, 2), (8, 3)))
"""Two inputs and two outputs that differ in beats."""

CORES = [
    Core(2, 1, ((62, 1),), ((62, 1),)),
    Core(7, 4, ((11, 4),), ((13, 4),)),  # beats without a pause
    Core(9, 3, ((40, 1), (5, 3)), ((50, 2), (8, 3))),
    Core(6, 50, ((33, 2),), ((8, 1),)),  # one event at a time
    Core(300, 7, ((16, 7),), ((16, 5),)),  # many events in flight
    Core(202, 200, ((8, 200),), ((8, 200),)),  # a long event
    Core(64, 1, ((9, 1), (17, 1), (1, 1)), ((12, 1),)),
]


def wrapped(core: Core, folder: Path) -> Path:
    core.write(folder)
    write_integration(folder, ["axi"])
    return folder


def check(core: Core, folder: Path, stalls: Stalls, events: int = 300) -> None:
    """All events come out, in order; one in every interval where nothing stalls.

    Raises:
        VerificationError: from the simulation.
        AssertionError: a value or a time is wrong.
    """
    codes = core.codes(events, stalls.seed)
    expected = core.expected(codes)
    run = simulate_stream(folder, codes, stalls)
    for name, values in expected.items():
        assert np.array_equal(run.outputs[name], values)
        assert np.array_equal(run.aborted[name], values[: len(run.aborted[name])])
        if not stalls.source and not stalls.sink:
            assert set(np.diff(run.cycles[name])) == {core.interval}
            # the first beat is taken in cycle 4; from the last one on four cycles more than the design
            assert run.cycles[name][0] == 4 + max(beats for _, beats in core.inputs) - 1 + core.latency + 4


def check_all(core: Core, folder: Path) -> None:
    for stalls in RUNS:
        check(core, folder, stalls)


@pytest.fixture(scope="module")
def every_cycle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wrapped(EVERY_CYCLE, tmp_path_factory.mktemp("every_cycle"))


def test_an_event_in_every_cycle(every_cycle: Path) -> None:
    check_all(EVERY_CYCLE, every_cycle)


def test_beats_and_intervals(tmp_path: Path) -> None:
    check_all(UNEVEN, wrapped(UNEVEN, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES, ids=str)
def test_any_latency_interval_and_beats(core: Core, tmp_path: Path) -> None:
    folder = wrapped(core, tmp_path)
    for stalls in (*RUNS, *(Stalls(0.1 * n, 1 - 0.1 * n, seed=n) for n in range(10))):
        check(core, folder, stalls)


def test_a_reset_aborts_some_events(every_cycle: Path) -> None:
    run = simulate_stream(every_cycle, EVERY_CYCLE.codes(300), Stalls(0.2, 0.2, reset=137))
    assert 5 < len(run.aborted["y_0"]) < 130
    assert run.cycles["y_0"][0] > 137
    assert len(run.outputs["y_0"]) == 300


FAULTS = {
    "one credit too many": ("promised != EVENTS;", "promised != EVENTS + 1;"),
    "one credit too few": ("promised != EVENTS;", "promised != EVENTS - 1;"),
    "an event too early": ("pause <= 2'd2", "pause <= 2'd1"),
    "a beat twice": ("if (pop) read <=", "if (pop & (read != 1 | write != 0)) read <="),
    "a dropped beat": ("push = valid | (coming != 0)", "push = valid | (coming > 1)"),
    "a gap between beats": ("left <= left - 1'b1", "left <= left - (write != 0)"),
    "a start without all inputs": ("start = whole_in_0 & whole_in_1 &", "start = whole_in_0 &"),
    "no back-pressure": ("(count != DEPTH)", "1'b1"),
    "tlast on the first beat": ("tlast <= last", "tlast <= beat == 0"),
    "a beat survives the reset": ("      coming <= 0;\n      beat <= 0;\n", "      beat <= 0;\n"),
    "an output in reset": ("      tvalid <= 0;\n", ""),
    "an output that does not wait": ("(count != 0) & (~tvalid | tready)", "(count != 0)"),
    "a credit that is not returned": ("promised <= 0;\n", "promised <= 1;\n"),
    "bits above the bus": ("assign m_axis_y_0_tdata[15:13] = 0", "assign m_axis_y_0_tdata[15:13] = 1"),
}


@pytest.mark.parametrize(
    "fault",
    [fault if n == 0 else pytest.param(fault, marks=pytest.mark.slow) for n, fault in enumerate(FAULTS)],
)
def test_faults_are_found(fault: str, tmp_path: Path) -> None:
    folder = wrapped(UNEVEN, tmp_path)
    path, (sound, broken) = folder / "axi" / "core_axis.v", FAULTS[fault]
    text = path.read_text()
    assert sound in text
    path.write_text(text.replace(sound, broken))
    with pytest.raises((VerificationError, AssertionError)):
        check_all(UNEVEN, folder)


@pytest.mark.slow
def test_a_wrong_tlast_is_reported(tmp_path: Path) -> None:
    """The sources of the bench end their packets at the right beat, but this wrapper expects another."""
    folder = wrapped(UNEVEN, tmp_path)
    path = folder / "axi" / "core_axis.v"
    path.write_text(path.read_text().replace("tlast != last", "tlast != (beat == 0)"))
    with pytest.raises(VerificationError, match=r"'core': framing_error rises though every packet is whole"):
        check(UNEVEN, folder, Stalls())


def test_a_compiled_network(toy: Path, tmp_path: Path) -> None:
    folder = Path(copytree(toy, tmp_path / "toy", ignore=ignore_patterns("sim", "golden")))
    write_integration(folder, ["axi"])
    codes = {"x": np.random.default_rng(2).integers(-64, 64, (500, 5))}
    expected = interpret(toy_graph(), codes)
    for stalls in RUNS:
        run = simulate_stream(folder, codes, stalls)
        for name, values in expected.items():
            assert np.array_equal(run.outputs[name], values.reshape(500, -1))


@pytest.mark.slow
def test_verify_sends_vectors_through_the_wrapper(toy: Path, tmp_path: Path) -> None:
    folder = Path(copytree(toy, tmp_path / "toy", ignore=ignore_patterns("sim", "golden")))
    assert "axi" not in verify(folder, random=300, golden=0).stages
    write_integration(folder, ["axi"])
    result = verify(folder, random=300, golden=0)
    assert result.stages[-1] == "axi"
    assert result.again["through AXI4-Stream"] > 200
    # so few that the reset finds none that has come out
    assert verify(folder, random=300, streamed=1, golden=0).again["through AXI4-Stream"] == 1
    path = folder / "axi" / "toy_axis.v"
    sound = path.read_text()
    path.write_text(sound.replace("promised != EVENTS;", "promised != EVENTS + 1;"))
    with pytest.raises(VerificationError):
        verify(folder, random=300, golden=0)
    path.write_text(sound.replace(".valid(valid_out), .word(", ".valid(valid_out), .word(1'b1 ^ "))
    with pytest.raises(VerificationError, match=r"^graph and AXI differ .* while every layer agrees"):
        verify(folder, random=300, golden=0)


def test_wide_buses_and_signed_elements(tmp_path: Path) -> None:
    folder = hand_design(tmp_path / "hand")
    write_integration(folder, ["axi"])
    random = np.random.default_rng(3)
    codes = {
        "a": np.stack([random.integers(-32, 32, 200), np.zeros(200, np.int64)], axis=1),
        "b": np.stack([random.integers(-(2**34), 2**34, 200), random.integers(-(2**36), 2**36, 200)], axis=1),
    }
    direct = simulate(folder, codes).outputs
    run = simulate_stream(folder, codes, Stalls(0.3, 0.3))
    for name, values in direct.items():
        assert np.array_equal(run.outputs[name], values)
    # the simulators of the design and of its wrapper are kept beside each other
    assert {path.name.split("-")[0] for path in (folder / "sim").iterdir()} == {"rtl", "axi"}


def test_refused(tmp_path: Path) -> None:
    EVERY_CYCLE.write(tmp_path)
    with pytest.raises(
        InputFileError, match=r"has no AXI4-Stream wrapper; compile the model again with --axi"
    ):
        simulate_stream(tmp_path, EVERY_CYCLE.codes(3))
    for wrong in ({"source": 1.5}, {"sink": -0.1}, {"seed": -1}, {"reset": 2**32}):
        with pytest.raises(SettingsError, match=r"^stalls: \w+ = "):
            Stalls(**wrong)
    write_integration(tmp_path, ["axi"])
    with pytest.raises(NanosieveError, match="takes the inputs in_0, not x"):
        simulate_stream(tmp_path, {"x": np.zeros((3, 1), dtype=np.int64)})
