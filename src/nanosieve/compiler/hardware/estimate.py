"""Resources of a layer before synthesis: cells from the area model, registers from the schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.delay_lines import delay_cost
from nanosieve.compiler.hardware.engines.engine import Engine
from nanosieve.compiler.hardware.engines.stores import coefficient_bits_of, kept_cost, kept_memories
from nanosieve.compiler.hardware.memories import Memory
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.schedule import Schedule
from nanosieve.compiler.hardware.timing import lut_cost, uses_dsp
from nanosieve.compiler.hardware.top import Sources
from nanosieve.compiler.hardware.used_bits import used_bits

__all__ = ["fan_out", "layer_estimate", "registers_by_stage", "stored_bits", "top_estimate"]


def layer_estimate(layer: BuiltLayer) -> dict[str, float]:
    """LUT, FF, DSP, BRAM36 and URAM of a layer."""
    total = _pipeline(layer.netlist, layer.schedule)
    total |= {"bram36": 0.0, "uram": 0.0}
    if layer.engine is not None:
        for kind, number in engine_estimate(layer.engine).items():
            total[kind] += number
    for kind, number in layer.feed.cost.items() if layer.feed else ():
        total[kind] += number
    return {kind: round(number, 1) for kind, number in total.items()}


def engine_estimate(engine: Engine) -> dict[str, float]:
    """All of an engine but the pipeline of its products."""
    total = {"dsp": 0.0, **kept_cost(engine.plan, coefficient_bits_of(engine))}
    if engine.behind is not None:
        for kind, number in _pipeline(engine.behind.netlist, engine.behind.schedule).items():
            total[kind] += number
    return total


def _pipeline(netlist: Netlist, schedule: Schedule) -> dict[str, float]:
    """LUT, FF and DSP of cells and the registers between them."""
    cells, used = netlist.cells, used_bits(netlist)
    logic = sum(lut_cost(netlist, cell, mask) for cell, mask in zip(cells, used, strict=True))
    lut = ff = 0.0
    for mask, stages in zip(used, _read_at(netlist, schedule), strict=True):
        for first, last in pairwise(stages):
            shift, registers = delay_cost(last - first)
            lut, ff = lut + shift * mask.bit_count(), ff + registers * mask.bit_count()
    return {"lut": logic + lut, "ff": ff, "dsp": float(sum(uses_dsp(cell) for cell in cells))}


def top_estimate(sources: Sources) -> dict[str, float]:
    """LUT, FF and DSP of the top module: the pipeline of `valid` (it has a reset) and the outputs' delays."""
    lut, ff = 0, sources.latency
    for width, depth in sources.delays:
        shift, registers = delay_cost(depth)
        lut, ff = lut + width * shift, ff + width * registers
    return {"lut": lut, "ff": ff, "dsp": 0, "bram36": 0, "uram": 0}


def fan_out(layer: BuiltLayer) -> int:
    """The most readers that a value has in one stage."""
    readers = Counter(
        (a, layer.schedule.arrivals[n].stage)
        for n, cell in enumerate(layer.netlist.cells)
        for a in cell.args
        if not isinstance(layer.netlist.cells[a], c.ConstantCell | c.SteadyCell)
    )
    return max(readers.values(), default=1)


def stored_bits(layer: BuiltLayer) -> dict[str, int]:
    """Where the layer keeps how many bits: registers, captures, lines and tables of its feed."""
    places = {"distributed": "LUT memory", "block": "block memory", "ultra": "ultra memory"}
    stored = {"pipeline registers": sum(registers_by_stage(layer).values())}
    for memory in _memories(layer):
        place = "tables of constants" if memory.kind == "rom" else places.get(memory.style, "delay lines")
        stored[place] = stored.get(place, 0) + memory.width * memory.depth
    if layer.feed and layer.feed.captures:
        stored["captured elements"] = sum(layer.feed.lanes[c.lane].width for c in layer.feed.captures)
    return stored


def _memories(layer: BuiltLayer) -> Sequence[Memory]:
    if layer.engine is not None:
        return kept_memories(layer.engine.plan, coefficient_bits_of(layer.engine))
    return layer.feed.memories if layer.feed else ()


def registers_by_stage(layer: BuiltLayer) -> dict[int, int]:
    """Stage → register bits that carry values into it; bits that nothing reads are left out."""
    bits: dict[int, int] = {}
    for mask, stages in zip(used_bits(layer.netlist), _read_at(layer.netlist, layer.schedule), strict=True):
        for stage in range(min(stages, default=0) + 1, max(stages, default=-1) + 1):
            bits[stage] = bits.get(stage, 0) + mask.bit_count()
    return dict(sorted(bits.items()))


def _read_at(netlist: Netlist, schedule: Schedule) -> list[list[int]]:
    """For each cell the stage that makes it and those that read it, in order; nothing for constants."""
    stages = [{arrival.stage} for arrival in schedule.arrivals]
    for n, cell in enumerate(netlist.cells):
        for a in cell.args:
            stages[a].add(schedule.reads_at(cell, n))
    for n in netlist.outputs:
        stages[n].add(schedule.stage)
    constant = [isinstance(cell, c.ConstantCell | c.SteadyCell) for cell in netlist.cells]
    return [[] if fixed else sorted(found) for fixed, found in zip(constant, stages, strict=True)]
