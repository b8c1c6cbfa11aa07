"""The steps of recurrent layers, which the front ends unroll: one set of nodes for each step.

Nodes of step 3 of a layer are named ``layer.t03.part`` (or ``b03`` for a direction backward); the last value
of the last step may carry the name of the layer. Steps count as such only if they are alike node by node: the
same ops on the same values of the same step, of the step before, or from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nanosieve.compiler.graph import Constant, Graph, Node

__all__ = ["StepGuard", "Steps", "steps_of"]

Rule = Callable[[Node], "Node | str | None"]

NAME = re.compile(r"(?P<head>.+)\.(?P<kind>[a-z])(?P<step>\d+)\.(?P<part>.+)")


@dataclass(frozen=True)
class Steps:
    """Steps that are alike.

    Attributes:
        steps: for each step its nodes without the constants, in the same order in all of them.
    """

    steps: tuple[tuple[Node, ...], ...]


def steps_of(graph: Graph, nodes: Sequence[Node]) -> list[Steps]:
    """The repeated steps among the `nodes` of one layer; several for a layer of several directions."""
    groups: dict[tuple[str, str], dict[int, list[Node]]] = {}
    for node in nodes:
        found = NAME.fullmatch(node.name)
        if found is not None and not isinstance(node.op, Constant):
            group = groups.setdefault((found["head"], found["kind"]), {})
            group.setdefault(int(found["step"]), []).append(node)
    whole = [_alike(graph, nodes, [group[n] for n in sorted(group)]) for group in groups.values()]
    return [Steps(tuple(tuple(step) for step in steps)) for steps in whole if steps is not None]


def _alike(graph: Graph, nodes: Sequence[Node], steps: list[list[Node]]) -> list[list[Node]] | None:
    """The steps, the last completed by the node that carries another name; None if they are not alike."""
    if len(steps) < 2:
        return None
    if len(steps[-1]) == len(steps[0]) - 1:
        known = {node.name for step in steps for node in step}
        others = [n for n in nodes if n.name not in known and not isinstance(n.op, Constant)]
        candidates = ([*steps[:-1], [*steps[-1], node]] for node in others)
        return next((found for found in candidates if _check(graph, found)), None)
    return steps if _check(graph, steps) else None


def _check(graph: Graph, steps: list[list[Node]]) -> bool:
    """Whether every step does what the second does."""
    place = {node.name: (n, k) for n, step in enumerate(steps) for k, node in enumerate(step)}
    for n, step in enumerate(steps):
        if len(step) != len(steps[1]):
            return False
        for node, model in zip(step, steps[1], strict=True):
            if type(node.op) is not type(model.op) or len(node.inputs) != len(model.inputs):
                return False
            if graph.types[node.name].shape != graph.types[model.name].shape:
                return False
            for name, like in zip(node.inputs, model.inputs, strict=True):
                back, k = place.get(like, (None, 0))
                wanted = None if back is None else (n - 1 + back, k)
                found = place.get(name)
                if found != wanted and not (n == 0 and back == 0 and found is None):
                    return False
    return True


@dataclass(frozen=True)
class StepGuard:
    """Keeps the repeated steps of a graph alike while a pass rewrites it.

    What changed one step alone would keep hardware from building one step for all of them.
    """

    inside: frozenset[str]
    families: tuple[tuple[Node, ...], ...]

    @classmethod
    def of(cls, graph: Graph) -> StepGuard:
        """The guard of all layers of `graph`."""
        layers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            layers.setdefault(node.layer, []).append(node)
        families: list[tuple[Node, ...]] = []
        for nodes in layers.values():
            for repeated in steps_of(graph, nodes):
                families += zip(*repeated.steps, strict=True)
        inside = frozenset(node.name for family in families for node in family)
        return cls(inside, tuple(families))

    def even(self, rule: Rule) -> Rule:
        """`rule`, but in repeated steps only where it changes the same node of every step."""
        kept = {
            node.name
            for family in self.families
            if any(rule(node) is None for node in family)
            for node in family
        }
        return lambda node: None if node.name in kept else rule(node)

    def together(self, first: Node, second: Node) -> bool:
        """Whether both nodes stand in repeated steps, or neither: then a pass may make one of them."""
        return (first.name in self.inside) == (second.name in self.inside)
