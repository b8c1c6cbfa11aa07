"""A layer of products as positions: what every engine computes, found in the graph.

A convolution or dense layer, what is done to each of its sums (bias, ReLU, rounding), and a pooling of the
largest behind it are one thing here: *positions* with a row of inputs and a kernel each, the steps that
follow the product element by element, and *windows* of positions of which the largest value is taken. Steps
behind the pooling are done before it, which is the same for every step that never decreases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    Concatenate,
    Constant,
    Dense,
    Gather,
    Graph,
    Integers,
    Max,
    Node,
    Op,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    TensorType,
    Windows,
)
from nanosieve.errors import FoldingError

__all__ = ["Positions", "Step", "positions_of"]


@dataclass(frozen=True, eq=False)
class Step:
    """What is done to every element of the sums.

    Attributes:
        op: `Add`, `Quantize` or `Relu`.
        numbers: its parameters as arrays (positions, columns): codes and exponent of the summand; low, high
            and exponent of the target; nothing.
    """

    op: Op
    numbers: tuple[Integers, ...]


@dataclass(frozen=True, eq=False)
class Positions:
    """A layer of products.

    Attributes:
        layers: of the graph, of which all nodes are in it.
        source: the node that it reads.
        output: the node that it makes, shape (…, columns).
        rows: flat element of the source, or -1 for a zero, shape (positions, inputs).
        kernel: which of the kernels each position has, shape (positions,).
        kernels: codes, shape (kernels, inputs, columns).
        exponent: of the sums of products.
        sums: least and most of each sum, shape (positions, columns), two arrays.
        steps: behind the sums.
        windows: positions of which an output is the largest, shape (outputs, window).
    """

    layers: tuple[str, ...]
    source: str
    output: str
    rows: Integers
    kernel: Integers
    kernels: Integers
    exponent: int
    sums: tuple[Integers, Integers]
    steps: tuple[Step, ...]
    windows: Integers

    @property
    def inputs(self) -> int:
        """Products of a sum."""
        return int(self.kernels.shape[1])

    @property
    def columns(self) -> int:
        """Sums of a position."""
        return int(self.kernels.shape[2])

    @property
    def products(self) -> int:
        """Multiplications for each event."""
        return int(self.windows.size * self.inputs * self.columns)


def positions_of(graph: Graph, groups: Mapping[str, Sequence[Node]], name: str) -> Positions:
    """The layer `name`, with the layers behind it that only rectify, round, pool or reshape its values.

    Args:
        graph: after the passes.
        groups: layer → its nodes, in order.
        name: of the layer with the products.

    Raises:
        FoldingError: the layer is none of this kind; the message says why.
    """
    state = _State(graph, name)
    state.take(groups[name])
    names = list(groups)
    following = names[names.index(name) + 1 :]
    found = state.result()
    for behind in following:
        users = graph.users[found.output]
        ends = found.output in graph.outputs.values()
        if ends or not users or any(user.layer != behind for user in users):
            break
        try:
            state = state.copy()
            state.take(groups[behind])
            found = state.result()
        except FoldingError:
            break
    return found


@dataclass
class _Value:
    """A tensor of the layer while it is followed.

    Attributes:
        kind: ``x`` elements of the source, ``y`` elements of the sums (position * columns + column), ``m``
            windows of such elements.
        index: which, in the shape of the tensor; -1 is a zero.
    """

    kind: str
    index: Integers


@dataclass
class _State:
    """What is known of the layer so far."""

    graph: Graph
    name: str
    source: str = ""
    columns: int = 0
    values: dict[str, _Value] = field(default_factory=dict)
    rows: list[Integers] = field(default_factory=list)
    kernel: list[Integers] = field(default_factory=list)
    ops: list[Dense] = field(default_factory=list)
    ends: list[TensorType] = field(default_factory=list)
    steps: list[tuple[Op, Integers, tuple[Integers, ...]]] = field(default_factory=list)
    windows: Integers = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))
    layers: list[str] = field(default_factory=list)
    output: str = ""

    def copy(self) -> _State:
        return replace(
            self,
            values=dict(self.values),
            rows=list(self.rows),
            kernel=list(self.kernel),
            ops=list(self.ops),
            ends=list(self.ends),
            steps=list(self.steps),
            layers=list(self.layers),
        )

    def refuse(self, why: str, node: str = "") -> NoReturn:
        message = f"layer {self.name!r} cannot be an engine: {why}"
        raise FoldingError(message, node)

    def take(self, nodes: Sequence[Node]) -> None:
        """Follow the nodes of one more layer."""
        inside = {node.name for node in nodes}
        for node in nodes:
            if not isinstance(node.op, Constant):
                self.values[node.name] = self._followed(node)
        used = [
            node.name
            for node in nodes
            if not isinstance(node.op, Constant)
            and (
                node.name in self.graph.outputs.values()
                or any(user.name not in inside for user in self.graph.users[node.name])
            )
        ]
        if len(used) != 1:
            self.refuse("other layers read several of its values")
        self.output = used[0]
        self.layers.append(nodes[0].layer)

    def _given(self, name: str) -> _Value:
        if name in self.values:
            return self.values[name]
        if self.source not in ("", name):
            self.refuse(f"it reads {self.source!r} and {name!r}")
        if self.layers:
            self.refuse("a layer behind it reads something else")
        self.source = name
        type = self.graph.types[name]
        self.values[name] = _Value("x", np.arange(type.size).reshape(type.shape))
        return self.values[name]

    def _followed(self, node: Node) -> _Value:
        op = node.op
        constant = [isinstance(self.graph.by_name[n].op, Constant) for n in node.inputs]
        given = [self._given(n) for n, fixed in zip(node.inputs, constant, strict=True) if not fixed]
        match op:
            case Gather() | Windows() | Reshape() if len(given) == 1:
                return self._rewired(op, given[0])
            case Concatenate() if not any(constant) and {value.kind for value in given} == {"y"}:
                return _Value("y", np.concatenate([value.index for value in given], axis=-1))
            case Dense() if not any(constant) and given[0].kind == "x":
                return self._product(node, op, given[0])
            case Max() if given[0].kind == "y":
                return self._largest(given[0])
            case Add() if type(op) is Add and len(given) == 1 and sum(constant) == 1:
                (summand,) = (self.graph.by_name[n].op for n in node.inputs if n not in self.values)
                assert isinstance(summand, Constant)
                exponent = np.broadcast_to(summand.exponent, summand.codes.shape)
                return self._step(op, given[0], (summand.codes, exponent))
            case Relu():
                return self._step(op, given[0], ())
            case Quantize() if op.overflow is Overflow.SAT:
                return self._step(op, given[0], (op.target.low, op.target.high, op.target.exponent))
            case _:
                return self.refuse(f"{node.name!r} is a {type(op).__name__}", node.name)

    def _rewired(self, op: Gather | Windows | Reshape, given: _Value) -> _Value:
        if isinstance(op, Reshape):
            return _Value(given.kind, given.index.reshape(op.shape))
        index = op.index if isinstance(op, Gather) else op.index(given.index.shape)
        flat = given.index.ravel()
        return _Value(given.kind, np.where(index >= 0, flat[np.maximum(index, 0)], -1))

    def _product(self, node: Node, op: Dense, given: _Value) -> _Value:
        if op.kernel.ndim != 2 or self.steps:
            self.refuse("its products differ in more than their kernels")
        inputs, columns = op.kernel.shape
        if self.ops and (self.ops[0].kernel.shape != op.kernel.shape or self.ops[0].exponent != op.exponent):
            self.refuse("its kernels differ in shape or step")
        first = sum(map(len, self.rows))
        rows = given.index.reshape(-1, inputs)
        self.columns = columns
        self.rows.append(rows)
        self.kernel.append(np.full(len(rows), len(self.ops)))
        self.ops.append(op)
        self.ends.append(self.graph.types[node.name].reshape((len(rows), columns)))
        places = first * columns + np.arange(len(rows) * columns)
        return _Value("y", places.reshape(*given.index.shape[:-1], columns))

    def _largest(self, given: _Value) -> _Value:
        if (given.index < 0).any() or self.windows.size:
            self.refuse("its pooling takes zeros into account, or there are two")
        rows = given.index.reshape(-1, given.index.shape[-1])
        self.windows = rows
        return _Value("m", np.arange(len(rows)).reshape(*given.index.shape[:-1], 1))

    def _step(self, op: Op, given: _Value, numbers: tuple[Any, ...]) -> _Value:
        if given.kind == "x" or (given.index < 0).any():
            self.refuse("something is done to its inputs or to zeros")
        if self.columns and given.kind == "y" and given.index.size < sum(map(len, self.rows)):
            self.refuse("a step is done to a part of its values")
        flat = given.index.ravel()
        arrays = [np.asarray(n, dtype=np.int64).ravel() for n in numbers]
        if given.kind == "m":
            window = self.windows[flat]
            arrays = [np.repeat(a, window.shape[1]) for a in arrays]
            flat = window.ravel()
        self.steps.append((op, flat, tuple(arrays)))
        return given

    def result(self) -> Positions:
        """What was found.

        Raises:
            FoldingError: there are no products, or the output is no list of positions.
        """
        if not self.ops:
            self.refuse("it has no product")
        value = self.values[self.output]
        if value.kind == "x" or (value.index < 0).any():
            self.refuse("its output is no list of positions")
        windows = self.windows[value.index.ravel()] if value.kind == "m" else value.index.reshape(-1, 1)
        columns = self.columns
        if (windows < 0).any() or len(windows) % columns:
            self.refuse("its output is no list of positions")
        windows = windows.reshape(-1, columns, windows.shape[1])
        positions = windows[:, 0] // columns
        if not (windows == positions[:, np.newaxis] * columns + np.arange(columns)[:, np.newaxis]).all():
            self.refuse("its output mixes columns")
        given = self.graph.types[self.source]
        if isinstance(self.graph.by_name[self.source].op, Constant) or len(np.unique(given.exponent)) > 1:
            self.refuse("the elements that it reads differ in their steps")
        exponent = int(given.exponent.flat[0]) + self.ops[0].exponent
        up = [type.exponent - exponent for type in self.ends]
        if any((shift < 0).any() for shift in up):
            self.refuse("its sums have a finer step than its products")
        sums = tuple(
            np.concatenate([getattr(t, end) << s for t, s in zip(self.ends, up, strict=True)])
            for end in ("low", "high")
        )
        rows = np.concatenate(self.rows)
        steps = [self._spread(*step, len(rows) * columns, windows) for step in self.steps]
        return Positions(
            tuple(self.layers), self.source, self.output, rows, np.concatenate(self.kernel),
            np.stack([op.kernel for op in self.ops]), exponent, (sums[0], sums[1]), tuple(steps), positions,
        )  # fmt: skip

    def _spread(
        self, op: Op, flat: Integers, arrays: tuple[Integers, ...], size: int, read: Integers
    ) -> Step:
        """The parameters by position; those of elements that nothing reads are 0."""
        known = np.zeros(size, dtype=np.bool_)
        known[flat] = True
        if not known[read].all():
            self.refuse("a step is done to a part of its values")
        spread = []
        for array in arrays:
            whole = np.zeros(size, dtype=np.int64)
            whole[flat] = array
            if (whole[flat] != array).any():
                self.refuse("windows that overlap are rounded differently")
            spread.append(whole.reshape(-1, self.columns))
        return Step(op, tuple(spread))
