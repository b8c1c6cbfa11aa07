"""LightGBM models in their text form; read without LightGBM."""

from __future__ import annotations

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
from nanosieve.compiler.graph import Graph
from nanosieve.errors import InputFileError

__all__ = ["load", "read_forest", "run"]

CATEGORICAL, DEFAULT_LEFT = 1, 2
AVERAGED = "\naverage_output\n"
"""The line of a random forest, whose trees are averaged."""
MISSING_ZERO = 1
"""The kind of missing value, bits 2 and 3 of a decision, where zero counts as missing."""


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The graph of the raw scores; see `nanosieve.compiler.frontends.load_model`."""
    graph = forest_graph(read_forest(path), name=path.stem, calibration=calibration)
    return replace(graph, source=path)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """The raw scores by LightGBM where it is installed, else by the trees of the file."""
    forest = read_forest(path)
    x = events_of(forest, inputs)
    lightgbm = installed("lightgbm")
    if lightgbm is None:
        return {OUTPUT: forest.predict(x)}
    scores = lightgbm.Booster(model_file=str(path)).predict(x, raw_score=True)
    scores = np.asarray(scores, dtype=np.float64).reshape(len(x), -1)
    if AVERAGED.encode() in path.read_bytes():  # raw scores are sums, whatever the file asks for
        scores = scores * scores.shape[1] / len(forest.roots)
    return {OUTPUT: scores}


def read_forest(path: Path) -> Forest:
    """The trees of the file.

    Raises:
        InputFileError: damaged, too large, or no model of LightGBM.
        UnsupportedLayerError: a categorical split, a linear leaf, or zeros that count as missing.
    """
    content = read_bytes(path, ".txt")
    try:
        return _forest(path.name, content.decode("utf-8"))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        message = f"{path.name} is not a model of LightGBM ({reason}); save it with booster.save_model(...)"
        raise InputFileError(message) from error


def _forest(source: str, text: str) -> Forest:
    trees_text, end, _ = text.partition("\nend of trees")
    head, *blocks = trees_text.split("\nTree=")
    header = _settings(head)
    if not head.startswith("tree\n") or not end:
        message = "it does not start with 'tree' or is cut off"
        raise ValueError(message)
    outputs = int(header["num_tree_per_iteration"])
    trees = [
        _tree(f"{source}: tree {n}", _settings(block), outputs, n % outputs) for n, block in enumerate(blocks)
    ]
    if AVERAGED.strip() in header:
        factor = outputs / len(trees)
        trees = [replace(tree, value=tree.value * factor) for tree in trees]
    return forest_of(trees, 0.0, outputs, int(header["max_feature_idx"]) + 1, source)


def _settings(block: str) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in block.splitlines())}


def _tree(where: str, tree: Mapping[str, str], outputs: int, output: int) -> TreeNodes:
    """Inner nodes come first, then the leaves; a child below zero is the leaf ``-child - 1``."""
    if tree.get("is_linear", "0") != "0":
        raise refuse(where, "its leaves are linear functions", "train with linear_tree=false")
    leaves = int(tree["num_leaves"])
    inner = leaves - 1

    def numbers(name: str, count: int, kind: Any) -> NDArray[Any]:
        values = np.array(tree[name].split() if count else [], dtype=kind)
        if len(values) != count:
            message = f"{name} has {len(values)} entries, not {count}"
            raise ValueError(message)
        return values

    feature, decision, left, right = (
        numbers(name, inner, np.int64)
        for name in ("split_feature", "decision_type", "left_child", "right_child")
    )
    threshold = numbers("threshold", inner, np.float64)
    if np.any(decision & CATEGORICAL):
        raise refuse(where, "it has a categorical split", "encode the categories as numbers and train again")
    zero_left = (decision & DEFAULT_LEFT != 0) == (threshold >= 0)
    if np.any((decision >> 2 == MISSING_ZERO) & ~zero_left):
        raise refuse(where, "zeros count as missing", "train with zero_as_missing=false")
    value = np.zeros((inner + leaves, outputs))
    value[inner:, output] = numbers("leaf_value", leaves, np.float64)
    nothing = np.full(leaves, LEAF)
    left, right = (np.concatenate([np.where(s < 0, inner - s - 1, s), nothing]) for s in (left, right))
    return TreeNodes(
        np.concatenate([feature, nothing]),
        np.concatenate([threshold, np.zeros(leaves)]),
        left,
        right,
        value,
        True,
    )
