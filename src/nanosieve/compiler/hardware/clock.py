"""The clock that routed designs reach, and how far the designs behind this model go.

Calibrated on the ten designs of JEDI-linear (arXiv:2508.15468; 3 features per particle), placed and routed
by Vivado for a VU13P -2 at 500 MHz asked. The published script cuts them into stages of two adders
(``latency_cutoff=2``), so that between them only the size differs, and one number is fitted: how the delay of
the logic stretches with it,

    period = OVERHEAD + logic (1 + STRETCH (LUTs / 100,000)**POWER).

The reports hold no paths. So OVERHEAD, and LOGIC as the time of two adders, are priors (those of
`DelayModel`; a fit that leaves LOGIC free agrees within 5 %), and that size stretches the logic rather than
adding to it is one too. `Clock` widens its error for stages that are shorter or longer than those of the ten.
With ten designs the error is itself uncertain: fits of two numbers leave 13 to 14 %, this one 11 %.
``validation/jedi_linear_clock.py`` repeats the fit and the leave-one-out test.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from nanosieve.figure import Figure, Provenance

__all__ = ["Clock", "stretch"]

SOURCE = "calibrated on 10 routed designs of JEDI-linear (arXiv:2508.15468, VU13P)"
OVERHEAD = 0.30
"""Clock to output, set-up and skew of the registers, ns: prior."""
OVERHEAD_ERROR = 0.20
"""How far off that may be, ns."""
LOGIC = 1.90
"""Logic between the registers of the ten designs, ns: two adders of ten bits."""
STRETCH = 0.572
"""Fitted."""
POWER = 2 / 3
"""Of 1/2, 2/3, 3/4 and 1 that with the least error of leave-one-out."""
UNCERTAINTY = 0.112
"""Root mean square of ln(achieved / predicted period), each design predicted from the other nine."""

LEAST_LUTS, MOST_LUTS = 35_684, 295_715
LEAST_LOGIC, MOST_LOGIC = 0.5 * LOGIC, 1.5 * LOGIC
FAN_OUT = 128
"""The sum over particles, read once for each of up to 128 of them."""
ARCHITECTURE = "UltraScale+"


def stretch(luts: float) -> float:
    """How much longer logic takes in a design of `luts` LUTs than in a small one."""
    return 1 + STRETCH * float((max(luts, 0.0) / 1e5) ** POWER)


@dataclass(frozen=True)
class Clock:
    """What decides the clock of a design before it is routed.

    Attributes:
        logic: the longest logic between two registers in the delays of `DelayModel`, ns.
        luts: LUTs of the whole design.
        fan_out: most readers of a value.
        architecture: of the device.
        blocks: kinds of blocks on the paths that are no LUTs, e.g. ``("DSP",)``.
        own_delays: whether the delays are the user's own.
    """

    logic: float
    luts: float
    fan_out: int = 1
    architecture: str = ARCHITECTURE
    blocks: Collection[str] = ()
    own_delays: bool = False
    overhead: float = OVERHEAD
    uncertainty: float = UNCERTAINTY

    @property
    def period(self) -> float:
        """The period that such a design reaches, ns."""
        return self.overhead + self.logic * stretch(self.luts)

    @property
    def error(self) -> float:
        """One standard deviation of the period, ns.

        Beside the scatter of the ten designs it holds what is not known of the split of their period: moving
        time from the logic to the register, or half of what comes with size, changes other depths. Of what
        comes with a size beyond theirs, all is uncertain.
        """
        scatter = self.uncertainty * self.period
        unsplit = OVERHEAD_ERROR + LOGIC * (stretch(self.luts) - 1) / 2
        beyond = self.logic * (stretch(max(self.luts, MOST_LUTS)) - stretch(MOST_LUTS))
        return math.hypot(scatter, (self.logic / LOGIC - 1) * unsplit, beyond)

    @property
    def extrapolated(self) -> tuple[str, ...]:
        """In what the design differs from those of the calibration."""
        reasons = []
        if not LEAST_LUTS <= self.luts <= MOST_LUTS:
            reasons.append(f"{self.luts:,.0f} LUT, not {LEAST_LUTS:,} to {MOST_LUTS:,}")
        if not LEAST_LOGIC <= self.logic <= MOST_LOGIC:
            reasons.append(
                f"{self.logic:.1f} ns of logic in a stage, not {LEAST_LOGIC:.1f} to {MOST_LOGIC:.1f}"
            )
        if self.fan_out > FAN_OUT:
            reasons.append(f"fan-out {self.fan_out}, not up to {FAN_OUT}")
        if self.architecture != ARCHITECTURE:
            reasons.append(f"{self.architecture}, not {ARCHITECTURE}")
        reasons += [f"paths through {block} blocks" for block in self.blocks]
        if self.own_delays:
            reasons.append("delays that are not those of the calibration")
        return tuple(reasons)

    @property
    def source(self) -> str:
        """What the clock is estimated from, for a `Figure`."""
        reasons = self.extrapolated
        return SOURCE + (f"; extrapolated: {'; '.join(reasons)}" if reasons else "")

    @property
    def fmax(self) -> Figure:
        """The highest clock, MHz, with its error."""
        value = 1e3 / self.period
        error = value * self.error / self.period
        return Figure(round(value, 1), "MHz", Provenance.ESTIMATED, error=round(error, 1), source=self.source)
