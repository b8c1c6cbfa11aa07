"""`analytic_cost`: LUT, FF and DSP of a graph from formulas, before any adder graph is solved.

The formulas are vectorised over the elements, so that networks of a million weights take less than a
second. Their few factors are fitted to what Yosys makes of random layers, and their error is measured on
layers that the fit has not seen: ``validation/cost_model.py``, with the result in ``cost_model.json`` of this
package.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    Concatenate,
    Constant,
    Dense,
    Gather,
    Graph,
    Input,
    LeakyRelu,
    Lookup,
    Multiply,
    Node,
    Nonzero,
    Quantize,
    Relu,
    Reshape,
    Scale,
    Sum,
    Weights,
    Windows,
)
from nanosieve.compiler.hardware.cost_model import CostModel, cost_model
from nanosieve.compiler.hardware.delay_lines import delay_cost
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.work import Work, work_of
from nanosieve.figure import Figure

__all__ = ["Cost", "analytic_cost", "analytic_costs"]

_REWIRING = (Concatenate, Gather, Reshape, Scale, Windows)


@dataclass(frozen=True)
class Cost:
    """Resources of an unrolled piece of a graph, and the stages of its pipeline."""

    lut: float = 0.0
    ff: float = 0.0
    dsp: float = 0.0
    bram36: float = 0.0
    uram: float = 0.0
    stages: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Both, side by side or behind each other: `stages` is that of the later one."""
        kinds = ("lut", "ff", "dsp", "bram36", "uram")
        total = {kind: getattr(self, kind) + getattr(other, kind) for kind in kinds}
        return Cost(**total, stages=max(self.stages, other.stages))

    def figures(self) -> dict[str, Figure]:
        """The resources with the error that such estimates have against Yosys."""
        return {
            kind: cost_model().figure("analytic", kind, getattr(self, kind))
            for kind in ("lut", "ff", "dsp", "bram36", "uram")
        }


def analytic_cost(
    graph: Graph,
    nodes: Iterable[Node] | None = None,
    *,
    model: DelayModel | None = None,
    period: float,
    factors: CostModel | None = None,
    dsp: bool = True,
) -> Cost:
    """What the unrolled hardware of `graph`, or of some nodes of it, costs.

    Args:
        graph: after the passes.
        nodes: a piece, in the order of the graph; its inputs are there when stage 0 begins. Default the whole
            graph, with the registers of its outputs.
        model: delays; default those of a small design.
        period: of the clock, ns.
        factors: of the formulas; default those that come with the package.
        dsp: whether products may use DSP slices.
    """
    chosen = graph.nodes if nodes is None else nodes
    costs, stages = _walk(graph, chosen, model or DelayModel(), period, factors or cost_model(), dsp)
    total = sum(costs.values(), Cost(stages=stages))
    if nodes is None:
        bits = sum(graph.types[name].bits for name in set(graph.outputs.values()))
        total = replace(total, ff=total.ff + bits + stages + 1, stages=stages + 1)
    return total


def analytic_costs(
    graph: Graph, *, model: DelayModel | None = None, period: float, factors: CostModel | None = None
) -> dict[str, Cost]:
    """Layer → its cost; `stages` is the stage at which its outputs stand."""
    return _walk(graph, graph.nodes, model or DelayModel(), period, factors or cost_model())[0]


@dataclass
class _Pipeline:
    """When the values of a graph are there, and which of them wait in registers."""

    usable: float
    at: dict[str, tuple[int, float]] = field(default_factory=dict)
    roots: dict[str, frozenset[str]] = field(default_factory=dict)
    """Node → the nodes whose registers hold its elements."""
    distinct: dict[str, float] = field(default_factory=dict)
    """Node → which part of its elements is no copy of another."""

    def arrival(self, names: Iterable[str]) -> tuple[int, float]:
        return max((self.at[name] for name in names if self.roots[name]), default=(0, 0.0))

    def holders(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self.roots[name] for name in names))

    def run(self, start: tuple[int, float], work: Work) -> tuple[int, tuple[int, float], list[int]]:
        """Stage of the first step, where the last one ends, and the steps before which registers stand."""
        (stage, time), first, crossings = start, start[0], []
        for step in range(work.steps):
            if time + work.delay > self.usable and time > 0:
                stage, time = stage + 1, 0.0
                if step:
                    crossings.append(step)
            if step == 0:
                first = stage
            time += work.delay
        return first, (stage, time), crossings


def _walk(
    graph: Graph,
    nodes: Iterable[Node],
    model: DelayModel,
    period: float,
    factors: CostModel,
    blocks: bool = True,
) -> tuple[dict[str, Cost], int]:
    nodes = list(nodes)
    inside = {node.name for node in nodes}
    pipeline = _Pipeline(model.usable(period))
    for node in nodes:
        for name in (*node.inputs, *([node.name] if isinstance(node.op, Input) else [])):
            if name not in inside or name == node.name:
                fixed = isinstance(graph.by_name[name].op, Constant | Weights)
                pipeline.at[name], pipeline.distinct[name] = (0, 0.0), 1.0
                pipeline.roots[name] = frozenset() if fixed else frozenset((name,))
    costs: dict[str, Cost] = {}
    working = (node for node in nodes if not isinstance(node.op, Input))
    for name, group in groupby(working, key=lambda node: node.layer):
        cost = _layer(graph, list(group), pipeline, model, factors, blocks)
        costs[name] = costs[name] + cost if name in costs else cost
    return costs, max((cost.stages for cost in costs.values()), default=0)


def _layer(
    graph: Graph,
    nodes: list[Node],
    pipeline: _Pipeline,
    model: DelayModel,
    factors: CostModel,
    blocks: bool,
) -> Cost:
    """One layer: its outputs stand together, at the stage of the last of them."""
    made = {node.name for node in nodes}
    fused: set[str] = set()
    last_read: dict[str, int] = {}
    lut = ff = dsp = 0.0
    for node in nodes:
        work = _work(graph, node, model, fused, blocks)
        if work.wiring:
            _rewire(graph, node, pipeline)
            continue
        share = pipeline.distinct[node.inputs[0]] if _alike(graph, node) else 1.0
        start = pipeline.arrival(node.inputs)
        first, pipeline.at[node.name], crossings = pipeline.run(start, work)
        pipeline.roots[node.name], pipeline.distinct[node.name] = frozenset((node.name,)), share
        for root in pipeline.holders(node.inputs):
            last_read[root] = max(last_read.get(root, 0), first)
        luts = factors.luts(work) * share
        out = graph.types[node.name].bits * share
        ff += sum(factors.inside(luts, out, work.steps - step) for step in crossings)
        lut, dsp = lut + luts, dsp + work.dsp * share
    stage = max((pipeline.at[name][0] for name in made if pipeline.roots[name]), default=0)
    for name in made:
        user_outside = any(user.name not in made for user in graph.users[name])
        if (user_outside or name in graph.outputs.values()) and pipeline.roots[name] & made:
            for root in pipeline.roots[name] & made:
                last_read[root] = stage
    for root, last in last_read.items():
        shift, registers = delay_cost(last - pipeline.at[root][0])
        bits = graph.types[root].bits * pipeline.distinct[root]
        lut, ff = lut + shift * bits, ff + registers * bits
    for name in made:
        if pipeline.roots[name] & made:
            held, time = pipeline.at[name]
            pipeline.at[name] = (stage, time if held == stage else 0.0)
    return Cost(lut, ff, dsp, stages=stage)


def _work(graph: Graph, node: Node, model: DelayModel, fused: set[str], blocks: bool) -> Work:
    """The work of a node; a bias is one more summand of the product before it."""
    if isinstance(node.op, Constant) or node.name in fused:
        return Work()
    types = [graph.types[name] for name in node.inputs]
    out, bias = graph.types[node.name], False
    if isinstance(node.op, Multiply) and _sum_of(graph, node):
        return Work()
    if isinstance(node.op, Sum):
        products = graph.by_name[node.inputs[0]]
        if isinstance(products.op, Multiply) and _sum_of(graph, products):
            factors = [graph.types[name] for name in products.inputs]
            return work_of(products.op, factors, out, model, dsp=blocks, summed=types[0].shape[-1])
    if isinstance(node.op, Dense):
        users = graph.users[node.name]
        if len(users) == 1 and type(users[0].op) is Add and users[0].layer == node.layer:
            bias = any(isinstance(graph.by_name[name].op, Constant) for name in users[0].inputs)
            if bias:
                fused.add(users[0].name)
                out = graph.types[users[0].name]
    return work_of(node.op, types, out, model, bias=bias, dsp=blocks)


def _sum_of(graph: Graph, products: Node) -> bool:
    """Whether products are only summed, so that chains of DSP slices can do both."""
    users = graph.users[products.name]
    alone = len(users) == 1 and products.name not in graph.outputs.values()
    return alone and isinstance(users[0].op, Sum) and users[0].layer == products.layer


def _alike(graph: Graph, node: Node) -> bool:
    """Whether an op does the same to every element, so that copies stay copies."""
    match node.op:
        case Relu() | LeakyRelu() | Nonzero():
            return True
        case Quantize(target=target):
            return bool(np.all(target.width == target.width.flat[0]) and np.ptp(target.exponent) == 0)
        case Lookup(tables=tables):
            return len(tables) == 1
        case _:
            return False


def _rewire(graph: Graph, node: Node, pipeline: _Pipeline) -> None:
    """The elements are those of the inputs, in another order."""
    name, op = node.name, node.op
    pipeline.roots[name] = pipeline.holders(node.inputs)
    pipeline.at[name] = pipeline.arrival(node.inputs)
    copies = 1.0
    if isinstance(op, Gather | Windows):
        given = graph.types[node.inputs[0]]
        index = op.index if isinstance(op, Gather) else op.index(given.shape)
        live = index[index >= 0]
        copies = len(np.unique(live)) / live.size if live.size else 1.0
    before = min((pipeline.distinct[given] for given in node.inputs), default=1.0)
    pipeline.distinct[name] = copies * before
