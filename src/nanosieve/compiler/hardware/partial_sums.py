"""Folding along the inputs: a product as a chain of partial sums, steps like those of a recurrence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    Constant,
    Dense,
    Einsum,
    Gather,
    Graph,
    Node,
    Overflow,
    Quantize,
    Rounding,
    Weights,
)
from nanosieve.errors import FoldingError

__all__ = ["partial_sums", "summed_inputs"]


def partial_sums(graph: Graph, layer: str, parts: int) -> Graph:
    """The graph with the product of a layer computed in `parts` slices of its inputs.

    Every slice is a step named ``layer.s00``, ``layer.s01`` …: pick the slice, multiply, add to the sum
    before. The first sum is the bias, if one is added, else zero. `steps_of` finds the steps, and their
    weights become constants that ports read. The value of every node that stays is the same.

    Args:
        graph: verified.
        layer: with exactly one `Dense`, or one product with `Weights`.
        parts: slices of the inputs, as equal as possible; 1 leaves the graph as it is.

    Raises:
        FoldingError: the layer has no or several products, or fewer inputs than parts.
    """
    products = [node for node in graph.nodes if node.layer == layer and summed_inputs(graph, node)]
    if len(products) != 1:
        message = f"layer {layer!r} has {len(products)} products; only one can be folded along its inputs"
        raise FoldingError(message)
    (product,) = products
    inputs = summed_inputs(graph, product)
    if not 1 <= parts <= inputs:
        message = f"layer {layer!r}: {inputs} inputs are folded into 1 to {inputs} parts, not {parts}"
        raise FoldingError(message, product.name)
    if parts == 1:
        return graph
    chain = _Chain(graph, product, parts, _bias(graph, product))
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.name == chain.last:
            nodes += chain.nodes()
        elif node.name != product.name:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).verify()


def summed_inputs(graph: Graph, node: Node) -> int:
    """How many inputs a product with weights sums over; 0 for other nodes."""
    match node.op:
        case Dense():
            return int(node.op.kernel.shape[-2])
        case Einsum() if isinstance(graph.by_name[node.inputs[1]].op, Weights):
            return int(graph.types[node.inputs[1]].shape[-2])
        case _:
            return 0


@dataclass(frozen=True)
class _Chain:
    graph: Graph
    product: Node
    parts: int
    bias: tuple[Node, str] | None

    @property
    def last(self) -> str:
        """The value that the chain makes."""
        return self.bias[0].name if self.bias else self.product.name

    def nodes(self) -> list[Node]:
        layer, result = self.product.layer, self.graph.types[self.last]
        nodes: list[Node] = []
        if self.bias:
            total = self.bias[1]
        else:
            total = self._name("start")
            nodes.append(Node(total, Constant(np.zeros_like(result.low), result.exponent), (), layer))
        given = self.graph.types[self.product.inputs[0]]
        places = np.arange(given.size).reshape(given.shape)
        inputs = given.shape[-1]
        part = -(-inputs // self.parts)
        for n in range(0, -(-inputs // part)):
            span = slice(n * part, (n + 1) * part)
            index = places[..., span]
            spare = part - index.shape[-1]
            index = np.pad(index, [*[(0, 0)] * (index.ndim - 1), (0, spare)], constant_values=-1)
            picked, product, total_before = (
                self._name(f"s{n:02d}.picked"),
                self._name(f"s{n:02d}.product"),
                total,
            )
            total = self._name(f"s{n:02d}.sum")
            nodes += [
                Node(picked, Gather(index), self.product.inputs[:1], layer),
                *self._part(n, product, picked, span, spare),
                Node(total, Add(), (product, total_before), layer),
            ]
        return self._as_before(nodes, total)

    def _part(self, n: int, name: str, picked: str, span: slice, spare: int) -> list[Node]:
        """The product of a slice, and what it takes of the weights that can be reloaded."""
        op, layer = self.product.op, self.product.layer
        if isinstance(op, Dense):
            kernel = op.kernel[..., span, :]
            kernel = np.pad(kernel, [*[(0, 0)] * (kernel.ndim - 2), (0, spare), (0, 0)])
            return [Node(name, Dense(kernel, op.exponent), (picked,), layer)]
        type = self.graph.types[self.product.inputs[1]]
        index = np.arange(type.size).reshape(type.shape)[..., span, :]
        index = np.pad(index, [*[(0, 0)] * (index.ndim - 2), (0, spare), (0, 0)], constant_values=-1)
        weights = self._name(f"s{n:02d}.weights")
        return [
            Node(weights, Gather(index), self.product.inputs[1:], layer),
            Node(name, op, (picked, weights), layer),
        ]

    def _as_before(self, nodes: list[Node], total: str) -> list[Node]:
        """The last sum under the old name, at the old step."""
        result = self.graph.types[self.last]
        known = {name: self.graph.types[name] for name in self.graph.types}
        for node in nodes:
            known[node.name] = node.op.result(*(known[name] for name in node.inputs))
        if known[total] == result:
            return [*nodes[:-1], replace(nodes[-1], name=self.last)]
        same = Quantize(result, Rounding.TRN, Overflow.SAT)
        return [*nodes, Node(self.last, same, (total,), self.product.layer)]

    def _name(self, part: str) -> str:
        name = f"{self.product.layer}.{part}"
        while name in self.graph.types:
            name = f"{self.product.layer}.again.{name.removeprefix(f'{self.product.layer}.')}"
        return name


def _bias(graph: Graph, product: Node) -> tuple[Node, str] | None:
    """The addition of a constant that is the only use of the product, and the constant."""
    users = graph.users[product.name]
    if len(users) != 1 or product.name in graph.outputs.values():
        return None
    (user,) = users
    constants = [n for n in user.inputs if isinstance(graph.by_name[n].op, Constant)]
    fits = type(user.op) is Add and user.layer == product.layer and len(constants) == 1
    return (user, constants[0]) if fits else None
