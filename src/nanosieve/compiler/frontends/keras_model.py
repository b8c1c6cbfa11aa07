"""Loading Keras models in safe mode and running them as the framework's side of a comparison."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.frontends.archive import check_archive, read_config, where_is
from nanosieve.errors import InputFileError, UnsupportedLayerError

__all__ = ["evaluate", "framework_outputs", "load_keras_model", "output_names"]

BATCH = 8192
"""Most events that the framework takes at a time."""
LARGEST = 1 << 22
"""Most input elements at a time."""


def load_keras_model(path: str | Path, *, modules: tuple[str, ...] = ()) -> Any:
    """The Keras model in `path`; nothing in the file is executed.

    Args:
        path: the ``.keras`` file.
        modules: modules of this package whose classes it may name, beside `keras_layers`.

    Raises:
        InputFileError: the file is missing, damaged, or does not fit the installed Keras or HGQ2.
        UnsupportedLayerError: it names classes from elsewhere.
        MissingDependencyError: Keras or HGQ2 is not installed.
    """
    path = check_archive(path, modules)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = require("keras", extra="train", purpose="reading a Keras model")
    require("hgq.layers", extra="train", purpose="reading a quantised Keras model")
    for module in ("nanosieve.compiler.frontends.keras_layers", *modules):
        require(module, extra="train", purpose="reading a trigger model")  # makes its classes known to Keras
    try:
        return keras.saving.load_model(path, custom_objects=_earlier_names(), compile=False, safe_mode=True)
    except (TypeError, ValueError, KeyError, AttributeError, OSError, AssertionError) as error:
        raise InputFileError(_complaint(path, error)) from error


def _earlier_names() -> dict[str, Any]:
    """Layers of tables by the names under which earlier versions of HGQ2 saved them."""
    layers = require("hgq.layers", extra="train", purpose="reading a quantised Keras model")
    return {f"hgq2>{name}": getattr(layers, name) for name in ("QDenseT", "QConvT1D", "QConvT2D")}


def _complaint(path: Path, error: Exception) -> str:
    """Keras' long message in one line."""
    unknown = re.search(
        r"Could not (?:locate class|locate function|deserialize) '(?:\w+\.)*(\w+)'", str(error)
    )
    if unknown is not None:
        return (
            f"{path.name}: {where_is(read_config(path), unknown[1])} is of {unknown[1]!r}, which the "
            "installed Keras and HGQ2 do not have; build the network of their layers and save it again"
        )
    innermost = str(error).rsplit("Exception encountered:", maxsplit=1)[-1]
    reason = " ".join(innermost.split())[:160]
    return f"{path.name}: Keras cannot build the model ({reason}); save it with the installed versions"


def output_names(model: Any) -> list[str]:
    """Names of the layers that the outputs come from, in order.

    Raises:
        UnsupportedLayerError: two outputs come from one layer.
    """
    names = [str(tensor._keras_history.operation.name) for tensor in model.outputs]
    if len(set(names)) < len(names):
        message = f"two outputs of the model come from one layer ({', '.join(names)}); name them apart"
        raise UnsupportedLayerError(message)
    return names


def framework_outputs(
    path: str | Path, inputs: Mapping[str, NDArray[Any]] | NDArray[Any]
) -> dict[str, NDArray[np.float64]]:
    """What the framework itself computes.

    Args:
        path: the ``.keras`` file.
        inputs: (events, *input shape) by input name, or of the only input.

    Returns:
        Output name → array (events, *output shape).

    Raises:
        InputFileError, UnsupportedLayerError: as `load_keras_model`.
    """
    model = load_keras_model(path)
    names = [str(tensor._keras_history.operation.name) for tensor in model.inputs]
    named = inputs if isinstance(inputs, Mapping) else dict.fromkeys(names, inputs)
    arrays = [np.asarray(named[name], dtype=np.float32) for name in names]
    return dict(zip(output_names(model), evaluate(model, arrays), strict=True))


def evaluate(model: Any, arrays: list[NDArray[np.float32]]) -> list[NDArray[np.float64]]:
    """The outputs of a Keras model for its inputs, a batch at a time, products in full float32."""
    jax = require("jax", extra="train", purpose="running a Keras model")
    parts: list[list[NDArray[np.float64]]] = [[] for _ in model.outputs]
    function = jax.jit(lambda batch: model(batch if len(batch) > 1 else batch[0], training=False))
    few = 1 << (len(arrays[0]) - 1).bit_length()
    size = max(1, min(BATCH, few, LARGEST // max(1, *(array[0].size for array in arrays))))
    with jax.default_matmul_precision("highest"):
        for start in range(0, len(arrays[0]), size):
            batch = [_filled(array[start : start + size], size) for array in arrays]
            outputs = function(batch)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            count = min(size, len(arrays[0]) - start)
            for values, output in zip(parts, outputs, strict=True):
                values.append(np.asarray(output, dtype=np.float64)[:count])
    return [np.concatenate(values) for values in parts]


def _filled(batch: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """`batch` with zeros behind it: one shape, one compilation."""
    full = np.zeros((size, *batch.shape[1:]), dtype=np.float32)
    full[: len(batch)] = batch
    return full
