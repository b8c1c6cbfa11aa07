"""A forest as a graph: comparisons with constants, tables over a few of them, then choices upwards.

All trees are done at once. A comparison that several nodes share is made once, and so is a subtree that
occurs twice. Subtrees of up to `TABLE_BITS` different comparisons (a whole tree of depth three) are tables,
nodes above them choices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.trees.forest import INPUT, LEAF, OUTPUT, Forest
from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Fixed,
    Gather,
    Graph,
    GreaterEqual,
    Integers,
    Lookup,
    Reshape,
    Select,
    Sum,
    TensorType,
)

__all__ = ["forest_graph", "leaf_exponent", "port_type"]

PORT_BITS = 16
"""Width of a feature whose type is not stated."""
LEAF_BITS = 12
"""Width of the largest leaf where the leaves are real numbers."""
TABLE_BITS = 7
"""Most comparisons of a table; a LUT has six inputs, and pairs of them share a multiplexer."""
SHORT_LEAF = 16
"""Leaves that fit in so many bits are kept as they are."""


def port_type(forest: Forest, fixed: Fixed | None = None) -> TensorType:
    """The type of the features: `fixed` for all, or for each as wide as its thresholds ask for.

    A value beyond all thresholds of its feature may saturate, since the comparisons do not change. A feature
    that no node asks for takes no bits.
    """
    if fixed is not None:
        return TensorType.of(fixed, (forest.features,))
    inner = forest.feature != LEAF
    largest = np.zeros(forest.features)
    np.maximum.at(largest, forest.feature[inner], np.abs(forest.threshold[inner]))
    used = np.bincount(forest.feature[inner], minlength=forest.features) > 0
    # two steps of room, so that the codes next to a threshold exist
    _, integer = np.frexp(largest * (1 + 2.0 ** (3 - PORT_BITS)))
    integer = np.maximum(integer, -32)
    half = 1 << (PORT_BITS - 1)
    low, high = np.where(used, -half, 0), np.where(used, half - 1, 0)
    return TensorType(low, high, np.where(used, integer + 1 - PORT_BITS, 0))


def leaf_exponent(forest: Forest) -> tuple[int, bool]:
    """The step ``2**exponent`` of the leaves, and whether it holds all of them and the base exactly."""
    numbers = np.concatenate([forest.value[forest.feature == LEAF].ravel(), forest.base])
    numbers = numbers[numbers != 0]
    if not numbers.size:
        return 0, True
    _, top = np.frexp(np.abs(numbers).max())
    step = int(top) - SHORT_LEAF
    scaled = np.ldexp(numbers, -step)
    codes = np.rint(scaled).astype(np.int64)
    if np.array_equal(codes, scaled):
        together = int(np.bitwise_or.reduce(np.abs(codes)))
        return step + (together & -together).bit_length() - 1, True
    leaves = np.abs(forest.value[forest.feature == LEAF]).max()
    return int(np.frexp(leaves)[1]) - LEAF_BITS + 1, False


def threshold_codes(forest: Forest, exponent: Integers) -> Integers:
    """For each inner node the smallest code of its feature that goes right.

    ``x >= t`` holds from ``ceil(t / step)``, ``x > t`` from the code behind ``floor(t / step)``.
    """
    scaled = np.ldexp(forest.threshold, -exponent[np.maximum(forest.feature, 0)])
    scaled = np.clip(np.where(forest.feature == LEAF, 0, scaled), -(2.0**60), 2.0**60)
    return np.where(forest.inclusive, np.floor(scaled) + 1, np.ceil(scaled)).astype(np.int64)


def forest_graph(
    forest: Forest, *, name: str, calibration: Calibration | None = None, decision: bool = False
) -> Graph:
    """The graph of a forest: `INPUT` (features,) to `OUTPUT` (outputs,).

    Args:
        forest: the trees.
        name: of the graph.
        calibration: whose ``precision`` is the type of every feature; without it see `port_type`.
        decision: give the index of the largest output as well, as the output ``class``.

    Returns:
        The graph; it is exact, on numbers that the port can hold, where no leaf had to be rounded.

    Raises:
        SettingsError: the precision is not a fixed-point type.
    """
    port = port_type(forest, None if calibration is None else calibration.port)
    builder = Builder(name)
    x = builder.input(INPUT, port, stated=False)
    bits, places = _comparisons(builder, x, forest)
    step, exact = leaf_exponent(forest)
    codes = np.rint(np.ldexp(forest.value, -step)).astype(np.int64)
    pool, roots = _trees(builder, bits, places, forest, codes, step)
    columns = [builder.add(Gather(roots), pool, layer="sum", part="trees")]
    total = builder.add(Sum(), *columns, layer="sum", part="total")
    total = builder.add(Reshape((len(forest.base),)), total, layer="sum", part="flat")
    base = np.rint(np.ldexp(forest.base, -step)).astype(np.int64)
    if base.any():
        start = builder.constant(Constant(base, np.full(base.shape, step)), layer="sum", part="base")
        total = builder.add(Add(), total, start, layer="sum")
    outputs = {OUTPUT: total}
    if decision:
        outputs["class"] = builder.add(ArgMax(), total, layer="class")
    return replace(builder.finish(outputs), exact=exact)


def _comparisons(builder: Builder, x: str, forest: Forest) -> tuple[str, Integers]:
    """A bit for each different comparison, 1 where an event goes right; and the bit of each inner node."""
    exponent = builder.types[x].exponent
    codes = threshold_codes(forest, exponent)
    inner = np.flatnonzero(forest.feature != LEAF)
    pairs = np.stack([forest.feature[inner], codes[inner]])
    if not inner.size:
        return x, np.zeros(len(forest.feature), dtype=np.int64)
    (features, thresholds), bit = np.unique(pairs, axis=1, return_inverse=True)
    places = np.zeros(len(forest.feature), dtype=np.int64)
    places[inner] = bit.ravel()
    values = builder.add(Gather(features), x, layer="comparisons", part="features")
    constant = builder.constant(
        Constant(thresholds, exponent[features]), layer="comparisons", part="thresholds"
    )
    return builder.add(GreaterEqual(), values, constant, layer="comparisons"), places


@dataclass
class _Pool:
    """A value that grows: the leaves, then what tables and choices give, each different one once.

    Attributes:
        node: name of the value.
        place: where in it the outcome of each node stands, for each output; -1 for none.
    """

    builder: Builder
    node: str
    place: Integers

    def extend(self, addition: str, part: str) -> None:
        """Put a value behind it."""
        self.node = self.builder.add(Concatenate(), self.node, addition, layer="trees", part=part)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.builder.types[self.node].size


def _trees(
    builder: Builder, bits: str, bit: Integers, forest: Forest, codes: Integers, step: int
) -> tuple[str, Integers]:
    """A value that holds the outcome of every tree, and their places in it, shape (outputs, trees).

    A place of -1 is none. A tree that serves several outputs is done for each of them.
    """
    leaf = forest.feature == LEAF
    numbers = np.unique(codes[leaf])
    place = np.full(codes.shape, -1, dtype=np.int64)
    place[leaf] = np.searchsorted(numbers, codes[leaf])
    start = builder.constant(Constant(numbers, np.full(numbers.shape, step)), layer="trees", part="leaves")
    pool = _Pool(builder, start, place)
    serves = _serves(forest, codes)
    heights = forest.heights()
    below = _comparisons_below(forest, bit, heights)
    _tables(pool, bits, bit, forest, codes, step, serves, below)
    for height in range(1, int(heights.max(initial=0)) + 1):
        nodes = [n for n in map(int, np.flatnonzero(heights == height)) if below[n] is None]
        _choices(pool, bits, bit, forest, serves, nodes, height)
    columns = [pool.place[forest.roots[serves[forest.roots, n]], n] for n in range(codes.shape[1])]
    roots = np.full((len(columns), max(1, *(len(column) for column in columns))), -1, dtype=np.int64)
    for row, column in zip(roots, columns, strict=True):
        row[: len(column)] = column
    return pool.node, roots


def _comparisons_below(forest: Forest, bit: Integers, heights: Integers) -> dict[int, tuple[int, ...] | None]:
    """The different comparisons of each subtree, in order; None for more than `TABLE_BITS`."""
    below: dict[int, tuple[int, ...] | None] = {}
    for node in map(int, np.argsort(heights, kind="stable")):
        if forest.feature[node] == LEAF:
            below[node] = ()
            continue
        left, right = below[int(forest.left[node])], below[int(forest.right[node])]
        own = None if left is None or right is None else tuple(sorted({int(bit[node]), *left, *right}))
        below[node] = own if own is not None and len(own) <= TABLE_BITS else None
    return below


def _tables(
    pool: _Pool,
    bits: str,
    bit: Integers,
    forest: Forest,
    codes: Integers,
    step: int,
    serves: NDArray[np.bool_],
    below: dict[int, tuple[int, ...] | None],
) -> None:
    """A table over its comparisons for each of the largest subtrees that have few of them."""
    inner = np.flatnonzero(forest.feature != LEAF)
    children = np.concatenate([forest.left[inner], forest.right[inner]])
    parent = dict(zip(children.tolist(), np.tile(inner, 2).tolist(), strict=True))
    by_size: dict[int, dict[tuple[tuple[int, ...], bytes], list[tuple[int, int]]]] = {}
    for node in inner:
        own, above = below[int(node)], parent.get(int(node))
        if own is None or (above is not None and below[above] is not None):
            continue
        end = _ends(forest, bit, int(node), own)
        for output in np.flatnonzero(serves[node]):
            rows = by_size.setdefault(len(own), {})
            rows.setdefault((own, codes[end, output].tobytes()), []).append((int(node), int(output)))
    for size, rows in sorted(by_size.items()):
        add, layer, first = pool.builder.add, "trees", pool.size
        read = add(Gather(np.array([own for own, _ in rows])), bits, layer=layer, part=f"bits_of_{size}")
        weights = (np.int64(1) << np.arange(size))[:, np.newaxis]
        address = add(Dense(weights, 0), read, layer=layer, part=f"address_of_{size}")
        tables = np.array([np.frombuffer(row, dtype=np.int64) for _, row in rows])
        none = np.zeros(len(rows), dtype=np.int64)
        entry = add(Lookup(tables, none, none + step), address, layer=layer, part=f"table_of_{size}")
        pool.extend(add(Reshape((len(rows),)), entry, layer=layer, part=f"outcome_of_{size}"), f"with_{size}")
        for row, uses in enumerate(rows.values()):
            for use in uses:
                pool.place[use] = first + row


def _ends(forest: Forest, bit: Integers, root: int, own: tuple[int, ...]) -> Integers:
    """The leaf below `root` for each combination of its comparisons, the first at the lowest bit."""
    combination = np.arange(1 << len(own))
    position = {b: n for n, b in enumerate(own)}
    node = np.full(len(combination), root)
    while (inner := forest.feature[node] != LEAF).any():
        shift = np.array([position.get(int(b), 0) for b in bit[node]])
        right = (combination >> shift) & 1 == 1
        node = np.where(inner, np.where(right, forest.right[node], forest.left[node]), node)
    return node


def _choices(
    pool: _Pool,
    bits: str,
    bit: Integers,
    forest: Forest,
    serves: NDArray[np.bool_],
    nodes: list[int],
    height: int,
) -> None:
    """The choice of each of the nodes between its children, which are in the pool."""
    choices: dict[tuple[int, int, int], int] = {}
    first, place = pool.size, pool.place
    for node in nodes:
        for output in np.flatnonzero(serves[node]):
            one, zero = (int(place[side[node], output]) for side in (forest.right, forest.left))
            key = (int(bit[node]), one, zero)
            place[node, output] = one if one == zero else choices.setdefault(key, first + len(choices))
    if choices:
        picked, right, left = (np.array(column, dtype=np.int64) for column in zip(*choices, strict=True))
        add, layer = pool.builder.add, "trees"
        level = add(
            Select(),
            add(Gather(picked), bits, layer=layer, part=f"bits_{height}"),
            add(Gather(right), pool.node, layer=layer, part=f"right_{height}"),
            add(Gather(left), pool.node, layer=layer, part=f"left_{height}"),
            layer=layer,
            part=f"level_{height}",
        )
        pool.extend(level, f"pool_{height}")


def _serves(forest: Forest, codes: Integers) -> NDArray[np.bool_]:
    """Whether anything below a node adds to an output, shape (nodes, outputs); the same in a whole tree."""
    sizes = np.diff(np.append(forest.roots, len(forest.feature)))
    leaf = (forest.feature == LEAF)[:, np.newaxis] & (codes != 0)
    return np.repeat(np.logical_or.reduceat(leaf, forest.roots, axis=0), sizes, axis=0)
