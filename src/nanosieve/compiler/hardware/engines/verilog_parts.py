"""Pieces of the Verilog of an engine: counters, tables, delays, and instances of its pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nanosieve.compiler.graph import TensorType, bit_width
from nanosieve.compiler.hardware.engines.engine import Pipeline
from nanosieve.compiler.hardware.engines.stores import Field, bits_of, table_memory
from nanosieve.compiler.hardware.memories import rom_lines

__all__ = [
    "copy_counter", "delayed", "instance", "low_bits", "row_counter", "table", "unpacked", "widths_of",
]  # fmt: skip


def widths_of(type: TensorType) -> list[int]:
    """Bits of each port."""
    ends = zip(type.low.tolist(), type.high.tolist(), strict=True)
    return [max(bit_width(low, high), 1) for low, high in ends]


def row_counter(name: str, rows: int, pace: int) -> list[str]:
    """``NAME_tick`` is high for each row of a table, ``NAME_now`` its number, from ``NAME_start`` on."""
    bits, wait = bits_of(rows), bits_of(pace)
    if rows == 1:
        return [f"  wire {name}_tick = {name}_start;", f"  wire [0:0] {name}_now = 1'b0;"]
    lines = [f"  reg {name}_active;", f"  reg [{bits - 1}:0] {name}_index;"]
    ready = f"{name}_active"
    if pace > 1:
        lines.append(f"  reg [{wait - 1}:0] {name}_wait;")
        ready += f" & ({name}_wait == {wait}'d0)"
    lines += [
        f"  wire {name}_tick = {name}_start | ({ready});",
        f"  wire [{bits - 1}:0] {name}_now = {name}_start ? {bits}'d0 : {name}_index;",
        f"  wire {name}_last = {name}_tick & ({name}_now == {bits}'d{rows - 1});",
        "  always @(posedge clk) begin",
        f"    {name}_active <= ~reset & ({name}_tick | {name}_active) & ~{name}_last;",
        f"    if ({name}_tick) {name}_index <= {name}_now + {bits}'d1;",
    ]
    if pace > 1:
        lines.append(
            f"    {name}_wait <= {name}_tick ? {wait}'d{pace - 1} : {name}_wait == {wait}'d0 ? {wait}'d0 : "
            f"{name}_wait - {wait}'d1;"
        )
    return [*lines, "  end"]


def copy_counter(name: str, copies: int) -> list[str]:
    """``NAME_copy_1`` is the copy of the memory that the event uses, one cycle later."""
    bits = bits_of(copies)
    last = f"{name}_copy == {bits}'d{copies - 1}"
    return [
        f"  reg [{bits - 1}:0] {name}_copy, {name}_copy_1;",
        f"  wire [{bits - 1}:0] {name}_copy_now = ~{name}_start ? {name}_copy : {last} ? {bits}'d0 : "
        f"{name}_copy + {bits}'d1;",
        "  always @(posedge clk) begin",
        f"    {name}_copy <= reset ? {bits}'d0 : {name}_copy_now;",
        f"    {name}_copy_1 <= {name}_copy_now;",
        "  end",
    ]


def table(name: str, fields: Sequence[Field], address: str) -> list[str]:
    """A table as wires ``NAME_FIELD``, one cycle behind its address."""
    rows = len(fields[0].numbers)
    wide = sum(field.bits for field in fields)
    words = np.zeros(rows, dtype=object)
    lines, first = [], 0
    for field in fields:
        words += field.numbers.astype(object) << first
        lines.append(
            f"  wire [{field.bits - 1}:0] {name}_{field.name} = {name}_all[{first + field.bits - 1}:{first}];"
        )
        first += field.bits
    memory = table_memory(wide, rows)
    return [*rom_lines(memory, f"{name}_all", words.tolist(), address), *lines]


def delayed(name: str, given: str, cycles: int, bits: int = 1) -> list[str]:
    """The wire `name`: `given` so many cycles later."""
    return [
        f"  wire [{bits - 1}:0] {name};",
        f"  wire [{bits - 1}:0] {name}_now = {given};",
        f"  nanosieve_delay #(.WIDTH({bits}), .DEPTH({cycles})) u_{name} "
        f"(.clk(clk), .in({name}_now), .out({name}));",
    ]


def low_bits(name: str, width: int, wanted: int, *, signed: bool) -> str:
    """So many low bits of a value of `width` bits, its sign repeated where it has fewer."""
    if wanted <= width:
        return f"{name}[{wanted - 1}:0]"
    sign = f"{name}[{width - 1}]" if signed else "1'b0"
    return f"{{{{{wanted - width}{{{sign}}}}}, {name}}}"


def instance(module: str, name: str, pipeline: Pipeline, given: Mapping[int, str]) -> list[str]:
    """The instance of a pipeline; ``NAME`` is its output."""
    type = pipeline.kernel.graph.types["in"]
    ports = [given[port] for port in pipeline.used]
    width = sum(max(bit_width(int(type.low[port]), int(type.high[port])), 1) for port in pipeline.used)
    out = sum(max(cell.width, 1) for cell in (pipeline.netlist.cells[n] for n in pipeline.netlist.outputs))
    return [
        f"  wire [{width - 1}:0] {name}_in = {{{', '.join(reversed(ports))}}};",
        f"  wire [{out - 1}:0] {name};",
        f"  {module} u_{name} (.clk(clk), .in({name}_in), .out({name}));",
    ]


def unpacked(name: str, pipeline: Pipeline) -> list[str]:
    """The lanes of a pipeline's output as numbers."""
    values, first = [], 0
    for n in pipeline.netlist.outputs:
        cell = pipeline.netlist.cells[n]
        width = max(cell.width, 1)
        bits = f"{name}[{first + width - 1}:{first}]"
        values.append(f"$signed({bits})" if cell.signed else f"$signed({{1'b0, {bits}}})")
        first += width
    return values
