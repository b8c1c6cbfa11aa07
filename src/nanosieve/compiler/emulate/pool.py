"""Pooling before the activation instead of behind it, where that is the same: fewer are activated."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from nanosieve.compiler.emulate.kernels import MAX, MIN
from nanosieve.compiler.emulate.plan import Action, Plan, Slot
from nanosieve.compiler.emulate.stage import Apply
from nanosieve.compiler.emulate.steps import Elementwise, Pick, Reduce
from nanosieve.compiler.graph import Integers

__all__ = ["pool_first"]


def pool_first(plan: Plan) -> Plan:
    """Exchange a stage and the maximum (or minimum) of elements that it treats alike.

    A stage that never decreases maps the largest of some values to the largest of what it makes of them.
    """
    uses = Counter(slot for action in plan.actions for slot in action.inputs)
    uses.update(slot for slot, _ in plan.outputs.values())
    maker = {action.output: n for n, action in enumerate(plan.actions)}
    slots, replaced = list(plan.slots), dict[int, list[Action]]()
    for n, pooled in enumerate(plan.actions):
        if not isinstance(pooled.step, Reduce) or pooled.step.kind not in (MAX, MIN):
            continue
        at = [n]
        for _ in range(2):
            slot = plan.actions[at[-1]].inputs[0] if plan.actions[at[-1]].inputs else -1
            if slot in maker and uses[slot] == 1:
                at.append(maker[slot])
        if len(at) < 3:
            continue
        picked, staged = plan.actions[at[1]], plan.actions[at[2]]
        if not isinstance(picked.step, Pick) or not isinstance(staged.step, Elementwise):
            continue
        members = picked.step.index.reshape(-1, pooled.step.length)
        if not _alike(staged.step.apply, members):
            continue
        tier = slots[staged.inputs[0]].tier
        slots[picked.output] = replace(slots[picked.output], tier=tier)
        slots.append(Slot(len(members), tier))
        behind = Elementwise(staged.step.apply.picked(members[:, 0]))
        replaced[at[2]] = []
        replaced[at[1]] = [replace(picked, inputs=staged.inputs)]
        replaced[n] = [
            replace(pooled, output=len(slots) - 1),
            Action(behind, (len(slots) - 1,), pooled.output),
        ]
    actions = [new for n, action in enumerate(plan.actions) for new in replaced.get(n, [action])]
    return replace(plan, actions=tuple(actions), slots=tuple(slots))


def _alike(apply: Apply, members: Integers) -> bool:
    """Whether the stage never decreases, and is the same for all members of each row."""
    stage = apply.stage
    if (members < 0).any() or stage.count is not None or (stage.scale < 0).any() or (stage.slope < 0).any():
        return False
    constants = (stage.scale, stage.offset, stage.slope, stage.after, stage.low, stage.high, stage.post)
    return all(bool((v[members] == v[members[:, :1]]).all()) for v in constants if np.any(v != v.flat[0]))
