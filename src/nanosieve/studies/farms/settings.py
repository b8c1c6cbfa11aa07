"""Which designs, which conditions, and how large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.farm.simulation import SCENARIOS, Scenario
from nanosieve.studies.study import Size

__all__ = ["APART", "COMPARED", "Axes", "Settings", "settings_for"]

COMPARED: Mapping[str, str] = {
    "cpu-2018": "A",
    "l1-networks": "B",
    "gpu-in-node": "C",
    "service": "D",
    "fpga-in-node": "E",
}
"""Designs of one detector and one pile-up → letter; the first is the reference."""

APART: Mapping[str, tuple[str, str]] = {
    "triggerless": (
        "F",
        "another detector with smaller events at pile-up 5: the menu and the signals have no meaning there",
    ),
    "phase2": (
        "G",
        "pile-up 200 and another detector: crossings, menu and luminosity would be others",
    ),
}
"""Designs that are simulated and costed → letter, and why their physics is not comparable."""


@dataclass(frozen=True)
class Axes:
    """The grid behind the interactive page.

    Attributes:
        rate: input over the planned one.
        pileup: mean number of collisions; it moves the service times.
        nodes: number of nodes over the planned one.
        time_out: s.
        price: place of all prices within their bands, 0 (lower edge) to 1 (upper edge).
    """

    rate: tuple[float, ...] = (1.0, 1.5, 2.0)
    pileup: tuple[float, ...] = (45.0, 56.0, 68.0)
    nodes: tuple[float, ...] = (0.75, 1.0, 1.25)
    time_out: tuple[float, ...] = (3.0, 60.0)
    price: tuple[float, ...] = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        pileup: of crossings and of all designs that are compared.
        replicas: of the bootstrap.
        events: arrivals in a simulation of a design.
        grid_events: arrivals at a point of the grid.
        grid_replicas: of the bootstrap at a point of the grid.
        time_outs: of the scan, s.
        scenarios: what every design is asked for; the first is as planned.
        axes: of the grid.
        apart: designs of `APART` that are simulated beside the others.
    """

    pileup: float = 56.0
    replicas: int = 100
    events: int = 100_000
    grid_events: int = 20_000
    grid_replicas: int = 24
    time_outs: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 60.0)
    scenarios: Mapping[str, Scenario] = field(default_factory=lambda: SCENARIOS)
    axes: Axes = Axes()
    apart: tuple[str, ...] = tuple(APART)


def settings_for(size: Size) -> Settings:
    """The settings of a size; the crossings of each are those of `nanosieve.farm.impact.SIZES`."""
    if size is Size.FULL:
        return Settings(
            replicas=400,
            events=2_000_000,
            grid_events=200_000,
            grid_replicas=50,
            time_outs=(0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0),
            axes=Axes(
                rate=(1.0, 1.25, 1.5, 1.75, 2.0), pileup=(45.0, 50.0, 56.0, 62.0, 68.0),
                time_out=(1.0, 3.0, 10.0, 60.0),
            ),
        )  # fmt: skip
    return Settings()
