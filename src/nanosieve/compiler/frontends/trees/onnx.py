"""The nodes ``TreeEnsembleClassifier`` and ``TreeEnsembleRegressor`` of ONNX (``ai.onnx.ml``) as forests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.trees.forest import LEAF, Forest, TreeNodes, forest_of, refuse
from nanosieve.errors import InputFileError

__all__ = ["forest_of_onnx"]

_INCLUSIVE = {"BRANCH_LEQ": True, "BRANCH_LT": False, "BRANCH_GT": True, "BRANCH_GTE": False}
_TRUE_IS_RIGHT = ("BRANCH_GT", "BRANCH_GTE")


def forest_of_onnx(attributes: Mapping[str, Any], features: int, where: str) -> Forest:
    """The forest of a node; its outputs are the scores before ``post_transform``, in the order of the ids.

    A classifier of two classes whose leaves all name one class has that one column filled; ONNX derives the
    other from it.

    Args:
        attributes: of the node, lists of numbers and text, as `onnx.helper.get_attribute_value` gives them.
        features: length of its input.
        where: name of the node, for messages.

    Raises:
        InputFileError: the attributes do not fit together.
        UnsupportedLayerError: another mode or aggregate.
    """
    aggregate = _text(attributes.get("aggregate_function", "SUM"))
    if aggregate not in ("SUM", "AVERAGE"):
        raise refuse(where, f"aggregate_function {aggregate!r}", "export the ensemble with SUM or AVERAGE")
    kind = "class" if "class_ids" in attributes else "target"
    try:
        leaves = [
            np.asarray(attributes[f"{kind}_{part}"]) for part in ("treeids", "nodeids", "ids", "weights")
        ]
        labels = attributes.get("classlabels_int64s") or attributes.get("classlabels_strings")
        outputs = len(labels) if kind == "class" and labels else int(attributes.get("n_targets", 1))
        ids = np.asarray(attributes["nodes_treeids"], dtype=np.int64)
        names = np.unique(ids)
        trees = [_tree(attributes, ids == name, name, leaves, outputs, where) for name in names]
        base = attributes.get("base_values") or 0.0
        if aggregate == "AVERAGE":
            trees = [TreeNodes(t.feature, t.threshold, t.left, t.right, t.value / len(trees), t.inclusive)
                     for t in trees]  # fmt: skip
        return forest_of(trees, np.asarray(base, dtype=np.float64), outputs, features, where)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        message = f"{where}: the attributes of the tree ensemble do not fit together ({reason}); export again"
        raise InputFileError(message) from error


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _tree(
    attributes: Mapping[str, Any],
    own: NDArray[np.bool_],
    name: int,
    leaves: list[NDArray[Any]],
    outputs: int,
    where: str,
) -> TreeNodes:
    modes = [_text(mode) for mode, mine in zip(attributes["nodes_modes"], own, strict=True) if mine]
    for mode in modes:
        if mode not in (*_INCLUSIVE, "LEAF"):
            raise refuse(where, f"a node of mode {mode!r}", f"accepted are {', '.join(_INCLUSIVE)}")
    node_ids = np.asarray(attributes["nodes_nodeids"], dtype=np.int64)[own]
    place = {int(node): n for n, node in enumerate(node_ids)}
    leaf = np.array([mode == "LEAF" for mode in modes])
    right_if_true = np.array([mode in _TRUE_IS_RIGHT for mode in modes])
    children = [
        np.array([place.get(int(node), -1) for node in np.asarray(attributes[f"nodes_{side}nodeids"])[own]])
        for side in ("true", "false")
    ]
    value = np.zeros((len(modes), outputs))
    tree_ids, nodes, ids, weights = leaves
    for node, output, weight in zip(*(a[tree_ids == name] for a in (nodes, ids, weights)), strict=True):
        value[place[int(node)], int(output)] += float(weight)
    return TreeNodes(
        np.where(leaf, LEAF, np.asarray(attributes["nodes_featureids"], dtype=np.int64)[own]),
        np.asarray(attributes["nodes_values"], dtype=np.float32).astype(np.float64)[own],
        np.where(right_if_true, children[1], children[0]),
        np.where(right_if_true, children[0], children[1]),
        value,
        np.array([_INCLUSIVE.get(mode, False) for mode in modes]),
    )
