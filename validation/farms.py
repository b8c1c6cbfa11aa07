"""Simulated farms beside real ones: capacity of the CMS farm of 2024, CPU budget of ATLAS, dead time.

Usage: python validation/farms.py

The numbers to compare with stand in ``farms.yaml``. Service times of the workload ``run-3`` were derived from
another measurement of the same kind of node, so that the capacity is a closure of everything in between:
classes, tails, GPUs, queues, the part of the farm that is simulated. Dead time and CPU budget stand apart.
Prints the ratio of ours to the reference with its error, and ends with 1 where ours is not within what is
accepted.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nanosieve.farm.designs import Design, load_design
from nanosieve.farm.designs.schema import DeadTime
from nanosieve.farm.engine import simulate_dead_time
from nanosieve.farm.simulation import DesignRun, Scenario, as_engine, simulate_design
from nanosieve.figure import Figure, Provenance

REFERENCE = Path(__file__).with_suffix(".yaml")
SATURATION = 2.0
"""Times the planned rate, where more cannot be processed."""
SECONDS = 2.0
"""Of dead time at each rate."""
SIGMAS = 2.0
"""Errors by which ours may be outside of what is accepted."""


@dataclass(frozen=True)
class Row:
    """A simulated number beside its reference.

    Attributes:
        what: in words.
        ours: simulated.
        reference: value and error; half of the spread where the source gives two values.
        accepted: least and largest value.
        trust: of the reference.
    """

    what: str
    ours: Figure
    reference: tuple[float, float]
    accepted: tuple[float, float]
    trust: str

    @property
    def ratio(self) -> Figure:
        """Ours over the reference."""
        value, error = self.reference
        ratio = self.ours.value / value
        relative = math.hypot((self.ours.error or 0.0) / max(self.ours.value, 1e-300), error / value)
        return Figure(ratio, "", Provenance.SIMULATED, error=ratio * relative)

    @property
    def holds(self) -> bool:
        """Whether ours is within what is accepted, but for its own error."""
        margin = SIGMAS * (self.ours.error or 0.0)
        return self.accepted[0] - margin <= self.ours.value <= self.accepted[1] + margin


def unlimited(design: Design) -> Design:
    """`design` with nodes and accelerators as the only limit."""
    assert design.hardware_trigger is not None
    trigger = design.hardware_trigger.model_copy(update={"dead_time": DeadTime()})
    building = design.event_building.model_copy(update={"bandwidth": 1e3 * design.event_building.bandwidth})
    output = design.output.model_copy(update={"bandwidth": 1e3 * design.output.bandwidth})
    parts = {"hardware_trigger": trigger, "event_building": building, "output": output}
    return design.model_copy(update=parts)


def processed(run: DesignRun) -> Figure:
    """Events/s that the whole farm processes."""
    done = 1 - sum(each.value for each in run.run.lost.values()) / 100
    relative = math.hypot(
        (run.run.offered.error or 0.0) / run.run.offered.value,
        math.hypot(*(each.error or 0.0 for each in run.run.lost.values())) / 100 / done,
    )
    rate = run.run.offered.value * done / run.share
    return Figure(rate, "events/s", Provenance.SIMULATED, error=rate * relative)


def scaled(figure: Figure, factor: float, unit: str) -> Figure:
    error = None if figure.error is None else factor * figure.error
    return Figure(factor * figure.value, unit, figure.provenance, error=error)


def capacity(told: dict[str, Any], seed: int) -> Iterator[Row]:
    """The farm of CMS with more events than it can process."""
    design = unlimited(load_design("gpu-in-node"))
    done = processed(simulate_design(design, scenario=Scenario(rate=SATURATION), seed=seed))
    for name, factor in (("node", 1 / design.nodes.count), ("farm", 1e-3)):
        row = told[name]
        ours = scaled(done, factor, row["unit"])
        reference = (row["value"], row.get("error", 0.0))
        yield Row(row["title"], ours, reference, tuple(row["accepted"]), row["trust"])


def budget(told: dict[str, Any], seed: int) -> Iterator[Row]:
    """CPU time per event of a farm of CPUs; a slot is a hardware thread, of which a core has two."""
    run = simulate_design(unlimited(load_design("cpu-2018")), seed=seed)
    time = scaled(run.run.resources["slots"].busy, 1 / (2 * run.run.events), "s")
    for row in told.values():
        yield Row(row["title"], time, (row["value"], 0.0), tuple(row["accepted"]), row["trust"])


def dead_time(told: dict[str, Any], seed: int) -> Iterator[Row]:
    """Dead time of two sets of rules, through the design."""
    design = load_design("cpu-2018")
    assert design.hardware_trigger is not None
    for experiment in ("ATLAS", "CMS"):
        rules = DeadTime.model_validate(told[experiment]["rules"])
        trigger = design.hardware_trigger.model_copy(update={"dead_time": rules})
        own = design.model_copy(update={"hardware_trigger": trigger})
        for rate, (low, high) in told[experiment]["rows"].items():
            source = as_engine(own, Scenario(rate=1e3 * rate / trigger.accept)).source
            live = simulate_dead_time(source.trigger, source.scheme, duration=SECONDS, seed=seed).live
            ours = Figure(100 - live.value, told["unit"], Provenance.SIMULATED, error=live.error)
            margin = min(told["tolerance"], told["relative"] * high)
            yield Row(
                told["title"].format(rules=experiment, rate=rate),
                ours,
                ((low + high) / 2, (high - low) / 2),
                (low - margin, high + margin),
                told["trust"],
            )


def rows(seed: int = 1) -> Iterator[Row]:
    """All comparisons."""
    told = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))
    yield from capacity(told["capacity"], seed)
    yield from budget(told["budget"], seed)
    yield from dead_time(told["dead_time"], seed)


def main() -> int:
    bad = 0
    print(f"{'':<66}{'simulated':>20}{'reference':>12}{'':>11}{'ratio':>17}   accepted")
    for row in rows():
        bad += not row.holds
        mark = "" if row.holds else "   OFF"
        low, high = row.accepted
        print(
            f"{row.what:<66}{row.ours.number():>20}{row.reference[0]:>12g} {row.ours.unit:<10}"
            f"{row.ratio.number():>17}   {low:.4g} – {high:.4g}{mark}"
        )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
