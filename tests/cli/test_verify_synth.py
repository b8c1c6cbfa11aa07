"""The verbs `verify` and `synth` as a user calls them."""

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from helpers.designs import hand_design, toy_design
from helpers.mutations import mutate
from nanosieve.cli import main
from nanosieve.compiler.synthesis import Proof


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_design(tmp_path_factory.mktemp("toy") / "toy")


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(exit.value.code or 0), captured.out, captured.err


def test_verify_prints_what_was_compared(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "x.npy"
    np.save(events, np.ones((12, 5)))
    code, out, _ = _run(capsys, "verify", toy, "--vectors", 200, "--input", events, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["verification"]["stages"] == ["graph", "emulator", "rtl"]
    assert result["verification"]["differences"] == 0
    assert result["verification"]["vectors"]["events"] == 12
    assert result["verification"]["vectors"]["random"] == 200
    assert Path(result["golden"], "tb_toy.v").is_file()

    code, out, _ = _run(capsys, "verify", toy, "--vectors", 100)
    assert code == 0
    assert "toy: graph = emulator = RTL" in out
    assert "DIR holds no model file: the framework was not compared" in out
    assert "no --input: random and corner vectors only, no events" in out


def test_verify_fails_with_one_line(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = Path(copytree(toy, tmp_path / "toy"))
    mutate(broken, "rtl/toy_dense_1.v", "add <-> subtract")
    code, out, err = _run(capsys, "verify", broken, "--json")
    assert (code, out) == (1, "")
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: graph and RTL differ first in layer 'dense_1'")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("x.npy", np.full((3, 5), np.nan), "input 'x' holds nan at event 0"),
        ("x.npy", np.zeros((3, 6)), "has the shape (3, 6); the input 'x' takes (events, 5)"),
        ("x.npy", np.zeros((0, 5)), "has the shape (0, 5)"),
        ("x.npy", np.array(["a", "b"]), "holds <U1, not numbers"),
        ("x.npy", b"text", "is not a readable NumPy file"),
        ("x.npz", b"text", "is not a readable NumPy file"),
        ("x.csv", b"1,2", "ends in '.csv'; accepted: .npy, .npz, .parquet"),
        ("x.parquet", b"PAR1", "is not a readable Parquet file"),
        ("x.npy", None, "does not exist; check the path"),
    ],
)
def test_input_that_cannot_be_used(
    toy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    array: np.ndarray | bytes | None,
    message: str,
) -> None:
    path = tmp_path / name
    if isinstance(array, bytes):
        path.write_bytes(array)
    elif array is not None:
        np.save(path, array)
    code, out, err = _run(capsys, "verify", toy, "--input", path)
    assert (code, out) == (1, "")
    assert message in " ".join(err.split())


def test_events_by_input_name(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((4, 5)))
    code, out, _ = _run(capsys, "verify", toy, "--vectors", 0, "--input", path, "--json")
    assert code == 0
    assert json.loads(out)["verification"]["vectors"]["events"] == 4
    np.savez(path, y=np.ones((4, 5)))
    code, _, err = _run(capsys, "verify", toy, "--input", path)
    assert code == 1
    assert "error: unknown input 'y'" in err


@pytest.mark.slow
def test_netlist_and_proofs(
    toy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = _run(capsys, "verify", toy, "--vectors", 100, "--netlist")
    assert code == 0
    assert "toy: graph = emulator = RTL = netlist" in out
    assert "again in the netlist, layer by layer" in " ".join(out.split())
    monkeypatch.setattr("nanosieve.cli.synth.LARGEST_PROOF", 30)
    code, out, _ = _run(capsys, "synth", toy, "--prove", "--json")
    outcomes = json.loads(out)["equivalence"]
    assert code == 0
    assert outcomes["toy_relu_2"] == outcomes["toy_trigger"] == "proven"
    assert outcomes["toy_dense_1"] == "too large"


def test_a_netlist_that_differs_fails(
    toy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"in_relu_2": (0, 9), "gold_out": (0, 1), "gate_out": (0, 0)}
    found = Proof("toy_dense_1", "different", 0.1, values)
    monkeypatch.setattr("nanosieve.cli.synth.prove_equivalent", lambda *_, **__: found)
    code, out, err = _run(capsys, "synth", toy, "--prove")
    assert (code, out) == (1, "")
    assert (
        "RTL and netlist of module 'toy_dense_1' differ, for example at in_relu_2 9, gold_out 1"
        in " ".join(err.split())
    )


def test_synth_ends_in_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand = hand_design(tmp_path / "hand")
    code, out, err = _run(capsys, "synth", hand, "--workers", 1)
    assert code == 0
    assert "hand on xcvu9p: synthesised with Yosys" in out
    for row in ("add", "between layers", "total", "% of xcvu9p", "% of the usable"):
        assert f"│ {row} " in out
    assert "fits into 50 % of the usable part of xcvu9p" in out
    assert "synthesise" in err

    # known by now: no Yosys runs for another device of the same family
    code, out, _ = _run(capsys, "synth", hand, "--device", "vp1802")
    assert code == 0
    assert "Yosys knows no Versal" in out
    code, out, _ = _run(capsys, "synth", hand, "--device", "u50", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["device"] == "alveo-u50"
    assert document["fits"] is True
    assert document["resources"]["lut"]["provenance"] == "synthesised"
    assert document["resources"]["lut"]["value"] == sum(
        module["resources"]["lut"]["value"] for module in document["modules"]
    )


@pytest.mark.parametrize("verb", ["verify", "synth"])
def test_a_folder_that_is_no_design(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, verb, tmp_path)
    assert code == 1
    assert err.splitlines()[-1].endswith("holds no design.json; give a folder made by 'nanosieve compile'")
