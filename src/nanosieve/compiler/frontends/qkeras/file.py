"""Layers, connections and weights of a Keras 3 file, read without Keras and without a class of the file."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.frontends.archive import LARGEST, check_archive, read_config
from nanosieve.errors import InputFileError, UnsupportedLayerError

__all__ = ["MALFORMED", "Layer", "Model", "read_model"]

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What a configuration of another form than Keras' raises when it is read."""


@dataclass(frozen=True)
class Layer:
    """One layer as the file states it.

    Attributes:
        name: the user's.
        kind: class, without its module.
        config: its settings.
        inputs: names of the layers that feed it, in the order of the call.
        weights: name inside the layer (``0``, ``1``, ``batchnorm/0`` …) → array.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    weights: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Model:
    """A network of layers.

    Attributes:
        layers: in an order in which each comes after those that feed it.
        outputs: names of the layers whose values are the outputs.
    """

    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]


def read_model(path: Path, modules: tuple[str, ...] = ()) -> Model:
    """The network in a ``.keras`` file.

    Args:
        path: the file.
        modules: further modules whose classes it may name, beside Keras'.

    Raises:
        InputFileError: damaged, too large, or not of the form that Keras writes.
        UnsupportedLayerError: a class from elsewhere, a model in a model, or a layer that is used twice.
    """
    path = check_archive(path, modules)
    config = read_config(path)
    try:
        kind = str(config["class_name"])
        if kind not in ("Sequential", "Functional"):
            message = f"{path.name} is a {kind} model; build the network with keras.Model or Sequential"
            raise UnsupportedLayerError(message)
        stated, outputs = (_chain if kind == "Sequential" else _functional)(config["config"])
    except MALFORMED as error:
        reason = f"{type(error).__name__} {error}"
        message = f"{path.name}: its configuration is not one of Keras 3 ({reason}); save the model again"
        raise InputFileError(message) from error
    weights = _weights(path, [(name, kind) for name, kind, _, _ in stated])
    layers = [Layer(*entry, weights[entry[0]]) for entry in stated]
    return Model(_in_order(path, layers), outputs)


Stated = tuple[str, str, Mapping[str, Any], tuple[str, ...]]


def _entries(config: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any], Any]]:
    found = []
    for entry in config["layers"]:
        kind, settings = str(entry["class_name"]), dict(entry["config"])
        name = str(settings["name"])
        if "layers" in settings or "layer" in settings:
            message = f"layer {name!r} ({kind}) holds other layers; build one flat network of their layers"
            raise UnsupportedLayerError(message)
        found.append((name, kind, settings, entry.get("inbound_nodes")))
    names = [name for name, *_ in found]
    if len(set(names)) < len(names):
        message = "two layers have one name"
        raise ValueError(message)
    return found


def _chain(config: Mapping[str, Any]) -> tuple[list[Stated], tuple[str, ...]]:
    entries = _entries(config)
    stated: list[Stated] = []
    if entries[0][1] != "InputLayer":
        shape = {"batch_shape": config["build_input_shape"]}
        stated.append((f"{entries[0][0]}_input", "InputLayer", shape, ()))
    for name, kind, settings, _ in entries:
        stated.append((name, kind, settings, (stated[-1][0],) if stated else ()))
    return stated, (stated[-1][0],)


def _functional(config: Mapping[str, Any]) -> tuple[list[Stated], tuple[str, ...]]:
    stated: list[Stated] = []
    for name, kind, settings, calls in _entries(config):
        if len(calls) > 1:
            message = f"layer {name!r} ({kind}) is used {len(calls)} times; give each use a layer of its own"
            raise UnsupportedLayerError(message)
        stated.append((name, kind, settings, tuple(_sources(calls))))
    outputs = config["output_layers"]
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs[0], str):
        outputs = [outputs]
    return stated, tuple(str(output[0]) for output in outputs)


def _sources(item: Any) -> Iterator[str]:
    """The layers whose tensors a call names, in order."""
    if isinstance(item, dict):
        if item.get("class_name") == "__keras_tensor__":
            layer, _, tensor = item["config"]["keras_history"]
            if tensor:
                message = f"layer {layer!r} has several outputs; use layers of one output"
                raise UnsupportedLayerError(message)
            yield str(layer)
        else:
            for value in item.values():
                yield from _sources(value)
    elif isinstance(item, list):
        for value in item:
            yield from _sources(value)


def _in_order(path: Path, layers: list[Layer]) -> tuple[Layer, ...]:
    ordered: dict[str, Layer] = {}
    waiting = layers
    while waiting:
        ready = [layer for layer in waiting if all(name in ordered for name in layer.inputs)]
        if not ready:
            message = (
                f"{path.name}: layer {waiting[0].name!r} waits for itself or for a layer that is not there"
            )
            raise InputFileError(message)
        ordered.update((layer.name, layer) for layer in ready)
        waiting = [layer for layer in waiting if layer.name not in ordered]
    return tuple(ordered.values())


def _weights(path: Path, layers: list[tuple[str, str]]) -> dict[str, dict[str, NDArray[Any]]]:
    """Layer name → name inside the layer → array; Keras numbers the layers of a class in order."""
    h5py = require("h5py", extra="train", purpose="reading the weights of a Keras model")
    counts: dict[str, int] = {}
    found: dict[str, dict[str, NDArray[Any]]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(content, "r") as file:
            room = LARGEST
            for name, kind in layers:
                base = _snake_case(kind)
                count = counts[base] = counts.get(base, -1) + 1
                place = f"layers/{base}_{count}" if count else f"layers/{base}"
                found[name] = {}
                for key, dataset in _datasets(h5py, file, place):
                    room -= dataset.size * dataset.dtype.itemsize
                    if room < 0 or dataset.dtype.kind not in "fiu":
                        message = f"{dataset.name} is too large or does not hold numbers"
                        raise ValueError(message)
                    found[name][key.removeprefix("vars/").replace("/vars/", "/")] = np.asarray(dataset[()])
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, MemoryError) as error:
        reason = " ".join(str(error).split())[:160]
        message = f"{path.name}: its weights cannot be read ({reason}); save the model again"
        raise InputFileError(message) from error
    for name, arrays in found.items():
        if not all(np.isfinite(array).all() for array in arrays.values()):
            message = f"{path.name}: layer {name!r} has a weight that is not finite; train it again"
            raise InputFileError(message)
    return found


def _datasets(h5py: Any, group: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The arrays below `place`, by their path there; nothing that points outside of the file."""
    for part in place.split("/"):
        if part not in group:
            return
        group = group[part]
    waiting = [("", group)]
    while waiting:
        above, item = waiting.pop()
        for key in item:
            if not isinstance(item.get(key, getlink=True), h5py.HardLink):
                message = f"{item.name}/{key} is a link"
                raise ValueError(message)
            inner = item[key]
            if isinstance(inner, h5py.Group):
                waiting.append((f"{above}{key}/", inner))
            elif inner.is_virtual or inner.external:
                message = f"{inner.name} lies in another file"
                raise ValueError(message)
            else:
                yield f"{above}{key}", inner


def _snake_case(name: str) -> str:
    """Keras' own rule for the names in the weights file."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
