import json
from pathlib import Path

import pytest

from helpers.beat_designs import accumulate_design
from nanosieve.compiler.verification import read_design
from nanosieve.errors import InputFileError


def test_a_compiled_design_is_read(toy: Path) -> None:
    design = read_design(toy)
    assert design.name == "toy"
    assert [layer.name for layer in design.layers] == ["dense_1", "relu_1", "dense_2", "relu_2", "trigger"]
    assert all(source.is_file() for source in design.sources)


def test_no_design(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="does not exist; give a folder made by 'nanosieve compile'"):
        read_design(tmp_path / "none")
    with pytest.raises(InputFileError, match=r"holds no design\.json; give a folder"):
        read_design(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputFileError, match="is a file; give a folder"):
        read_design(tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, r"format: Input should be 2"),
        ({"name": "other"}, r"module 'other' is not listed under modules"),
        ({"inputs": []}, r"inputs: Tuple should have at least 1 item"),
        ({"latency_cycles": 0}, r"latency_cycles: Input should be greater than or equal to 1"),
    ],
)
def test_a_damaged_manifest(toy_copy: Path, change: dict[str, object], message: str) -> None:
    path = toy_copy / "design.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputFileError, match=rf"is not a design of this package: .*{message}"):
        read_design(toy_copy)


def test_text_that_is_no_json_and_missing_verilog(toy_copy: Path) -> None:
    (toy_copy / "rtl" / "toy_relu_1.v").unlink()
    with pytest.raises(InputFileError, match=r"lacks 'rtl/toy_relu_1\.v'; compile the model again"):
        read_design(toy_copy)
    (toy_copy / "design.json").write_text("{")
    with pytest.raises(InputFileError, match=r"is damaged: .* compile the model again"):
        read_design(toy_copy)


def test_a_range_that_its_bits_do_not_hold(toy_copy: Path) -> None:
    path = toy_copy / "design.json"
    manifest = json.loads(path.read_text())
    manifest["inputs"][0]["elements"][2]["high"] = 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(
        InputFileError, match=r"inputs\.0\.elements\.2: .*range -64 to 64 does not fit 7 bits"
    ):
        read_design(toy_copy)


def _change(folder: Path, *keys: str | int, value: object) -> None:
    """Set one value of the manifest."""
    path = folder / "design.json"
    manifest = json.loads(path.read_text())
    place = manifest
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("inputs", 0, "elements", 2, "beat"), 3, r"inputs\.0: .*element 2 is in beat 3 of 3"),
        (("outputs", 0, "elements", 1, "beat"), -1, r"beat: Input should be greater than or equal to 0"),
        (("interval_cycles",), 2, r"'x' takes 3 beats in an interval of 2 cycles"),
        (("inputs", 0, "beats"), 5, r"'x' takes 5 beats in an interval of 4 cycles"),
        (("inputs", 0, "beats"), 0, r"beats: Input should be greater than or equal to 1"),
        (("interval_cycles",), 2_000_000, r"interval_cycles: Input should be less than or equal to 1000000"),
        (("layers", 0, "stage"), 2, r"layers\.0: .*element 0 is there at stage 3, after the last, 2"),
        (("layers", 0, "stage"), 10**7, r"layers\.0\.stage: Input should be less than or equal to 1000000"),
        (("layers", 0, "elements", 0), {"lsb": 0}, r"layers\.0\.elements\.0\.width: Field required"),
    ],
)
def test_beats_and_stages_that_cannot_be(
    keys: tuple[str | int, ...], value: object, message: str, tmp_path: Path
) -> None:
    folder = accumulate_design(tmp_path / "design")
    assert [bus.beats for bus in read_design(folder).inputs] == [3, 3]
    _change(folder, *keys, value=value)
    with pytest.raises(InputFileError, match=rf"is not a design of this package: .*{message}"):
        read_design(folder)
