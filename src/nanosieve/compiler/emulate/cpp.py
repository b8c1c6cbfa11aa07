"""The network as dependency-free C++17, bit for bit, for the software of an experiment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nanosieve._files import output_folder, write_text
from nanosieve.compiler.emulate.cpp_names import comment, identifier
from nanosieve.compiler.emulate.cpp_network import Network
from nanosieve.compiler.emulate.cpp_ports import Port, describe, input_ports, output_ports, struct
from nanosieve.compiler.emulate.cpp_source import Source
from nanosieve.compiler.emulate.cpp_text import EVALUATE, HEAD, HELPERS, OF_THE_THREAD, STATUS
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.passes import fixed_weights

__all__ = ["header_name", "to_cpp", "write_cpp"]

ON_THE_STACK = 65536
"""Largest workspace in bytes that a call without one puts on the stack."""


def header_name(graph: Graph, name: str | None = None) -> str:
    """The C++ name of the network, which is its namespace below ``nanosieve`` and the name of its file."""
    return identifier(graph.name if name is None else name)


def to_cpp(graph: Graph, name: str | None = None) -> str:
    """A C++17 header with the network, which needs the standard library alone.

    It holds ``namespace nanosieve::NAME`` with the structs ``Inputs`` and ``Outputs`` of codes,
    ``RealInputs`` and ``RealOutputs`` of numbers, and the functions ``evaluate`` of either. Its comments say
    how to use it.

    Args:
        graph: any graph.
        name: of the namespace; default the name of the graph. Letters that C++ does not take are replaced.

    Raises:
        GraphError: the graph breaks a rule.
    """
    graph = fixed_weights(graph.verify())
    name = header_name(graph, name)
    source = Source()
    inputs, outputs = input_ports(graph), output_ports(graph)
    network = Network(graph, source)
    calls = [
        f"if (!detail::{port.load(source, place.bits)}(in.{port.member}.data(), {place.pointer})) "
        "return Status::out_of_range;"
        for port in inputs
        if port.type.size
        for place in [network.places[port.name]]
    ]
    calls += network.calls
    calls += [
        f"detail::{port.store(source, place.bits)}({place.pointer}, out.{port.member}.data());"
        for port in outputs
        if port.type.size
        for place in [network.output(graph.outputs[port.name])]
    ]
    large = _bytes(network) > ON_THE_STACK
    words = {
        "@NAME@": name,
        "@TITLE@": comment(graph.name),
        "@PORTS@": "\n".join(_summary(inputs, outputs)),
        "@CALLS@": "\n".join(f"    {line}" for line in calls),
        "@ENCODE@": "\n".join(_conversions(source, inputs, encode=True)),
        "@DECODE@": "\n".join(_conversions(source, outputs, encode=False)),
        "@WORKSPACE@": _workspace(network),
        "@OWN@": "Workspace& w = detail::workspace();" if large else "Workspace w;",
    }
    facts = [line for port in inputs for line in describe(source, "input", port)]
    facts += [line for port in outputs for line in describe(source, "output", port)]
    parts = [
        _filled(HEAD, words),
        STATUS,
        *struct("Inputs", "Codes of the inputs, row-major.", inputs),
        *struct("Outputs", "Codes of the outputs, row-major.", outputs),
        *struct("RealInputs", "The inputs as numbers; a float is a double exactly.", inputs, "double"),
        *struct("RealOutputs", "The outputs as numbers.", outputs, "double"),
        _filled(HELPERS, words),
        *([OF_THE_THREAD] if large else []),
        *source.arrays,
        "",
        *(f"{text}\n" for text in source.functions),
        "}  // namespace detail\n",
        "// What each element k of a port means: value = code * 2^exponent(k), low(k) <= code <= high(k).",
        *facts,
        _filled(EVALUATE, words),
    ]
    return "\n".join(parts)


def write_cpp(graph: Graph, folder: str | Path, name: str | None = None) -> Path:
    """Write `to_cpp` to ``folder/NAME.hpp`` and return the file.

    Raises:
        GraphError: see `to_cpp`.
        OutputError: the folder cannot be written to.
    """
    text = to_cpp(graph, name)
    return write_text(output_folder(folder) / f"{header_name(graph, name)}.hpp", text)


def _filled(template: str, words: Mapping[str, str]) -> str:
    return re.sub("@[A-Z]+@", lambda match: words[match[0]], template)


def _summary(inputs: list[Port], outputs: list[Port]) -> list[str]:
    lines = []
    for port in inputs:
        rule = f"{port.rule.rounding} {port.rule.overflow}" if port.rule else ""
        lines.append(f"//   input  {comment(f'{port.member}: {port.name}, {port.type}, {rule}')}")
    return lines + [f"//   output {comment(f'{p.member}: {p.name}, {p.type}')}" for p in outputs]


def _conversions(source: Source, ports: list[Port], *, encode: bool) -> list[str]:
    lines = []
    for port in ports:
        if port.type.size and encode:
            call = f"detail::{port.encode(source)}(in.{port.member}.data(), codes.{port.member}.data())"
            lines.append(f"    if (!{call}) return Status::not_finite;")
        elif port.type.size:
            function = port.decode(source)
            lines.append(f"    detail::{function}(codes.{port.member}.data(), out.{port.member}.data());")
    return lines


def _workspace(network: Network) -> str:
    return "\n".join(
        f"    alignas(64) std::int{bits}_t codes{bits}[{size}];" for bits, size in network.memory.items()
    )


def _bytes(network: Network) -> int:
    return sum(bits // 8 * size for bits, size in network.memory.items())
