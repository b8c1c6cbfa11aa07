"""XGBoost models, as JSON or UBJSON; read without XGBoost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import installed
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.trees.forest import (
    LEAF,
    OUTPUT,
    Forest,
    TreeNodes,
    events_of,
    forest_of,
    read_bytes,
    refuse,
)
from nanosieve.compiler.frontends.trees.graph import forest_graph
from nanosieve.compiler.frontends.trees.ubjson import read_ubjson
from nanosieve.compiler.graph import Graph
from nanosieve.errors import InputFileError

__all__ = ["load", "read_forest", "run"]

_LOGISTIC = ("binary:logistic", "binary:logitraw", "reg:logistic")
_LOGARITHM = ("count:poisson", "reg:gamma", "reg:tweedie")
_PLAIN = (
    "binary:hinge", "multi:softmax", "multi:softprob", "rank:map", "rank:ndcg", "rank:pairwise",
    "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "reg:squarederror",
    "reg:squaredlogerror",
)  # fmt: skip


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The graph of the margins; see `nanosieve.compiler.frontends.load_model`."""
    graph = forest_graph(read_forest(path), name=path.stem, calibration=calibration)
    return replace(graph, source=path)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """The margins by XGBoost where it is installed, else by the trees of the file."""
    forest = read_forest(path)
    x = events_of(forest, inputs)
    xgboost = installed("xgboost")
    if xgboost is None:
        return {OUTPUT: forest.predict(x)}
    booster = xgboost.Booster(model_file=str(path))
    margins = booster.inplace_predict(x, predict_type="margin", validate_features=False)
    return {OUTPUT: np.asarray(margins, dtype=np.float64).reshape(len(x), -1)}


def read_forest(path: Path) -> Forest:
    """The trees of the file.

    Raises:
        InputFileError: damaged, too large, or no model of XGBoost.
        UnsupportedLayerError: a categorical split, a linear booster, trees of vectors, or another objective.
    """
    content = read_bytes(path, path.suffix)
    try:
        model = read_ubjson(content) if path.suffix == ".ubj" else json.loads(content)
        return _forest(path.name, model["learner"])
    except (KeyError, TypeError, ValueError, IndexError, RecursionError, OverflowError) as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        message = f"{path.name} is not a model of XGBoost ({reason}); save it with model.save_model(...)"
        raise InputFileError(message) from error


def _forest(source: str, learner: Mapping[str, Any]) -> Forest:
    booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
    weights = None
    if booster["name"] == "dart":
        weights, booster = [float(w) for w in booster["weight_drop"]], booster["gbtree"]
    elif booster["name"] != "gbtree":
        raise refuse(source, f"booster {booster['name']!r} has no trees", "train with gbtree or dart")
    outputs = max(int(parameters["num_class"]), int(parameters.get("num_target", 1)), 1)
    features = int(parameters["num_feature"])
    model = booster["model"]
    trees = []
    for number, (tree, output) in enumerate(zip(model["trees"], model["tree_info"], strict=True)):
        if not 0 <= int(output) < outputs:
            message = f"tree {number} serves output {output} of {outputs}"
            raise ValueError(message)
        weight = 1.0 if weights is None else weights[number]
        trees.append(_tree(f"{source}: tree {number}", tree, outputs, int(output), weight))
    base = _base(source, parameters["base_score"], str(learner["objective"]["name"]))
    return forest_of(trees, base if base.size > 1 else float(base[0]), outputs, features, source)


def _tree(where: str, tree: Mapping[str, Any], outputs: int, output: int, weight: float) -> TreeNodes:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise refuse(where, "its leaves hold vectors", "train with multi_strategy='one_output_per_tree'")
    if np.any(np.asarray(tree.get("split_type", 0)) != 0):
        raise refuse(where, "it has a categorical split", "encode the categories as numbers and train again")
    left, right = (np.asarray(tree[side], dtype=np.int64) for side in ("left_children", "right_children"))
    conditions = np.asarray(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    feature = np.where(left < 0, LEAF, np.asarray(tree["split_indices"], dtype=np.int64))
    value = np.zeros((len(left), outputs))
    value[left < 0, output] = conditions[left < 0] * weight
    return TreeNodes(feature, conditions, left, right, value, False)


def _base(source: str, text: Any, objective: str) -> NDArray[np.float64]:
    """The base score as a margin; the file holds it as the objective's own quantity."""
    base = np.atleast_1d(np.asarray(json.loads(str(text)), dtype=np.float32)).astype(np.float64)
    if objective in _LOGISTIC and np.all((base > 0) & (base < 1)):
        return -np.log(1 / base - 1)
    if objective in _LOGARITHM and np.all(base > 0):
        return np.log(base)
    if objective in _PLAIN:
        return base
    known = ", ".join((*_LOGISTIC, *_LOGARITHM, *_PLAIN))
    raise refuse(source, f"objective {objective!r} with base score {text}", f"accepted are {known}")
