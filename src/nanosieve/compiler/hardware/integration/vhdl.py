"""VHDL text for a design: a package with its component, and an entity that shows how to instantiate it."""

from __future__ import annotations

import re

from nanosieve.compiler.hardware.integration.interface import Bus, Interface

__all__ = ["vhdl_component", "vhdl_name", "vhdl_shim", "vhdl_template"]

_RESERVED = """
    abs access after alias all and architecture array assert assume assume_guarantee attribute begin block
    body buffer bus case component configuration constant context cover default disconnect downto else elsif
    end entity exit fairness file for force function generate generic group guarded if impure in inertial
    inout is label library linkage literal loop map mod nand new next nor not null of on open or others out
    package parameter port postponed private procedure process property protected pure range record register
    reject release rem report restrict restrict_guarantee return rol ror select sequence severity shared
    signal sla sll sra srl strong subtype then to transport type unaffected units until use variable view
    vmode vpkg vprop vunit wait when while with xnor xor
"""
_KEYWORDS = frozenset(_RESERVED.split())
"""Reserved words of VHDL-2019 (IEEE 1076-2019), those of earlier versions among them."""

_LEGAL = re.compile(r"[a-z](_?[a-z0-9])*", re.IGNORECASE)
_CONTROL = ("clk", "reset", "valid_in", "valid_out")
_SEEN = ("ieee", "work", "std", "std_logic", "std_logic_vector", "u_design")
"""What the text below refers to, and a port of that name would hide."""


def vhdl_name(interface: Interface) -> str:
    """The name of the component.

    If VHDL does not accept the name of the top module or of a port, the component is a shim with other names
    (`vhdl_shim`): tools do not agree on how one name stands for another across the languages.
    """
    return _names(interface)[0]


def _names(interface: Interface) -> tuple[str, dict[str, str]]:
    """The name of the component, and of its ports by bus."""
    own = _accepted(interface.name)
    taken = {*_CONTROL, *_SEEN, *(f"{own}{end}".lower() for end in ("", "_vhdl", "_component", "_instance"))}
    ports: dict[str, str] = {}
    for bus in (*interface.inputs, *interface.outputs):
        first, n = _accepted(bus.bus), 2
        text = first
        while text.lower() in taken:
            text, n = f"{first}_{n}", n + 1
        taken.add(text.lower())
        ports[bus.bus] = text
    if own == interface.name and all(bus == port for bus, port in ports.items()):
        return own, ports
    return interface.unused(f"{own}_vhdl"), ports


def _accepted(name: str) -> str:
    """`name` if it is an identifier of VHDL, else one like it."""
    if _LEGAL.fullmatch(name) and name.lower() not in _KEYWORDS:
        return name
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "p"
    text = text if text[0].isalpha() else f"p_{text}"
    return f"{text}_p" if text.lower() in _KEYWORDS else text


def vhdl_shim(interface: Interface) -> str | None:
    """Verilog that renames the ports to what VHDL accepts; None where all names are accepted."""
    top, names = _names(interface)
    if top == interface.name:
        return None
    sides = [("input ", bus) for bus in interface.inputs] + [("output", bus) for bus in interface.outputs]
    ports = ["input  wire clk", "input  wire reset", "input  wire valid_in", "output wire valid_out"]
    ports += [f"{way} wire [{bus.width - 1}:0] {names[bus.bus]}" for way, bus in sides]
    pins = [f".{pin}({pin})" for pin in _CONTROL] + [f".{bus.bus}({names[bus.bus]})" for _, bus in sides]
    return "\n".join(
        [
            f"// {top}: {interface.name} with names that VHDL accepts.",
            f"module {top} (",
            ",\n".join(f"  {port}" for port in ports),
            ");",
            f"  {interface.name} u_design (",
            ",\n".join(f"    {pin}" for pin in pins),
            "  );",
            "endmodule",
            "",
        ]
    )


def vhdl_component(interface: Interface) -> str:
    """A package with the component, the constants of its timing, and where each element is."""
    top = vhdl_name(interface)
    lines = [
        f"-- Component of {interface.name}, a Verilog design.",
        f"-- Two events are at least {interface.interval} cycle(s) apart; valid_out is high "
        f"{interface.latency} cycle(s) after valid_in.",
        "--",
        *(f"-- {line}".rstrip() for line in _tables(interface)),
        "",
        "library ieee;",
        "use ieee.std_logic_1164.all;",
        "",
        f"package {top}_component is",
        "",
        f"  constant latency_cycles : positive := {interface.latency};",
        f"  constant interval_cycles : positive := {interface.interval};",
        "",
        f"  component {top} is",
        *(f"    {line}" for line in _ports(interface)),
        "  end component;",
        "",
        f"end package {top}_component;",
        "",
    ]
    return "\n".join(lines)


def vhdl_template(interface: Interface) -> str:
    """An entity around one instance; what is between begin and end is the instantiation."""
    top, names = _names(interface)
    buses = [names[bus.bus] for bus in (*interface.inputs, *interface.outputs)]
    pins = ",\n".join(f"      {pin} => {pin}" for pin in (*_CONTROL, *buses))
    return "\n".join(
        [
            f"-- An instance of {top}, to be copied.",
            "",
            "library ieee;",
            "use ieee.std_logic_1164.all;",
            "",
            f"use work.{top}_component.all;",
            "",
            f"entity {top}_instance is",
            *(f"  {line}" for line in _ports(interface)),
            f"end entity {top}_instance;",
            "",
            f"architecture structure of {top}_instance is",
            "",
            "begin",
            "",
            f"  u_design : component {top}",
            "    port map (",
            pins,
            "    );",
            "",
            "end architecture structure;",
            "",
        ]
    )


def _ports(interface: Interface) -> list[str]:
    _, names = _names(interface)
    ports = [(pin, "in", "std_logic") for pin in _CONTROL[:3]]
    ports += [(names[bus.bus], "in", _vector(bus)) for bus in interface.inputs]
    ports += [("valid_out", "out", "std_logic")]
    ports += [(names[bus.bus], "out", _vector(bus)) for bus in interface.outputs]
    declared = [f"  {name} : {way} {kind};" for name, way, kind in ports]
    return ["port (", *declared[:-1], declared[-1].rstrip(";"), ");"]


def _vector(bus: Bus) -> str:
    return f"std_logic_vector({bus.width - 1} downto 0)"


def _tables(interface: Interface) -> list[str]:
    """Per bus and element: its bits, its beat, and its types here and in ieee.fixed_pkg."""
    (_, names), lines = _names(interface), list[str]()
    for way, buses in (("input", interface.inputs), ("output", interface.outputs)):
        for bus in buses:
            port = names[bus.bus]
            renamed = "" if port == bus.bus else f" ({bus.bus} in Verilog)"
            lines += [f"{way} {_in_comment(bus.name)}: port {port}{renamed}, {bus.beats} beat(s)"]
            lines += [f"  {'element':>7}  {'beat':>4}  {'bits':<16}  {'type':<14}  ieee.fixed_pkg"]
            lines += [f"  {n:>7}  {_row(bus, n)}" for n in range(len(bus.elements))]
            lines.append("")
    return lines[:-1]


def _row(bus: Bus, n: int) -> str:
    element = bus.elements[n]
    if element.width == 0:
        return f"{element.beat:>4}  none, it is 0"
    bits = f"{element.lsb + element.width - 1} downto {element.lsb}"
    fixed = f"{'s' if element.signed else 'u'}fixed"
    fixed += f"({element.width + element.exponent - 1} downto {element.exponent})"
    return f"{element.beat:>4}  {bits:<16}  {element.type:<14}  {fixed}"


def _in_comment(name: str) -> str:
    """A user's name on one line, in the characters that every VHDL tool reads."""
    return re.sub(r"[^ -~]", "?", name)
