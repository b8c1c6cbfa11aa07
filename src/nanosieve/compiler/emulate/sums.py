"""How products, reductions and rewirings are planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanosieve.compiler.emulate import kernels
from nanosieve.compiler.emulate.stage import tiled
from nanosieve.compiler.emulate.steps import Join, LookUp, Product, Reduce, SmallProducts, SortRows
from nanosieve.compiler.emulate.tiers import FLOAT32, INT64, Floats, Tier, magnitude, tier_of, wider
from nanosieve.compiler.graph import (
    Dense,
    Einsum,
    Gather,
    Integers,
    Lookup,
    Node,
    Sort,
    Sum,
    TensorType,
    Windows,
)
from nanosieve.compiler.graph.steps import finest_step

if TYPE_CHECKING:
    from nanosieve.compiler.emulate.planner import Planner

__all__ = [
    "plan_concatenate",
    "plan_dense",
    "plan_einsum",
    "plan_gather",
    "plan_lookup",
    "plan_reduction",
    "shifted",
]

KINDS = {"Sum": kernels.SUM, "Max": kernels.MAX, "Min": kernels.MIN, "ArgMax": kernels.ARGMAX}


def shifted(type: TensorType, shift: Integers) -> Floats:
    """Largest magnitudes after ``<< shift``, flat."""
    factor: Floats = np.exp2(np.broadcast_to(shift, type.shape).reshape(-1).astype(float))
    return magnitude(type) * factor


def plan_gather(planner: Planner, node: Node) -> None:
    """`Gather` and `Windows`: copies."""
    op, x = node.op, planner.type(node.inputs[0])
    assert isinstance(op, Gather | Windows)
    index = op.index if isinstance(op, Gather) else op.index(x.shape)
    row = index.shape[-1] if isinstance(op, Windows) else index.size
    planner.set(node, planner.pick(planner.read(node.inputs[0]), index.reshape(-1), row))


def plan_concatenate(planner: Planner, node: Node) -> None:
    """`Concatenate`: copies."""
    types = [planner.type(name) for name in node.inputs]
    tier = tier_of(*(magnitude(type) for type in types))
    slots = tuple(planner.read(name, tier) for name in node.inputs)
    step = Join(tuple(type.shape[-1] if type.shape else 1 for type in types))
    planner.set(node, planner.emit(step, slots, planner.type(node.name).size, tier))


def plan_lookup(planner: Planner, node: Node) -> None:
    """`Lookup`: one flat table."""
    op, x = node.op, planner.type(node.inputs[0])
    assert isinstance(op, Lookup)
    rows, entries = op.tables.shape
    place = (np.arange(rows) * entries - op.first)[op.rows(x).reshape(-1)]
    tier = tier_of(magnitude(planner.type(node.name)))
    places = tiled(INT64, place)[0] if x.size else place
    step = LookUp(places, np.array(op.tables.reshape(-1), dtype=tier))
    planner.set(node, planner.emit(step, (planner.read(node.inputs[0]),), x.size, tier))


def plan_reduction(planner: Planner, node: Node) -> None:
    """`Sum`, `Max`, `Min`, `ArgMax` and `Sort` over the last axis."""
    name, x = node.inputs[0], planner.type(node.inputs[0])
    _, shift = finest_step(x, (-1,))
    bound = shifted(x, shift)
    if isinstance(node.op, Sum):
        bound = bound.reshape(x.shape).sum(axis=-1)
    tier = tier_of(bound)
    if tier == INT64:
        planner.by_reference(node)
        return
    length, size = x.shape[-1], planner.type(node.name).size
    step = SortRows(length) if isinstance(node.op, Sort) else Reduce(length, KINDS[type(node.op).__name__])
    planner.set(node, planner.emit(step, (planner.read_aligned(name, shift, tier),), size, tier))


def plan_dense(planner: Planner, node: Node) -> None:
    """`Dense`: matrix products, every partial sum of which is exact."""
    op, x = node.op, planner.type(node.inputs[0])
    assert isinstance(op, Dense)
    matrix, _ = op.scaled(x)
    blocks, rows, inputs = op.rows(x.shape)
    never = ((x.low == 0) & (x.high == 0)).reshape(blocks, rows, inputs).all(axis=1)
    matrix = np.where(never[:, :, np.newaxis], 0, matrix)
    tier = tier_of(
        magnitude(x), (magnitude(x).reshape(blocks, rows, inputs) @ np.abs(matrix).astype(float)).reshape(-1)
    )
    step = Product(np.array(matrix, dtype=tier), rows)
    slot = planner.emit(step, (planner.read(node.inputs[0], tier),), planner.type(node.name).size, tier)
    planner.set(node, slot)


def plan_einsum(planner: Planner, node: Node) -> None:
    """`Einsum`: both operands in the order of matrices, their product, and the order of the result."""
    op = node.op
    assert isinstance(op, Einsum)
    types = [planner.type(name) for name in node.inputs]
    sizes = op.sizes(*types)
    a, b, out = op.indices
    common = [i for i in op.contracted if i in a and i in b]
    both = [i for i in out if i in a and i in b]
    own = [[i for i in out if i not in other] for other in (b, a)]
    tier = _einsum_tier(op, types)

    def count(indices: list[str]) -> int:
        return int(np.prod([sizes[i] for i in indices], dtype=np.int64))

    slots = []
    for n, indices in enumerate((a, b)):
        alone = [i for i in op.contracted if i in indices and i not in common]
        order = [*both, *own[0], *common] if n == 0 else [*both, *common, *own[1]]
        place = np.arange(types[n].size).reshape(types[n].shape)
        index = place.transpose([indices.index(i) for i in (*order, *alone)]).reshape(-1)
        slot = planner.pick(planner.read(node.inputs[n], tier), index)
        if alone:
            slot = planner.emit(Reduce(count(alone), kernels.SUM), (slot,), count(order), tier)
        slots.append(slot)
    step = SmallProducts(count(both), count(own[0]), count(common), count(own[1]))
    size = planner.type(node.name).size
    product = planner.emit(step, tuple(slots), size, tier)
    made = [*both, *own[0], *own[1]]
    place = np.arange(size).reshape([sizes[i] for i in made])
    planner.set(node, planner.pick(product, place.transpose([made.index(i) for i in out]).reshape(-1)))


def _einsum_tier(op: Einsum, types: list[TensorType]) -> Tier:
    peaks = [magnitude(type).reshape(type.shape) for type in types]
    alone = [p.sum(axis=op.summed(n)) for n, p in enumerate(peaks)]
    bounds = [np.einsum(op.equation, *peaks), *alone, *peaks]
    return wider(FLOAT32, tier_of(*(np.asarray(bound).reshape(-1) for bound in bounds)))
