"""Verilog of an engine: the memory that is written, the program that reads it, the pipelines behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nanosieve.compiler.graph import bit_width
from nanosieve.compiler.hardware.engines.engine import FETCH, Engine, Pipeline
from nanosieve.compiler.hardware.engines.stores import (
    Field,
    bank_memory,
    bits_of,
    coefficient_store,
    program_rows,
)
from nanosieve.compiler.hardware.engines.verilog_parts import (
    copy_counter,
    delayed,
    instance,
    low_bits,
    row_counter,
    table,
    unpacked,
    widths_of,
)
from nanosieve.compiler.hardware.memories import Memory, ram_lines, rom_lines

__all__ = ["engine_module", "out_layout"]

Layout = tuple[tuple[int, int], ...]


def out_layout(engine: Engine) -> Layout:
    """Lowest bit and width of each lane that leaves."""
    layout: list[tuple[int, int]] = []
    for low, high, _ in engine.lanes:
        first = sum(layout[-1]) if layout else 0
        layout.append((first, max(bit_width(low, high), 1)))
    return tuple(layout)


def engine_module(
    name: str, title: str, engine: Engine, source: tuple[str, int, Layout], products: str, behind: str
) -> str:
    """The module of the layer.

    Args:
        name: module name.
        title: one line for the comment at the top.
        engine: what is written.
        source: signal, width and layout of the bus that it reads.
        products, behind: modules of the two pipelines; `behind` may be empty.
    """
    text = _Text(engine)
    signal, width, layout = source
    plan = engine.plan
    out = sum(w for _, w in out_layout(engine))
    lines = [
        f"// {title}",
        f"module {name} (",
        "  input  wire clk,",
        "  input  wire reset,",
        f"  input  wire write_start,  // high in cycle {plan.intake.first} of an event",
        f"  input  wire read_start,   // high in cycle {engine.start} of an event",
        f"  input  wire [{width - 1}:0] {signal},",
        f"  output wire [{out - 1}:0] out",
        ");",
        *text.written(signal, layout),
        *text.counters(),
        *text.fetched(),
        *text.multiplied(products),
        *text.finished(behind),
        "endmodule",
        "",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Text:
    engine: Engine

    def written(self, signal: str, layout: Layout) -> list[str]:
        """The beats of the source go into the banks of the memory."""
        plan = self.engine.plan
        intake, words = plan.intake, plan.program.words
        rows, banks, copies = intake.rows, len(intake.banks), intake.copies
        lines = ["", f"  // {rows} beats, one every {intake.pace} cycles, into {words} words"]
        index = bits_of(rows)
        lines += row_counter("write", rows, intake.pace)
        address = bits_of(words)
        fields = [Field("address", intake.address, address)]
        every, alone = bool(intake.writes.all()), bool((intake.writes.sum(axis=1) <= 1).all())
        if not every and alone:
            number = np.where(intake.writes.any(axis=1), intake.writes.argmax(axis=1), banks)
            fields.append(Field("bank", number, bits_of(banks + 1)))
        elif not every:
            fields += [Field(f"bank{n}", intake.writes[:, n].astype(np.int64), 1) for n in range(banks)]
        lines += table("write_row", fields, f"write_now[{index - 1}:0]")
        lines += ["  reg write_on;", "  always @(posedge clk) write_on <= write_tick & ~reset;"]
        where = "write_row_address"
        if copies > 1:
            lines += copy_counter("write", copies)
            where = f"{{write_copy_1, {where}}}"
        lines.append(f"  wire [{self._address_bits - 1}:0] address;")
        for n, bank in enumerate(intake.banks):
            enable = "write_on"
            if not every:
                chosen = f"(write_row_bank == {bits_of(banks + 1)}'d{n})" if alone else f"write_row_bank{n}"
                enable += f" & {chosen}"
            memory = bank_memory(plan, bank)
            parts = [self._lane(signal, layout, lane) for lane in reversed(bank.lanes)]
            lines += [
                f"  reg [{memory.width - 1}:0] given{n};",
                f"  always @(posedge clk) given{n} <= {{{', '.join(parts)}}};",
            ]
            lines += ram_lines(
                memory,
                f"bank{n}",
                write=enable,
                write_address=where,
                given=f"given{n}",
                read_address="address",
            )
        return lines

    @property
    def _address_bits(self) -> int:
        plan = self.engine.plan
        return bits_of(plan.program.words) + (bits_of(plan.intake.copies) if plan.intake.copies > 1 else 0)

    def _lane(self, signal: str, layout: Layout, number: int) -> str:
        """A lane of the source at the step of the memory, in its bits."""
        intake = self.engine.plan.intake
        lane = intake.lanes[number]
        zeros = max(lane.exponent - intake.exponent, 0)
        fine = max(intake.exponent - lane.exponent, 0)  # bits below the step, zero in every code
        lsb, width = layout[lane.index][0] + fine, layout[lane.index][1] - fine
        kept = min(width, intake.width - zeros)
        bits = f"{signal}[{lsb + kept - 1}:{lsb}]"
        above = intake.width - zeros - kept
        sign = f"{signal}[{lsb + width - 1}]" if lane.low < 0 else "1'b0"
        parts = [f"{{{above}{{{sign}}}}}"] * (above > 0) + [bits] + [f"{zeros}'d0"] * (zeros > 0)
        return f"{{{', '.join(parts)}}}" if len(parts) > 1 else bits

    def counters(self) -> list[str]:
        """The step: entry of the program, part of the columns, part of the inputs."""
        p = self.engine.plan.program
        entries = len(p.position)
        e, i, r, q = (bits_of(count) for count in (entries, p.block, p.inputs, p.columns))
        o = bits_of(p.columns * p.inputs)
        return [
            "",
            f"  // {p.steps} steps: {len(p.order)} outputs, {p.columns} parts of the columns, "
            f"{p.window} positions, {p.inputs} parts of the inputs",
            f"  reg [{e - 1}:0] entry, first_entry;",
            f"  reg [{i - 1}:0] inner;",
            f"  reg [{r - 1}:0] part;",
            f"  reg [{q - 1}:0] column;",
            f"  reg [{o - 1}:0] place;  // column * {p.inputs} + part",
            "  reg running;",
            "  wire step = read_start | running;",
            f"  wire part_last = part == {r}'d{p.inputs - 1};",
            f"  wire inner_last = inner == {i}'d{p.block - 1};",
            f"  wire column_last = column == {q}'d{p.columns - 1};",
            f"  wire step_last = (entry == {e}'d{entries - 1}) & column_last;",
            "  wire stop = reset | ~step | step_last;",
            "  always @(posedge clk) begin",
            "    running <= ~stop;",
            f"    entry <= stop ? {e}'d0 : inner_last & ~column_last ? first_entry : entry + {e}'d1;",
            f"    first_entry <= stop ? {e}'d0 : inner_last & column_last ? entry + {e}'d1 : first_entry;",
            f"    inner <= stop | inner_last ? {i}'d0 : inner + {i}'d1;",
            f"    part <= stop | part_last ? {r}'d0 : part + {r}'d1;",
            f"    column <= stop ? {q}'d0 : ~inner_last ? column : column_last ? {q}'d0 : column + {q}'d1;",
            f"    if (stop | part_last & inner_last & column_last) place <= {o}'d0;",
            f"    else if (part_last & ~inner_last) place <= place - {o}'d{p.inputs - 1};",
            f"    else place <= place + {o}'d1;",
            "  end",
        ]

    def fetched(self) -> list[str]:
        """The word of the step, the registers that hold words, and the operands."""
        plan = self.engine.plan
        p, intake = plan.program, plan.intake
        fields = program_rows(plan)
        lines = ["", *table("row", fields, "entry")]
        q = bits_of(p.columns)
        load = f"row_load & (column_1 == {q}'d0)" if p.registers > 1 else "1'b1"
        address = "row_address"
        if intake.copies > 1:
            lines += copy_counter("read", intake.copies)
            address = f"{{read_copy_1, {address}}}"
        lines += [
            f"  assign address = {address};",
            f"  reg [{q - 1}:0] column_1;",
            "  reg blank_2, load_2;",
            "  always @(posedge clk) begin",
            "    column_1 <= column;",
            "    blank_2 <= row_blank;",
            f"    load_2 <= {load};",
            "  end",
        ]
        word = p.length * intake.width
        slots = [f"{intake.width}'d0"] * p.length
        for n, bank in enumerate(intake.banks):
            for k, slot in enumerate(bank.slots):
                slots[slot] = f"bank{n}[{(k + 1) * intake.width - 1}:{k * intake.width}]"
        lines += [f"  wire [{word - 1}:0] word = {{{', '.join(reversed(slots))}}};"]
        held = [f"held{n}" for n in range(p.registers)]
        lines.append(f"  reg [{word - 1}:0] {', '.join(held)};")
        moved = " ".join(f"{b} <= {a};" for a, b in pairwise(held))
        lines.append(
            f"  always @(posedge clk) if (load_2) begin held0 <= blank_2 ? {word}'d0 : word; {moved} end"
        )
        return lines + self._operands()

    def _operands(self) -> list[str]:
        """The taps: each operand is picked among the elements that are held."""
        plan = self.engine.plan
        p, width = plan.program, plan.intake.width
        many = len(p.taps)
        b = bits_of(many)
        lines = []
        if many > 1:
            lines += [
                f"  reg [{b - 1}:0] pattern_2, pattern_3;",
                "  always @(posedge clk) begin pattern_2 <= row_pattern; pattern_3 <= pattern_2; end",
            ]

        def element(place: int) -> str:
            if place < 0:
                return f"{width}'d0"
            register, slot = divmod(place, p.length)
            return f"held{register}[{(slot + 1) * width - 1}:{slot * width}]"

        for k in range(p.operands):
            sources = [element(int(t)) for t in p.taps[:, k]]
            lines.append(f"  reg [{width - 1}:0] x{k};")
            if len(set(sources)) == 1:
                lines.append(f"  always @(posedge clk) x{k} <= {sources[0]};")
                continue
            usual = max(set(sources), key=lambda s: (sources.count(s), s))
            lines += ["  always @(posedge clk)", "    case (pattern_3)"]
            for source in dict.fromkeys(sources):
                if source != usual:
                    cases = ", ".join(f"{b}'d{n}" for n, s in enumerate(sources) if s == source)
                    lines.append(f"      {cases}: x{k} <= {source};")
            lines += [f"      default: x{k} <= {usual};", "    endcase"]
        return lines

    def multiplied(self, module: str) -> list[str]:
        """The coefficients of the step, and the sums of its products."""
        plan = self.engine.plan
        p, pipeline = plan.program, self.engine.products
        store = coefficient_store(plan, pipeline)
        lines = [""]
        given: dict[int, str] = {}
        operands = pipeline.kernel.reads[:, 0]
        type = pipeline.kernel.graph.types["in"]
        widths = widths_of(type)
        for port in pipeline.used:
            if operands[port] >= 0:
                given[port] = low_bits(
                    f"x{operands[port]}", plan.intake.width, widths[port], signed=plan.intake.low < 0
                )
        if store.depth > 1:
            base, offset = bits_of(store.depth), bits_of(p.columns * p.inputs)
            lines += [
                f"  reg [{offset - 1}:0] place_1;",
                f"  reg [{base - 1}:0] place_2;",
                "  always @(posedge clk) begin",
                "    place_1 <= place;",
                f"    place_2 <= {'row_base + ' if plan.arithmetic.variants > 1 else ''}place_1;",
                "  end",
            ]
        for n, (memory, words, ports) in enumerate(store.tables):
            lines += rom_lines(memory, f"weights{n}", words, "place_2")
            lines += [
                f"  reg [{memory.width - 1}:0] weights{n}_4;",
                f"  always @(posedge clk) weights{n}_4 <= weights{n};",
            ]
            first = 0
            for port in ports:
                given[port] = f"weights{n}_4[{first + widths[port] - 1}:{first}]"
                first += widths[port]
        for port, code in store.fixed.items():
            given[port] = f"{widths[port]}'d{code & ((1 << widths[port]) - 1)}"
        return [*lines, *instance(module, "products", pipeline, given)]

    def finished(self, module: str) -> list[str]:
        """Sums of all parts of the inputs, the steps behind them, the largest of the window."""
        engine, plan = self.engine, self.engine.plan
        p, width = plan.program, plan.arithmetic.sum_width
        lanes = len(engine.products.netlist.outputs)
        stage = FETCH + engine.products.schedule.stage
        lines = [""]
        partial = unpacked("products", engine.products)
        shift = [exponent - plan.arithmetic.exponent for exponent in engine.products.exponents]
        if plan.accumulates:
            lines += delayed("part_first", "part == 0", stage)
        for n in range(lanes):
            value = f"({partial[n]} <<< {shift[n]})" if shift[n] else partial[n]
            if plan.accumulates:
                lines += [
                    f"  reg signed [{width - 1}:0] sum{n};",
                    f"  always @(posedge clk) sum{n} <= (part_first ? {width}'sd0 : sum{n}) + {value};",
                ]
            else:
                lines.append(f"  wire signed [{width - 1}:0] sum{n} = {value};")
        results = [f"sum{n}" for n in range(lanes)]
        if engine.behind is not None:
            lines += self._behind(module, engine.behind)
            results = unpacked("behind", engine.behind)
        if p.window > 1:
            lines += delayed(
                "largest_first", f"inner < {p.inputs}" if p.inputs > 1 else "inner == 0", engine.result_cycle
            )
            if p.inputs > 1:
                lines += delayed("largest_take", "part_last", engine.result_cycle)
            for n, (low, high, _) in enumerate(engine.lanes):
                sign, span = ("signed " if low < 0 else ""), max(bit_width(low, high), 1)
                condition = "largest_take & " if p.inputs > 1 else ""
                lines += [
                    f"  reg {sign}[{span - 1}:0] best{n};",
                    f"  wire {sign}[{span - 1}:0] result{n} = {results[n]};",
                    f"  always @(posedge clk) if ({condition}(largest_first | (result{n} > best{n}))) "
                    f"best{n} <= result{n};",
                ]
            results = [f"best{n}" for n in range(lanes)]
        leaving = []
        for n, (_, span) in enumerate(out_layout(engine)):
            lines.append(f"  wire [{span - 1}:0] leaving{n} = {results[n]};")
            leaving.append(f"leaving{n}")
        return [*lines, f"  assign out = {{{', '.join(reversed(leaving))}}};"]

    def _behind(self, module: str, pipeline: Pipeline) -> list[str]:
        """The steps behind the sums, and their parameters."""
        plan = self.engine.plan
        p, kernel = plan.program, pipeline.kernel
        type = kernel.graph.types["in"]
        widths = widths_of(type)
        each = plan.layer.columns // p.columns
        slots = kernel.slots
        lines, given, held = [], dict[int, str](), []
        for port in pipeline.used:
            reads = kernel.reads[port]
            if (reads >= 0).any():
                slot = int(np.flatnonzero(reads >= 0)[0])
                lane = int(reads[slot] - kernel.base["sums"]) % plan.layer.columns - slot % p.columns * each
                zeros = plan.arithmetic.exponent - int(type.exponent[port])
                value = (
                    f"(sum{lane} <<< {zeros})"
                    if zeros > 0
                    else f"(sum{lane} >>> {-zeros})"
                    if zeros
                    else f"sum{lane}"
                )
                span = max(plan.arithmetic.sum_width + max(zeros, 0), widths[port])
                lines.append(f"  wire signed [{span - 1}:0] into{port} = {value};")
                given[port] = f"into{port}[{widths[port] - 1}:0]"
            elif len(set(kernel.constants[port].tolist())) == 1:
                given[port] = f"{widths[port]}'d{int(kernel.constants[port][0]) & ((1 << widths[port]) - 1)}"
            else:
                held.append(port)
        if held:
            lines += self._parameters(pipeline, held, widths, slots, given)
        return [*lines, *instance(module, "behind", pipeline, given)]

    def _parameters(
        self,
        pipeline: Pipeline,
        held: Sequence[int],
        widths: Sequence[int],
        slots: int,
        given: dict[int, str],
    ) -> list[str]:
        plan = self.engine.plan
        bits = bits_of(slots)
        several = plan.arithmetic.variants > 1
        lines = [
            f"  reg [{bits - 1}:0] which_2;",
            f"  always @(posedge clk) which_2 <= {'row_behind + ' if several else ''}column_1;",
        ]
        lines += delayed("which", "which_2", self.engine.sum_cycle - 3, bits)
        first = 0
        words = np.zeros(slots, dtype=object)
        for port in held:
            mask = (1 << widths[port]) - 1
            words += np.array(
                [(int(code) & mask) << first for code in pipeline.kernel.constants[port]], dtype=object
            )
            given[port] = f"parameters[{first + widths[port] - 1}:{first}]"
            first += widths[port]
        memory = Memory("rom", "distributed", first, slots)
        return [*lines, *rom_lines(memory, "parameters", words.tolist(), "which")]
