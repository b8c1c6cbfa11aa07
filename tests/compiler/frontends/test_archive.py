"""What stands in a model file is looked at before Keras sees it: nothing of it runs, nothing is imported."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from helpers.hgq_models import model_of, saved
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.archive import LARGEST, check_archive
from nanosieve.errors import InputFileError, NanosieveError, UnsupportedLayerError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(model_of(lambda x: keras.layers.ReLU(name="relu")(x)), tmp_path)


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The archive with its members changed; None leaves a member out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if (new := change(name, content)) is not None:
                archive.writestr(name, new)
    return path


def with_layer(path: Path, entry: dict[str, Any]) -> Path:
    """The archive with one more serialised object inside the configuration of its last layer."""

    def change(name: str, content: bytes) -> bytes:
        if name != "config.json":
            return content
        config = json.loads(content)
        config["config"]["layers"][-1]["config"]["threshold"] = entry
        return json.dumps(config).encode()

    return rewritten(path, change)


def test_a_good_file_passes(model: Path) -> None:
    assert check_archive(model) == model


@pytest.mark.parametrize("function", [False, True])
def test_foreign_modules_are_not_imported(
    function: bool, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that would leave a trace if anything imported it."""
    trace = tmp_path / "trace"
    (tmp_path / "planted_module.py").write_text(
        f"from pathlib import Path\nPath({str(trace)!r}).touch()\nclass Layer: ...\ndef layer(x): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    kind = (
        {"class_name": "function", "config": "layer"} if function else {"class_name": "Layer", "config": {}}
    )
    with pytest.raises(
        UnsupportedLayerError, match=r"names planted_module\.\w+, which would run code from els"
    ):
        load_model(with_layer(model, {"module": "planted_module", "registered_name": None, **kind}))
    assert not trace.exists()
    assert "planted_module" not in sys.modules


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.layers", "Lambda"),
        ("keras.src.utils.torch_utils", "TorchModuleWrapper"),
        ("kerasx.layers", "ReLU"),
        ("nanosieve.physics", "Sample"),
        ("builtins", "function"),
        (None, "__lambda__"),
        (["os"], "system"),
    ],
)
def test_classes_from_elsewhere_are_refused(module: Any, name: str, model: Path) -> None:
    entry = {"module": module, "class_name": name, "config": {"name": "mine"}, "registered_name": None}
    message = (
        r"^tiny\.keras: layer 'mine' names .*, which would run code from elsewhere; accepted are layers of"
    )
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(with_layer(model, entry))


def test_a_real_lambda_is_refused(tmp_path: Path) -> None:
    path = saved(model_of(lambda x: keras.layers.Lambda(lambda y: y * 2, name="l")(x)), tmp_path)
    with pytest.raises(
        UnsupportedLayerError, match=r"^tiny\.keras: layer 'l' names keras\.layers\.Lambda, which"
    ):
        load_model(path)


def test_an_unknown_class_is_named(model: Path) -> None:
    path = rewritten(model, lambda name, content: content.replace(b'"ReLU"', b'"LeRU"'))
    message = (
        r"^tiny\.keras: layer 'relu' is of 'LeRU', which the installed Keras and HGQ2 do not have; build"
    )
    with pytest.raises(InputFileError, match=message):
        load_model(path)


def test_settings_that_keras_refuses(model: Path) -> None:
    path = rewritten(
        model, lambda name, content: content.replace(b'"negative_slope": 0.0', b'"negative_slope": -1.0')
    )
    message = (
        r"^tiny\.keras: Keras cannot build the model \(.*negative_slope.*\); save it with the installed ver"
    )
    with pytest.raises(InputFileError, match=message):
        load_model(path)


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-200])
    return path


def flipped(path: Path) -> Path:
    """Damage inside the packed configuration."""
    rewritten(path, lambda name, content: content)
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("config.json").header_offset + 60
    data = bytearray(path.read_bytes())
    data[at : at + 40] = bytes(40)
    path.write_bytes(data)
    return path


def encrypted(path: Path) -> Path:
    """The flag that says that the members are encrypted, which zipfile asks a password for."""
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    path.write_bytes(data)
    return path


def nested(path: Path) -> Path:
    deep = b"[" * 200_000 + b"]" * 200_000
    return rewritten(path, lambda name, content: deep if name == "config.json" else content)


def without_weights(path: Path) -> Path:
    return rewritten(path, lambda name, content: None if name.endswith(".h5") else content)


def text(path: Path) -> Path:
    path.write_text("hello")
    return path


def bomb(path: Path) -> Path:
    """A member that claims to unpack to more than is allowed; only the claim is looked at."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/zeros", b"")
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (LARGEST + 1).to_bytes(4, "little")
    path.write_bytes(data)
    return path


DAMAGED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "cut": (cut, r"is not a Keras model file \(File is not a zip file\); save it with model\.save\("),
    "flipped": (flipped, r"is not a Keras model file \(.*\); save it with model\.save\('name\.keras'\)$"),
    "encrypted": (encrypted, r"is not a Keras model file \(.*password.*\); save it with"),
    "nested": (nested, r"is not a Keras model file \(.*recursion.*\); save it with"),
    "without weights": (without_weights, r"has no model\.weights\.h5; save the model again with model\.save"),
    "bomb": (bomb, r"unpacks to more than 2048 MiB; refused$"),
    "no json": (
        lambda path: rewritten(path, lambda name, content: content[:50]),
        r"is not a Keras model file \(.*char.*\); save it",
    ),
    "text": (text, r"\(File is not a zip file\)"),
    "weights of another": (
        lambda path: rewritten(path, lambda name, content: b"x" if name.endswith(".h5") else content),
        r"Keras cannot build the model \(",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_in_one_line(name: str, model: Path) -> None:
    damage, message = DAMAGED[name]
    with pytest.raises(InputFileError, match=message) as caught:
        load_model(damage(model))
    assert "\n" not in str(caught.value)


def test_wrong_files_are_refused(model: Path, tmp_path: Path) -> None:
    for path, message in [
        (tmp_path / "absent.keras", r"^model '.*absent\.keras' does not exist; check the path$"),
        (tmp_path, r"is a folder; give a file \(.*\.keras.*\)$"),
        (model.rename(tmp_path / "model.h5"), r"ends in '\.h5'; accepted: .*\.keras"),
    ]:
        with pytest.raises(NanosieveError, match=message):
            load_model(path)
