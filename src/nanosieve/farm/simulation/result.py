"""What a design did under a scenario: numbers of the whole farm, from the part of it that was simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nanosieve.farm.cost import Cost, Utilisation
from nanosieve.farm.designs import Design
from nanosieve.farm.engine import DeadTime, FarmRun
from nanosieve.farm.simulation.extent import Extent
from nanosieve.farm.simulation.scenario import Scenario
from nanosieve.figure import Figure, Provenance

__all__ = ["CAUSES", "DesignRun"]

CAUSES: Mapping[str, str] = {
    "dead time": "",
    "event building": "lost: builder",
    "queue": "lost: queue",
    "accelerators": "lost: accelerator",
    "time-out": "lost: time-out",
    "failures": "lost: failure",
    "output": "lost: output",
}
"""Cause of a loss → fate in the engine."""


@dataclass(frozen=True, eq=False)
class DesignRun:
    """The result of `nanosieve.farm.simulation.simulate_design`.

    Attributes:
        design: as planned.
        scenario: its conditions.
        extent: how many of the nodes were simulated, and for how long.
        share: part of the farm that they are.
        run: of that part, with its own rates and counts.
        dead_time: of the whole hardware trigger; None where there is none.
        input_rate: Hz of the whole farm, before dead time.
        losses: cause (`CAUSES`) → % of the events that the hardware trigger wants, or of all filled
            crossings; a backlog that grows counts as lost, as it is once its buffer is full.
        live: % of them for which the trigger is not vetoed.
        undecided: % of them stored because their time was over.
        processed: class → % of its events behind the trigger that were decided, accepted or rejected.
        kept: class → % of its events behind the trigger that were stored.
        latency: ``all`` or class → probability → s from arrival at the farm to decision; empty if unstable.
        utilisation: busy parts of nodes and accelerators.
        growth: part of the farm → events per second by which its backlog grows, of the whole farm; those that
            grow without limit, or whose buffer still fills up.
        excess: resource → events per second that are more than it can do, of the whole farm: lost once its
            buffer is full.
        cost: with this utilisation.
    """

    design: Design
    scenario: Scenario
    extent: Extent
    share: float
    run: FarmRun
    dead_time: DeadTime | None
    input_rate: float
    losses: Mapping[str, Figure]
    live: Figure
    undecided: Figure
    processed: Mapping[str, Figure]
    kept: Mapping[str, Figure]
    latency: Mapping[str, Mapping[float, Figure]]
    utilisation: Utilisation
    growth: Mapping[str, Figure]
    excess: Mapping[str, float]
    cost: Cost

    @property
    def lost(self) -> Figure:
        """% of the events lost for any cause."""
        errors = [each.error or 0.0 for each in self.losses.values()]
        value = sum(each.value for each in self.losses.values())
        return Figure(value, "%", Provenance.SIMULATED, error=sum(e * e for e in errors) ** 0.5)

    @property
    def output_rate(self) -> Figure:
        """Hz stored by the whole farm."""
        return scaled(self.run.output_rate, 1 / self.share)

    @property
    def energy_per_event(self) -> Figure:
        """J for an event that is decided or stored, all that the farm draws while data are taken."""
        done = self.input_rate * (1 - self.lost.value / 100)
        return scaled(self.cost.power, 1000 / done, "J")

    def verdict(self) -> str:
        """Whether the farm keeps up, and if not, where and how fast it falls behind."""
        if self.growth:
            grown = ", ".join(f"{part} by {each.number()} events/s" for part, each in self.growth.items())
            return f"unstable: the backlog grows at {grown}"
        if self.excess:
            asked = ", ".join(
                f"{name} {self.run.resources[name].load:.2f} ({each:,.0f} events/s too many)"
                for name, each in self.excess.items()
            )
            return f"overloaded: offered loads of {asked}; what does not fit is lost"
        return "stable"

    def remarks(self) -> list[str]:
        """What has to be known of these numbers."""
        found = []
        if self.growth:
            found.append("buffers still fill up at the end; their growth is counted as lost")
        if self.share < 1:
            nodes = f"{self.extent.nodes:,} of {round(self.extent.nodes / self.share):,} nodes"
            found.append(
                f"simulated: {nodes} with that part of input, pool, bandwidths and buffers; "
                "waiting is longer than in the whole farm"
            )
        if not self.extent.settled:
            found.append(
                f"{self.extent.seconds:g} s are too short for the slowest events: occupancies are too low"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Numbers alone, for JSON."""

        def plain(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {str(key): plain(entry) for key, entry in value.items()}
            return value.to_dict() if isinstance(value, Figure) else value

        names = ["input_rate", "losses", "lost", "live", "undecided", "processed", "kept", "latency"]
        names += ["output_rate", "growth", "excess", "energy_per_event"]
        return {
            "scenario": self.scenario.title,
            "share": self.share,
            "nodes_simulated": self.extent.nodes,
            "seconds": self.extent.seconds,
            "seed": self.run.seed,
            "events": self.run.events,
            "verdict": self.verdict(),
            "remarks": self.remarks(),
            **{name: plain(getattr(self, name)) for name in names},
            "occupancy": {name: plain(each.occupancy) for name, each in self.run.resources.items()},
            "load": {name: each.load for name, each in self.run.resources.items()},
            "power": self.cost.power.to_dict(),
            "cost": self.cost.total.to_dict(),
        }


def scaled(figure: Figure, factor: float, unit: str | None = None) -> Figure:
    """`factor` times a figure, with its error and interval."""
    error, interval = figure.error, figure.interval
    return replace(
        figure,
        value=factor * figure.value,
        unit=figure.unit if unit is None else unit,
        error=None if error is None else factor * error,
        interval=None if interval is None else (factor * interval[0], factor * interval[1]),
    )
