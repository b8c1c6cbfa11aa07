"""From families of nodes to a kernel: demands go backward from the lanes to the ports, then nodes forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nanosieve.compiler.graph import (
    Builder,
    Concatenate,
    Constant,
    Gather,
    Graph,
    Input,
    Integers,
    Reshape,
    Select,
    TensorType,
    Windows,
)
from nanosieve.compiler.hardware.assembly import Assembly
from nanosieve.compiler.hardware.family import Family
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.rows import DEAD, FIRST_CONSTANT, ZERO, Constants, joined, merged
from nanosieve.compiler.hardware.slice_ops import keeps_zero, plan
from nanosieve.compiler.hardware.slice_plan import Plan
from nanosieve.errors import FoldingError, GraphError

__all__ = ["Lanes", "make_kernel"]

Key = tuple[str, ...]


@dataclass(frozen=True)
class Lanes:
    """Elements of a family that a kernel makes.

    Attributes:
        family: which nodes.
        rows: flat element, shape (lanes, slots); `DEAD` where nobody reads it.
    """

    family: Family
    rows: Integers


@dataclass
class _Demand:
    """Rows that somebody reads, and then their places in the rows that are made."""

    rows: Integers
    place: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))


@dataclass(frozen=True)
class _Step:
    """A family as it is built: `rows` are made, then those of `masked` that are zero in some slots."""

    family: Family
    rows: Integers
    plan: Plan
    given: list[tuple[Key | None, _Demand]]
    masked: Integers
    bits: _Demand | None


def make_kernel(graph: Graph, families: Sequence[Family], lanes: Sequence[Lanes], layer: str) -> Kernel:
    """The kernel that makes the `lanes`.

    Args:
        graph: the original graph.
        families: in topological order.
        lanes: of some of the families.
        layer: the name for the nodes of the kernel.

    Raises:
        FoldingError: the slots need different hardware.
    """
    return _Slicing(graph, {family.key: family for family in families}, layer).kernel(lanes)


@dataclass
class _Slicing:
    graph: Graph
    families: dict[Key, Family]
    layer: str
    constants: Constants = field(default_factory=Constants)
    base: dict[str, int] = field(default_factory=dict)
    size: int = 0
    demands: dict[Key, list[_Demand]] = field(default_factory=dict)
    sources: list[_Demand] = field(default_factory=list)
    encoded: dict[str, Integers | None] = field(default_factory=dict)

    def kernel(self, lanes: Sequence[Lanes]) -> Kernel:
        names = {node.name for family in self.families.values() for node in family.nodes}
        self.inside = names
        wanted = [
            (lane.family, *self._demand(lane.family.key, lane.family.place, lane.rows)) for lane in lanes
        ]
        steps = [step for key in reversed(self.families) if (step := self._backward(key)) is not None]
        ports, fixed = self._ports()
        slots = ports.shape[1]
        reads, codes, type = self._read(ports)
        builder = Builder(self.layer)
        b = Assembly(self.layer, builder)
        builder.input("in", type)
        forward = _Forward(self, b, fixed)
        for step in reversed(steps):
            forward.build(step)
        b.of(f"{self.layer}.lanes")
        parts = [b.reshaped(forward.flat(key, demand), (len(demand.rows),)) for _, key, demand in wanted]
        joint = b.add(Concatenate(), *parts) if len(parts) > 1 else parts[0]
        b.of("out")
        result = b.fitted(joint, _side_by_side([lane.family.type(lane.rows) for lane in lanes]))
        writes = np.concatenate([self._writes(lane, slots) for lane in lanes])
        try:
            kernel = builder.finish({"out": result})
        except GraphError as error:
            raise FoldingError(str(error)) from error
        return Kernel(kernel, dict(self.base), reads, codes, writes)

    def _writes(self, lane: Lanes, slots: int) -> Integers:
        first = np.array([self._address(node.name) for node in lane.family.nodes])[lane.family.place]
        return np.where(lane.rows >= 0, lane.rows + first, -1)

    def _address(self, name: str) -> int:
        if name not in self.base:
            self.base[name] = self.size
            self.size += self.graph.types[name].size
        return self.base[name]

    # where an operand comes from

    def _encoded(self, name: str) -> Integers | None:
        """The elements of a value that is only read, as entries of ports; None if it is computed."""
        if name not in self.encoded:
            self.encoded[name] = self._encode(name)
        return self.encoded[name]

    def _encode(self, name: str) -> Integers | None:
        node, type = self.graph.by_name[name], self.graph.types[name]
        if isinstance(node.op, Constant):
            return self.constants.encode(node.op.codes, np.broadcast_to(node.op.exponent, type.shape)).ravel()
        if name not in self.inside or isinstance(node.op, Input):
            return self._outside(name)
        match node.op:
            case Reshape():
                return self._encoded(node.inputs[0])
            case Gather() | Windows():
                given = self._encoded(node.inputs[0])
                shape = self.graph.types[node.inputs[0]].shape
                index = node.op.index if isinstance(node.op, Gather) else node.op.index(shape)
                return (
                    None if given is None else np.where(index >= 0, given[np.maximum(index, 0)], ZERO).ravel()
                )
            case Concatenate():
                parts = [(self._encoded(n), self.graph.types[n].shape) for n in node.inputs]
                if any(part is None for part, _ in parts):
                    return None
                shaped = [part.reshape(shape) for part, shape in parts if part is not None]
                return np.concatenate(shaped, axis=-1).ravel()
            case _:
                return None

    def _outside(self, name: str) -> Integers:
        """Addresses; what is proven to be one number is a constant."""
        type = self.graph.types[name]
        address = self._address(name) + np.arange(type.size)
        low, high, exponent = (a.ravel() for a in (type.low, type.high, type.exponent))
        fixed = low == high
        address[fixed] = self.constants.encode(low[fixed], exponent[fixed])
        return address

    def _demand(self, key: Key, place: Integers, rows: Integers) -> tuple[Key | None, _Demand]:
        """Note that `rows` of the values `key` are read; the key is None if they come from the ports."""
        demand = _Demand(rows)
        encoded = [self._encoded(name) for name in key]
        if key in self.families and any(e is None for e in encoded):
            self.demands.setdefault(key, []).append(demand)
            return key, demand
        found = [self._outside(name) if e is None else e for e, name in zip(encoded, key, strict=True)]
        if len(found) == 1:
            entries = found[0][np.maximum(rows, 0)]
        else:
            entries = np.empty_like(rows)
            for n, elements in enumerate(found):
                slots = place == n
                entries[:, slots] = elements[np.maximum(rows[:, slots], 0)]
        demand.rows = np.where(rows >= 0, entries, rows)
        self.sources.append(demand)
        return None, demand

    # backward

    def _backward(self, key: Key) -> _Step | None:
        demands = self.demands.get(key, [])
        if not demands:
            return None
        family = self.families[key]
        rows, places = merged(np.concatenate([demand.rows for demand in demands]))
        masked, bits = np.empty(0, dtype=np.int64), None
        zero = (rows == ZERO).any(axis=1)
        if zero.any() and not keeps_zero(family):
            bits = _Demand(np.where(rows[zero] == ZERO, ZERO, np.where(rows[zero] == DEAD, DEAD, self._one)))
            self.sources.append(bits)
            rows, inner = merged(np.where(rows == ZERO, DEAD, rows))
            masked = inner[zero]
            outer = inner.copy()
            outer[zero] = len(rows) + np.arange(len(masked))
            places = np.append(outer, -1)[places]
        ends = np.cumsum([len(demand.rows) for demand in demands])[:-1]
        for demand, place in zip(demands, np.split(places, ends), strict=True):
            demand.place = place
        if not len(rows):
            return None
        planned = plan(family, rows, self.constants)
        given = [
            self._demand(family.operand(n), family.place, wanted) if len(wanted) else (None, _Demand(wanted))
            for n, wanted in enumerate(planned.operands)
        ]
        for wanted in planned.constants:
            demand = _Demand(wanted)
            self.sources.append(demand)
            given.append((None, demand))
        return _Step(family, rows, planned, given, masked, bits)

    @property
    def _one(self) -> int:
        return int(self.constants.encode(np.array([1]), np.array([0]))[0])

    # ports

    def _ports(self) -> tuple[Integers, Integers]:
        """The rows of the ports, and the entries of those that are one number; the places of all sources.

        A place beyond the ports is that of a number.
        """
        slots = next(iter(self.families.values())).place.size
        rows, place = merged(
            np.concatenate([np.empty((0, slots), np.int64), *(s.rows for s in self.sources)])
        )
        lowest = np.where(rows == DEAD, np.iinfo(np.int64).max, rows).min(
            axis=1, initial=np.iinfo(np.int64).max
        )
        one = ((rows == lowest[:, np.newaxis]) | (rows == DEAD)).all(axis=1) & (lowest <= FIRST_CONSTANT)
        order = np.concatenate([np.flatnonzero(~one), np.flatnonzero(one)])
        new = np.empty(len(rows), dtype=np.int64)
        new[order] = np.arange(len(rows))
        place = np.append(new, -1)[place]
        ends = np.cumsum([len(s.rows) for s in self.sources])
        for source, own in zip(self.sources, np.split(place, ends), strict=False):
            source.place = own
        return rows[~one], lowest[one]

    def _entries(self) -> tuple[Integers, Integers, Integers]:
        """Low, high and exponent of every entry of a row; those of entries below zero count from the end."""
        types = [self.graph.types[name] for name in self.base]  # in the order of their addresses
        nothing = [0] * (-1 - FIRST_CONSTANT)  # `DEAD` and `ZERO`
        codes, exponents = (
            np.array([*own[::-1], *nothing], dtype=np.int64)
            for own in (self.constants.codes, self.constants.exponents)
        )
        return (
            np.concatenate([*(t.low.ravel() for t in types), codes]),
            np.concatenate([*(t.high.ravel() for t in types), codes]),
            np.concatenate([*(t.exponent.ravel() for t in types), exponents]),
        )

    def _read(self, ports: Integers) -> tuple[Integers, Integers, TensorType]:
        """Addresses, constants, and types of the ports."""
        element, constant = ports >= 0, ports <= FIRST_CONSTANT
        low, high, exponent = (table[ports] for table in self._entries())
        type = joined(low, high, exponent, element | constant, (ports == ZERO).any(axis=1))
        codes = np.where(constant, low << np.where(constant, exponent - type.exponent[:, np.newaxis], 0), 0)
        spare = np.clip(0, type.low, type.high)  # nobody reads it, but it has to be a code of the port
        codes = np.where(ports == DEAD, spare[:, np.newaxis], codes)
        return np.where(element, ports, -1), codes, type


@dataclass
class _Forward:
    """Adds the nodes of the kernel."""

    slicing: _Slicing
    b: Assembly
    numbers: Integers
    values: dict[Key, str] = field(default_factory=dict)
    pool: str = ""

    def build(self, step: _Step) -> None:
        self.b.of(step.family.nodes[0].name)
        value = step.plan.build(self.b, _Given(self, step.given))
        if not step.plan.exact:
            value = self.b.fitted(value, step.family.type(step.rows))
        if step.bits is not None:
            flat = self.b.reshaped(value, (len(step.rows),))
            hidden = self.b.picked(flat, step.masked)
            bits = self.source(step.bits, (len(step.masked),))
            bits = self.b.fitted(bits, _bit(len(step.masked)), exact=True)
            type = self.b.type(hidden)
            zero = self.b.constant(np.zeros(type.shape, dtype=np.int64), type.exponent, "zero")
            kept = self.b.add(Select(), bits, hidden, zero, part="masked")
            value = self.b.add(Concatenate(), flat, kept, part="all")
        self.values[step.family.key] = value

    def flat(self, key: Key | None, demand: _Demand) -> str:
        """The demanded rows, flat."""
        return self.shaped(key, demand, (len(demand.rows),))

    def native(self, key: Key | None, demand: _Demand) -> str:
        if key is not None and key in self.values:
            value = self.values[key]
            if np.array_equal(demand.place, np.arange(self.b.type(value).size)):
                return value
        return self.flat(key, demand)

    def shaped(self, key: Key | None, demand: _Demand, shape: tuple[int, ...]) -> str:
        if key is None or key not in self.values:
            return self.source(demand, shape)
        return self.b.picked(self.values[key], demand.place.reshape(shape))

    def source(self, demand: _Demand, shape: tuple[int, ...]) -> str:
        """Ports and numbers; numbers alone are a node of their own."""
        ports = self.b.type("in").size
        place = demand.place.reshape(shape)
        if np.all(place < ports) and np.any(place >= 0):
            return self.b.picked("in", place)
        which = FIRST_CONSTANT - self.numbers
        constants = self.slicing.constants
        codes, exponents = (
            np.array(n, dtype=np.int64)[which] for n in (constants.codes, constants.exponents)
        )
        if np.all((place < 0) | (place >= ports)):
            known, number = place >= 0, np.maximum(place - ports, 0)
            codes, exponents = (np.append(a, 0)[np.where(known, number, -1)] for a in (codes, exponents))
            return self.b.constant(codes, exponents, "number")
        if not self.pool:
            self.pool = self.b.add(
                Concatenate(), "in", self.b.constant(codes, exponents, "numbers"), part="ports"
            )
        return self.b.picked(self.pool, place)


@dataclass(frozen=True)
class _Given:
    """The operands of one family."""

    forward: _Forward
    given: list[tuple[Key | None, _Demand]]

    def native(self, n: int) -> str:
        return self.forward.native(*self.given[n])

    def shaped(self, n: int, shape: tuple[int, ...]) -> str:
        return self.forward.shaped(*self.given[n], shape)

    def flat(self, n: int) -> str:
        return self.forward.flat(*self.given[n])


def _bit(count: int) -> TensorType:
    zero = np.zeros(count, dtype=np.int64)
    return TensorType(zero, zero + 1, zero)


def _side_by_side(types: Sequence[TensorType]) -> TensorType:
    return TensorType(
        np.concatenate([t.low for t in types]),
        np.concatenate([t.high for t in types]),
        np.concatenate([t.exponent for t in types]),
    )
