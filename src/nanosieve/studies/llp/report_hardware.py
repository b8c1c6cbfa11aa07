"""Sections of the report on hardware."""

from __future__ import annotations

from collections.abc import Sequence

from nanosieve.report import Cell, Picture, Section, Table, Text
from nanosieve.studies.llp.comparison import card_note, published_rows
from nanosieve.studies.llp.figures import throughput_chart
from nanosieve.studies.llp.hardware import Card, Hardware
from nanosieve.studies.llp.settings import CLOCK

__all__ = ["cards_section", "students_section"]

KINDS = ("dsp", "lut", "ff", "bram36", "uram")
HEADINGS = ("DSP", "LUT", "FF", "BRAM36", "URAM")


def cards_section(cards: Sequence[Card]) -> Section:
    """The published network on cards, beside the published table."""
    rows: list[tuple[Cell, ...]] = []
    sizes: list[tuple[Cell, ...]] = []
    for card in cards:
        timing, name = card.design.timing, f"nanosieve: {card.settings.title}"
        cycles = (timing["interval_cycles"], timing["fmax_mhz"])
        rows.append((name, card.latency, card.throughput, *cycles))
        sizes.append((name, *(card.resources[kind] for kind in KINDS)))
    for row in published_rows():
        figures = row.figures
        rows.append(
            (f"published: {row.model}", figures["inference time"], figures["throughput"], *[None] * 2)
        )
    columns = ("Design", "Time of an image", "Throughput", "Interval", "Clock expected")
    caption = (
        f"Ours: 8 bits, all weights on the chip, one image after the other at {CLOCK}; cycles are "
        "those of the "
        "static schedule, cells and the clock expected are estimates, nothing was placed or run on a card. "
        "Composed: the three linear convolutions as one. Published: cards with Vitis AI; time and "
        "throughput are not "
        "measured with the same number of images in flight."
    )
    cells = Table(("Design", *HEADINGS), tuple(sizes), "On the cards; of the published ones not stated.")
    blocks = (Table(columns, tuple(rows), caption), Text(card_note(cards)), cells)
    picture = Picture((throughput_chart(cards),), "Ours at the clock asked; published with errors.")
    return Section("The published network on a card", (*blocks, picture))


def students_section(students: Sequence[Hardware]) -> Section:
    """The students, proven and synthesised."""
    rows: list[tuple[Cell, ...]] = []
    for hardware in students:
        timing, counted = hardware.timing, hardware.synthesis.resources
        rows.append(
            (
                hardware.settings.title,
                timing["latency_ns"],
                timing["latency_cycles"],
                timing["interval_cycles"],
                hardware.throughput,
                timing["fmax_mhz"],
                *(getattr(counted, kind) for kind in KINDS),
            )
        )
    columns = ("Student", "Latency", "Cycles", "Interval", "Throughput", "Clock expected", *HEADINGS)
    device = students[0].synthesis.device.name
    caption = (
        f"Cells counted by Yosys for {device}, cycles from the simulation of the RTL, times at {CLOCK}. One "
        "copy takes fewer images than the barrel makes: it stands behind a seed, or there are more copies."
    )
    return Section("The students as hardware", (Table(columns, tuple(rows), caption),))
