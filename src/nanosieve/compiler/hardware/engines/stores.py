"""What an engine keeps: banks of its memory, the table of its program, its coefficients; and their cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nanosieve.compiler.graph import Integers, bit_width
from nanosieve.compiler.hardware.engines.intake import Bank
from nanosieve.compiler.hardware.feed import PRICES
from nanosieve.compiler.hardware.memories import Memory, best_ram, best_rom

if TYPE_CHECKING:
    from nanosieve.compiler.hardware.engines.engine import Engine, Pipeline, Planned

__all__ = [
    "Coefficients", "Field", "bank_memory", "bits_of", "coefficient_bits_of", "coefficient_store",
    "kept_cost", "kept_memories", "program_rows", "table_memory",
]  # fmt: skip

WIDE = 1152
"""Bits of one table of coefficients at most: sixteen blocks side by side."""
SMALL_TABLE = 1 << 13
"""Bits of a table up to which LUTs hold it."""


def bits_of(count: int) -> int:
    """Bits of a number below `count`."""
    return max((count - 1).bit_length(), 1)


@dataclass(frozen=True, eq=False)
class Field:
    """A column of a table: its name, its numbers and their bits."""

    name: str
    numbers: Integers
    bits: int


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients of the products.

    Attributes:
        tables: memory, its words, and the ports of the kernel in the order of their bits.
        fixed: port → code, of those that are the same in every slot.
        depth: slots.
    """

    tables: tuple[tuple[Memory, list[int], tuple[int, ...]], ...]
    fixed: Mapping[int, int]
    depth: int


def table_memory(width: int, rows: int) -> Memory:
    """The memory of the table of a program."""
    return Memory("rom", "block" if rows * width > SMALL_TABLE else "distributed", width, rows)


def bank_memory(plan: Planned, bank: Bank) -> Memory:
    """The memory of a bank."""
    words, copies = plan.program.words, plan.intake.copies
    depth = words if copies == 1 else copies << bits_of(words)
    return best_ram(len(bank.slots) * plan.intake.width, depth, PRICES)


def program_rows(plan: Planned) -> list[Field]:
    """The table of the program, a row for each entry."""
    p, arithmetic = plan.program, plan.arithmetic
    fields = [
        Field("address", np.maximum(p.address, 0), bits_of(p.words)),
        Field("blank", (p.address < 0).astype(np.int64), 1),
    ]
    if p.registers > 1:
        fields.append(Field("load", p.loads, 1))
    if len(p.taps) > 1:
        fields.append(Field("pattern", p.pattern, bits_of(len(p.taps))))
    if arithmetic.variants > 1:
        variant = np.where(p.position >= 0, arithmetic.variant[np.maximum(p.position, 0)], 0)
        slots = arithmetic.products.slots
        fields += [
            Field("base", arithmetic.kernel[variant] * (p.columns * p.inputs), bits_of(slots)),
            Field("behind", variant * p.columns, bits_of(arithmetic.variants * p.columns)),
        ]
    return fields


def coefficient_store(plan: Planned, pipeline: Pipeline) -> Coefficients:
    """Tables of the coefficients that the ports in use read."""
    kernel = pipeline.kernel
    type = kernel.graph.types["in"]
    fixed: dict[int, int] = {}
    groups: list[list[int]] = [[]]
    width = 0
    for port in pipeline.used:
        if kernel.reads[port, 0] >= 0:
            continue
        codes = kernel.constants[port]
        if (codes == codes[0]).all():
            fixed[port] = int(codes[0])
            continue
        own = bit_width(int(type.low[port]), int(type.high[port]))
        if width + own > WIDE:
            groups.append([])
            width = 0
        groups[-1].append(port)
        width += own
    tables = []
    for ports in groups:
        if not ports:
            continue
        words = np.zeros(kernel.slots, dtype=object)
        first = 0
        for port in ports:
            own = bit_width(int(type.low[port]), int(type.high[port]))
            words += (kernel.constants[port] & ((1 << own) - 1)).astype(object) << first
            first += own
        tables.append((best_rom(first, kernel.slots, PRICES), words.tolist(), tuple(ports)))
    return Coefficients(tuple(tables), fixed, kernel.slots)


def kept_memories(plan: Planned, coefficients: int) -> list[Memory]:
    """All memories and tables; `coefficients`: bits of those of a step."""
    rows = program_rows(plan)
    kept = [bank_memory(plan, bank) for bank in plan.intake.banks]
    kept.append(table_memory(sum(field.bits for field in rows), len(plan.program.position)))
    beats = bits_of(plan.program.words) + bits_of(len(plan.intake.banks) + 1)
    kept.append(table_memory(beats, plan.intake.rows))
    slots = plan.arithmetic.products.slots
    if slots > 1 and coefficients:
        kept.append(best_rom(coefficients, slots, PRICES))
    if plan.arithmetic.behind is not None:
        kernel = plan.arithmetic.behind
        held = [p for p in range(len(kernel.reads)) if len(set(kernel.constants[p].tolist())) > 1]
        type = kernel.graph.types["in"]
        width = sum(bit_width(int(type.low[p]), int(type.high[p])) for p in held)
        if width:
            kept.append(Memory("rom", "distributed", width, kernel.slots))
    return kept


def kept_cost(plan: Planned, coefficients: int) -> dict[str, float]:
    """LUT, FF, BRAM36 and URAM of everything but the pipelines; before synthesis."""
    total = dict.fromkeys(("lut", "ff", "bram36", "uram"), 0.0)
    for memory in kept_memories(plan, coefficients):
        for kind, number in memory.cost.items():
            total[kind] += number
    p, width = plan.program, plan.intake.width
    word = p.length * width
    total["ff"] += word * (1 + p.registers) + p.operands * width + coefficients
    total["lut"] += word  # zeros
    for tap in p.taps.T:
        total["lut"] += width * (len(set(tap.tolist())) - 1) / 3
    lanes = plan.layer.columns // p.columns
    if plan.accumulates:
        total["lut"] += lanes * plan.arithmetic.sum_width
        total["ff"] += lanes * plan.arithmetic.sum_width
    if p.window > 1:
        leaving = lanes * int(plan.output.width.max(initial=1))
        total["lut"] += 1.5 * leaving
        total["ff"] += leaving
    counters = bits_of(len(p.position)) * 2 + bits_of(p.block) + bits_of(plan.intake.rows) + 40
    total["lut"] += 2 * counters
    total["ff"] += counters
    return total


def coefficient_bits_of(engine: Engine) -> int:
    """Bits of the coefficients that a step reads from tables."""
    store = coefficient_store(engine.plan, engine.products)
    return sum(memory.width for memory, _, _ in store.tables)
