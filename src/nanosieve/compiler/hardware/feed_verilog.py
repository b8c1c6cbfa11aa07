"""Verilog of a layer that works in several slots per event: its feed, and its kernel as an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanosieve.compiler.hardware.delay_lines import SHIFT_REGISTER
from nanosieve.compiler.hardware.feed import (
    Capture,
    Choice,
    Feed,
    FeedPort,
    Lane,
    Literal,
)

__all__ = ["DELAY_LINE", "Controls", "counter", "feed_module"]

DELAY_LINE = "nanosieve_delay"
"""The library module of a delay."""


@dataclass(frozen=True)
class Controls:
    """The pulses that a feed takes: cycle of the event in which each comes, None where it needs none."""

    start: int | None
    capture: int | None

    @classmethod
    def of(cls, feed: Feed) -> Controls:
        """What `feed` needs."""
        loads = any(not port.free for port in feed.ports)
        captures = feed.captures
        return cls(feed.first_load if loads else None, captures[0].cycle if captures else None)


def feed_module(
    name: str,
    title: str,
    kernel: str,
    buses: Mapping[str, tuple[str, int, Sequence[tuple[int, int]]]],
    own: str,
    feed: Feed,
    out_width: int,
) -> str:
    """The module of the layer.

    Args:
        name: module name.
        title: one line for the comment at the top.
        kernel: module of the kernel.
        buses: source → signal, width and layout (lowest bit, width of each lane).
        own: the source that is the layer's own output.
        feed: the feed.
        out_width: bits of the kernel's output.
    """
    controls = Controls.of(feed)
    lines = [f"// {title}", f"module {name} (", "  input  wire clk,", "  input  wire reset,"]
    if controls.start is not None:
        lines.append(f"  input  wire start,    // high in cycle {controls.start} of an event")
    if controls.capture is not None:
        lines.append(f"  input  wire capture,  // high in cycle {controls.capture} of an event")
    lines += [
        f"  input  wire [{width - 1}:0] {signal}," for s, (signal, width, _) in buses.items() if s != own
    ]
    lines += [f"  output wire [{out_width - 1}:0] out", ");"]
    lines += _lanes(feed, buses)
    lines += _captures(feed)
    lines += _ports(feed)
    ports = ", ".join(f"p{n}" for n in reversed(range(len(feed.ports))))
    given = f", .in({{{ports}}})" if feed.ports else ""
    return "\n".join([*lines, "", f"  {kernel} u_slot (.clk(clk){given}, .out(out));", "endmodule", ""])


def counter(name: str, start: str, phases: int) -> list[str]:
    """``NAME_phase`` counts from 0 where `start` is high; ``NAME_on`` is high for `phases` cycles."""
    width = max((phases - 1).bit_length(), 1)
    return [
        f"  reg [{width - 1}:0] {name}_count;",
        f"  reg {name}_active;",
        f"  wire {name}_on = {start} | {name}_active;",
        f"  wire [{width - 1}:0] {name}_phase = {start} ? {width}'d0 : {name}_count;",
        "  always @(posedge clk) begin",
        f"    {name}_count <= {name}_phase + {width}'d1;",
        f"    {name}_active <= {name}_on & ~reset & ({name}_phase != {width}'d{phases - 1});",
        "  end",
    ]


def _lanes(feed: Feed, buses: Mapping[str, tuple[str, int, Sequence[tuple[int, int]]]]) -> list[str]:
    """Wires of the lanes, and their delay lines; lanes of one source with the same taps share a line."""
    lines = [""]
    for n, lane in enumerate(feed.lanes):
        signal, _, layout = buses[lane.source]
        lsb, width = layout[lane.index]
        lines.append(f"  wire {_sign(lane)}[{width - 1}:0] a{n} = {signal}[{lsb + width - 1}:{lsb}];")
    together: dict[tuple[int, ...], list[int]] = {}
    for n, depths in feed.taps.items():
        together.setdefault(depths, []).append(n)
    for line, (depths, lanes) in enumerate(together.items()):
        lines += _line(f"line{line}", depths, [(n, feed.lanes[n]) for n in lanes])
    return lines


def _line(name: str, depths: tuple[int, ...], lanes: list[tuple[int, Lane]]) -> list[str]:
    width = sum(lane.width for _, lane in lanes)
    lines = ["", f"  // {', '.join(f'{lane.source}[{lane.index}]' for _, lane in lanes[:4])}"]
    lines[-1] += f" and {len(lanes) - 4} more lanes" if len(lanes) > 4 else ""
    lines.append(f"  wire [{width - 1}:0] {name} = {{{', '.join(f'a{n}' for n, _ in reversed(lanes))}}};")
    before, last = name, 0
    for depth in depths:
        length, after = depth - last, f"{name}_{depth}"
        if length >= SHIFT_REGISTER:
            lines.append(f"  wire [{width - 1}:0] {after};")
            parameters = f"#(.WIDTH({width}), .DEPTH({length}))"
            lines.append(
                f"  nanosieve_delay {parameters} u_{after} (.clk(clk), .in({before}), .out({after}));"
            )
        else:
            steps = [*(f"{after}_{k}" for k in range(1, length)), after]
            lines.append(f"  reg [{width - 1}:0] {', '.join(steps)};")
            pairs = zip(steps, [before, *steps], strict=False)
            lines.append(f"  always @(posedge clk) begin {' '.join(f'{a} <= {b};' for a, b in pairs)} end")
        lsb = 0
        for n, lane in lanes:
            lines.append(
                f"  wire {_sign(lane)}[{lane.width - 1}:0] a{n}_d{depth} = "
                f"{after}[{lsb + lane.width - 1}:{lsb}];"
            )
            lsb += lane.width
        before, last = after, depth
    return lines


def _captures(feed: Feed) -> list[str]:
    if not feed.captures:
        return []
    first, last = feed.captures[0].cycle, feed.captures[-1].cycle
    lines = ["", f"  // kept until the next event: what stands on a lane in the cycles {first} to {last}"]
    if last > first:
        lines += counter("arrive", "capture", last - first + 1)
    by_cycle: dict[int, list[Capture]] = {}
    for captured in feed.captures:
        by_cycle.setdefault(captured.cycle, []).append(captured)
    for cycle, found in by_cycle.items():
        for c in found:
            lane = feed.lanes[c.lane]
            lines.append(f"  reg {_sign(lane)}[{lane.width - 1}:0] a{c.lane}_c{cycle};")
        width = max((last - first).bit_length(), 1)
        enable = "capture" if last == first else f"arrive_on & (arrive_phase == {width}'d{cycle - first})"
        kept = " ".join(f"a{c.lane}_c{cycle} <= a{c.lane};" for c in found)
        lines.append(f"  always @(posedge clk) if ({enable}) begin {kept} end")
    return lines


def _ports(feed: Feed) -> list[str]:
    """The ports of the kernel; those that are loaded in the same phases share what selects."""
    lines = ["", f"  // the {len(feed.ports)} ports of the kernel"]
    groups: dict[tuple[object, ...], list[int]] = {}
    for n, port in enumerate(feed.ports):
        if port.free:
            value = _value(port.choices[0], port, feed)
            lines.append(f"  wire {_sign(port)}[{port.width - 1}:0] p{n} = {value};")
        else:
            groups.setdefault((port.table, port.keeps, port.loads), []).append(n)
    if groups:
        lines += ["", *counter("slot", "start", feed.phases)]
    for g, ((table, _, _), members) in enumerate(groups.items()):
        lines += _table(feed, members) if table else _selected(feed, g, members)
    return lines


def _selected(feed: Feed, g: int, members: list[int]) -> list[str]:
    """Registers loaded from what the phase selects."""
    first = feed.ports[members[0]]
    many = len(first.choices)
    width = max((many - 1).bit_length(), 1)
    lines = [""]
    if many > 1:
        by_choice: dict[int, list[int]] = {}
        for phase, choice in first.loads:
            by_choice.setdefault(choice, []).append(phase)
        usual = max(by_choice, key=lambda choice: len(by_choice[choice]))
        lines += [f"  reg [{width - 1}:0] select{g};", "  always @*", "    case (slot_phase)"]
        lines += [
            f"      {_phases(feed, phases)}: select{g} = {width}'d{choice};"
            for choice, phases in by_choice.items()
            if choice != usual
        ]
        lines += [f"      default: select{g} = {width}'d{usual};", "    endcase"]
    enable = _enable(feed, first, f"load{g}", lines)
    for n in members:
        port = feed.ports[n]
        lines.append(f"  reg {_sign(port)}[{port.width - 1}:0] p{n};")
    for n in members:
        port = feed.ports[n]
        if many == 1:
            lines.append(f"  always @(posedge clk) {enable}p{n} <= {_value(port.choices[0], port, feed)};")
            continue
        lines += ["  always @(posedge clk)", f"    {enable}case (select{g})"]
        lines += [
            f"      {width}'d{k}: p{n} <= {_value(choice, port, feed)};"
            for k, choice in enumerate(port.choices[1:], 1)
        ]
        lines += [f"      default: p{n} <= {_value(port.choices[0], port, feed)};", "    endcase"]
    return lines


def _table(feed: Feed, members: list[int]) -> list[str]:
    """Ports that hold only constants, as one table."""
    ports = [feed.ports[n] for n in members]
    width = sum(port.width for port in ports)
    lines = ["", f"  reg [{width - 1}:0] table{members[0]};"]
    enable = _enable(feed, ports[0], f"load{members[0]}t", lines)
    lines += ["  always @(posedge clk)", f"    {enable}case (slot_phase)"]
    for k, (phase, _) in enumerate(ports[0].loads):
        word = lsb = 0
        for port in ports:
            choice = port.choices[port.loads[k][1]]
            assert isinstance(choice, Literal)
            word |= (choice.code & ((1 << port.width) - 1)) << lsb
            lsb += port.width
        label = _phases(feed, [phase]) if k < len(ports[0].loads) - 1 else "default"
        lines.append(f"      {label}: table{members[0]} <= {width}'h{word:x};")
    lines.append("    endcase")
    lsb = 0
    for n, port in zip(members, ports, strict=True):
        bits = f"table{members[0]}[{lsb + port.width - 1}:{lsb}]"
        lines.append(f"  wire {_sign(port)}[{port.width - 1}:0] p{n} = {bits};")
        lsb += port.width
    return lines


def _enable(feed: Feed, port: FeedPort, name: str, lines: list[str]) -> str:
    """The condition of a load, where the value has to stay for several slots."""
    if not port.keeps:
        return ""
    phases = [phase for phase, _ in port.loads]
    lines += [f"  reg {name};", "  always @*", "    case (slot_phase)"]
    lines += [f"      {_phases(feed, phases)}: {name} = slot_on;", f"      default: {name} = 1'b0;"]
    lines.append("    endcase")
    return f"if ({name}) "


def _phases(feed: Feed, phases: Sequence[int]) -> str:
    width = max((feed.phases - 1).bit_length(), 1)
    return ", ".join(f"{width}'d{phase}" for phase in phases)


def _sign(value: Lane | FeedPort) -> str:
    return "signed " if value.low < 0 else ""


def _value(choice: Choice, port: FeedPort, feed: Feed) -> str:
    """The choice at the step of the port."""
    if isinstance(choice, Literal):
        return f"{port.width}'d{choice.code & ((1 << port.width) - 1)}"
    lane = feed.lanes[choice.lane]
    name = f"a{choice.lane}"
    if isinstance(choice, Capture):
        name += f"_c{choice.cycle}"
    elif choice.depth:
        name += f"_d{choice.depth}"
    shift = lane.exponent - port.exponent
    signed = name if lane.low < 0 else f"$signed({{1'b0, {name}}})"
    if shift > 0:
        return f"$signed({{{signed}, {shift}'b0}})"
    return f"{signed} >>> {-shift}" if shift < 0 else signed
