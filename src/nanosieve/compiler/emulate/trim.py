"""Units that nothing reads, as pruning leaves them behind: dropped from the products on either side."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from nanosieve.compiler.emulate.plan import Action, Plan, Slot
from nanosieve.compiler.emulate.steps import Elementwise, Product

__all__ = ["trim"]


def trim(plan: Plan) -> Plan:
    """Drop the columns of a product whose rows in the next one are all zero, and the stages between."""
    uses = Counter(slot for action in plan.actions for slot in action.inputs)
    uses.update(slot for slot, _ in plan.outputs.values())
    actions, slots = list(plan.actions), list(plan.slots)
    maker = {action.output: n for n, action in enumerate(actions)}
    for last in reversed(range(len(actions))):
        chain = _chain(actions, maker, uses, last)
        if chain:
            _drop(actions, slots, chain)
    return replace(plan, actions=tuple(actions), slots=tuple(slots))


def _chain(actions: list[Action], maker: dict[int, int], uses: Counter[int], last: int) -> list[int]:
    """The actions from a product to the product `last` with only stages between; empty if it is another."""
    end = actions[last].step
    if not isinstance(end, Product) or len(end.matrix) != 1:
        return []
    chain = [last]
    while True:
        (slot,) = actions[chain[0]].inputs
        if slot not in maker or uses[slot] != 1:
            return []
        chain.insert(0, maker[slot])
        step = actions[chain[0]].step
        if isinstance(step, Product):
            whole = len(step.matrix) == 1 and step.rows == end.rows
            return chain if whole and step.matrix.shape[2] == end.matrix.shape[1] else []
        if not isinstance(step, Elementwise):
            return []


def _drop(actions: list[Action], slots: list[Slot], chain: list[int]) -> None:
    start, end = actions[chain[0]].step, actions[chain[-1]].step
    assert isinstance(start, Product)
    assert isinstance(end, Product)
    keep = end.matrix[0].any(axis=1)
    if keep.all() or not keep.any():
        return
    places = np.flatnonzero(np.tile(keep, end.rows))
    for n in chain:
        step, output = actions[n].step, actions[n].output
        if isinstance(step, Elementwise):
            step = Elementwise(step.apply.picked(places))
        elif n == chain[0]:
            step = replace(start, matrix=np.ascontiguousarray(start.matrix[:, :, keep]))
        else:
            step = replace(end, matrix=np.ascontiguousarray(end.matrix[:, keep]))
        actions[n] = replace(actions[n], step=step)
        if n != chain[-1]:
            slots[output] = replace(slots[output], size=len(places))
