"""The network as a list of calls: which values share a loop, and where each one is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.compiler.emulate.cpp_elements import ELEMENTWISE, FixedScalar, Scalar, expression
from nanosieve.compiler.emulate.cpp_names import comment
from nanosieve.compiler.emulate.cpp_source import Source, bits_of, cast, integer, loops
from nanosieve.compiler.emulate.cpp_tensors import Tensor, body
from nanosieve.compiler.graph import Constant, Graph, Input, Node, Reshape, Scale
from nanosieve.errors import GraphError

__all__ = ["Network", "Place"]

LINE = 64
"""Bytes of a cache line, at which every value starts."""


@dataclass(frozen=True)
class Place:
    """Where a value is kept: the C++ expression of its first element, and the bits of each."""

    pointer: str
    bits: int


@dataclass
class _Memory:
    """One array of integers of one width, in which values that are not needed at the same time share room."""

    size: int = 0
    free: list[tuple[int, int]] = field(default_factory=list)

    def take(self, length: int) -> int:
        """The start of a free room."""
        for n, (start, room) in enumerate(self.free):
            if room >= length:
                self.free[n : n + 1] = [(start + length, room - length)] if room > length else []
                return start
        start = self.size
        if self.free and sum(self.free[-1]) == self.size:
            start = self.free.pop()[0]
        self.size = start + length
        return start

    def give(self, start: int, length: int) -> None:
        """Free a room and join it with its neighbours."""
        joined: list[tuple[int, int]] = []
        for first, room in sorted([*self.free, (start, length)]):
            if joined and sum(joined[-1]) == first:
                joined[-1] = (joined[-1][0], joined[-1][1] + room)
            else:
                joined.append((first, room))
        self.free = joined


class Network:
    """The calls that evaluate a graph, and the places of its ports.

    Args:
        graph: verified.
        source: takes in the arrays and functions.

    Attributes:
        places: node → place, for every value that stands in memory.
        calls: the lines of C++ in order, comments among them.
        memory: bits → elements of the workspace.
    """

    def __init__(self, graph: Graph, source: Source) -> None:
        self.graph, self.source = graph, source
        self.places: dict[str, Place] = {}
        self.calls: list[str] = []
        self._rooms = {bits: _Memory() for bits in (16, 32, 64)}
        self._holds: dict[str, tuple[int, int, int]] = {}
        self.root = _roots(graph)
        steps = _steps(graph, self.root)
        self._last = self._last_uses(steps)
        for node in graph.nodes:
            if isinstance(node.op, Input):
                self._place(node.name)
        layer = None
        for number, step in enumerate(steps):
            if step[0].layer != layer:
                layer = step[0].layer
                self.calls.append(f"// layer {comment(layer)}")
            self._call(number, step)
            for name in [name for name in self._holds if self._last.get(name, -1) <= number]:
                bits, start, length = self._holds.pop(name)
                self._rooms[bits].give(start, length)

    @property
    def memory(self) -> Mapping[int, int]:
        """Bits → elements of the workspace, for the widths in use."""
        return {bits: room.size for bits, room in self._rooms.items() if room.size}

    def _last_uses(self, steps: list[list[Node]]) -> dict[str, int]:
        """Value in memory → number of the last step that reads it from there; outputs are read at the end."""
        last: dict[str, int] = {}
        for number, step in enumerate(steps):
            own = {node.name for node in step}
            for node in step:
                last |= {root: number for name in node.inputs if (root := self.root[name]) not in own}
        return last | {self.root[name]: len(steps) for name in self.graph.outputs.values()}

    def _place(self, name: str) -> Place:
        """A place for the value `name`."""
        type = self.graph.types[name]
        bits = bits_of(type.low, type.high, narrowest=16)
        line = LINE * 8 // bits
        length = -(-max(type.size, 1) // line) * line
        start = self._rooms[bits].take(length)
        self._holds[name] = (bits, start, length)
        self.places[name] = Place(f"w.codes{bits} + {start}", bits)
        return self.places[name]

    def _operand(self, name: str) -> Place:
        """Where the value `name` stands."""
        node = self.graph.by_name[self.root[name]]
        if isinstance(node.op, Constant) and node.name not in self.places:
            array, bits = self.source.array(node.op.codes)
            self.places[node.name] = Place(f"detail::{array}", bits)
        return self.places[node.name]

    def output(self, name: str) -> Place:
        """Where the value of an output stands after the last call."""
        return self._operand(name)

    def _call(self, number: int, step: list[Node]) -> None:
        kind = "elements" if type(step[0].op) in ELEMENTWISE else type(step[0].op).__name__.lower()
        arguments = self._elements(number, step) if kind == "elements" else self._tensor(step[0])
        lines, given, result = arguments
        if not lines:
            return
        parameters = [
            f"[[maybe_unused]] const {integer(place.bits)}* NANOSIEVE_RESTRICT x{n}"
            for n, place in enumerate(given)
        ]
        parameters += [f"{integer(p.bits)}* NANOSIEVE_RESTRICT y{n or ''}" for n, p in enumerate(result)]
        name = self.source.function(kind, "void", parameters, lines)
        for node in step:
            text = f"{node.name}: {type(node.op).__name__}, {self.graph.types[node.name]}"
            self.calls.append(f"//   {comment(text)}")
        self.calls.append(f"detail::{name}({', '.join(place.pointer for place in [*given, *result])});")

    def _tensor(self, node: Node) -> tuple[list[str], list[Place], list[Place]]:
        types = self.graph.types
        given = [self._operand(name) for name in node.inputs]
        to = self._place(node.name)
        operands = [
            Tensor(f"x{n}", place.bits, types[name])
            for n, (name, place) in enumerate(zip(node.inputs, given, strict=True))
        ]
        return body(self.source, node.op, operands, Tensor("y", to.bits, types[node.name])), given, [to]

    def _elements(self, number: int, step: list[Node]) -> tuple[list[str], list[Place], list[Place]]:
        """One loop over the elements, in which every node is a local variable."""
        types, source = self.graph.types, self.source
        given: dict[Place, str] = {}
        result: list[Place] = []
        local: dict[str, tuple[str, int]] = {}
        lines: list[str] = []

        def scalar(name: str) -> Scalar:
            root = self.graph.by_name[self.root[name]]
            if isinstance(root.op, Constant):
                codes = root.op.codes.reshape(types[name].shape)
                return FixedScalar("", bits_of(codes), types[name], codes, source)
            if root.name in local:
                return Scalar(*local[root.name], types[name])
            place = self._operand(name)
            pointer = given.setdefault(place, f"x{len(given)}")
            return Scalar(f"{pointer}[k]", place.bits, types[name])

        size = types[step[0].name].size
        for node in step:
            type = types[node.name]
            operands = [scalar(name) for name in node.inputs]
            try:
                text, bits = expression(source, node.op, operands, type)
            except GraphError as error:
                message = f"node {node.name!r} of layer {node.layer!r}: {error}"
                raise GraphError(message) from error
            own = bits_of(type.low, type.high)
            variable = f"v{len(local)}"
            lines.append(f"const {integer(own)} {variable} = {cast(text, bits, own)};")
            local[node.name] = (variable, own)
            if self._last.get(node.name, -1) > number:
                to = self._place(node.name)
                value = variable if own == to.bits else f"static_cast<{integer(to.bits)}>({variable})"
                lines.append(f"y{len(result) or ''}[k] = {value};")
                result.append(to)
        if size == 1:
            lines = ["[[maybe_unused]] const std::size_t k = 0;", *lines]
        return loops([("k", size)], lines), list(given), result


def _roots(graph: Graph) -> dict[str, str]:
    """Node → the node whose codes it shows."""
    root: dict[str, str] = {}
    for node in graph.nodes:
        root[node.name] = root[node.inputs[0]] if isinstance(node.op, Reshape | Scale) else node.name
    return root


def _steps(graph: Graph, root: Mapping[str, str]) -> list[list[Node]]:
    """The nodes to compute, runs of element-wise ones of one size together; dead ones are left out."""
    needed = {root[name] for name in graph.outputs.values()}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed |= {root[name] for name in node.inputs}
    steps: list[list[Node]] = []
    for node in graph.nodes:
        if node.name not in needed or isinstance(node.op, Input | Constant | Reshape | Scale):
            continue
        size = graph.types[node.name].size
        mergeable = bool(steps) and type(node.op) in ELEMENTWISE and type(steps[-1][0].op) in ELEMENTWISE
        if mergeable and graph.types[steps[-1][0].name].size == size:
            steps[-1].append(node)
        else:
            steps.append([node])
    return steps
