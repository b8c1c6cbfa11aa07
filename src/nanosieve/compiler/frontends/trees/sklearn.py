"""Tree ensembles of scikit-learn, saved with skops: a file of types and arrays, without pickle."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve._require import require
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.trees.forest import (
    LARGEST,
    LEAF,
    OUTPUT,
    Forest,
    TreeNodes,
    events_of,
    forest_of,
    refuse,
)
from nanosieve.compiler.frontends.trees.graph import forest_graph
from nanosieve.compiler.graph import Graph
from nanosieve.errors import InputFileError

__all__ = ["load", "read_forest", "run"]

TRUSTED = ("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
_MODULES = re.compile(
    r"(builtins|numpy|numpy\.random\.(mtrand|_generator|bit_generator|_[a-z0-9]+)|numpy\.dtypes"
    r"|sklearn\.(dummy|_loss(\.\w+)*|tree\._\w+|ensemble\.\w+(\.\w+)*|preprocessing\._label|utils\._bunch))"
)
_LOADERS = {
    "DictNode", "JsonNode", "ListNode", "LossNode", "NdArrayNode", "ObjectNode", "RandomGeneratorNode",
    "RandomStateNode", "SetNode", "SliceNode", "TreeNode", "TupleNode", "TypeNode",
}  # fmt: skip
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, KeyError, TypeError, ValueError,
    AttributeError, IndexError, RecursionError,
)  # fmt: skip
_BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
_HISTOGRAM = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_AVERAGED = (
    "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
    "ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor",
)  # fmt: skip


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The graph of the scores; see `nanosieve.compiler.frontends.load_model`."""
    graph = forest_graph(read_forest(path), name=path.stem, calibration=calibration)
    return replace(graph, source=path)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """The scores by scikit-learn: margins of boosted classifiers, probabilities of the others, else values.

    Of two classes the second alone has a score.
    """
    model = _model(path)
    forest = _forest(path.name, model)  # before anything walks through the trees
    return {OUTPUT: _scores(model, events_of(forest, inputs))}


def read_forest(path: Path) -> Forest:
    """The trees of the file.

    Raises:
        InputFileError: damaged, or too large.
        UnsupportedLayerError: another model, categories, or types from elsewhere.
        MissingDependencyError: skops or scikit-learn is not installed.
    """
    return _forest(path.name, _model(path))


def _model(path: Path) -> Any:
    """The estimator; the file may name types of scikit-learn's trees and of NumPy alone."""
    path = existing_file(path, kind="model", suffixes=(".skops",))
    skops = require("skops.io", extra="trees", purpose="reading a model of scikit-learn")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                message = f"it unpacks to more than {LARGEST // 1024**2} MiB"
                raise ValueError(message)
            schema = json.loads(archive.read("schema.json"))
        for module, name, loader in _types(schema):
            if not _MODULES.fullmatch(module) or loader not in _LOADERS:
                raise refuse(
                    path.name,
                    f"it names {module}.{name} ({loader}), which is no part of a tree ensemble",
                    "save the fitted ensemble alone, without pipeline or parameters of other types",
                )
        return skops.load(path, trusted=list(TRUSTED))
    except _DAMAGE as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        message = f"{path.name} is not a model saved with skops.io.dump ({reason}); save it again"
        raise InputFileError(message) from error


def _types(item: Any) -> Iterator[tuple[str, str, str]]:
    """Every type that the file names, at any depth."""
    stack = [item]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "__module__" in item:
                yield tuple(str(item.get(key)) for key in ("__module__", "__class__", "__loader__"))  # type: ignore[misc]
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _forest(source: str, model: Any) -> Forest:
    kind = type(model).__name__
    try:
        if kind in _BOOSTED:
            grid = np.atleast_2d(model.estimators_)
            outputs = grid.shape[1]
            trees = [
                _tree(source, tree.tree_, outputs, n, model.learning_rate)
                for row in grid
                for n, tree in enumerate(row)
            ]
        elif kind in _HISTOGRAM:
            outputs = len(model._predictors[0])
            trees = [
                _histogram_tree(source, tree.nodes, outputs, n)
                for row in model._predictors
                for n, tree in enumerate(row)
            ]
        elif kind in _AVERAGED:
            members = getattr(model, "estimators_", [model])
            trees = [_tree(source, tree.tree_, None, 0, 1 / len(members)) for tree in members]
            outputs = trees[0].value.shape[1]
        else:
            known = ", ".join((*_BOOSTED, *_HISTOGRAM, *_AVERAGED))
            raise refuse(source, f"{kind} is not supported", f"accepted are {known}")
        forest = forest_of(trees, 0.0, outputs, int(model.n_features_in_), source)
        if kind in _AVERAGED:
            return forest
        if getattr(model, "loss", None) in ("poisson", "gamma"):
            raise refuse(source, f"loss {model.loss!r} predicts exponentials", "train with squared_error")
        start = np.zeros((1, forest.features), dtype=np.float32)
        return replace(forest, base=_scores(model, start)[0] - forest.predict(start)[0])
    except _DAMAGE as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        message = f"{source} holds no fitted {kind} of this version of scikit-learn ({reason}); save it again"
        raise InputFileError(message) from error


def _scores(model: Any, x: NDArray[np.float32]) -> NDArray[np.float64]:
    if type(model).__name__ in (*_BOOSTED, *_HISTOGRAM) and hasattr(model, "decision_function"):
        scores = model.decision_function(x)
    elif hasattr(model, "predict_proba"):
        scores = model.predict_proba(x)
        scores = scores[:, 1:] if scores.shape[1] == 2 else scores
    else:
        scores = model.predict(x)
    return np.asarray(scores, dtype=np.float64).reshape(len(x), -1)


def _tree(source: str, tree: Any, outputs: int | None, output: int, weight: float) -> TreeNodes:
    """A tree of `sklearn.tree`; with `outputs` None its leaves hold fractions of classes, or a value."""
    if tree.n_outputs != 1:
        raise refuse(source, f"it predicts {tree.n_outputs} targets at once", "train one model for each")
    leaf = np.asarray(tree.children_left) < 0
    value = np.asarray(tree.value, dtype=np.float64)[:, 0, :]
    if outputs is not None:
        value = np.eye(1, outputs, output) * value
    elif value.shape[1] > 1:
        value = value / value.sum(axis=1, keepdims=True)
        value = value[:, 1:] if value.shape[1] == 2 else value
    return TreeNodes(
        np.where(leaf, LEAF, np.asarray(tree.feature, dtype=np.int64)),
        np.asarray(tree.threshold, dtype=np.float64),
        np.asarray(tree.children_left, dtype=np.int64),
        np.asarray(tree.children_right, dtype=np.int64),
        value * weight,
        True,
    )


def _histogram_tree(source: str, nodes: NDArray[Any], outputs: int, output: int) -> TreeNodes:
    leaf = nodes["is_leaf"] != 0
    if np.any(nodes["is_categorical"][~leaf]):
        raise refuse(source, "it has a categorical split", "encode the categories as numbers and train again")
    return TreeNodes(
        np.where(leaf, LEAF, nodes["feature_idx"].astype(np.int64)),
        nodes["num_threshold"].astype(np.float64),
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        np.eye(1, outputs, output) * nodes["value"].astype(np.float64)[:, np.newaxis],
        True,
    )
