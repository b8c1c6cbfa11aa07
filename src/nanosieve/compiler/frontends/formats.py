"""Which front end reads a model file: by its suffix, and for ``.keras`` by the layers it names.

A front end is a module with two functions:

- ``load(path, calibration)`` makes the graph; `calibration` is None for a model that states its types;
- ``run(path, inputs)`` is the framework's side of a comparison: real values by input name, to real values
  (events, …) by output name, the names being those of the graph.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve.compiler.frontends.archive import packages
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.graph import Graph

__all__ = ["front_end", "load_model", "run_model"]

_HERE = "nanosieve.compiler.frontends"
BY_SUFFIX = {
    ".json": "trees.xgboost",
    ".keras": "hgq.model",
    ".onnx": "onnx.model",
    ".skops": "trees.sklearn",
    ".txt": "trees.lightgbm",
    ".ubj": "trees.xgboost",
}
"""Suffix → module of the front end."""


def front_end(path: str | Path) -> Any:
    """The module that reads the file.

    Raises:
        InputFileError: missing, or of a kind that no front end reads.
    """
    path = existing_file(Path(path), kind="model", suffixes=tuple(BY_SUFFIX))
    module = BY_SUFFIX[path.suffix]
    if path.suffix == ".keras":
        module = _keras_front_end(packages(path))
    return importlib.import_module(f"{_HERE}.{module}")


def _keras_front_end(named: set[str]) -> str:
    """The front end for a ``.keras`` file whose layers come from the packages `named`."""
    if "qkeras" in named:
        return "qkeras.model"
    return "keras_float.model" if named <= {"keras", "builtins"} else "hgq.model"


def load_model(path: str | Path, calibration: Calibration | None = None) -> Graph:
    """The fixed-point graph of a model file.

    Args:
        path: the file.
        calibration: sample and precision for a model that does not state its types.

    Raises:
        InputFileError: missing, damaged, or of a kind that no front end reads.
        UnsupportedLayerError: a layer or option that the compiler does not know, by name.
        InexactModelError: arithmetic that no fixed-point hardware reproduces exactly.
        SettingsError: a calibration is missing, or given for a model that states its types.
    """
    graph: Graph = front_end(path).load(Path(path), calibration)
    return graph


def run_model(path: str | Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """What the framework computes: input name → (events, …), to output name → (events, …).

    Raises:
        InputFileError, UnsupportedLayerError: as `load_model`.
        MissingDependencyError: the framework is not installed.
    """
    outputs: dict[str, NDArray[np.float64]] = front_end(path).run(Path(path), inputs)
    return outputs
