"""The cost of a farm as a plain function of its inputs, each an array over the trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.devices import find_hardware
from nanosieve.farm.cost.purchases import purchases
from nanosieve.farm.designs import Design

__all__ = ["RACK_UNITS", "Bill", "Utilisation", "bill"]

RACK_UNITS = 42
"""Height of a rack in U."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Utilisation:
    """Busy part of nodes and accelerators while data are taken, 0 to 1; everything else is always busy."""

    nodes: float
    accelerators: float = 0.0


@dataclass(frozen=True)
class Bill:
    """What is paid over the run period, and what is drawn; arrays over the trials.

    Attributes:
        lines: what is paid for → USD.
        power: kW in the wall while data are taken, cooling included.
        energy: GWh over the run period.
        racks: how many.
    """

    lines: Mapping[str, Values]
    power: Values
    energy: Values
    racks: Values

    @property
    def total(self) -> Values:
        """USD."""
        return np.asarray(np.sum(list(self.lines.values()), axis=0))


def bill(design: Design, utilisation: Utilisation, values: Mapping[str, Values]) -> Bill:
    """The bill of `design`, with the `values` of its `nanosieve.farm.cost.purchases.inputs`.

    - purchase: ``Σ count × price`` of each group;
    - replacement: as often again as whole lifetimes begin after the first, ``⌈years / lifetime⌉ - 1`` times;
      nothing is sold at the end;
    - racks: as many as power or height needs, whichever is more;
    - electricity: ``years × price × PUE × (live hours × P_run + other powered hours × P_idle)`` with
      ``P_run = Σ count × power × (idle + u (busy - idle))``.
    """
    lines: dict[str, Values] = {}
    nothing = np.zeros_like(values["pue"])
    running = idling = installed = height = bought = nothing
    load = {"nodes": utilisation.nodes, "accelerators": utilisation.accelerators}
    for group, hardware in purchases(design).items():
        price = nothing
        for name, count in hardware.items():
            kind = find_hardware(name).kind
            greatest = count * values[f"power of {name}"] / 1000
            busy = values[f"busy {kind}"]
            idle = np.minimum(values[f"idle {kind}"], busy)
            running = running + greatest * (idle + load.get(group, 1.0) * (busy - idle))
            idling = idling + greatest * idle
            installed = installed + greatest
            height = height + count * values.get(f"height of {name}", nothing)
            price = price + count * values[f"price of {name}"]
        lines[group] = price
        bought = bought + price
    years = design.run.years
    live = design.run.live_seconds / 3600
    powered = np.maximum(values["powered"], live)
    lines["replacement"] = bought * (np.ceil(years / values["lifetime"]) - 1)
    racks = np.ceil(np.maximum(installed / values["rack power"], height / RACK_UNITS))
    lines["racks"] = racks * values["rack price"]
    energy = years * values["pue"] * (live * running + (powered - live) * idling)
    lines["electricity"] = energy * values["electricity"]
    return Bill(lines, running * values["pue"], energy / 1e6, racks)
