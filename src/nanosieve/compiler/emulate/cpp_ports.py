"""The ports in C++: structs by the user's names, what each element means, numbers to codes and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.emulate.cpp_names import comment, port_names
from nanosieve.compiler.emulate.cpp_source import Source, bits_of, integer, literal
from nanosieve.compiler.graph import Graph, Input, Overflow, Rounding, TensorType
from nanosieve.compiler.graph.fixed import Integers
from nanosieve.errors import GraphError

__all__ = ["Port", "describe", "input_ports", "output_ports", "struct"]

EXPONENTS = 1022
"""Steps of ports lie between 2**-1022 and 2**1022, so that a double holds them and their inverse."""


@dataclass(frozen=True)
class Port:
    """An input or output.

    Attributes:
        name: the user's.
        member: of the C++ structs.
        type: of the codes.
        bits: of the C++ integer that holds a code, 32 or 64.
        rule: of an input: how numbers become codes.
    """

    name: str
    member: str
    type: TensorType
    rule: Input | None = None

    @property
    def bits(self) -> int:
        """Bits of the C++ integer that holds a code, 32 or 64."""
        return bits_of(self.type.low, self.type.high)

    def load(self, source: Source, bits: int) -> str:
        """Name of the function that checks codes and copies them to integers of so many bits."""
        low, high = source.term(self.type.low), source.term(self.type.high)
        lines = [
            "bool inside = true;",
            f"for (std::size_t k = 0; k < {self.type.size}; ++k) {{",
            f"    inside &= x[k] >= {low} && x[k] <= {high};",
            f"    y[k] = {_cast('x[k]', self.bits, bits)};",
            "}",
            "return inside;",
        ]
        parameters = [f"const {integer(self.bits)}* x", f"{integer(bits)}* y"]
        return source.function("load", "bool", parameters, lines)

    def store(self, source: Source, bits: int) -> str:
        """Name of the function that copies integers of so many bits to the port."""
        copy = f"y[k] = {_cast('x[k]', bits, self.bits)};"
        lines = [f"for (std::size_t k = 0; k < {self.type.size}; ++k) {copy}"]
        return source.function(
            "store", "void", [f"const {integer(bits)}* x", f"{integer(self.bits)}* y"], lines
        )

    def encode(self, source: Source) -> str:
        """Name of the function from numbers to codes.

        Raises:
            GraphError: the step of an element or its inverse is no double.
        """
        rule = self.rule or Input(self.type)
        exponent = self.type.exponent
        if np.any(np.abs(exponent) > EXPONENTS):
            message = (
                f"input {self.name!r} has the step 2**{int(exponent.flat[np.argmax(np.abs(exponent))])}, "
                f"which C++ cannot scale by; accepted: 2**-{EXPONENTS} to 2**{EXPONENTS}"
            )
            raise GraphError(message)
        low, high = source.term(self.type.low), source.term(self.type.high)
        rounded = f"{_ROUND[rule.rounding]}(x[k] * {_powers(source, -exponent)})"
        into = "wrapped" if rule.overflow is Overflow.WRAP else "saturated"
        finite = "number" if rule.overflow is Overflow.WRAP else "x[k]"
        lines = [
            f"for (std::size_t k = 0; k < {self.type.size}; ++k) {{",
            f"    const double number = {rounded};",
            f"    if (!std::isfinite({finite})) return false;",
            f"    y[k] = {_cast(f'{into}(number, {low}, {high})', 64, self.bits)};",
            "}",
            "return true;",
        ]
        return source.function("encode", "bool", ["const double* x", f"{integer(self.bits)}* y"], lines)

    def decode(self, source: Source) -> str:
        """Name of the function from codes to numbers."""
        value = f"static_cast<double>(x[k]) * {_powers(source, self.type.exponent)}"
        lines = [f"for (std::size_t k = 0; k < {self.type.size}; ++k) y[k] = {value};"]
        return source.function("decode", "void", [f"const {integer(self.bits)}* x", "double* y"], lines)


_ROUND = {Rounding.TRN: "std::floor", Rounding.RND: "nearest", Rounding.RND_CONV: "nearest_even"}


def _cast(text: str, given: int, wanted: int) -> str:
    return text if given == wanted else f"static_cast<{integer(wanted)}>({text})"


def _powers(source: Source, exponent: Integers) -> str:
    """The C++ double ``2**exponent`` of element ``k``."""
    exponent = np.clip(exponent, -4096, 4096)  # beyond which a double is zero or infinite all the same
    power = int(exponent.flat[0]) if exponent.size else 0
    if np.any(exponent != power):
        return f"std::ldexp(1.0, {source.term(exponent)})"
    return f"std::ldexp(1.0, {literal(power)})" if abs(power) > EXPONENTS else f"0x1p{power}"


def input_ports(graph: Graph) -> list[Port]:
    """The inputs in the order of the graph."""
    members = port_names(list(graph.inputs))
    return [Port(name, members[name], rule.type, rule) for name, rule in graph.ports.items()]


def output_ports(graph: Graph) -> list[Port]:
    """The outputs in the order of the graph."""
    members = port_names(list(graph.outputs))
    return [Port(name, members[name], graph.types[node]) for name, node in graph.outputs.items()]


def struct(name: str, text: str, ports: Sequence[Port], element: str | None = None) -> list[str]:
    """A struct with one array for each port, of codes or of `element`."""
    lines = [f"/// {text}", f"struct {name} {{"]
    for port in ports:
        members = f"std::array<{element or integer(port.bits)}, {port.type.size}> {port.member};"
        lines.append(f"    {members}  // {comment(f'{port.name}: {port.type}')}")
    return [*lines, "};"]


def describe(source: Source, kind: str, port: Port) -> list[str]:
    """The namespace ``KIND_MEMBER`` that says what each element of a port means."""
    type = port.type
    shape = ", ".join(map(str, type.shape))
    facts: Mapping[str, tuple[str, Integers]] = {
        "width": ("int", type.width),
        "exponent": ("int", type.exponent),
        "low": (integer(port.bits), type.low),
        "high": (integer(port.bits), type.high),
    }
    lines = [
        f"namespace {kind}_{port.member} {{  // {comment(port.name)}",
        f"inline constexpr std::size_t size = {type.size};",
        f"inline constexpr std::array<std::size_t, {len(type.shape)}> shape{{{{{shape}}}}};"
        if type.shape
        else "inline constexpr std::array<std::size_t, 0> shape{};",
    ]
    for name, (returns, values) in facts.items():
        term = source.term(values)
        used = term if "[" not in term else f"detail::{term}"
        lines.append(
            f"constexpr {returns} {name}({'[[maybe_unused]] '}std::size_t k) noexcept {{ return {used}; }}"
        )
    return [*lines, f"}}  // namespace {kind}_{port.member}"]
