"""``nanosieve compile`` as a user meets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hgq.layers as q
import numpy as np
import pytest

from helpers.hgq_models import kbi, kif, model_of, saved
from nanosieve.cli import main
from nanosieve.compiler.graph import load_graph
from nanosieve.compiler.hardware import design as hardware_design
from nanosieve.compiler.hardware import fit as hardware_fit


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def build(x: object) -> object:
        for n in (1, 2):
            x = q.QDense(4, name=f"dense_{n}", iq_conf=kif(), kq_conf=kbi(), bq_conf=kif("bias"))(x)
        return x

    made = model_of(build, rng=np.random.default_rng(1))
    return saved(made, tmp_path_factory.mktemp("model"), "tagger.keras")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["compile", *map(str, arguments)])
    return int(stop.value.code or 0)


def test_a_design_is_written(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(model, "-o", tmp_path / "d", "--latency", "100ns", "--device", "alveo-u50", "--share", 0.5) == 0
    )
    printed = capsys.readouterr().out
    for words in ("tagger on alveo-u50", "latency_cycles", "lut", "(estimated)", "next: nanosieve verify"):
        assert words in printed
    manifest = json.loads((tmp_path / "d" / "design.json").read_text())
    assert (manifest["name"], manifest["device"], manifest["budget"]["share"]) == ("tagger", "alveo-u50", 0.5)
    assert [layer["name"] for layer in manifest["layers"]] == ["dense_1", "dense_2"]
    assert (tmp_path / "d" / "model.keras").read_bytes() == model.read_bytes()


def test_what_stands_beside_a_design(model: Path, tmp_path: Path) -> None:
    assert run(model, "-o", tmp_path, "--vhdl", "--vendor") == 0
    written = {path.name for kind in ("axi", "vhdl", "vendor") for path in (tmp_path / kind).iterdir()}
    assert written == {
        "tagger_axis.v",
        "tagger_component.vhd",
        "tagger_instance.vhd",
        "tagger_kernel.v",
        "clock.xdc",
        "vivado.tcl",
        "package_ip.tcl",
    }
    assert run(model, "-o", tmp_path, "--axi") == 0
    assert (tmp_path / "axi" / "tagger_axis.v").is_file()
    assert not (tmp_path / "vhdl").exists()
    assert not (tmp_path / "vendor").exists()


def test_the_default_folder(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(model) == 0
    assert load_graph(tmp_path / "out" / "tagger" / "graph.json").name == "tagger"


def test_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model, "-o", tmp_path, "--clock", "100 MHz", "--json", "--print-graph") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["design"] == str(tmp_path)
    assert data["budget"]["clock"] == "100 MHz"
    assert {"lut", "ff", "dsp"} <= set(data["resources"])
    assert {"latency_cycles", "interval_cycles", "clock_mhz", "latency_ns", "fmax_mhz"} == set(data["timing"])
    assert data["timing"]["clock_mhz"] | {"source": ""} == {
        "value": 100.0, "error": None, "unit": "MHz", "provenance": "estimated", "source": "",
    }  # fmt: skip
    for figure in data["resources"].values():
        assert figure["value"] >= 0
        assert figure["provenance"] == "estimated"


def test_the_graph_can_be_printed(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model, "-o", tmp_path, "--print-graph") == 0
    printed = capsys.readouterr().out
    assert "graph tagger" in printed
    assert "output dense_2 = dense_2" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--latency", "1 ns"], r"error: latency: "),
        (["--latency", "fast"], r"error: budget: latency = 'fast' is not a quantity in units of ns"),
        (["--device", "xcvu9"], r"error: unknown device 'xcvu9'; nearest: xcvu9p"),
        (["--share", "2"], r"error: budget: share = 2.0 is a fraction above 0 and up to 1"),
        (["--every", "1 ns"], r"error: an event every 1 ns is more than one event in a clock cycle of 5 ns"),
    ],
)
def test_errors_are_one_line(
    options: list[str], message: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(model, "-o", tmp_path / "d", *options) == 1
    printed = capsys.readouterr().err.strip().splitlines()
    assert printed[-1].startswith(message), printed
    assert not (tmp_path / "d").exists()


def test_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.keras").write_text("hello")
    for name, message in [
        ("absent.keras", "does not exist; check the path"),
        ("text.keras", "is not a Keras model file (File is not a zip file)"),
    ]:
        assert run(tmp_path / name, "-o", tmp_path / "d") == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("error: ")
        assert message in line
    assert not (tmp_path / "d").exists()


def test_a_folder_that_cannot_be_made(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(model, "-o", tmp_path / "file" / "d") == 1
    assert "error: cannot write to folder" in capsys.readouterr().err


def test_overflow_is_reported_before_it_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras
    from hgq.layers import QDense
    from hgq.quantizer import QuantizerConfig

    wrap = QuantizerConfig("kif", "datalane", k0=1, i0=1, f0=3, overflow_mode="WRAP")
    x = keras.Input((3,), name="x")
    layers = [
        QDense(2, name=f"dense_{n}", iq_conf=wrap, oq_conf=wrap, enable_oq=True, kernel_initializer="ones")
        for n in range(5)
    ]
    y = x
    for layer in layers:
        y = layer(y)
    keras.Model(x, y, name="wraps").save(tmp_path / "wraps.keras")
    assert run(tmp_path / "wraps.keras", "-o", tmp_path / "d") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("overflow: ")]
    expected = r"overflow: layer 'dense_0' \(.*\) wraps where a value leaves its range, in 2 elements; the w"
    assert re.match(expected, lines[0])
    assert lines[-1] == "overflow: 2 more quantisers can wrap; --json lists all"


@pytest.mark.parametrize("victim", ["build_layers", "write_text", "save_graph"])
def test_ctrl_c_leaves_no_half_written_design(
    victim: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    place = hardware_fit if victim == "build_layers" else hardware_design
    monkeypatch.setattr(place, victim, stop)
    assert run(model, "-o", tmp_path / "d") == 130
    assert not (tmp_path / "d" / "design.json").exists()
    assert not list(tmp_path.rglob("*.part"))


@pytest.fixture(scope="module")
def float_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    folder = tmp_path_factory.mktemp("float")
    layers = [
        keras.layers.Dense(4, activation="relu", name="hidden"),
        keras.layers.Dense(1, name="score"),
    ]
    keras.Sequential([keras.layers.Input((3,), name="x"), *layers]).save(folder / "float.keras")
    np.save(folder / "x.npy", np.random.default_rng(1).normal(size=(50, 3)))
    return folder / "float.keras"


@pytest.mark.slow
class TestFloatModels:
    def test_calibrated_and_verified(
        self, float_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sample = float_model.with_name("x.npy")
        options = ["--calibrate", sample, "--precision", "fixed<9>", "--precision", "score.kernel=fixed<4,1>"]
        assert run(float_model, "-o", tmp_path / "d", *options, "--json") == 0
        graph = load_graph(tmp_path / "d" / "graph.json")
        assert not graph.exact
        assert str(graph.inputs["x"]).startswith("3 fixed<9,")
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["verify", str(tmp_path / "d"), "--input", str(sample), "--vectors", "200"])
        assert not stop.value.code
        printed = " ".join(capsys.readouterr().out.split())
        assert "float: graph = " in printed
        assert "= RTL" in printed
        assert "framework" not in printed
        assert re.search(
            r"score: difference from the trained model largest \d\S+, rms \d\S+ \(50 events\)", printed
        )

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ([], "states no fixed-point types; give a sample"),
            (["--precision", "fixed<8,3>"], "needs a sample; give calibrate"),
            (["--calibrate", "no.npy"], "calibration sample 'no.npy'"),
            (
                ["--calibrate", "X", "--precision", "hiden=fixed<8,3>"],
                "unknown layer of the precision 'hiden'; nearest: hidden",
            ),
            (["--calibrate", "X", "--precision", "hidden=8"], "precision '8' is not a type of 1 to 32 bits"),
        ],
    )
    def test_refused(
        self, float_model: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        given = [str(float_model.with_name("x.npy")) if o == "X" else o for o in options]
        assert run(float_model, *given) == 1
        assert words in capsys.readouterr().err


class TestThePlan:
    """How layers are built, said on the command line."""

    def test_overrides(self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        names = [layer["layer"] for layer in self.built(model, tmp_path, capsys)]
        layer = names[0]
        options = ["--every", "1 us", "--layer", f"{layer}=unrolled", "--json"]
        assert run(model, "-o", tmp_path / "d", *options) == 0
        assert layer not in json.loads(capsys.readouterr().out)["plan"]["layers"]

    @staticmethod
    def built(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
        assert run(model, "-o", tmp_path / "first", "--every", "5 ns", "--json") == 0
        assert json.loads(capsys.readouterr().out)["plan"]["layers"] == {}
        manifest = json.loads((tmp_path / "first" / "design.json").read_text(encoding="utf-8"))
        layers: list[dict[str, str]] = manifest["layers"]
        return layers

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--layer", "nowhere=unrolled"], "there is no layer 'nowhere'"),
            (["--layer", "unrolled"], "--layer takes NAME=VALUE, not 'unrolled'"),
            (["--layer", "a=twice"], "'twice' is no way to build a layer"),
            (["--beats", "x=two"], "--beats takes INPUT=P with a whole number P, not 'two'"),
            (["--beats", "nowhere=1"], "there is no input 'nowhere'"),
        ],
    )
    def test_wrong_options(
        self,
        options: list[str],
        message: str,
        model: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert run(model, "-o", tmp_path / "d", *options) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not (tmp_path / "d" / "design.json").exists()
