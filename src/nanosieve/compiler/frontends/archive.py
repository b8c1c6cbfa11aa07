"""A look into a ``.keras`` file before Keras opens it: nothing of what is inside may run or be imported."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nanosieve._files import existing_file
from nanosieve.errors import InputFileError, UnsupportedLayerError

__all__ = ["check_archive", "packages", "read_config", "where_is"]

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
LARGEST = 2 * 1024**3
"""Bytes that the unpacked archive may have."""

_MODULES = ("keras", "hgq", "nanosieve.compiler.frontends.keras_layers")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError,
    RuntimeError,  # encrypted, or packed in a way that zipfile does not know
    UnicodeDecodeError, json.JSONDecodeError, RecursionError, KeyError,
)  # fmt: skip
_REFUSED = ("Lambda", "lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer")


def check_archive(path: str | Path, modules: tuple[str, ...] = ()) -> Path:
    """The path, if the file is a Keras 3 model that names only classes of Keras, HGQ2 and this package.

    Args:
        path: the file.
        modules: further modules whose classes it may name.

    Raises:
        InputFileError: missing, no ``.keras`` archive, damaged, too large, or with unexpected members.
        UnsupportedLayerError: it names a class from elsewhere, or one that carries code.
    """
    path = existing_file(path, kind="model", suffixes=(".keras",))
    for entry in _objects(read_config(path)):
        _check_class(path, entry, (*_MODULES, *modules))
    return path


def read_config(path: Path) -> Any:
    """The configuration of the model, as JSON.

    Raises:
        InputFileError: as `check_archive`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member.file_size for member in archive.infolist()}
            missing = [name for name in MEMBERS if name not in members]
            if missing:
                message = f"{str(path)!r} has no {missing[0]}; save the model again with model.save(...)"
                raise InputFileError(message)
            if sum(members.values()) > LARGEST:
                message = f"{str(path)!r} unpacks to more than {LARGEST // 1024**2} MiB; refused"
                raise InputFileError(message)
            return json.loads(archive.read("config.json"))
    except _DAMAGE as error:
        message = f"{str(path)!r} is not a Keras model file ({error}); save it with model.save('name.keras')"
        raise InputFileError(message) from error


def packages(path: Path) -> set[str]:
    """The packages whose classes a ``.keras`` file names.

    Raises:
        InputFileError: as `check_archive`.
    """
    named = (entry.get("module") for entry in _objects(read_config(path)))
    return {str(module).partition(".")[0] for module in named if module is not None}


def where_is(config: Any, class_name: str) -> str:
    """The name of the first layer of that class, quoted for a message, or the class itself."""
    for entry in _objects(config):
        if entry["class_name"] == class_name and (name := _name(entry)):
            return f"layer {name!r}"
    return f"class {class_name!r}"


def _name(entry: dict[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name", "")) if isinstance(config, dict) else ""


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Every serialised object in the configuration, at any depth, in the order of the file."""
    stack = [config]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            stack.extend(reversed(item.values()))
        elif isinstance(item, list):
            stack.extend(reversed(item))


def _check_class(path: Path, entry: dict[str, Any], modules: tuple[str, ...]) -> None:
    name, module = str(entry["class_name"]), entry.get("module")
    plain_function = module == "builtins" and name == "function" and isinstance(entry.get("config"), str)
    known = module is None or any(module == m or str(module).startswith(f"{m}.") for m in modules)
    if name in _REFUSED or not (known or plain_function):
        layer = f"layer {_name(entry)!r}" if _name(entry) else "the model"
        message = (
            f"{path.name}: {layer} names {module}.{name}, which would run code from elsewhere; accepted are "
            "layers of keras, hgq and nanosieve, and no Lambda; build the network of "
            "those and save it again (assemble_trigger makes such a model of a trained network)"
        )
        raise UnsupportedLayerError(message)
