"""Verilog of one layer: readable by the engineer who integrates it.

Wires are named ``n<cell>``; ``n<cell>_s<stage>`` is the same value after the registers that carry it into
that stage. Signed values are declared signed, so that every expression reads as the arithmetic it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from nanosieve.compiler.graph import Rounding
from nanosieve.compiler.hardware import cells as c
from nanosieve.compiler.hardware.mac_chains import signed_width
from nanosieve.compiler.hardware.netlist import Netlist
from nanosieve.compiler.hardware.schedule import CONSTANT, Schedule

__all__ = ["MAC", "Bus", "layer_module"]

MAC = "nanosieve_mac"
"""The module of a `MacCell`, see `library`."""

Bus = list[tuple[int, int]]
"""Elements of a bus: (lowest bit, width)."""


class _Writer:
    """Writes the cells of one module."""

    def __init__(self, netlist: Netlist, schedule: Schedule) -> None:
        self.netlist, self.schedule = netlist, schedule

    def name(self, cell: int, stage: int) -> str:
        """The wire or register that holds `cell` in `stage`."""
        made = self.schedule.arrivals[cell].stage
        return f"n{cell}" if stage <= made or made < 0 else f"n{cell}_s{stage}"

    def operand(self, cell: int, stage: int) -> str:
        """`cell` as a signed operand."""
        value = self.netlist.cells[cell]
        if isinstance(value, c.ConstantCell):
            return _literal(value.low)
        name = self.name(cell, stage)
        return name if value.signed else f"$signed({{1'b0, {name}}})"

    def shifted(self, cell: int, stage: int, shift: int) -> str:
        """`cell` times ``2**shift`` as a signed operand that is wide enough on its own."""
        value = self.netlist.cells[cell]
        if not shift:
            return self.operand(cell, stage)
        if isinstance(value, c.ConstantCell):
            return _literal(value.low << shift)
        zero = "" if value.signed else "1'b0, "
        return f"$signed({{{zero}{self.name(cell, stage)}, {shift}'b0}})"

    def expression(self, n: int) -> str:  # noqa: C901 - one arm for each cell
        """Right-hand side of the assignment to cell `n`."""
        cell = self.netlist.cells[n]
        stage, a = self.schedule.reads_at(cell, n), cell.args[0] if cell.args else -1
        match cell:
            case c.AddCell():
                sign = "-" if cell.subtract else "+"
                left = self.shifted(a, stage, cell.shift_a)
                return f"{left} {sign} {self.shifted(cell.args[1], stage, cell.shift_b)}"
            case c.ShiftCell(shift=shift) if shift > 0:
                return self.shifted(a, stage, shift)
            case c.ShiftCell():
                return f"{self.operand(a, stage)} >>> {-cell.shift}"
            case c.WrapCell():
                return self.low_bits(a, stage, cell.width)
            case c.RoundCell():
                return self.rounded(cell, a, stage)
            case c.SaturateCell():
                return self.clipped(cell, a, stage)
            case c.SelectCell():
                negative, positive = (self.operand(x, stage) for x in cell.args[1:])
                width = self.netlist.cells[a].width
                return f"{self.name(a, stage)}[{width - 1}] ? {negative} : {positive}"
            case c.ChooseCell():
                one, zero = (self.operand(x, stage) for x in cell.args[1:])
                return f"{self.name(a, stage)} ? {one} : {zero}"
            case c.MaskCell():
                return f"{self.name(a, stage)} ? {self.operand(cell.args[1], stage)} : 1'sd0"
            case c.ProductCell():
                return f"{self.operand(a, stage)} * {self.operand(cell.args[1], stage)}"
            case c.NonzeroCell():
                return f"|{self.name(a, stage)}"
            case c.AtLeastCell():
                left = self.shifted(a, stage, cell.shift_a)
                return f"{left} >= {self.shifted(cell.args[1], stage, cell.shift_b)}"
            case _:
                raise TypeError(type(cell).__name__)

    def low_bits(self, a: int, stage: int, width: int) -> str:
        """The lowest `width` bits of cell `a`, its sign repeated where it has fewer."""
        cell, name = self.netlist.cells[a], self.name(a, stage)
        if width <= cell.width:
            return name if width == cell.width else f"{name}[{width - 1}:0]"
        top = f"{name}[{cell.width - 1}]" if cell.signed else "1'b0"
        return f"{{{{{width - cell.width}{{{top}}}}}, {name}}}"

    def rounded(self, cell: c.RoundCell, a: int, stage: int) -> str:
        """Drop the low bits; for RND add half a step first, for ties to even less a bit for even codes."""
        operand = self.operand(a, stage)
        width = self.netlist.cells[a].width + 2
        if cell.rounding is Rounding.TRN:
            return f"{operand} >>> {cell.drop}"
        half = 1 << (cell.drop - 1)
        if cell.rounding is Rounding.RND:
            return f"({operand} + {max(width, cell.drop + 2)}'sd{half}) >>> {cell.drop}"
        own = self.netlist.cells[a]
        top = f"{self.name(a, stage)}[{own.width - 1}]" if own.signed else "1'b0"
        odd = f"{self.name(a, stage)}[{cell.drop}]" if cell.drop < own.width else top
        even = f"$signed({{1'b0, ~{odd}}})"
        return f"({operand} + {max(width, cell.drop + 2)}'sd{half} - {even}) >>> {cell.drop}"

    def clipped(self, cell: c.SaturateCell, a: int, stage: int) -> str:
        """The ends where the value passes them, else its low bits."""
        own, text = self.netlist.cells[a], self.low_bits(a, stage, cell.width)
        if own.high > cell.high:
            text = f"{self.above(a, stage, cell.high)} ? {_bits(cell.high, cell.width)} : {text}"
        if own.low < cell.low:
            text = f"{self.below(a, stage, cell.low)} ? {_bits(cell.low, cell.width)} : {text}"
        return text

    def above(self, a: int, stage: int, high: int) -> str:
        """Whether `a` is above `high`: a look at the top bits where `high` is ``2**k - 1``."""
        own, name, k = self.netlist.cells[a], self.name(a, stage), high.bit_length()
        if high < 0 or high & (high + 1):
            return f"({self.operand(a, stage)} > {_literal(high)})"
        top = own.width - 1
        return f"(~{name}[{top}] & |{name}[{top - 1}:{k}])" if own.signed else f"(|{name}[{top}:{k}])"

    def below(self, a: int, stage: int, low: int) -> str:
        """Whether `a` is below `low`: a look at the top bits where `low` is 0 or ``-2**k``."""
        own, name, k = self.netlist.cells[a], self.name(a, stage), (-low).bit_length() - 1
        if low == 0:
            return f"{name}[{own.width - 1}]"
        if low > 0 or -low & (-low - 1):
            return f"({self.operand(a, stage)} < {_literal(low)})"
        return f"({name}[{own.width - 1}] & ~&{name}[{own.width - 2}:{k}])"

    def declaration(self, n: int) -> list[str]:
        """Lines that define cell `n`."""
        cell = self.netlist.cells[n]
        sign = "signed " if cell.signed else ""
        span = f"[{cell.width - 1}:0] "
        if isinstance(cell, c.TableCell):
            return self.table(n, cell, f"{sign}{span}")
        if isinstance(cell, c.MacCell):
            return [f"  wire {sign}{span}n{n};", self.multiply_add(n, cell)]
        keep = '(* use_dsp = "no" *) ' if isinstance(cell, c.ProductCell) and not cell.dsp else ""
        return [f"  {keep}wire {sign}{span}n{n} = {self.expression(n)};"]

    def multiply_add(self, n: int, cell: c.MacCell) -> str:
        """An instance of the module that becomes one DSP slice."""
        stage = self.schedule.reads_at(cell, n)
        # the wider factor to the wider port; one bit more for the sign of an unsigned one
        wide, narrow = sorted(
            ((signed_width(self.netlist.cells[a]), a) for a in cell.args[:2]), key=lambda x: -x[0]
        )
        a, b = (self.low_bits(place, stage, width) for width, place in (wide, narrow))
        added = self.low_bits(cell.args[2], stage, cell.width) if len(cell.args) > 2 else f"{cell.width}'d0"
        sizes = f"#(.A({wide[0]}), .B({narrow[0]}), .P({cell.width}))"
        return f"  {MAC} {sizes} u_n{n} (.clk(clk), .a({a}), .b({b}), .c({added}), .p(n{n}));"

    def table(self, n: int, cell: c.TableCell, kind: str) -> list[str]:
        """A look-up table as a case statement over the bits of its argument."""
        a, stage = cell.args[0], self.schedule.reads_at(cell, n)
        own = self.netlist.cells[a]
        rows = {(own.low + k) & ((1 << own.width) - 1): entry for k, entry in enumerate(cell.entries)}
        lines = [f"  reg {kind}n{n};", "  always @* begin", f"    case ({self.name(a, stage)})"]
        lines += [
            f"      {own.width}'d{code}: n{n} = {_bits(entry, cell.width)};"
            for code, entry in sorted(rows.items())
        ]
        lines += [f"      default: n{n} = {cell.width}'d0;", "    endcase", "  end"]
        return lines


def _literal(value: int) -> str:
    """A signed constant."""
    bits = max(abs(value).bit_length(), 1) + 1
    return f"{'-' if value < 0 else ''}{bits}'sd{abs(value)}"


def _bits(value: int, width: int) -> str:
    """The two's complement bits of a constant."""
    return f"{width}'d{value & ((1 << width) - 1)}"


def layer_module(
    name: str,
    title: str,
    ports: Mapping[str, int],
    elements: Mapping[tuple[int, int], tuple[int, int]],
    netlist: Netlist,
    schedule: Schedule,
    weights: Sequence[int] = (),
) -> tuple[str, Bus]:
    """The module of a layer and the layout of its output bus ``out``.

    Args:
        name: module name.
        title: one line for the comment at the top.
        ports: input bus → width, in port order.
        elements: (port, element) → (lowest bit, width) in that bus.
        netlist: the cells.
        schedule: their stages.
        weights: bits of each of those that stand still, side by side on the input ``weights``.
    """
    writer, names = _Writer(netlist, schedule), list(ports)
    bus: Bus = []
    for n in netlist.outputs:
        width = max(netlist.cells[n].width, 1)
        bus.append((bus[-1][0] + bus[-1][1] if bus else 0, width))
    total = max(sum(width for _, width in bus), 1)
    lines = [f"// {title}", f"module {name} (", "  input  wire clk,"]
    lines += [f"  input  wire [{width - 1}:0] {port}," for port, width in ports.items()]
    if weights:
        lines.append(f"  input  wire [{sum(weights) - 1}:0] weights,")
    lines += [f"  output wire [{total - 1}:0] out", ");", *_steady(netlist, weights)]
    by_stage: dict[int, list[int]] = {}
    for n, arrival in enumerate(schedule.arrivals):
        if arrival != CONSTANT:
            by_stage.setdefault(arrival.stage, []).append(n)
    for stage in range(min(by_stage, default=0), schedule.stage + 1):
        lines += ["", f"  // stage {stage}", *_registers(writer, stage)]
        for n in by_stage.get(stage, []):
            cell = netlist.cells[n]
            if isinstance(cell, c.InputCell):
                lsb, width = elements[cell.port, cell.element]
                sign = "signed " if cell.signed else ""
                lines.append(
                    f"  wire {sign}[{width - 1}:0] n{n} = {names[cell.port]}[{lsb + width - 1}:{lsb}];"
                )
            else:
                lines += writer.declaration(n)
    lines.append("")
    for n, (lsb, width) in zip(netlist.outputs, bus, strict=True):
        cell = netlist.cells[n]
        constant = isinstance(cell, c.ConstantCell)
        value = _bits(cell.low, width) if constant else writer.name(n, schedule.stage)
        lines.append(f"  assign out[{lsb + width - 1}:{lsb}] = {value};")
    lines += ["endmodule", ""]
    return "\n".join(lines), bus


def _steady(netlist: Netlist, widths: Sequence[int]) -> list[str]:
    """Wires of the weights."""
    lines, ends = [], list(accumulate(widths))
    for n, cell in enumerate(netlist.cells):
        if isinstance(cell, c.SteadyCell):
            width = widths[cell.element]
            lsb = ends[cell.element] - width
            sign = "signed " if cell.signed else ""
            lines.append(f"  wire {sign}[{width - 1}:0] n{n} = weights[{lsb + width - 1}:{lsb}];")
    return lines


def _registers(writer: _Writer, stage: int) -> list[str]:
    """The registers that carry values from ``stage - 1`` into `stage`."""
    schedule, cells = writer.schedule, writer.netlist.cells
    carried = [
        n for n, arrival in enumerate(schedule.arrivals) if 0 <= arrival.stage < stage <= schedule.last_use[n]
    ]
    if not carried:
        return []
    lines = [
        f"  reg {'signed ' if cells[n].signed else ''}[{cells[n].width - 1}:0] n{n}_s{stage};"
        for n in carried
    ]
    lines.append("  always @(posedge clk) begin")
    lines += [f"    n{n}_s{stage} <= {writer.name(n, stage - 1)};" for n in carried]
    return [*lines, "  end"]
