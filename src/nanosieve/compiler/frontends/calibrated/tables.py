"""Functions of one value as tables.

The table is entered with a type of its own, chosen so that its step costs less than half a step of the
result where 12 bits are enough for that: with a slope of at most L, an input step ``s`` and a result step
``r``, a table errs by at most ``L s / 2 + r / 2`` inside its range. The range is that of the sample, cut
where the function changes by less than ``max(r, L s) / 2`` beyond it (so a sigmoid has a table from about -8
to 8, whatever the range); outside, the input saturates. The precision ``layer.table`` states another type.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.traced import Traced, TracedGraph
from nanosieve.compiler.frontends.calibration import fitting
from nanosieve.compiler.graph import Fixed, Integers, Lookup
from nanosieve.errors import InexactModelError, SettingsError

__all__ = ["DEPTH", "WIDEST", "add_table", "table_codes", "table_input"]

DEPTH = 12
"""Bits that enter a table at most, unless stated."""
WIDEST = 16
"""Bits that may be stated."""
GRID = 4097
"""Points on which slope and range of a function are judged."""

Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def table_codes(f: Function, inputs: Integers, exponent: int, out: Fixed) -> Integers:
    """The entries for input codes of step ``2**exponent``: rounded half up, saturating."""
    with np.errstate(over="ignore"):
        values = f(inputs.astype(np.float64) * 2.0**exponent)
    codes = np.floor(np.asarray(values, dtype=np.float64) / 2.0**out.exponent + 0.5)
    return np.clip(codes, out.low, out.high).astype(np.int64)


def table_input(
    f: Function, low: float, high: float, step: float, *, signed: bool, width: int | None = None
) -> Fixed:
    """The type with which a table is entered.

    Args:
        f: the function.
        low, high: range of its argument.
        step: of the result.
        signed: whether the argument may be negative.
        width: bits; None to choose as few as keep the error under half a step, `DEPTH` at most.
    """
    grid = np.linspace(low, high, GRID)
    values = f(grid)
    slope = float(np.abs(np.diff(values)).max()) / max((high - low) / (GRID - 1), 1e-300)
    fixed = fitting(low, high, width or DEPTH, signed=signed)
    for _ in range(40):
        smaller = Fixed(fixed.width, fixed.integer - 1, signed)
        scale = 2.0**smaller.exponent
        inside = np.clip(grid, smaller.low * scale, smaller.high * scale)
        if high <= low or np.abs(f(inside) - values).max() > max(step, slope * scale) / 2:
            break
        fixed = smaller
    if width is None:
        needed = fixed.integer + int(np.ceil(np.log2(max(slope, 1e-9) / step)))
        fixed = Fixed(min(max(needed, 2), DEPTH), fixed.integer, signed)
    return fixed


def add_table(b: TracedGraph, x: Traced, f: Function, *, layer: str, role: str) -> Traced:
    """``f(x)`` with the result type of `role`; see the module.

    Where the function is not finite beyond the range of the sample, the table goes on with its last value.

    Raises:
        InexactModelError: the function is not finite on the sample.
        SettingsError: a table type of more than 16 bits.
    """
    with np.errstate(all="ignore"):
        real = np.asarray(f(x.real), dtype=np.float64)
    if not np.all(np.isfinite(real)):
        message = f"layer {layer!r}: its function is not finite on the sample; clip its argument before it"
        raise InexactModelError(message)
    out = b.fixed(layer, role, real, negative=bool(real.min(initial=0.0) < 0))
    entered, low, high = _entered(b, x, f, 2.0**out.exponent, layer, role)
    exponent = int(b.type(entered).exponent.flat[0])

    def table() -> Lookup:
        inputs = np.arange(low, high + 1)
        ends = float(x.real.min()), float(x.real.max())
        codes = table_codes(_continued(f, *ends), inputs, exponent, out)
        return Lookup(codes[np.newaxis], np.array([low]), np.array([out.exponent]))

    op = b.shared((layer, role, low, high, exponent, out), table)
    part = "" if role == "result" and not b.repeated else role
    return Traced(b.nodes(layer).add(op, entered.node, part=part), real)


def _continued(f: Function, low: float, high: float) -> Function:
    """`f`, and beyond [low, high] its value there where it is not finite itself."""

    def whole(x: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            values = np.asarray(f(x), dtype=np.float64)
            return np.where(np.isfinite(values), values, f(np.clip(x, low, high)))

    return whole


def _entered(
    b: TracedGraph, x: Traced, f: Function, step: float, layer: str, role: str
) -> tuple[Traced, int, int]:
    """`x` in the type of the table, itself if it is exact there; and the codes that the table has."""
    role = "table" if role == "result" else f"{role}_table"
    stated, given = b.precision.stated(layer, role), b.type(x)
    if stated is not None and stated.width > WIDEST:
        message = (
            f"layer {layer!r}: a table entered with {stated.width} bits is too deep; "
            f"state {role} with at most {WIDEST}"
        )
        raise SettingsError(message)
    ends = int(given.low.min(initial=0)), int(given.high.max(initial=0))
    one_step = bool(np.all(given.exponent == given.exponent.flat[0]))
    span = b.range(layer, role, x.real, negative=bool(given.low.min(initial=0) < 0))
    exact = stated is None and not x.pending and one_step and ends[1] - ends[0] < 1 << DEPTH
    if b.agreed(layer, role, exact):
        return x, *ends
    if stated is not None and stated.integer is not None:
        fixed = Fixed(stated.width, stated.integer, stated.signed)
    else:
        width = None if stated is None else stated.width
        fixed = table_input(f, span.low, span.high, step, signed=span.negative, width=width)
    entered = b.quantized(x, fixed, layer, role)
    if b.repeated:  # one table for all steps
        return entered, fixed.low, fixed.high
    return entered, int(b.type(entered).low.min()), int(b.type(entered).high.max())
