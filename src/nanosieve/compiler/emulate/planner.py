"""From graph to plan: which steps compute a network, each in the fastest arithmetic proven exact for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nanosieve.compiler.emulate.fuse import fuse
from nanosieve.compiler.emulate.plan import Action, Plan, Slot
from nanosieve.compiler.emulate.pool import pool_first
from nanosieve.compiler.emulate.rules import Rule, rule_of
from nanosieve.compiler.emulate.runs import runs_of
from nanosieve.compiler.emulate.stage import Apply, Stage
from nanosieve.compiler.emulate.steps import Convert, Elementwise, Fill, Pick, Reference, Step
from nanosieve.compiler.emulate.tiers import INT64, Tier, magnitude, tier_of, wider
from nanosieve.compiler.emulate.trim import trim
from nanosieve.compiler.graph import Constant, Graph, Input, Integers, Node, TensorType
from nanosieve.compiler.passes import FEWER_ELEMENTS, fixed_weights, run_passes

__all__ = ["Planner", "make_plan"]


@dataclass(frozen=True)
class Value:
    """A value of the graph: what a stage, not yet run, makes of a slot; `type` is that of the slot."""

    slot: int
    type: TensorType
    stage: Stage | None = None


@dataclass
class Planner:
    """Grows a plan node by node; the rules of the ops call it.

    A stage is put off until another op needs its result, so that element-wise ops in a row become one.
    """

    graph: Graph
    slots: list[Slot] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, Integers] = field(default_factory=dict)
    converted: dict[tuple[int, Tier], int] = field(default_factory=dict)

    def type(self, name: str) -> TensorType:
        """Type of a node."""
        return self.graph.types[name]

    def slot(self, size: int, tier: Tier) -> int:
        """A new slot."""
        self.slots.append(Slot(size, tier))
        return len(self.slots) - 1

    def emit(self, step: Step, inputs: tuple[int, ...], size: int, tier: Tier) -> int:
        """Add a step; the slot of its result."""
        output = self.slot(size, tier)
        self.actions.append(Action(step, inputs, output))
        return output

    def convert(self, slot: int, tier: Tier) -> int:
        """The slot's values in another format."""
        if self.slots[slot].tier == tier:
            return slot
        key = (slot, tier)
        if key not in self.converted:
            self.converted[key] = self.emit(Convert(), (slot,), self.slots[slot].size, tier)
        return self.converted[key]

    def read(self, name: str, tier: Tier | None = None) -> int:
        """The slot that holds the codes of a node, in its own format or in `tier`."""
        own = tier_of(magnitude(self.type(name)))
        if name in self.constants:
            codes = self.constants[name].reshape(1, -1).astype(tier or own)
            return self.emit(Fill(codes), (), codes.size, codes.dtype)
        value = self.values[name]
        if value.stage is not None and not value.stage.idle:
            slot = self.run(value, tier or own)
            self.values[name] = Value(slot, self.type(name))
            return slot
        return self.convert(value.slot, self.slots[value.slot].tier if tier is None else tier)

    def read_aligned(self, name: str, shift: Integers, tier: Tier) -> int:
        """The slot with the codes of a node times ``2**shift``."""
        type = self.type(name)
        factor = np.broadcast_to(np.exp2(shift.astype(float)), type.shape).reshape(-1)
        if (factor == 1).all():
            return self.read(name, tier)
        if name in self.constants:
            moved = self.constants[name] << shift
            return self.emit(Fill(moved.reshape(1, -1).astype(tier)), (), type.size, tier)
        value = self.joined(name, lambda stage: stage.affine(factor, np.zeros(type.size)))
        return self.run(value, tier)

    def run(self, value: Value, tier: Tier) -> int:
        """Run the stage of a value."""
        stage = value.stage or Stage.identity(value.type.size)
        own = self.slots[value.slot].tier
        if own == INT64:  # its codes are known to fit
            own = tier_of(magnitude(value.type))
        needs = wider(stage.tier(magnitude(value.type)), own)
        slot = self.convert(value.slot, own)
        return self.emit(Elementwise(Apply(stage, needs)), (slot,), value.type.size, tier)

    def joined(self, name: str, change: Rule) -> Value:
        """The value with one more change in its stage, or in a new one where one stage is not exact."""
        value = self.values[name]
        if value.stage is not None:
            peak = magnitude(value.type)
            stage = change(value.stage)
            fresh = change(Stage.identity(value.type.size))
            if stage is not None and fresh is not None:
                apart = wider(value.stage.tier(peak), fresh.tier(magnitude(self.type(name))))
                if wider(stage.tier(peak), apart) == apart:
                    return Value(value.slot, value.type, stage)
        return Value(self.read(name), self.type(name), change(Stage.identity(value.type.size)))

    def elementwise(self, node: Node, name: str, change: Rule | None) -> None:
        """Make `node` from its variable operand `name` by a change of its stage, or by the op in int64."""
        peak = magnitude(self.type(name))
        fresh = None if change is None else change(Stage.identity(self.type(name).size))
        if change is None or fresh is None or INT64 in (fresh.tier(peak), tier_of(peak)):
            self.by_reference(node)
            return
        self.values[node.name] = self.joined(name, change)

    def by_reference(self, node: Node) -> None:
        """Make `node` by its op, in int64."""
        types = tuple(self.type(name) for name in node.inputs)
        slots = tuple(self.read(name, INT64) for name in node.inputs)
        self.set(node, self.emit(Reference(node.op, types), slots, self.type(node.name).size, INT64))

    def pick(self, slot: int, index: Integers, row: int = 0) -> int:
        """Elements of a slot by a flat index, -1 for zero."""
        size = self.slots[slot].size
        if index.size == size and np.array_equal(index, np.arange(size)):
            return slot
        step = Pick(index, runs_of(index, row or index.size))
        return self.emit(step, (slot,), index.size, self.slots[slot].tier)

    def set(self, node: Node, slot: int) -> None:
        """`node` lies in the slot."""
        self.values[node.name] = Value(slot, self.type(node.name))


def make_plan(graph: Graph) -> Plan:
    """The plan of a graph.

    Raises:
        GraphError: the graph breaks a rule.
    """
    graph = _with_fewer_elements(fixed_weights(graph.verify()))
    planner = Planner(graph)
    inputs = {}
    for name, type in graph.inputs.items():
        inputs[name] = planner.slot(type.size, tier_of(magnitude(type)))
        planner.values[name] = Value(inputs[name], type)
    for node in _needed(graph):
        if isinstance(node.op, Input):
            continue
        if isinstance(node.op, Constant) or all(name in planner.constants for name in node.inputs):
            types = tuple(graph.types[name] for name in node.inputs)
            given = (planner.constants[name][np.newaxis] for name in node.inputs)
            planner.constants[node.name] = node.op.evaluate(types, *given).reshape(
                graph.types[node.name].shape
            )
            continue
        rule_of(node.op)(planner, node)
    outputs = {output: (planner.read(name), graph.types[name]) for output, name in graph.outputs.items()}
    plan = Plan(tuple(planner.slots), tuple(planner.actions), inputs, outputs)
    return fuse(pool_first(trim(plan))).placed()


def _with_fewer_elements(graph: Graph) -> Graph:
    """The graph without elements that are constant or not read, if its outputs keep their steps."""
    fewer = run_passes(graph, FEWER_ELEMENTS)
    same = all(
        np.array_equal(fewer.types[fewer.outputs[output]].exponent, graph.types[name].exponent)
        for output, name in graph.outputs.items()
    )
    return fewer if same else graph


def _needed(graph: Graph) -> list[Node]:
    """The nodes that an output depends on."""
    wanted = set(graph.outputs.values())
    found = []
    for node in reversed(graph.nodes):
        if node.name in wanted:
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]
