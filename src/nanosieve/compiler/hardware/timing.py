"""The delay and area model of the cells.

The component delays are for a small design in a -2 UltraScale+ device, net included, in the manner of the
characterisation tables of high-level synthesis; `nanosieve.compiler.hardware.clock` calibrates them against
routed designs. The areas count 6-input LUTs; the netlist of Yosys has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.clock import OVERHEAD, UNCERTAINTY, stretch
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.used_bits import carry_start

__all__ = ["DSP_RESULT_BITS", "DelayModel", "lut_cost", "uses_dsp"]

DSP_RESULT_BITS = 9
"""Yosys leaves products narrower than this to LUTs."""


@dataclass(frozen=True)
class DelayModel:
    """Delays in ns.

    Attributes:
        add, add_bit: an adder takes ``add + add_bit * width``.
        lut: one level of logic.
        dsp: a multiplier in a DSP block without its own registers, or from there to its output register.
        dsp_nets: the part of it that are nets; the inside of a block does not stretch with the design.
        dsp_sum: from the addend of a DSP block to its output register.
        dsp_out: what the output register of a DSP block is slower than another register.
        overhead: clock to output, set-up and skew of the registers.
        uncertainty: relative error of a period, one standard deviation.
        margin: how many of these errors are kept free when registers are placed; with the default nine of ten
            designs are in time.
        luts: size of the whole design, which stretches its logic; None for what `build_design` estimates, and
            for a small design elsewhere.
    """

    add: float = 0.85
    add_bit: float = 0.010
    lut: float = 0.45
    dsp: float = 3.2
    dsp_nets: float = 0.6
    dsp_sum: float = 2.0
    dsp_out: float = 0.3
    overhead: float = OVERHEAD
    uncertainty: float = UNCERTAINTY
    margin: float = 1.28
    luts: float | None = None

    @property
    def calibrated(self) -> bool:
        """Whether the delays are those which were calibrated."""
        return replace(self, margin=DelayModel.margin, luts=None) == DelayModel()

    @property
    def block(self) -> float:
        """A multiplier in a DSP block, so that its stretched delay is right."""
        return (self.dsp - self.dsp_nets) / stretch(self.luts or 0) + self.dsp_nets

    @property
    def block_sum(self) -> float:
        """From the addend of a DSP block to its register; a net and the inside of the block likewise."""
        return (self.dsp_sum - self.dsp_nets) / stretch(self.luts or 0) + self.dsp_nets

    def usable(self, period: float) -> float:
        """Time for logic between two registers at a clock of that period."""
        kept = period / (1 + self.margin * self.uncertainty)
        return (kept - self.overhead) / stretch(self.luts or 0)

    def needed(self, logic: float) -> float:
        """The period at which so much logic is usable."""
        return (self.overhead + logic * stretch(self.luts or 0)) * (1 + self.margin * self.uncertainty)

    def table(self, bits: int) -> float:
        """Delay of a table that is entered with so many bits."""
        return self.lut * (1 + max(0, bits - 6) / 2)

    def table_bits(self, usable: float) -> int:
        """Bits of the deepest table that fits into so much time; 6, one LUT, where none does."""
        return max(6, int(2 * (usable / self.lut - 1) + 1e-9) + 6)

    def of(self, netlist: Netlist, cell: c.Cell) -> float:
        """Delay of a cell from its latest argument."""
        match cell:
            case c.AddCell() | c.AtLeastCell():
                width = max(cell.width, *(netlist.cells[a].width for a in cell.args))
                return self.add + self.add_bit * width
            case c.RoundCell(rounding=Rounding.TRN):
                return 0.0
            case c.RoundCell():
                even = self.lut if cell.rounding is Rounding.RND_CONV else 0.0
                return self.add + self.add_bit * cell.width + even
            case c.SaturateCell():
                return 2 * self.lut
            case c.SelectCell() | c.ChooseCell() | c.MaskCell():
                return self.lut
            case c.NonzeroCell():
                return self.lut * _levels(netlist.cells[cell.args[0]].width)
            case c.TableCell():
                return self.table(netlist.cells[cell.args[0]].width)
            case c.MacCell():
                return self.block
            case c.ProductCell():
                if uses_dsp(cell):
                    return self.block
                # the bit products share a LUT with the adders; the netlists of Yosys have as many levels
                levels = math.ceil(math.log2(max(1, min(netlist.cells[a].width for a in cell.args))))
                return max(levels, 1) * (self.add + self.add_bit * cell.width)
            case _:
                return 0.0


def _levels(inputs: int) -> int:
    """Levels of 6-input LUTs that join so many bits."""
    return max(1, math.ceil(math.log(max(inputs, 2), 6) - 1e-9))


def uses_dsp(cell: c.Cell) -> bool:
    """Whether the cell is a multiplier that goes to a DSP block."""
    product = isinstance(cell, c.ProductCell) and cell.dsp and cell.width >= DSP_RESULT_BITS
    return product or isinstance(cell, c.MacCell)


def _sum_luts(netlist: Netlist, cell: c.AddCell, used: int) -> int:
    """One LUT for each bit of a sum where both operands vary, or where a one is added or subtracted."""
    a, b = (netlist.cells[n] for n in cell.args)
    fixed_a, fixed_b = _fixed_bits(a, cell.shift_a), _fixed_bits(b, cell.shift_b)
    luts = 0
    for place in range(carry_start(cell), used.bit_length()):
        bit_a, bit_b = fixed_a(place), fixed_b(place)
        if cell.subtract and bit_b is not None:
            bit_b = 1 - bit_b
        luts += 0 not in (bit_a, bit_b) and not (bit_a == bit_b == 1)
    return luts


def _fixed_bits(cell: c.Cell, shift: int) -> Callable[[int], int | None]:
    """What bit of ``cell << shift`` stands at a place where it never changes, else None."""

    def bit(place: int) -> int | None:
        if isinstance(cell, c.ConstantCell):
            return (cell.low << shift) >> place & 1
        below, above = place < shift, place >= shift + cell.width and not cell.signed
        return 0 if below or above else None

    return bit


def lut_cost(netlist: Netlist, cell: c.Cell, used: int) -> float:
    """Estimated LUTs of a cell of which the bits in the mask `used` are read."""
    argument = netlist.cells[cell.args[0]].width if cell.args else 0
    width = used.bit_count()
    match cell:
        case c.AddCell():
            return float(_sum_luts(netlist, cell, used))
        case c.RoundCell(rounding=Rounding.TRN):
            return 0.0
        case c.RoundCell():
            return float(used.bit_length())
        case c.SaturateCell():
            return width + max(1, (argument - cell.width) / 5)
        case c.SelectCell() | c.ChooseCell() | c.MaskCell():
            return float(width)
        case c.NonzeroCell():
            return max(1.0, argument / 5)
        case c.AtLeastCell():
            return argument / 2
        case c.TableCell():
            return width * max(1.0, 2.0 ** (argument - 6))
        case c.ProductCell() if not uses_dsp(cell):
            return min(netlist.cells[a].width for a in cell.args) * cell.width / 2
        case _:
            return 0.0
