"""Kernels and biases as `Weights`, so that nothing of a graph but their codes depends on their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from string import ascii_letters

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Gather,
    Graph,
    Integers,
    Lookup,
    Node,
    Op,
    Overflow,
    Quantize,
    Reshape,
    Rounding,
    TensorType,
    Weights,
    aligning,
    bit_width,
)
from nanosieve.compiler.passes.repeated_steps import steps_of
from nanosieve.errors import SettingsError, UnknownNameError, UnsupportedLayerError

__all__ = ["fixed_weights", "reloadable"]

ROLES = ("kernel", "bias")


def reloadable(
    graph: Graph, types: Mapping[str, str] | str | None = None, *, exactly: Mapping[str, Fixed] | None = None
) -> Graph:
    """The graph with the kernels of its dense and convolution layers, and their biases, as `Weights`.

    Args:
        graph: with the factors of batch norms folded in.
        types: how numbers are kept, ``"fixed<W,I>"`` for all or by ``"layer.kernel"``, ``"layer.bias"``,
            ``"layer"``, ``"default.kernel"``, ``"default.bias"`` and ``"default"``, the first of which
            counts; what has none gets the narrowest signed type that holds the present numbers.
        exactly: the types by the names of the nodes of weights, instead of `types`.

    Raises:
        UnsupportedLayerError: no layer has weights that could be reloaded, or a recurrent one has.
        SettingsError: a number does not fit the type that was stated for it, or a table behind weights has
            entries only for what the present ones reach.
        UnknownNameError: the types name a layer that has no such weights.
    """
    wanted = _Wanted({"default": types} if isinstance(types, str) else dict(types or {}))
    _refuse_steps(graph)
    lift = _Lift(graph, wanted, exactly or {})
    for node in graph.nodes:
        lift.add(node)
    if not any(isinstance(node.op, Weights) for node in lift.nodes):
        message = f"network {graph.name!r} has no dense or convolution layer whose weights could be reloaded"
        raise UnsupportedLayerError(message)
    wanted.check()
    return replace(graph, nodes=_without_unread(lift.nodes, graph)).verify()


def fixed_weights(graph: Graph) -> Graph:
    """The graph with the present codes of its `Weights` as constants: for software, which is made anew.

    Every value keeps its step, though fewer codes may be possible now.
    """
    stored = {node.name: node.op for node in graph.nodes if isinstance(node.op, Weights)}
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node.op, Weights):
            constant = Constant(node.op.codes, node.op.type.exponent)
            nodes.append(Node(node.name, constant, (), node.layer))
        elif isinstance(node.op, Einsum) and node.inputs[1] in stored:
            nodes += _as_dense(graph, node, stored[node.inputs[1]])
        else:
            nodes.append(node)
    return _with_steps_of(graph, replace(graph, nodes=tuple(nodes))) if stored else graph


def _with_steps_of(graph: Graph, changed: Graph) -> Graph:
    """`changed`, the same values with narrower ranges, its steps brought back to those of `graph`."""
    at = 0
    while at < len(changed.nodes):
        node = changed.nodes[at]
        wanted = graph.types.get(node.name)
        if wanted is not None and not np.array_equal(wanted.exponent, changed.types[node.name].exponent):
            own = replace(node, name=f"{node.name}.narrow")
            back = Node(node.name, Quantize(wanted, Rounding.TRN, Overflow.SAT), (own.name,), node.layer)
            changed = replace(changed, nodes=(*changed.nodes[:at], own, back, *changed.nodes[at + 1 :]))
        at += 1
    return changed


@dataclass
class _Wanted:
    """The types that were stated, and what was asked for."""

    types: dict[str, str]

    def __post_init__(self) -> None:
        self.fixed = {name: Fixed.parse(text) for name, text in self.types.items()}
        self.asked: set[str] = {"default", *(f"default.{role}" for role in ROLES)}

    def of(self, layer: str, role: str) -> Fixed | None:
        """The type stated for a role of a layer."""
        names = (f"{layer}.{role}", layer, f"default.{role}", "default")
        self.asked.update(names)
        return next((self.fixed[name] for name in names if name in self.fixed), None)

    def check(self) -> None:
        """Raise an UnknownNameError if a name was never asked for."""
        for name in self.fixed:
            if name not in self.asked:
                raise UnknownNameError.among("layer of the reloadable weights", name, self.asked)


def _refuse_steps(graph: Graph) -> None:
    layers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        layers.setdefault(node.layer, []).append(node)
    for layer, nodes in layers.items():
        if any(isinstance(node.op, Dense) for node in nodes) and steps_of(graph, nodes):
            message = (
                f"layer {layer!r} is recurrent; weights can be reloaded in dense and convolution layers: "
                "compile this network with constant weights"
            )
            raise UnsupportedLayerError(message)


@dataclass
class _Lift:
    """The new graph, node by node."""

    graph: Graph
    wanted: _Wanted
    exactly: Mapping[str, Fixed]
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """What stands for `node`."""
        match node.op:
            case Dense() if not _is_address(self.graph, node):
                self._product(node, node.op)
            case Add() if (place := _bias(self.graph, node)) is not None:
                self._offset(node, place)
            case Lookup():
                self._check_table(node, node.op)
                self._append(node.name, node.op, node.inputs, node.layer)
            case _:
                self._append(node.name, node.op, node.inputs, node.layer)

    def _append(self, name: str, op: Op, inputs: tuple[str, ...], layer: str) -> str:
        self.nodes.append(Node(name, op, inputs, layer))
        self.types[name] = op.result(*(self.types[given] for given in inputs))
        return name

    def _check_table(self, node: Node, op: Lookup) -> None:
        """Whether the table has an entry for all that other weights may lead to."""
        given = self.types[node.inputs[0]]
        rows = op.rows(given)
        first, last = op.first[rows], op.first[rows] + op.tables.shape[1] - 1
        if (given.low < first).any() or (given.high > last).any():
            message = (
                f"layer {node.layer!r}: its table has entries for the codes {first.min()} to {last.max()}, "
                f"which the present weights reach; others reach {given.low.min()} to {given.high.max()}: "
                "quantise the input of this layer to fewer integer bits, or compile with constant weights"
            )
            raise SettingsError(message)

    def _unused(self, name: str) -> str:
        while name in self.graph.types or name in self.types:
            name = f"{name}_stored"
        return name

    def _stored(self, node: Node, role: str, codes: Integers, exponent: Integers) -> str:
        """The weights that `node` reads."""
        name = self._unused(f"{node.name}.{role}")
        fixed = self.exactly.get(name) or self.wanted.of(node.layer, role)
        return self._append(name, _weights(codes, exponent, fixed, node.layer, role), (), node.layer)

    def _product(self, node: Node, op: Dense) -> None:
        """The weights and the sums of products with them; all inputs of a sum have one step."""
        (x,) = node.inputs
        alike = aligning(self.types[x], (-1,))
        if alike is not None:
            x = self._append(self._unused(f"{node.name}.alike"), alike, (x,), node.layer)
        exponent = np.full(op.kernel.shape, op.exponent)
        name = self._stored(node, "kernel", op.kernel, exponent)
        leading, rank = op.kernel.ndim - 2, len(self.types[x].shape)
        blocks, rows = ascii_letters[:leading], ascii_letters[leading : rank - 1]
        equation = f"{blocks}{rows}Y,{blocks}YZ->{blocks}{rows}Z"
        self._append(node.name, Einsum(equation), (x, name), node.layer)

    def _offset(self, node: Node, place: int) -> None:
        """The bias as weights, one of those that all positions share, and the sum with it."""
        op = self.graph.by_name[node.inputs[place]].op
        assert isinstance(op, Constant)
        codes, exponent, shape = op.codes, op.exponent, op.codes.shape
        index = np.arange(codes.size).reshape(shape)
        rows = [array.reshape(-1, *shape[-1:]) for array in (codes, exponent)]
        if len(shape) > 1 and all((row == row[:1]).all() for row in rows):
            codes, exponent = rows[0][0], rows[1][0]
            index = np.broadcast_to(np.arange(shape[-1]), shape)
        name = self._stored(node, "bias", codes, exponent)
        if len(shape) > 1:
            name = self._append(self._unused(f"{node.name}.biases"), Gather(index), (name,), node.layer)
        inputs = tuple(name if n == place else given for n, given in enumerate(node.inputs))
        self._append(node.name, node.op, inputs, node.layer)


def _is_address(graph: Graph, node: Node) -> bool:
    """Whether a product only finds the place in a table, as those of trees do."""
    users = graph.users[node.name]
    return bool(users) and all(isinstance(user.op, Lookup) for user in users)


def _bias(graph: Graph, node: Node) -> int | None:
    """Which operand is a constant that is added to a product of the same layer."""
    for n, name in enumerate(node.inputs):
        product = graph.by_name[node.inputs[1 - n]]
        while isinstance(product.op, Gather | Reshape) and product.layer == node.layer:
            product = graph.by_name[product.inputs[0]]
        constant = isinstance(graph.by_name[name].op, Constant)
        weighted = isinstance(product.op, Dense) and not _is_address(graph, product)
        if constant and weighted and product.layer == node.layer:
            return n
    return None


def _weights(codes: Integers, exponent: Integers, fixed: Fixed | None, layer: str, role: str) -> Weights:
    """The codes in the stated type, or in the narrowest signed one with the finest step that occurs.

    Raises:
        SettingsError: a number does not fit.
    """
    if fixed is None:
        live = codes != 0
        step = int(exponent[live].min()) if live.any() else int(exponent.min(initial=0))
        fine = np.where(live, codes << np.maximum(exponent - step, 0), 0)
        width = max(2, bit_width(min(int(fine.min(initial=0)), -1), int(fine.max(initial=0))))
        fixed = Fixed(width, width + step)
    shift = exponent - fixed.exponent
    lost = (shift < 0) & (codes & ((np.int64(1) << np.clip(-shift, 0, 62)) - 1) != 0)
    fine = np.where(shift >= 0, codes << np.clip(shift, 0, 40), codes >> np.clip(-shift, 0, 62))
    wrong = np.argwhere(lost | (fine < fixed.low) | (fine > fixed.high) | ((shift > 40) & (codes != 0)))
    if len(wrong):
        place = tuple(int(n) for n in wrong[0])
        unit = 2.0**fixed.exponent
        message = (
            f"layer {layer!r}: its {role} holds {float(codes[place]) * 2.0 ** int(exponent[place]):g} at "
            f"{list(place)}, for which {fixed} has no code: that goes from {fixed.low * unit:g} to "
            f"{fixed.high * unit:g} in steps of {unit:g}; state a wider type when compiling"
        )
        raise SettingsError(message)
    return Weights(fine, TensorType.of(fixed, codes.shape))


def _without_unread(nodes: list[Node], graph: Graph) -> tuple[Node, ...]:
    """The nodes without the constants that have become weights."""
    read = {name for node in nodes for name in node.inputs} | set(graph.outputs.values())
    return tuple(node for node in nodes if not isinstance(node.op, Constant) or node.name in read)


def _as_dense(graph: Graph, node: Node, weights: Weights) -> list[Node]:
    """The product with a constant matrix, at the step that it had."""
    meant = graph.types[node.name]
    dense = Dense(weights.codes, int(weights.type.exponent.flat[0]))
    made = dense.result(graph.types[node.inputs[0]])
    if np.array_equal(made.exponent, meant.exponent):
        return [Node(node.name, dense, node.inputs[:1], node.layer)]
    name = f"{node.name}.exact"
    same = Quantize(meant, Rounding.TRN, Overflow.SAT)
    return [
        Node(name, dense, node.inputs[:1], node.layer),
        Node(node.name, same, (name,), node.layer),
    ]
