"""Boosted decision trees, whatever library trained them: a `Forest` of arrays and its meaning."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve.errors import InputFileError, SampleError, UnknownNameError, UnsupportedLayerError

__all__ = ["INPUT", "OUTPUT", "Forest", "TreeNodes", "events_of", "forest_of", "read_bytes"]

INPUT = "features"
"""Name of the input of every forest."""
OUTPUT = "score"
"""Name of its output: margins of a boosted classifier, probabilities of one that averages, or values."""
LARGEST = 1 << 28
"""Bytes that a model file may have."""
MOST_FEATURES = 1 << 16
LEAF = -1
"""The feature of a leaf."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class TreeNodes:
    """The nodes of one tree; node 0 is its root.

    Attributes:
        feature: what each node compares, `LEAF` at leaves; shape (nodes,).
        threshold: with what.
        left, right: children; left if ``x < threshold``, or ``x <= threshold`` where `inclusive`.
        value: what each leaf adds to each output, shape (nodes, outputs).
        inclusive: for each node, or for all.
    """

    feature: Places
    threshold: Floats
    left: Places
    right: Places
    value: Floats
    inclusive: NDArray[np.bool_] | bool


@dataclass(frozen=True)
class Forest:
    """The nodes of all trees side by side, as in `TreeNodes`; the score is `base` plus a leaf of each tree.

    Attributes:
        roots: node of the root of each tree.
        base: what each output starts from, shape (outputs,).
        features: length of an event.
    """

    feature: Places
    threshold: Floats
    left: Places
    right: Places
    value: Floats
    inclusive: NDArray[np.bool_]
    roots: Places
    base: Floats
    features: int

    def levels(self) -> list[Places]:
        """The nodes by their distance from the root."""
        found, level = [], self.roots
        while level.size:
            found.append(level)
            inner = level[self.feature[level] != LEAF]
            level = np.concatenate([self.left[inner], self.right[inner]])
        return found

    def heights(self) -> Places:
        """Distance of each node to the deepest leaf below it."""
        height = np.zeros(len(self.feature), dtype=np.int64)
        for level in reversed(self.levels()):
            inner = level[self.feature[level] != LEAF]
            height[inner] = 1 + np.maximum(height[self.left[inner]], height[self.right[inner]])
        return height

    def predict(self, x: NDArray[Any]) -> Floats:
        """The scores of events (events, features), shape (events, outputs)."""
        score = np.tile(self.base, (len(x), 1))
        events = np.arange(len(x))
        for root in self.roots:
            node = np.full(len(x), root)
            while (inner := self.feature[node] != LEAF).any():
                given, threshold = x[events, np.maximum(self.feature[node], 0)], self.threshold[node]
                right = np.where(self.inclusive[node], given > threshold, given >= threshold)
                node = np.where(inner, np.where(right, self.right[node], self.left[node]), node)
            score += self.value[node]
        return score


def forest_of(
    trees: list[TreeNodes], base: NDArray[Any] | float, outputs: int, features: int, source: str
) -> Forest:
    """The forest of the trees, checked.

    Args:
        trees: each with children counted inside of it.
        base: what the outputs start from, one number or one for each.
        outputs: number of them.
        features: length of an event.
        source: name of the file, for messages.

    Raises:
        InputFileError: a node that is missing or reached twice, a feature out of range, or a number that is
            not finite.
    """
    if not trees or not 0 < features <= MOST_FEATURES or not 0 < outputs <= MOST_FEATURES:
        message = f"{source} has {len(trees)} trees, {features} features and {outputs} outputs; save it again"
        raise InputFileError(message)
    trees = [_checked(tree, outputs, features, f"{source}: tree {n}") for n, tree in enumerate(trees)]
    sizes = np.array([len(tree.feature) for tree in trees])
    roots = np.cumsum(sizes) - sizes
    joined = {f.name: np.concatenate([getattr(tree, f.name) for tree in trees]) for f in fields(TreeNodes)}
    for side in ("left", "right"):
        joined[side] = np.where(joined["feature"] == LEAF, LEAF, joined[side] + np.repeat(roots, sizes))
    start = np.broadcast_to(np.asarray(base, dtype=np.float64), (outputs,)).copy()
    if not np.isfinite(start).all():
        message = f"{source}: its base score is not finite; train it again"
        raise InputFileError(message)
    return Forest(**joined, roots=roots, base=start, features=features)


def _checked(tree: TreeNodes, outputs: int, features: int, where: str) -> TreeNodes:
    """The tree, nodes that cannot be reached (which pruning leaves behind) made leaves of nothing."""
    nodes = len(tree.feature)
    lengths = {len(tree.threshold), len(tree.left), len(tree.right)}
    wrong = None
    if not nodes or lengths != {nodes} or tree.value.shape != (nodes, outputs):
        wrong = "its arrays differ in length"
    else:
        reached, wrong = _walk(tree)
        inner = reached & (tree.feature != LEAF)
        leaf = reached & ~inner
        if not wrong and np.any((tree.feature[inner] < 0) | (tree.feature[inner] >= features)):
            wrong = f"it asks for a feature outside of 0 … {features - 1}"
        if not wrong and not (
            np.isfinite(tree.threshold[inner]).all() and np.isfinite(tree.value[leaf]).all()
        ):
            wrong = "a threshold or leaf is not finite"
    if wrong:
        message = f"{where}: {wrong}; the file is damaged, save it again"
        raise InputFileError(message)
    return TreeNodes(
        np.where(inner, tree.feature, LEAF),
        np.where(inner, tree.threshold, 0.0),
        tree.left,
        tree.right,
        np.where(leaf[:, np.newaxis], tree.value, 0.0),
        np.broadcast_to(tree.inclusive, (nodes,)),
    )


def _walk(tree: TreeNodes) -> tuple[NDArray[np.bool_], str | None]:
    """The nodes below the root, and what is wrong with the way there."""
    nodes = len(tree.feature)
    reached = np.zeros(nodes, dtype=np.bool_)
    level = np.zeros(1, dtype=np.int64)
    while level.size:
        if level.min() < 0 or level.max() >= nodes:
            return reached, f"a child is not one of its {nodes} nodes"
        if reached[level].any() or len(np.unique(level)) < len(level):
            return reached, "a node is reached twice"
        reached[level] = True
        inner = level[tree.feature[level] != LEAF]
        level = np.concatenate([tree.left[inner], tree.right[inner]])
    return reached, None


def read_bytes(path: Path, suffix: str) -> bytes:
    """The content of a model file.

    Raises:
        InputFileError: missing, of another kind, or too large.
    """
    path = existing_file(path, kind="model", suffixes=(suffix,))
    if path.stat().st_size > LARGEST:
        message = f"{str(path)!r} has more than {LARGEST // 1024**2} MiB; refused"
        raise InputFileError(message)
    return path.read_bytes()


def events_of(forest: Forest, inputs: Any) -> NDArray[np.float32]:
    """The events of a forest out of its inputs by name, as float32.

    Raises:
        UnknownNameError, SampleError: another name, another shape, or NaN.
    """
    for name in inputs:
        if name != INPUT:
            raise UnknownNameError.among("input", name, [INPUT])
    x = np.asarray(inputs[INPUT], dtype=np.float32)
    if x.ndim != 2 or x.shape[1] != forest.features or not np.isfinite(x).all():
        message = (
            f"input {INPUT!r} takes finite numbers (events, {forest.features}), not {x.shape}"
            f"{'' if np.isfinite(x).all() else ' with NaN or infinity'}; choose the columns of the training"
        )
        raise SampleError(message)
    return x


def refuse(source: str, what: str, remedy: str) -> UnsupportedLayerError:
    """The error for what no forest can be made of."""
    return UnsupportedLayerError(f"{source}: {what}; {remedy}")
