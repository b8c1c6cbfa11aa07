"""Fit the clock model of `nanosieve.compiler.hardware.clock` to routed designs, and leave one out as a test.

Usage: python validation/jedi_linear_clock.py [validation/jedi_linear_vivado.csv]

Prints the fit for each exponent that was tried, the constants of the model, and achieved and predicted period
of every design. Ends with code 1 where the constants in the package are not those of the fit.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.hardware import clock

TABLE = Path(__file__).with_name("jedi_linear_vivado.csv")
POWERS = (1 / 2, 2 / 3, 3 / 4, 1.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """The fit at one exponent; `left_out`: each period predicted from the other designs, ns."""

    power: float
    stretch: float
    left_out: Floats
    uncertainty: float


def read(path: Path) -> tuple[Floats, Floats]:
    """LUTs and achieved period in ns."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    return (
        np.array([float(row["LUT"]) for row in rows]),
        np.array([float(row["achieved_period_ns"]) for row in rows]),
    )


def predicted(stretch: float, luts: Floats, power: float) -> Floats:
    return clock.OVERHEAD + clock.LOGIC * (1 + stretch * (luts / 1e5) ** power)


def stretch_of(luts: Floats, periods: Floats, power: float) -> float:
    """The stretch with the least squares of ln(achieved / predicted), by Gauss and Newton."""
    size, value = clock.LOGIC * (luts / 1e5) ** power, 0.5
    for _ in range(50):
        model = predicted(value, luts, power)
        slope = size / model
        value += float(slope @ np.log(periods / model) / (slope @ slope))
    return value


def fit(luts: Floats, periods: Floats, power: float) -> Fit:
    left_out = np.array(
        [
            predicted(stretch_of(np.delete(luts, n), np.delete(periods, n), power), luts[n : n + 1], power)[0]
            for n in range(len(luts))
        ]
    )
    error = float(np.sqrt(np.mean(np.log(periods / left_out) ** 2)))
    return Fit(power, stretch_of(luts, periods, power), left_out, error)


def best_fit(luts: Floats, periods: Floats) -> Fit:
    return min((fit(luts, periods, power) for power in POWERS), key=lambda found: found.uncertainty)


def free_logic(luts: Floats, periods: Floats, power: float) -> float:
    """The logic that a fit of both finds, relative to `LOGIC`: a check of that prior."""
    logic, sized = clock.LOGIC, clock.LOGIC * clock.STRETCH
    size = (luts / 1e5) ** power
    for _ in range(50):
        model = clock.OVERHEAD + logic + sized * size
        slopes = np.stack([1 / model, size / model], axis=1)
        step, *_ = np.linalg.lstsq(slopes, np.log(periods / model), rcond=None)
        logic, sized = logic + float(step[0]), sized + float(step[1])
    return logic / clock.LOGIC


def main(path: Path = TABLE) -> int:
    luts, periods = read(path)
    for power in POWERS:
        tried = fit(luts, periods, power)
        print(
            f"power {power:.3f}: stretch {tried.stretch:.3f}, leave-one-out {100 * tried.uncertainty:.1f} %"
        )
    best = best_fit(luts, periods)
    print(f"logic as a free parameter: {free_logic(luts, periods, best.power):.2f} of the prior")
    print(f"{'LUT':>9} {'achieved ns':>12} {'fit ns':>8} {'left out ns':>12}")
    rows = zip(luts, periods, predicted(best.stretch, luts, best.power), best.left_out, strict=True)
    for lut, period, own, left_out in rows:
        print(f"{lut:9,.0f} {period:12.2f} {own:8.2f} {left_out:12.2f}")
    found = (
        round(best.stretch, 3),
        best.power,
        round(best.uncertainty, 3),
        *map(int, (luts.min(), luts.max())),
    )
    known = (clock.STRETCH, clock.POWER, clock.UNCERTAINTY, clock.LEAST_LUTS, clock.MOST_LUTS)
    print(f"package: {known}; fit: {found}")
    return 0 if known == found else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
