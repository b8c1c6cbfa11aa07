"""Delay lines, memories and tables: what they cost in Yosys, and that RTL and netlist do their work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from helpers.designs import element
from nanosieve.compiler.graph import Integers
from nanosieve.compiler.hardware.library import library_text
from nanosieve.compiler.hardware.memories import (
    Memory,
    best_delay,
    best_ram,
    best_rom,
    delay_lines,
    prices,
    ram_lines,
    rom_lines,
)
from nanosieve.compiler.synthesis import netlist_design, synthesize
from nanosieve.compiler.verification import simulate
from nanosieve.devices import find_device

VU9P = prices(find_device("xcvu9p"))
LATENCY = 3


def words(memory: Memory) -> list[int]:
    parts = np.random.default_rng(memory.depth).integers(0, 1 << 36, (2, memory.depth))
    return [int(low) | int(high) << 36 for low, high in parts.T]


def module(name: str, memory: Memory) -> str:
    """A module around one memory; a RAM writes odd numbers at ``place`` and reads at ``other``."""
    text = [f"module {name} (input wire clk, input wire [{memory.width - 1}:0] in,"]
    text += [f"  input wire [{memory.bits - 1}:0] place, other, output wire [{memory.width - 1}:0] out);"]
    if memory.kind == "rom":
        text += rom_lines(memory, "word", words(memory), "place")
    elif memory.kind == "ram":
        text += ram_lines(
            memory, "word", write="in[0]", write_address="place", given="in", read_address="other"
        )
    else:
        text += delay_lines(memory, "word", "in")
    return "\n".join([*text, "  assign out = word;", "endmodule", ""])


def memories_design(folder: Path, memories: list[Memory]) -> Path:
    """All memories side by side, each a module and an output of its own."""
    place, width = max(m.bits for m in memories), max(m.width for m in memories)
    top = [f"module all (input clk, input reset, input valid_in, input [{place - 1}:0] place,"]
    top += [f"  input [{place - 1}:0] other, input [{width - 1}:0] given, output valid_out"]
    body = [f"  reg [{LATENCY}:0] valid; assign valid_out = valid[{LATENCY - 1}];"]
    body += ["  always @(posedge clk) valid <= reset ? 0 : {valid, valid_in};"]
    library = sorted({m.module for m in memories if m.kind != "rom"})
    texts = {name: library_text(name) for name in library}
    outputs, modules = [], {}
    for n, memory in enumerate(memories):
        name = f"part{n}_{memory.kind}_{memory.style}_{memory.width}_{memory.depth}"
        texts[name] = module(name, memory)
        top.append(f"  , output reg [{memory.width - 1}:0] out{n}")
        body += [f"  wire [{memory.width - 1}:0] w{n}; always @(posedge clk) out{n} <= w{n};"]
        body += [
            f"  {name} u_{n} (.clk(clk), .in(given[{memory.width - 1}:0]), "
            f".place(place[{memory.bits - 1}:0]), .other(other[{memory.bits - 1}:0]), .out(w{n}));"
        ]
        parts = [element(at, min(60, memory.width - at), signed=False) for at in range(0, memory.width, 60)]
        outputs.append({"name": f"out{n}", "bus": f"out{n}", "elements": parts})
        inside = [memory.module] if memory.kind != "rom" else []
        modules[name] = {"file": f"rtl/{name}.v", "children": inside}
    texts["all"] = "\n".join([*top, ");", *body, "endmodule", ""])
    (folder / "rtl").mkdir(parents=True)
    for name, text in texts.items():
        (folder / "rtl" / f"{name}.v").write_text(text)
    given = [element(at, min(60, width - at), signed=False) for at in range(0, width, 60)]
    manifest = {
        "format": 2,
        "name": "all",
        "device": "xcvu9p",
        "clock_mhz": 200.0,
        "latency_cycles": LATENCY,
        "interval_cycles": 1,
        "inputs": [
            {"name": name, "bus": name, "elements": [element(0, place, signed=False)]}
            for name in ("place", "other")
        ]
        + [
            {"name": "given", "bus": "given", "elements": given},
        ],
        "outputs": outputs,
        "modules": {
            **modules,
            "all": {"file": "rtl/all.v", "children": list(modules)},
            **{name: {"file": f"rtl/{name}.v", "library": True} for name in library},
        },
    }
    (folder / "design.json").write_text(json.dumps(manifest))
    return folder


SHAPES = [(8, 16), (3, 33), (8, 40), (24, 64), (24, 100), (8, 300), (24, 600), (18, 3000), (60, 1000)]
GRID = [
    *(Memory("delay", "", width, depth) for width, depth in [*SHAPES[:6], (5, 2), (7, 3), (3, 66)]),
    *(Memory(kind, "distributed", *shape) for kind in ("ring", "ram") for shape in SHAPES[:6]),
    *(Memory(kind, "block", *shape) for kind in ("ring", "ram", "rom") for shape in SHAPES[4:]),
    *(Memory(kind, "ultra", *shape) for kind in ("ring", "ram") for shape in [*SHAPES[7:], (72, 5000)]),
    *(Memory("rom", "distributed", *shape) for shape in [(8, 20), (5, 64), (8, 100), (6, 256), (4, 500)]),
]


@pytest.mark.slow
def test_cost_against_yosys(tmp_path: Path) -> None:
    """Block memories and registers to the piece; LUTs within a fifth and four, and 4 % over all."""
    counted = {m.module: m.resources for m in synthesize(memories_design(tmp_path / "d", GRID)).modules}
    wrong, total, found = [], 0.0, 0.0
    for n, memory in enumerate(GRID):
        name = f"part{n}_{memory.kind}_{memory.style}_{memory.width}_{memory.depth}"
        made = {resource: counted[name].count(resource) for resource in memory.cost}
        cost = memory.cost
        total, found = total + cost["lut"], found + made["lut"]
        same = all(cost[resource] == made[resource] for resource in ("ff", "bram36", "uram"))
        if not same or abs(cost["lut"] - made["lut"]) > 4 + 0.2 * made["lut"]:
            wrong.append((memory, cost, made))
    assert not wrong
    assert total == pytest.approx(found, rel=0.04)


SIMULATED = [
    Memory("delay", "", 9, 2),
    Memory("delay", "", 9, 45),
    Memory("ring", "distributed", 9, 20),
    Memory("ring", "distributed", 5, 77),
    Memory("ring", "block", 30, 40),
    Memory("ring", "block", 9, 64),
    Memory("ring", "ultra", 20, 50),
    Memory("ram", "distributed", 9, 60),
    Memory("ram", "block", 4, 60),
    Memory("ram", "block", 70, 60),
    Memory("ram", "ultra", 75, 60),
    Memory("rom", "distributed", 9, 50),
    Memory("rom", "block", 9, 50),
]


@pytest.mark.slow
def test_rtl_and_netlist(tmp_path: Path) -> None:
    """A stream of numbers through all of them, against Python; and a wrong depth is noticed."""
    folder, events = memories_design(tmp_path / "d", SIMULATED), 400
    rng = np.random.default_rng(8)
    place = (np.arange(events) % 60).reshape(events, 1)
    other = (place - 1) % 60
    low, high = (rng.integers(0, 1 << bits, (events, 1)) for bits in (60, 15))
    codes = {"place": place, "other": other, "given": np.concatenate([low, high], axis=1)}
    given = [int(a) | int(b) << 60 for a, b in zip(low.flat, high.flat, strict=True)]
    expected = {f"out{n}": _expected(m, given) for n, m in enumerate(SIMULATED)}
    for form in (folder, netlist_design(folder)):
        outputs = simulate(form, codes).outputs
        for name, numbers in expected.items():
            known = numbers[:, 0] >= 0
            assert known.sum() > 200
            assert np.array_equal(outputs[name][known], numbers[known]), name
    source = folder / "rtl" / "nanosieve_ring_block.v"
    source.write_text(source.read_text().replace("LAST = DEPTH - 1", "LAST = DEPTH - 2"))
    outputs = simulate(folder, codes).outputs
    assert not np.array_equal(outputs["out4"][100:], expected["out4"][100:])
    assert np.array_equal(outputs["out6"][100:-1], expected["out6"][100:-1])


def _expected(memory: Memory, given: list[int]) -> Integers:
    """The parts of 60 bits of an output for each event; negative where its content is not defined.

    Event n stands at the inputs in cycle n and its output is looked at in cycle n + LATENCY, behind the
    register of the output.
    """
    table, store = words(memory), {}
    made: list[int | None] = []  # by cycle, at the output of the memory
    for cycle, code in enumerate(given):
        place, other = cycle % 60, (cycle - 1) % 60
        if memory.kind == "rom":
            made.append(table[place] if place < len(table) else 0)
        elif memory.kind == "ram":
            made.append(store.get(other))
        else:
            made.append(given[cycle - memory.depth + 1] if cycle >= memory.depth - 1 else None)
        if code & 1:
            store[place] = code
    parts, mask, rows = -(-memory.width // 60), (1 << memory.width) - 1, []
    for cycle in range(LATENCY - 2, LATENCY - 2 + len(given)):
        word = made[cycle] if cycle < len(made) else None
        split = [None if word is None else (word & mask) >> 60 * k & (1 << 60) - 1 for k in range(parts)]
        rows.append([-1 if part is None else part for part in split])
    return np.array(rows)


def test_the_cheapest() -> None:
    """Shift registers for short lines, LUTs for small memories, blocks for long, UltraRAM for huge ones."""
    found = [best_delay(16, depth, VU9P) for depth in (2, 20, 60, 1000, 20_000)]
    assert best_delay(70, 64, VU9P).module == "nanosieve_ring_distributed"
    assert [m.module for m in found] == [
        "nanosieve_delay",
        "nanosieve_delay",
        "nanosieve_delay",
        "nanosieve_ring_block",
        "nanosieve_ring_block",
    ]
    assert best_delay(144, 4000, VU9P).style == "ultra"
    assert [best_ram(16, depth, VU9P).style for depth in (32, 2048)] == ["distributed", "block"]
    assert best_ram(72, 4096, VU9P).style == "ultra"
    assert [best_rom(16, depth, VU9P).style for depth in (64, 4096)] == ["distributed", "block"]
    # a device without UltraRAM
    without = {**VU9P, "uram": float("inf")}
    assert best_ram(72, 4096, without).style == "block"


def test_texts_of_the_library() -> None:
    assert "module nanosieve_ring_block #(" in library_text("nanosieve_ring_block")
    assert 'ram_style = "ultra"' in library_text("nanosieve_ram_ultra")
    assert "STYLE" not in library_text("nanosieve_ram_distributed")
