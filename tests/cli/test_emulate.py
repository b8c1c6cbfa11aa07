"""The verb `emulate` as a user calls it."""

import json
from pathlib import Path

import numpy as np
import pytest

from helpers.designs import toy_design
from nanosieve.cli import main
from nanosieve.compiler.graph import decode, encode, interpret, load_graph


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_design(tmp_path_factory.mktemp("toy") / "toy")


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main(["emulate", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return int(exit.value.code or 0), captured.out, captured.err


def expected(toy: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    graph = load_graph(toy / "graph.json")
    codes = interpret(graph, encode(graph, {"x": x}))
    return {name: decode(codes[name], graph.types[node]) for name, node in graph.outputs.items()}


@pytest.mark.parametrize("events", [12, 60_000])  # read, and mapped
def test_outputs_by_name(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], events: int) -> None:
    x = np.random.default_rng(1).normal(0, 3, (events, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    code, out, err = _run(capsys, toy, tmp_path / "x.npy", "-o", tmp_path / "y.npz", "--json")
    result = json.loads(out)
    assert code == 0
    assert "emulate" in err
    assert (result["design"], result["events"]) == ("toy", events)
    assert result["rate"]["provenance"] == "measured"
    with np.load(tmp_path / "y.npz") as found:
        for name, array in expected(toy, x).items():
            assert found[name].dtype == np.float64
            assert np.array_equal(found[name], array)
            assert result["outputs"][name] == list(array.shape)


def test_one_sentence_without_json(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.ones((12, 5)))
    code, out, _ = _run(capsys, toy, tmp_path / "x.npy", "--out", tmp_path / "y.npz", "--threads", 1)
    assert code == 0
    assert out.startswith("toy: 12 events at ")
    assert "events/s (measured), start-up included" in out


def test_several_outputs_are_no_single_array(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.ones((12, 5)))
    code, _, err = _run(capsys, toy, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert code == 1
    assert "ends in '.npy'; 2 outputs (" in err
    assert "are written as .npz" in err


def test_nothing_is_written_where_the_sample_is_refused(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.zeros((70, 5))
    x[60, 3] = np.nan
    np.save(tmp_path / "x.npy", x)
    code, _, err = _run(capsys, toy, tmp_path / "x.npy", "-o", tmp_path / "y.npz")
    assert code == 1
    assert "input 'x' holds nan at event 60, element [3]" in " ".join(err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_a_place_that_cannot_be_written(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.ones((12, 5)))
    code, _, err = _run(capsys, toy, tmp_path / "x.npy", "-o", tmp_path / "missing" / "y.npz")
    assert code == 1
    assert "error: cannot write" in err
