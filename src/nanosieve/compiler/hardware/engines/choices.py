"""Which layers become engines, and how they can be cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nanosieve.compiler.graph import Dense, Graph, Node
from nanosieve.compiler.hardware.engines.positions import Positions, positions_of
from nanosieve.compiler.hardware.plan import EngineParts
from nanosieve.errors import FoldingError

__all__ = ["engine_choices", "engine_layers"]

LEAST = 1 << 19
"""Multiplications of a layer for each event from which the network is built of engines."""
OPERANDS = 64
"""Elements that a step multiplies at most, unless it takes whole windows."""
WINDOW = 512
"""Elements of a window at most that a step takes whole."""
FEW = 4
"""Channels below which whole windows are taken."""
MOST = 4
"""Ways to cut a layer that are tried, from the fewest multipliers on."""


def engine_layers(graph: Graph, groups: Mapping[str, Sequence[Node]]) -> dict[str, Positions]:
    """The layers that become engines: all that can, in a network with a layer of `LEAST` multiplications."""
    if not any(_products(graph, nodes) >= LEAST for nodes in groups.values()):
        return {}
    found: dict[str, Positions] = {}
    covered: set[str] = set()
    for name, nodes in groups.items():
        if name in covered or not any(isinstance(node.op, Dense) for node in nodes):
            continue
        try:
            found[name] = positions_of(graph, groups, name)
        except FoldingError:
            continue
        covered |= set(found[name].layers)
    return found


def _products(graph: Graph, nodes: Sequence[Node]) -> int:
    return sum(
        graph.types[node.inputs[0]].size * node.op.kernel.shape[-1]
        for node in nodes
        if isinstance(node.op, Dense)
    )


def engine_choices(graph: Graph, layer: Positions, interval: int) -> list[EngineParts]:
    """Ways to cut a layer so that it is done within an interval, those of the fewest multipliers first."""
    shape = graph.types[layer.source].shape
    length = shape[-1] if len(shape) > 1 else layer.inputs
    operands = [n for n in _divisors(length) if n <= OPERANDS and layer.inputs % n == 0]
    cuts = [(layer.columns // lanes, layer.inputs // operands[-1]) for lanes in _divisors(layer.columns)]
    cuts += [(layer.columns, layer.inputs // n) for n in operands]
    if len(shape) == 3 and layer.inputs <= WINDOW and length < FEW:
        cuts += [(layer.columns // lanes, 1) for lanes in _divisors(layer.columns)]
    fitting = sorted(
        {cut for cut in cuts if layer.windows.size * cut[0] * cut[1] <= interval}, key=lambda c: -c[0] * c[1]
    )
    picked = fitting[:MOST]
    found = [EngineParts(cut[0], cut[1]) for cut in picked]
    return found + [EngineParts(cut[0], cut[1], packed=True) for cut in picked if cut[0] < layer.columns]


def _divisors(count: int) -> list[int]:
    return [n for n in range(1, count + 1) if count % n == 0]
