"""Values that carry their float activations on a sample, and the choice of their fixed-point types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.layer_order import by_layer
from nanosieve.compiler.frontends.calibration import Calibration, Precision
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    Integers,
    Node,
    Op,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
)

__all__ = ["Reals", "Traced", "TracedGraph", "TracedNodes"]

Reals = NDArray[np.float64]
T = TypeVar("T")

SPREAD = 24
"""Most bits by which the steps of the channels of a kernel differ."""


@dataclass(frozen=True, eq=False)
class Traced:
    """A value of the network.

    Attributes:
        node: its node in the graph.
        real: what the float model computes on the sample, shape (events, *shape); (1, *shape) for a constant.
        pending: the layer whose result type it is still to take; empty if it has its type.
    """

    node: str
    real: Reals
    pending: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape without the batch."""
        return tuple(self.real.shape[1:])


@dataclass
class TracedNodes(LayerNodes):
    """`LayerNodes` that number parts of one name, and share the kernels of repeated steps."""

    constants: dict[Any, Op] = field(default_factory=dict)

    def unused(self, part: str) -> str:
        """`part`, or with the first number that makes it new."""
        whole = self._named(part) if part else self.prefix
        number, name = 1, whole
        while (f"{self.name}.{name}" if name else self.name) in self.builder.types:
            number += 1
            name = f"{whole}_{number}" if whole else f"result_{number}"
        return name

    def add(self, op: Op, *inputs: str, part: str) -> str:
        """Add a node and return its name; without a part it is the result of the layer."""
        return self.builder.add(op, *inputs, layer=self.name, part=self.unused(part))

    def codes(self, codes: Integers, exponent: Integers | int, part: str) -> str:
        """Add a constant."""
        op = Constant(codes, np.broadcast_to(exponent, codes.shape))
        return self.builder.constant(op, layer=self.name, part=self.unused(part))

    def product(self, node: str, kernel: Integers, exponent: int, part: str = "product") -> str:
        """`LayerNodes.product`, one op for one kernel."""
        rows = tuple(range(kernel.ndim - 2, len(self.shape(node)) - 1))
        key = (self.name, kernel.shape, exponent, kernel.tobytes())
        op = self.constants.setdefault(key, Dense(kernel, exponent))
        return self.add(op, self.aligned(node, rows, f"{part}_aligned"), part=part)


@dataclass(frozen=True)
class _Range:
    """What is known of all values of one role."""

    low: float
    high: float
    negative: bool

    def __or__(self, other: _Range) -> _Range:
        return _Range(min(self.low, other.low), max(self.high, other.high), self.negative or other.negative)


class TracedGraph:
    """A graph that grows, the float activations of its values, and the types chosen for them.

    Attributes:
        graph: the graph so far.
        calibration: sample and precision.
        precision: the types stated.
    """

    def __init__(self, name: str, calibration: Calibration) -> None:
        self.graph = Builder(name)
        self.calibration = calibration
        self.precision = Precision.of(calibration.precision)
        self._step = ""
        self._settled: dict[str, Traced] = {}
        self._constants: dict[Any, Op] = {}
        self._common: dict[tuple[str, str], _Range] | None = None
        self._agreed: dict[tuple[str, str], bool] = {}

    # names and types of nodes

    def nodes(self, layer: str) -> TracedNodes:
        """What adds nodes to a layer."""
        return TracedNodes(self.graph, layer, self._step, self._constants)

    def type(self, x: Traced) -> TensorType:
        """Proven type of a value."""
        return self.graph.types[x.node]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Nodes added meanwhile are named ``layer.name.part``."""
        before, self._step = self._step, f"{self._step}.{name}" if self._step else name
        try:
            yield
        finally:
            self._step = before

    def in_steps(self, build: Callable[[], T]) -> T:
        """What `build` builds, with one type for all values of one role.

        It is called until it learns nothing new about the steps, twice as a rule; only the nodes of the last
        call stay.
        """
        if self._common is not None:  # inside of another loop, whose steps share already
            return build()
        graph, settled, self._common = self.graph, self._settled, {}
        nodes, types = list(graph.nodes), dict(graph.types)
        known: object = None
        try:
            while True:
                self._settled = dict(settled)
                built = build()
                learnt = dict(self._common), dict(self._agreed)
                if learnt == known:
                    return built
                known = learnt
                graph.nodes[:] = nodes
                graph.types.clear()
                graph.types.update(types)
        finally:
            self._common, self._agreed = None, {}

    @property
    def repeated(self) -> bool:
        """Whether a loop is being built, whose steps share types and tables."""
        return self._common is not None

    def agreed(self, layer: str, role: str, possible: bool) -> bool:
        """Whether something is possible here and, in a loop, in all of its steps."""
        if self._common is None:
            return possible
        key = (layer, role)
        self._agreed[key] = self._agreed.get(key, True) and possible
        return self._agreed[key]

    def close(self, x: Traced, layer: str) -> Traced:
        """Give the layer's last node the layer's own name, if that is free and `x` is it."""
        last = self.graph.nodes[-1] if self.graph.nodes else None
        if last is None or last.name != x.node or last.layer != layer or layer in self.graph.types:
            return x
        self.graph.nodes[-1] = Node(layer, last.op, last.inputs, layer)
        self.graph.types[layer] = self.graph.types.pop(x.node)
        return replace(x, node=layer)

    # types of values

    def range(self, layer: str, role: str, real: Reals, *, negative: bool) -> _Range:
        """The range that values of a role are to have; common to all steps of a loop."""
        quantile = self.calibration.quantile
        ends = (0.0, 0.0) if not real.size else (float(real.min()), float(real.max()))
        if quantile < 1.0 and real.size:
            ends = tuple(float(q) for q in np.quantile(real, [1.0 - quantile, quantile]))  # type: ignore[assignment]
        found = _Range(*ends, negative)
        if self._common is not None:
            key = (layer, role)
            found = self._common[key] = self._common.get(key, found) | found
        return found

    def fixed(self, layer: str, role: str, real: Reals, *, negative: bool = True) -> Fixed:
        """The format of an activation: as stated, or with the binary point from its range in the sample."""
        span = self.range(layer, role, real, negative=negative)
        return self.precision.type(layer, role).chosen(span.low, span.high, negative=span.negative)

    def quantized(self, x: Traced, fixed: Fixed, layer: str, part: str = "") -> Traced:
        """`x` rounded half up to a format, saturating."""
        op = Quantize(TensorType.of(fixed, x.shape), Rounding.RND, Overflow.SAT)
        return Traced(self.nodes(layer).add(op, x.node, part=part), x.real)

    def settle(self, x: Traced, role: str = "result") -> Traced:
        """`x` in the result type of its layer, if it is pending."""
        if not x.pending:
            return x
        if x.node not in self._settled:
            negative = bool(self.type(x).low.min(initial=0) < 0)
            fixed = self.fixed(x.pending, role, x.real, negative=negative)
            part = "" if role == "result" and not self._step else role
            self._settled[x.node] = self.quantized(x, fixed, x.pending, part)
        return self._settled[x.node]

    def weights(self, values: Reals, layer: str, role: str) -> tuple[Integers, int]:
        """Codes and exponent of a kernel, bias or table constant, rounded half up and saturating.

        The last axis of a kernel is that of the channels, if the calibration chooses by channel.
        """
        stated = self.precision.type(layer, role)
        values = np.asarray(values, dtype=np.float64)
        if (
            stated.integer is None
            and self.calibration.per_channel
            and role.endswith("kernel")
            and values.ndim
        ):
            columns = values.reshape(-1, values.shape[-1])
            formats = [stated.chosen(c.min(), c.max(), negative=True) for c in columns.T]
        else:
            low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
            formats = [stated.chosen(float(low), float(high), negative=bool(low < 0))]
        exponents = np.array([f.exponent for f in formats])
        exponents = np.maximum(exponents, exponents.max() - SPREAD)
        lows, highs = np.array([f.low for f in formats]), np.array([f.high for f in formats])
        codes = np.clip(np.floor(values / np.exp2(exponents) + 0.5), lows, highs).astype(np.int64)
        exponent = int(exponents.min())
        return (codes << (exponents - exponent)).reshape(values.shape), exponent

    def shared(self, key: Any, make: Callable[[], Op]) -> Op:
        """One op for all nodes of one key, so that repeated steps share their tables."""
        if key not in self._constants:
            self._constants[key] = make()
        return self._constants[key]

    # ports

    def input(self, name: str, shape: tuple[int, ...]) -> Traced:
        """A port; its binary point is chosen from the sample, with room for a sign unless ``ufixed``.

        Raises:
            SampleError: the sample does not fit.
        """
        real = self.calibration.events(name, shape)
        fixed = self.fixed(name, "result", real)
        return Traced(self.graph.input(name, TensorType.of(fixed, shape), stated=False), real)

    def constant(self, values: NDArray[Any], *, layer: str, role: str = "constant") -> Traced:
        """A constant tensor, in as many bits as a weight and with the binary point that fits it best."""
        real = np.asarray(values, dtype=np.float64)[np.newaxis]
        stated = self.precision.stated(layer, role)
        width = self.precision.type(layer, role).width
        low, high = (float(real.min()), float(real.max())) if real.size else (0.0, 0.0)
        free = stated or replace(self.precision.type(layer, role), width=width, integer=None)
        fixed = free.chosen(low, high, negative=low < 0)
        codes = np.clip(np.floor(real[0] / 2.0**fixed.exponent + 0.5), fixed.low, fixed.high)
        node = self.nodes(layer).codes(codes.astype(np.int64), fixed.exponent, role)
        return Traced(node, real)

    def finish(self, outputs: Mapping[str, Traced]) -> Graph:
        """The verified graph.

        Raises:
            UnknownNameError: the precision names a layer that the network does not have.
        """
        nodes = {name: self.settle(x).node for name, x in outputs.items()}
        self.precision.check()
        graph = self.graph.finish(nodes)
        return replace(graph, nodes=tuple(by_layer(graph.nodes)), exact=False).verify()
