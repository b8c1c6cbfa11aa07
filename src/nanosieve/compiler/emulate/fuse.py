"""Steps that are done together: the windows of a convolution with its product, and those of a pooling."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from nanosieve.compiler.emulate.kernels import ARGMAX, SUM
from nanosieve.compiler.emulate.plan import Action, Plan
from nanosieve.compiler.emulate.runs import runs_of
from nanosieve.compiler.emulate.steps import (
    TILE_BYTES,
    Block,
    Convert,
    Elementwise,
    Pick,
    PickReduce,
    Product,
    Reduce,
    Step,
    WindowProduct,
)
from nanosieve.compiler.emulate.tiers import INT64

__all__ = ["fuse"]


def fuse(plan: Plan) -> Plan:
    """Fuse what follows each other directly and has no other user."""
    return _fused(_fused(plan))  # a pooling is made in the first turn, and joins its product in the second


def _fused(plan: Plan) -> Plan:
    uses = Counter(slot for action in plan.actions for slot in action.inputs)
    uses.update(slot for slot, _ in plan.outputs.values())
    actions: list[Action] = []
    made: dict[int, int] = {}
    for action in plan.actions:
        before = made.get(action.inputs[0]) if len(action.inputs) == 1 else None
        step = None
        if before is not None and uses[action.inputs[0]] == 1:
            same = plan.slots[action.inputs[0]].tier == plan.slots[action.output].tier
            step = _together(actions[before], action, same)
        if step is None:
            made[action.output] = len(actions)
            actions.append(action)
        else:
            assert before is not None
            made[action.output] = before
            actions[before] = Action(step, actions[before].inputs, action.output)
    return replace(plan, actions=tuple(actions))


def _together(first: Action, second: Action, same: bool) -> Step | None:
    a, b = first.step, second.step
    if isinstance(a, WindowProduct):
        return _pooled(a, b) if isinstance(b, PickReduce) and same else _finished(a, b)
    if isinstance(a, Pick) and isinstance(b, Convert):
        return a  # it writes any format
    if not isinstance(a, Pick) or not same:
        return None
    if isinstance(b, Reduce) and b.kind != ARGMAX and not (a.index < 0).any():
        members = np.ascontiguousarray(a.index.reshape(-1, b.length).T)
        return PickReduce(members, runs_of(members.reshape(-1), members.shape[1]), b.kind)
    if isinstance(b, Product) and len(b.matrix) == 1 and b.rows > 1 and b.matrix.dtype != INT64:
        runs = runs_of(a.index, b.matrix.shape[1], steps=False)
        sources = runs.sources.reshape(1, b.rows, -1)
        return WindowProduct(sources, runs.length, b.matrix[0], SUM, None, max(1, _tile(b.matrix[0], 1)))
    return None


def _tile(matrix: Block, members: int) -> int:
    """Pools of so many windows that are laid out at a time, 0 if not even one fits."""
    return int(TILE_BYTES // (members * sum(matrix.shape) * matrix.itemsize))


def _pooled(product: WindowProduct, pool: PickReduce) -> WindowProduct | None:
    """With the pooling behind it, if this reduces whole rows of the product, each of them at most once."""
    columns = product.matrix.shape[1]
    members, elements = pool.index.shape
    if product.apply is not None or len(product.sources) > 1 or elements % columns:
        return None
    rows, column = np.divmod(pool.index.reshape(members, -1, columns), columns)
    whole = (rows == rows[..., :1]).all() and (column == np.arange(columns)).all()
    windows = rows[..., 0]
    tile = _tile(product.matrix, members)
    if not whole or not tile or np.unique(windows).size < windows.size:
        return None
    sources = np.ascontiguousarray(product.sources[0][windows])
    return replace(product, sources=sources, kind=pool.kind, tile=tile)


def _finished(product: WindowProduct, stage: Step) -> WindowProduct | None:
    """With the stage behind it, if whole periods of its constants fit into a tile."""
    if not isinstance(stage, Elementwise) or product.apply is not None:
        return None
    columns = product.matrix.shape[1]
    rows = int(np.lcm(stage.apply.period, columns)) // columns
    if rows > product.tile:
        return None
    return replace(product, apply=stage.apply, tile=product.tile // rows * rows)
