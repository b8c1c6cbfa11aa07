"""Delay lines, memories and tables of constants: their Verilog, what they cost, and the cheapest of each.

All need no reset: what a delay line or a memory holds when the clock starts is never read as data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanosieve.compiler.hardware.weight_image import WORD
from nanosieve.devices import Device

__all__ = [
    "Memory",
    "best_delay",
    "best_ram",
    "best_rom",
    "best_rows",
    "delay_lines",
    "prices",
    "ram_lines",
    "rom_lines",
]

# shapes of the block memories (UG573): words → bits of each
_HALF_BLOCK = {512: 36, 1024: 18, 2048: 9, 4096: 4, 8192: 2, 16384: 1}
_BLOCK = {512: 72, 1024: 36, 2048: 18, 4096: 9, 8192: 4, 16384: 2, 32768: 1}
_ULTRA_DEPTH, _ULTRA_WIDTH = 4096, 72
_LUT_BITS, _CHAIN, _SHORTEST = 64, 32, 3
"""Words of one bit in a LUT, stages of a shift register in one, and stages below which there is none."""
_CHEAP_MUX = 4
"""Inputs of a multiplexer of one LUT."""


@dataclass(frozen=True)
class Memory:
    """A delay line or memory.

    Attributes:
        kind: ``delay`` (a line of registers), ``ring`` (a delay by a memory written round and round),
            ``ram`` (one port writes, one reads), ``rom`` (constants behind a register), ``rows`` (as
            ``ram``, in parts of `WORD` bits that are written each for itself).
        style: ``distributed`` (LUTs), ``block`` or ``ultra``; empty for a line of registers.
        width: bits of a word.
        depth: words, or cycles of delay.
    """

    kind: str
    style: str
    width: int
    depth: int

    @property
    def module(self) -> str:
        """The library module, see `library_text`; a ROM has none."""
        return f"nanosieve_{self.kind}_{self.style}" if self.style else f"nanosieve_{self.kind}"

    @property
    def bits(self) -> int:
        """Bits of an address."""
        return max((self.depth - 1).bit_length(), 1)

    @property
    def cost(self) -> dict[str, float]:
        """LUT, FF, BRAM36 and URAM as Yosys counts them; LUTs within a fifth and four, the others exactly."""
        if self.kind == "delay":
            return _delay_cost(self.width, self.depth)
        if self.kind == "rows":
            return _rows_cost(self)
        store = {
            "distributed": _table_cost if self.kind == "rom" else _lut_memory_cost,
            "block": _block_cost,
            "ultra": _ultra_cost,
        }[self.style]
        cost = store(self)
        if self.kind == "ring":  # the pointer
            cost["lut"] += 1 if self.depth == 1 << self.bits else self.bits + 3
            cost["ff"] += self.bits
        return cost

    def price(self, prices: Mapping[str, float]) -> float:
        """The cost in LUTs."""
        return sum(prices[resource] * number for resource, number in self.cost.items() if number)


def _rows_cost(memory: Memory) -> dict[str, float]:
    """Its parts, and for each the registers and LUTs that find its address."""
    total = _cost()
    for first in range(0, memory.width, WORD):
        part = Memory("ram", memory.style, min(WORD, memory.width - first), memory.depth).cost
        total = {kind: total[kind] + part[kind] for kind in total}
    parts = -(-memory.width // WORD)
    total["lut"] += 3 * parts
    total["ff"] += parts + memory.bits + min(memory.width, WORD)
    return total


def _cost(lut: float = 0, ff: float = 0, bram36: float = 0, uram: float = 0) -> dict[str, float]:
    return {"lut": lut, "ff": ff, "bram36": bram36, "uram": uram}


def _delay_cost(width: int, depth: int) -> dict[str, float]:
    if depth < _SHORTEST:
        return _cost(ff=width * depth)
    luts, rest = divmod(depth, _CHAIN)
    return _cost(lut=width * (luts + (rest > 1)), ff=width * (rest == 1))


def _mux(inputs: int) -> int:
    """LUTs of a multiplexer for one bit."""
    luts = 0
    while inputs > 1:
        groups, rest = divmod(inputs, _CHEAP_MUX)
        luts += groups + (rest > 1)
        inputs = groups + (rest > 0)
    return luts


def _banks(memory: Memory, banks: int) -> dict[str, float]:
    """What it takes to make one memory of several one behind the other."""
    if banks == 1:
        return _cost()
    # the word of a block is chosen one cycle after the address, which a ring has in its pointer
    select = 0 if memory.kind == "ring" or memory.style == "distributed" else (banks - 1).bit_length()
    return _cost(lut=memory.width * _mux(banks) + banks, ff=select)


def _lut_memory_cost(memory: Memory) -> dict[str, float]:
    """Slices of eight LUTs hold 14 bits of 32 words or 7 bits of 64 words beside the port that writes."""
    if memory.depth <= _LUT_BITS // 2:
        return _cost(lut=8 * -(-memory.width // 14), ff=memory.width)
    banks = -(-memory.depth // _LUT_BITS)
    cost = _banks(memory, banks)
    cost["lut"] += 8 * -(-memory.width // 7) * banks
    cost["ff"] += memory.width
    return cost


def _table_cost(memory: Memory) -> dict[str, float]:
    """64 words in a LUT; the multiplexers beside it join four."""
    luts = -(-memory.depth // _LUT_BITS)
    return _cost(lut=memory.width * (luts + _mux(-(-luts // 4))), ff=memory.width)


def _block_cost(memory: Memory) -> dict[str, float]:
    """The shape of block that takes least, and of those the deepest."""
    words = 1 << memory.bits if memory.kind == "rom" else memory.depth
    shapes = [
        (blocks * -(-memory.width // width) * -(-words // depth), -(-words // depth))
        for blocks, block in ((0.5, _HALF_BLOCK), (1.0, _BLOCK))
        for depth, width in block.items()
    ]
    blocks, banks = min(shapes)
    return _banks(memory, banks) | {"bram36": blocks}


def _ultra_cost(memory: Memory) -> dict[str, float]:
    banks = -(-memory.depth // _ULTRA_DEPTH)
    return _banks(memory, banks) | {"uram": -(-memory.width // _ULTRA_WIDTH) * banks}


def prices(device: Device) -> dict[str, float]:
    """What each resource is worth in LUTs: as many as the device has for one of it."""
    return {
        name: device.lut / device.count(name) if device.count(name) else math.inf
        for name in ("lut", "ff", "bram36", "uram")
    }


def best_delay(width: int, depth: int, prices: Mapping[str, float]) -> Memory:
    """The cheapest delay of so many cycles."""
    rings = [Memory("ring", style, width, depth) for style in ("distributed", "block", "ultra")]
    line = Memory("delay", "", width, depth)
    return min([line, *(rings if depth > _CHAIN else [])], key=lambda memory: memory.price(prices))


def best_ram(width: int, depth: int, prices: Mapping[str, float]) -> Memory:
    """The cheapest memory with a port that writes and one that reads."""
    found = [Memory("ram", style, width, depth) for style in ("distributed", "block", "ultra")]
    return min(found, key=lambda memory: memory.price(prices))


def best_rom(width: int, depth: int, prices: Mapping[str, float]) -> Memory:
    """The cheapest table of constants."""
    found = [Memory("rom", style, width, depth) for style in ("distributed", "block")]
    return min(found, key=lambda memory: memory.price(prices))


def best_rows(width: int, depth: int, prices: Mapping[str, float]) -> Memory:
    """The cheapest memory of rows that begins with given ones and is written a part of a row at a time."""
    found = [Memory("rows", style, width, depth) for style in ("distributed", "block")]
    return min(found, key=lambda memory: memory.price(prices))


def delay_lines(memory: Memory, name: str, given: str) -> list[str]:
    """The wire `name`, which is the expression `given` `depth` cycles later."""
    return [
        f"  wire [{memory.width - 1}:0] {name};",
        f"  {memory.module} #(.WIDTH({memory.width}), .DEPTH({memory.depth})) u_{name} "
        f"(.clk(clk), .in({given}), .out({name}));",
    ]


def ram_lines(
    memory: Memory, name: str, *, write: str, write_address: str, given: str, read_address: str
) -> list[str]:
    """The wire `name`, the word of the memory whose address stood at the port one cycle before."""
    return [
        f"  wire [{memory.width - 1}:0] {name};",
        f"  {memory.module} #(.WIDTH({memory.width}), .DEPTH({memory.depth}), .BITS({memory.bits}))",
        f"  u_{name} (",
        f"    .clk(clk), .write({write}), .write_address({write_address}), .in({given}),",
        f"    .read_address({read_address}), .out({name})",
        "  );",
    ]


def rom_lines(memory: Memory, name: str, words: Sequence[int], address: str) -> list[str]:
    """The register `name`, the word whose address of `bits` bits stood there one cycle before.

    Args:
        memory: of `depth` words.
        name: of the register; ``NAME_words`` is the memory.
        words: codes, of which the low bits count; addresses behind the last one give 0.
        address: an expression of `bits` bits.
    """
    mask = (1 << memory.width) - 1
    size = 1 << memory.bits
    codes = [code & mask for code in words] + [0] * (size - len(words))
    store = f"{name}_words"
    lines = [f'  (* rom_style = "{memory.style}" *) reg [{memory.width - 1}:0] {store} [0:{size - 1}];']
    lines += [f"  reg [{memory.width - 1}:0] {name};", "  initial begin"]
    lines += [f"    {store}[{n}] = {memory.width}'d{code};" for n, code in enumerate(codes)]
    return [*lines, "  end", f"  always @(posedge clk) {name} <= {store}[{address}];"]
