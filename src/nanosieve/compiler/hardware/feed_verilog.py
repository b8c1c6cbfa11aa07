"""Verilog of a layer that works in several slots per event: its feed, and its kernel as an instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanosieve.compiler.hardware.delay_lines import SHIFT_REGISTER
from nanosieve.compiler.hardware.feed import (
    Capture,
    Choice,
    Feed,
    FeedPort,
    Lane,
    Line,
    Literal,
    Stored,
    Words,
)
from nanosieve.compiler.hardware.memories import Memory, delay_lines, rom_lines
from nanosieve.compiler.hardware.phases import phase_patterns
from nanosieve.compiler.hardware.weight_verilog import Store, write_ports

__all__ = ["Controls", "counter", "feed_module", "table_module"]


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
    store: Store | None = None,
    table: str = "",
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
        store: where its weights are that can be reloaded.
        table: module of its constants; empty if they are kept in this one.
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
    lines += write_ports(store.address_bits) if store else []
    lines += [f"  output wire [{out_width - 1}:0] out", ");"]
    lines += _lanes(feed, buses)
    lines += _captures(feed)
    lines += _ports(feed, table)
    lines += store.instance(_row(feed) if feed.rows else "") if store else []
    given = ", .weights(weights)" if store and store.steady else ""
    if feed.ports:  # through a wire: Yosys stops at a pin that is given one signed number in braces
        ports = ", ".join(f"p{n}" for n in reversed(range(len(feed.ports))))
        lines += ["", f"  wire [{sum(port.width for port in feed.ports) - 1}:0] slot_in = {{{ports}}};"]
        given = f", .in(slot_in){given}"
    return "\n".join([*lines, "", f"  {kernel} u_slot (.clk(clk){given}, .out(out));", "endmodule", ""])


def counter(name: str, start: str, phases: int) -> list[str]:
    """``NAME_phase`` counts from 0 where `start` is high; ``NAME_on`` is high for `phases` cycles.

    The phase is a register and nothing else, and counts without an adder: otherwise Yosys needs three times
    the LUTs for a table that the phase addresses.
    """
    width = max((phases - 1).bit_length(), 1)
    last = f"({name}_phase == {width}'d{phases - 1})"
    return [
        f"  reg [{width - 1}:0] {name}_phase;",
        f"  reg {name}_active;",
        f"  wire {name}_on = {start} | {name}_active;",
        f"  wire [{width - 1}:0] {name}_next = {name}_phase ^ {{{_carries(name, width)}}};",
        "  always @(posedge clk) begin",
        f"    {name}_phase <= reset | ~{name}_on | {last} ? {width}'d0 : {name}_next;",
        f"    {name}_active <= {name}_on & ~reset & ~{last};",
        "  end",
    ]


def _carries(name: str, width: int) -> str:
    """The bits that change when the phase counts."""
    return ", ".join([*(f"&{name}_phase[{n - 1}:0]" for n in range(width - 1, 0, -1)), "1'b1"])


def _row_counter(feed: Feed) -> list[str]:
    """``row_phase`` is the phase modulo the period of the tables."""
    width = max((feed.period - 1).bit_length(), 1)
    end = f"{max((feed.phases - 1).bit_length(), 1)}'d{feed.phases - 1}"
    again = f"(row_phase == {width}'d{feed.period - 1}) | (slot_phase == {end})"
    return [
        f"  reg [{width - 1}:0] row_phase;",
        f"  wire [{width - 1}:0] row_next = row_phase ^ {{{_carries('row', width)}}};",
        f"  always @(posedge clk) row_phase <= reset | ~slot_on | {again} ? {width}'d0 : row_next;",
    ]


def _row(feed: Feed) -> str:
    """The place in the tables, an expression; behind the last slot of a period it is any."""
    bits = max((feed.words - 1).bit_length(), 1)
    return f"{'row' if feed.counts_rows else 'slot'}_phase[{bits - 1}:0]"


def _lanes(feed: Feed, buses: Mapping[str, tuple[str, int, Sequence[tuple[int, int]]]]) -> list[str]:
    """Wires of the lanes, and their delay lines."""
    lines = [""]
    for n, lane in enumerate(feed.lanes):
        signal, _, layout = buses[lane.source]
        lsb, width = layout[lane.index]
        lines.append(f"  wire {_sign(lane)}[{width - 1}:0] a{n} = {signal}[{lsb + width - 1}:{lsb}];")
    for n, line in enumerate(feed.lines):
        lines += _line(f"line{n}", line, feed)
    return lines


def _line(name: str, line: Line, feed: Feed) -> list[str]:
    lanes = [feed.lanes[n] for n in line.lanes]
    more = f" and {len(lanes) - 4} more lanes" if len(lanes) > 4 else ""
    lines = ["", f"  // {', '.join(f'{lane.source}[{lane.index}]' for lane in lanes[:4])}{more}"]
    given = ", ".join(f"a{n}" for n in reversed(line.lanes))
    lines.append(f"  wire [{line.width - 1}:0] {name} = {{{given}}};")
    before = name
    for depth, memory in zip(line.depths, line.stretches, strict=True):
        after = f"{name}_{depth}"
        if memory.depth < SHIFT_REGISTER:
            steps = [*(f"{after}_{k}" for k in range(1, memory.depth)), after]
            lines.append(f"  reg [{line.width - 1}:0] {', '.join(steps)};")
            pairs = zip(steps, [before, *steps], strict=False)
            lines.append(f"  always @(posedge clk) begin {' '.join(f'{a} <= {b};' for a, b in pairs)} end")
        else:
            lines += delay_lines(memory, after, before)
        lsb = 0
        for n, lane in zip(line.lanes, lanes, strict=True):
            bits = f"{after}[{lsb + lane.width - 1}:{lsb}]"
            lines.append(f"  wire {_sign(lane)}[{lane.width - 1}:0] a{n}_d{depth} = {bits};")
            lsb += lane.width
        before = after
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


def _ports(feed: Feed, table: str) -> list[str]:
    """The ports of the kernel; those that are loaded in the same phases share what selects."""
    lines = ["", f"  // the {len(feed.ports)} ports of the kernel"]
    groups: dict[tuple[object, ...], list[int]] = {}
    constants = [n for n, port in enumerate(feed.ports) if port.table]
    for n, port in enumerate(feed.ports):
        if port.free:
            value = _value(n, port.choices[0], feed)
            lines.append(f"  wire {_sign(port)}[{port.width - 1}:0] p{n} = {value};")
        elif not port.table and not port.stored:
            groups.setdefault((port.keeps, port.loads), []).append(n)
    if groups or constants or feed.rows:
        lines += ["", *counter("slot", "start", feed.phases)]
        lines += _row_counter(feed) if feed.counts_rows else []
    if feed.table is not None:
        lines += _table(feed, feed.table, constants, table)
    lines += _rows(feed)
    for g, members in enumerate(groups.values()):
        lines += _selected(feed, g, members)
    return lines


def _rows(feed: Feed) -> list[str]:
    """Ports that hold weights that can be reloaded: bits of their row."""
    lines, lsb = [], 0
    for n, port in enumerate(feed.ports):
        if port.stored:
            bits = f"weights_row[{lsb + port.width - 1}:{lsb}]"
            lines.append(f"  wire {_sign(port)}[{port.width - 1}:0] p{n} = {bits};")
            lsb += port.width
    return [f"  wire [{lsb - 1}:0] weights_row;", *lines] if lines else []


def _selected(feed: Feed, g: int, members: list[int]) -> list[str]:
    """Registers loaded from what the phase selects."""
    first = feed.ports[members[0]]
    many = len(first.choices)
    width = max((many - 1).bit_length(), 1)
    lines = [""]
    if many > 1:
        number = Counter(choice for _, choice in first.loads)
        usual = max(number, key=number.__getitem__)
        lines += [f"  reg [{width - 1}:0] select{g};", "  always @*", "    casez (slot_phase)"]
        lines += [
            f"      {', '.join(patterns)}: select{g} = {width}'d{choice};"
            for choice, patterns in phase_patterns(first.loads, feed.phases).items()
            if choice != usual
        ]
        lines += [f"      default: select{g} = {width}'d{usual};", "    endcase"]
    enable = _enable(feed, first, f"load{g}", lines)
    for n in members:
        port = feed.ports[n]
        lines.append(f"  reg {_sign(port)}[{port.width - 1}:0] p{n};")
        lines += [line for c in port.choices if isinstance(c, Words) for line in _words(n, port.width, c)]
    for n in members:
        port = feed.ports[n]
        if many == 1:
            lines.append(f"  always @(posedge clk) {enable}p{n} <= {_value(n, port.choices[0], feed)};")
            continue
        lines += ["  always @(posedge clk)", f"    {enable}case (select{g})"]
        lines += [
            f"      {width}'d{k}: p{n} <= {_value(n, choice, feed)};"
            for k, choice in enumerate(port.choices[1:], 1)
        ]
        lines += [f"      default: p{n} <= {_value(n, port.choices[0], feed)};", "    endcase"]
    return lines


def table_module(name: str, title: str, feed: Feed) -> str:
    """The module of the constants of a layer."""
    table = feed.table
    assert table is not None
    lines = [f"// {title}: constants", f"module {name} (", "  input  wire clk,"]
    lines += [f"  input  wire [{table.bits - 1}:0] place,", f"  output wire [{table.width - 1}:0] word", ");"]
    lines += rom_lines(table, "constants", _words_of(feed), "place")
    return "\n".join([*lines, "  assign word = constants;", "endmodule", ""])


def _table(feed: Feed, table: Memory, members: list[int], module: str) -> list[str]:
    """Ports that hold only constants, as one table."""
    lines, lsb = [], 0
    for n in members:
        port = feed.ports[n]
        bits = f"constants[{lsb + port.width - 1}:{lsb}]"
        lines.append(f"  wire {_sign(port)}[{port.width - 1}:0] p{n} = {bits};")
        lsb += port.width
    if not module:
        return ["", *rom_lines(table, "constants", _words_of(feed), _row(feed)), *lines]
    pins = f".clk(clk), .place({_row(feed)}), .word(constants)"
    return ["", f"  wire [{table.width - 1}:0] constants;", f"  {module} u_table ({pins});", *lines]


def _words_of(feed: Feed) -> list[int]:
    """A word of all ports that hold only constants for each phase of a period."""
    words, lsb = [0] * feed.words, 0
    for port in feed.ports:
        if not port.table:
            continue
        mask = (1 << port.width) - 1
        for phase, k in {phase % feed.period: k for phase, k in port.loads}.items():
            choice = port.choices[k]
            assert isinstance(choice, Literal)
            words[phase] |= (choice.code & mask) << lsb
        lsb += port.width
    return words


def _enable(feed: Feed, port: FeedPort, name: str, lines: list[str]) -> str:
    """The condition of a load, where the value has to stay for several slots."""
    if not port.keeps:
        return ""
    loaded = {phase for phase, _ in port.loads}
    slots = [(start - feed.start[0], start - feed.start[0] in loaded) for start in feed.start]
    patterns = phase_patterns(slots, feed.phases)[True]
    lines += [f"  reg {name};", "  always @*", "    casez (slot_phase)"]
    lines += [f"      {', '.join(patterns)}: {name} = slot_on;", f"      default: {name} = 1'b0;"]
    lines.append("    endcase")
    return f"if ({name}) "


def _sign(value: Lane | FeedPort) -> str:
    return "signed " if value.low < 0 else ""


def _words(n: int, width: int, words: Words) -> list[str]:
    """The constant of port `n` in this phase; where it has none, anything."""
    by_place = {phase % (1 << words.bits): code & ((1 << width) - 1) for phase, code in words.codes}
    return [
        f"  reg [{width - 1}:0] table{n}_words [0:{(1 << words.bits) - 1}];",
        "  initial begin",
        *(f"    table{n}_words[{place}] = {width}'d{code};" for place, code in by_place.items()),
        "  end",
        f"  wire [{width - 1}:0] table{n} = table{n}_words[slot_phase[{words.bits - 1}:0]];",
    ]


def _value(n: int, choice: Choice, feed: Feed) -> str:
    """The choice at the step of port `n`."""
    port = feed.ports[n]
    assert not isinstance(choice, Stored)
    if isinstance(choice, Words):
        return f"table{n}"
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
