"""What stands in the way of a design: which resource or time, by how much, and what would do."""

from __future__ import annotations

import math
from dataclasses import replace

from nanosieve.compiler.hardware.design import HardwareDesign
from nanosieve.compiler.hardware.estimate import layer_estimate
from nanosieve.compiler.hardware.scheduler import find_plan
from nanosieve.compiler.hardware.sketch import Sketcher
from nanosieve.devices import Device, devices, find_device
from nanosieve.errors import BudgetError

__all__ = ["check_budget", "rounded_up"]

SLOWER = (2, 4, 8, 16, 32, 64, 128)
"""Times the interval that are tried where a design does not fit."""


def check_budget(design: HardwareDesign, sketcher: Sketcher | None = None) -> None:
    """Whether the design is in time and has room.

    Args:
        design: built.
        sketcher: of its graph, to look for a longer time between events in which it would fit.

    Raises:
        BudgetError: it is not; the message says by how much, and what would do.
    """
    _check_latency(design)
    _check_room(design, find_device(design.budget.device), sketcher)


def _check_latency(design: HardwareDesign) -> None:
    budget, cycles = design.budget, design.sources.latency
    if cycles > budget.latency_cycles:
        last = max(design.layers, key=lambda layer: layer.last_stage)
        message = (
            f"latency: {cycles} cycles of {budget.period_ns:g} ns are {cycles * budget.period_ns:g} ns, "
            f"{(cycles - budget.latency_cycles) * budget.period_ns:g} ns over the budget of "
            f"{budget.latency_ns:g} ns (the last layer is {last.name!r}); "
            f"--latency {rounded_up(cycles * budget.period_ns)}ns would do"
        )
        raise BudgetError(message)


def _check_room(design: HardwareDesign, device: Device, sketcher: Sketcher | None) -> None:
    for kind, figure in design.estimate.items():
        room = device.usable_count(kind) * design.budget.share
        if figure.value > room:
            worst = max(design.layers, key=lambda layer: layer_estimate(layer)[kind])
            message = (
                f"{kind.upper()}: about {figure.value:,.0f} are needed and {room:,.0f} are in the budget "
                f"({design.budget.share:g} of the usable part of {device.name}); the largest layer is "
                f"{worst.name!r} with {layer_estimate(worst)[kind]:,.0f}; {_larger_room(design, device)}"
                f"{_rarer(design, sketcher) if sketcher else ''}"
            )
            raise BudgetError(message)


def _larger_room(design: HardwareDesign, device: Device) -> str:
    """The share of the device, or else the devices, in which every estimate fits."""
    share = max(
        figure.value / max(device.usable_count(kind), 1e-9) for kind, figure in design.estimate.items()
    )
    if share <= 1:
        return f"a share of {rounded_up(share, 2)} would do"
    larger = [
        other.name
        for other in devices()
        if all(
            f.value <= other.usable_count(kind) * design.budget.share for kind, f in design.estimate.items()
        )
    ]
    return (
        f"of the devices, {', '.join(larger)} would do" if larger else "no device of the catalogue would do"
    )


def _rarer(design: HardwareDesign, sketcher: Sketcher) -> str:
    """The shortest time between events, of some multiples, at which the scheduler finds a plan that fits."""
    for factor in SLOWER:
        every = design.budget.every_ns * factor
        slower = replace(design.budget, every=f"{every:g} ns", latency=f"{1e3 * every + 1e6:g} ns")
        found = find_plan(sketcher, slower)
        if found.fits:
            cycles = found.best.latency
            latency = "" if cycles <= design.budget.latency_cycles else f" with a latency of {cycles} cycles"
            return f"; an event every {every:g} ns{latency} would do, by the analytic estimate"
    return ""


def rounded_up(value: float, digits: int = 3) -> str:
    """`value` in decimal, rounded up, so that what a message proposes does suffice."""
    return f"{math.ceil(value * 10**digits - 1e-6) / 10**digits:.{digits}f}".rstrip("0").rstrip(".")
