"""From the nodes of one layer to the cells of one module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Concatenate,
    Constant,
    Dense,
    Einsum,
    Gather,
    Graph,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Max,
    Min,
    Multiply,
    Node,
    Nonzero,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Scale,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
    Windows,
)
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.adder_graph import multiply_matrix
from nanosieve.compiler.hardware.deep_tables import deep_table
from nanosieve.compiler.hardware.mac_chains import (
    LONGEST,
    best_length,
    cut,
    exponent_of,
    factors_of,
    grow_chain,
    partial_products,
    partition,
)
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.compiler.hardware.order import arg_max, extreme, sort
from nanosieve.compiler.hardware.schedule import CONSTANT, Arrival, arrival_of
from nanosieve.compiler.hardware.timing import DelayModel, uses_dsp
from nanosieve.errors import SettingsError, UnsupportedLayerError

__all__ = ["Lowering"]


@dataclass
class Lowering:
    """Grows the netlist of one layer; arrival times are kept beside the cells.

    Attributes:
        dsp: whether products may go to DSP slices.
        chain: products in a chain of multiply-accumulate cells, up to `mac_chains.LONGEST`; 0 for what
            costs least.
        values: node name → its elements, flat.
    """

    graph: Graph
    layer: str
    model: DelayModel
    period: float
    extra_depth: int
    dsp: bool = True
    chain: int = 0
    netlist: Netlist = field(default_factory=Netlist)
    values: dict[str, list[Value]] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 <= self.chain <= LONGEST:
            message = f"chain = {self.chain!r}: a chain of products is 1 to {LONGEST} long, or 0 for the best"
            raise SettingsError(message)
        self.netlist.dsp = self.dsp

    def give_input(self, port: int, element: int, low: int, high: int, arrival: Arrival) -> int:
        """Add an input element that arrives at `arrival`, or `ANY_STAGE`, and return its cell."""
        self.settle()
        cell = self.netlist.input(port, element, low, high, arrival.stage)
        if cell == len(self.arrivals) and low < high:
            self.arrivals.append(arrival)
        self.settle()
        return cell

    def give_steady(self, element: int, low: int, high: int) -> int:
        """Add a weight that is there in all stages, and return its cell."""
        cell = self.netlist.steady(element, low, high)
        self.settle()
        return cell

    def settle(self) -> None:
        """Compute the arrivals of the cells added since the last call."""
        for cell in self.netlist.cells[len(self.arrivals) :]:
            constant = isinstance(cell, c.ConstantCell | c.SteadyCell)
            self.arrivals.append(
                CONSTANT
                if constant
                else arrival_of(self.netlist, cell, self.arrivals, self.model, self.period, self.layer)
            )

    def lower(self, node: Node) -> None:
        """Grow the cells of `node`, whose inputs are in `values` already."""
        if node.name in self.values:
            return
        given = [self.values[name] for name in node.inputs]
        types = [self.graph.types[name] for name in node.inputs]
        values = self._cells(node, given, types)
        final = self.fused_bias(node) or node
        out = self.graph.types[final.name]
        ends = zip(values, out.low.flat, out.high.flat, out.exponent.flat, strict=True)
        self.values[final.name] = [
            self.as_typed(value, int(low), int(high), int(exponent)) for value, low, high, exponent in ends
        ]
        self.settle()

    def as_typed(self, value: Value, low: int, high: int, exponent: int) -> Value:
        """The value at the step and in the proven range of the graph's type."""
        cell = self.netlist.shift(value.cell, value.exponent - exponent)
        return Value(self.netlist.narrow(cell, low, high), exponent)

    def _cells(  # noqa: C901 - one arm for each op
        self, node: Node, given: list[list[Value]], types: list[TensorType]
    ) -> Sequence[Value]:
        net, op = self.netlist, node.op
        match op:
            case Constant():
                return [
                    Value(net.constant(int(code)), int(exponent))
                    for code, exponent in zip(op.codes.flat, op.exponent.flat, strict=True)
                ]
            case Quantize():
                return [self._quantize(op, x, n, types[0]) for n, x in enumerate(given[0])]
            case Dense():
                return self._dense(node, op, given[0], types[0])
            case Einsum():
                return self._einsum(op, given, types)
            case Add() | Subtract():
                minus = isinstance(op, Subtract)
                return [self._sum(a, b, minus) for a, b in zip(*given, strict=True)]
            case Sum():
                rows = _rows(given[0], types[0])
                return (
                    self._sums_of_products(rows) if self._multiplies(node) else [self._tree(r) for r in rows]
                )
            case Max() | Min():
                return [extreme(net, row, largest=isinstance(op, Max)) for row in _rows(given[0], types[0])]
            case ArgMax():
                return [arg_max(net, row) for row in _rows(given[0], types[0])]
            case Sort():
                return [value for row in _rows(given[0], types[0]) for value in sort(net, row)]
            case Select():
                return [self._select(*values) for values in zip(*given, strict=True)]
            case Multiply():
                return [self._product(a, b) for a, b in zip(*given, strict=True)]
            case Relu():
                return [Value(net.select(x.cell, net.constant(0), x.cell), x.exponent) for x in given[0]]
            case LeakyRelu():
                return [self._leaky(op, x) for x in given[0]]
            case Lookup():
                return [self._table(op, x, n, types[0]) for n, x in enumerate(given[0])]
            case Nonzero():
                return [Value(net.nonzero(x.cell), 0) for x in given[0]]
            case GreaterEqual():
                return [self._at_least(a, b) for a, b in zip(*given, strict=True)]
            case Scale():
                shifts = np.broadcast_to(op.shift, types[0].shape).flat
                return [Value(x.cell, x.exponent + int(s)) for x, s in zip(given[0], shifts, strict=True)]
            case Reshape():
                return given[0]
            case Gather():
                return self._picked(given[0], op.index)
            case Windows():
                return self._picked(given[0], op.index(types[0].shape))
            case Concatenate():
                return _concatenate(given, types)
            case _:
                message = f"layer {self.layer!r}: the unrolled architecture has no {type(op).__name__}"
                raise UnsupportedLayerError(message)

    def _quantize(self, op: Quantize, x: Value, n: int, given: TensorType) -> Value:
        low, high, exponent = (int(a.flat[n]) for a in (op.target.low, op.target.high, op.target.exponent))
        ends = op.round(given.low, given.exponent).flat[n], op.round(given.high, given.exponent).flat[n]
        cell = self.netlist.round(x.cell, exponent - x.exponent, op.rounding, int(ends[0]), int(ends[1]))
        bring = self.netlist.saturate if op.overflow is Overflow.SAT else self.netlist.wrap
        return Value(bring(cell, low, high), exponent)

    def _leaky(self, op: LeakyRelu, x: Value) -> Value:
        """The product with the slope from the adders of its binary digits."""
        (scaled,) = multiply_matrix(self.netlist, [x], [0.0], np.array([[op.code]]), -1)
        scaled = Value(scaled.cell, scaled.exponent + op.exponent)
        exponent = min(scaled.exponent, x.exponent + op.exponent)
        negative = self.netlist.shift(scaled.cell, scaled.exponent - exponent)
        positive = self.netlist.shift(x.cell, x.exponent - exponent)
        return Value(self.netlist.select(x.cell, negative, positive), exponent)

    def _table(self, op: Lookup, x: Value, n: int, given: TensorType) -> Value:
        low, high = self.netlist.range(x.cell)  # may be narrower than what the graph has proven
        row = n % len(op.tables)
        first = int(op.first[row])
        entries = tuple(int(entry) for entry in op.tables[row][low - first : high - first + 1])
        bits = self.model.table_bits(self.model.usable(self.period))
        return Value(deep_table(self.netlist, x.cell, entries, bits), int(op.exponent[row]))

    def _picked(self, values: list[Value], index: NDArray[np.int64]) -> list[Value]:
        zero = Value(self.netlist.constant(0), 0)
        return [values[n] if n >= 0 else zero for n in index.flat]

    def _select(self, bit: Value, one: Value, zero: Value) -> Value:
        exponent = min(one.exponent, zero.exponent)
        first, second = (self.netlist.shift(v.cell, v.exponent - exponent) for v in (one, zero))
        return Value(self.netlist.choose(bit.cell, first, second), exponent)

    def _einsum(self, op: Einsum, given: list[list[Value]], types: list[TensorType]) -> list[Value]:
        """A product for each pair that meets, and a tree of adders for each sum."""
        places = [op.spread(np.arange(t.size).reshape(t.shape), n) for n, t in enumerate(types)]
        left, right = np.broadcast_arrays(*places)
        sums = int(np.prod(left.shape[len(op.indices[2]) :], dtype=np.int64))
        results: list[list[Value | tuple[Value, Value]]] = []
        for row in zip(left.reshape(-1, sums), right.reshape(-1, sums), strict=True):
            results.append([(given[0][i], given[1][j]) for i, j in zip(*row, strict=True)])
        return self._sums(results)

    def _sums(self, rows: list[list[Value | tuple[Value, Value]]]) -> list[Value]:
        """For each row the sum of its values and products.

        Products that fit a DSP slice go in chains, those whose factors come first to the front; the results
        of the chains and what is left are added in a tree.
        """
        self.settle()
        split = [partition(self.netlist, row, self.dsp) for row in rows]
        length = self.chain or best_length(self.netlist, [pairs for pairs, _ in split])
        results = []
        for pairs, rest in split:
            values = [x if isinstance(x, Value) else self._product(*x) for x in rest]
            pairs.sort(key=lambda pair: max(self.arrivals[x.cell] for x in pair))
            values += [grow_chain(self.netlist, chain) for chain in cut(pairs, length)]
            results.append(self._tree(values))
        return results

    def _product(self, a: Value, b: Value) -> Value:
        """The product; in LUTs for which a clock cycle is too short, as a sum with registers between."""
        net, usable = self.netlist, self.model.usable(self.period)
        low, high = net.product_range(a.cell, b.cell)
        whole = c.ProductCell(low, high, (a.cell, b.cell), net.dsp)
        if uses_dsp(whole) or self.model.of(net, whole) <= usable:
            return Value(net.multiply(a.cell, b.cell), exponent_of((a, b)))
        plus, minus = partial_products(net, a, b)
        total = self._tree(plus)
        total = self._sum(total, minus, minus=True) if minus else total
        return self.as_typed(total, low, high, exponent_of((a, b)))

    def _multiplies(self, node: Node) -> bool:
        """Whether all that `node` reads are products that nothing else reads."""
        by_name, users = self.graph.by_name, self.graph.users
        source = by_name[node.inputs[0]]
        while isinstance(source.op, Reshape | Gather | Multiply):
            if len(users[source.name]) > 1 or source.name in self.graph.outputs.values():
                return False
            if isinstance(source.op, Multiply):
                return True
            source = by_name[source.inputs[0]]
        return False

    def _sums_of_products(self, rows: list[list[Value]]) -> list[Value]:
        """Sums of values that products made, of which the factors are found again."""
        return self._sums([[factors_of(self.netlist, value) or value for value in row] for row in rows])

    def _sum(self, a: Value, b: Value, minus: bool = False) -> Value:
        exponent = min(a.exponent, b.exponent)
        shifts = {"shift_a": a.exponent - exponent, "shift_b": b.exponent - exponent}
        return Value(self.netlist.add(a.cell, b.cell, **shifts, subtract=minus), exponent)

    def _tree(self, values: list[Value]) -> Value:
        """A sum in which the values that arrive first are added first."""
        self.settle()
        waiting = sorted(values, key=lambda v: self.arrivals[v.cell], reverse=True)
        while len(waiting) > 1:
            waiting.append(self._sum(waiting.pop(), waiting.pop()))
            self.settle()
            waiting.sort(key=lambda v: self.arrivals[v.cell], reverse=True)
        return waiting[0]

    def _at_least(self, a: Value, b: Value) -> Value:
        exponent = min(a.exponent, b.exponent)
        shifts = {"shift_a": a.exponent - exponent, "shift_b": b.exponent - exponent}
        return Value(self.netlist.at_least(a.cell, b.cell, **shifts), 0)

    def _dense(self, node: Node, op: Dense, given: list[Value], type: TensorType) -> list[Value]:
        """Adder graph of the matrix.

        The bias and constant inputs join the graph as one more summand of each output, so that they are
        added where a path has time left and not behind the last adder.
        """
        _, inputs, outputs = op.blocks.shape
        _, rows, _ = op.rows(type.shape)
        bias = self._bias(node)
        results: list[Value] = []
        for start in range(0, len(given), inputs):
            row, kernel = given[start : start + inputs], op.blocks[start // inputs // rows]
            codes = [self.netlist.constant_code(x.cell) for x in row]
            live = [n for n in range(inputs) if codes[n] is None]
            offsets = bias[start // inputs * outputs :][:outputs] if bias else [None] * outputs
            summands = [self._offset(op, kernel, row, codes, j, offsets[j]) for j in range(outputs)]
            added = [j for j in range(outputs) if summands[j] is not None]
            self.settle()
            results += multiply_matrix(
                self.netlist,
                [row[n] for n in live] + [s for s in summands if s is not None],
                [self._adder_delays(row[n]) for n in live] + [0.0] * len(added),
                np.concatenate([kernel[live], np.eye(outputs, dtype=np.int64)[added]]),
                self.extra_depth,
            )
        return [Value(value.cell, value.exponent + op.exponent) for value in results]

    def _offset(
        self,
        op: Dense,
        kernel: NDArray[np.int64],
        row: list[Value],
        codes: list[int | None],
        j: int,
        bias: Value | None,
    ) -> Value | None:
        """What the bias and the constant inputs add to output `j`, at the step of the weights."""
        parts = [
            (code * int(kernel[n, j]), row[n].exponent) for n, code in enumerate(codes) if code is not None
        ]
        if bias is not None:
            parts.append((self.netlist.cells[bias.cell].low, bias.exponent - op.exponent))
        exponent = min((e for code, e in parts if code), default=0)
        total = sum(code << (e - exponent) for code, e in parts if code)
        return Value(self.netlist.constant(total), exponent) if total else None

    def fused_bias(self, node: Node) -> Node | None:
        """The addition of a constant that is the only use of the dense product `node`, in the same layer."""
        users = self.graph.users[node.name] if isinstance(node.op, Dense) else ()
        if len(users) != 1 or node.name in self.graph.outputs.values():
            return None
        (user,) = users
        constants = [n for n in user.inputs if isinstance(self.graph.by_name[n].op, Constant)]
        fits = type(user.op) is Add and user.layer == node.layer and len(constants) == 1
        return user if fits else None

    def _bias(self, node: Node) -> list[Value]:
        user = self.fused_bias(node)
        if user is None:
            return []
        (name,) = (n for n in user.inputs if isinstance(self.graph.by_name[n].op, Constant))
        self.lower(self.graph.by_name[name])
        return self.values[name]

    def _adder_delays(self, x: Value) -> float:
        """Arrival in units of adders, which is what the solver counts in."""
        arrival = self.arrivals[x.cell]
        per_stage = max(1, int(self.model.usable(self.period) / (self.model.add + 8 * self.model.add_bit)))
        return arrival.stage * per_stage + round(arrival.time / (self.model.add + 8 * self.model.add_bit))


def _rows(values: list[Value], type: TensorType) -> list[list[Value]]:
    """The elements of each row of the last axis."""
    length = type.shape[-1]
    return [values[start : start + length] for start in range(0, len(values), length)]


def _concatenate(given: list[list[Value]], types: Sequence[TensorType]) -> list[Value]:
    """Join along the last axis of the shapes."""
    positions: list[tuple[int, int]] = [(t, n) for t, values in enumerate(given) for n in range(len(values))]
    index = iter(range(len(positions)))
    grids = [np.array([next(index) for _ in range(t.size)]).reshape(t.shape) for t in types]
    order = np.concatenate(grids, axis=-1).reshape(-1)
    return [given[t][n] for t, n in (positions[int(i)] for i in order)]
