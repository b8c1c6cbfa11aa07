"""Random plans: by which architecture every layer of a graph is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.house import layer_groups, parts_of
from nanosieve.compiler.hardware.inputs import beats_of
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Choice, Fold, Plan
from nanosieve.compiler.hardware.scheduler import candidates
from nanosieve.errors import BudgetError, FoldingError

Random = np.random.Generator


def random_plan(rng: Random, graph: Graph, interval: int) -> Plan:
    """For every layer one of its `candidates`, and parts of its inputs; for wide inputs a number of beats."""
    live = live_elements(graph)
    layers: dict[str, Choice] = {}
    for name, nodes in layer_groups(graph).items():
        choices = [choice for choice in candidates(graph, name, nodes, interval) if choice is not None]
        if rng.random() < 0.15:
            continue  # unrolled
        order = [choices[n] for n in rng.permutation(len(choices))]
        if order and isinstance(order[0], Fold) and rng.random() < 0.4:
            order.insert(0, replace(order[0], inputs=int(rng.integers(2, 6))))
        for choice in order:
            try:
                parts_of(graph, name, nodes, choice, live)
            except FoldingError:  # its slots would need different hardware
                continue
            layers[name] = choice
            break
    return Plan(layers, _beats(rng, graph, interval), interval)


def _beats(rng: Random, graph: Graph, interval: int) -> dict[str, int]:
    found = {}
    for name, type in graph.inputs.items():
        if len(type.shape) < 2 or rng.random() < 0.25:
            continue
        fitting = [
            positions
            for positions in range(1, type.shape[-2] + 1)
            if int(beats_of(type.shape, positions)[0].max(initial=0)) < interval
        ]
        if fitting:
            found[name] = int(rng.choice(fitting))
    return found


def fitting_plan(graph: Graph, plan: Plan, settings: Settings) -> Plan:
    """The plan with those layers unrolled whose slots do not fit between two events; all else must build."""
    settings = replace(settings, interval=plan.interval)
    while True:
        try:
            build_layers(graph, plan, settings)
        except BudgetError as error:
            late = [name for name in plan.layers if _named(str(error), name)]
            if not late or "do not fit into the" not in str(error):
                raise
            plan = replace(plan, layers={n: c for n, c in plan.layers.items() if n not in late})
        else:
            return plan


def _named(message: str, layer: str) -> bool:
    """Whether a message is about the layer or a part of it."""
    return message.startswith((f"layer '{layer}'", f"layer '{layer}."))


def union_plan(plans: Sequence[Plan]) -> Plan:
    """The plan of the `union` of graphs; all at the interval of the first."""
    layers = {f"g{n}_{name}": choice for n, plan in enumerate(plans) for name, choice in plan.layers.items()}
    beats = {f"g{n}_{name}": count for n, plan in enumerate(plans) for name, count in plan.beats.items()}
    return Plan(layers, beats, plans[0].interval)
