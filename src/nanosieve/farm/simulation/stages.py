"""The stages of a design with the service times of its workload, class by class."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.designs import Design, demand, workload_of
from nanosieve.farm.designs.schema import Stage as PlannedStage
from nanosieve.farm.engine import Stage
from nanosieve.farm.simulation.distributions import mean_within, service_distribution
from nanosieve.farm.simulation.scenario import Scenario
from nanosieve.farm.workload import ServiceTime, Workload, service_time

__all__ = ["Keep", "engine_stages", "mean_time", "pipeline_latency"]

Keep = Mapping[str, Mapping[str, float]]
"""Stage → class → fraction that passes."""


def engine_stages(
    design: Design, workload: Workload, scenario: Scenario, *, keep: Keep, slower: float = 1.0
) -> tuple[Stage, ...]:
    """The stages as the engine runs them.

    Args:
        design: the farm.
        workload: its workload.
        scenario: pile-up, and places within the bands of the times.
        keep: of classes that are not like the others.
        slower: factor on all times on accelerators.

    Raises:
        UnknownNameError, SettingsError: as `nanosieve.farm.simulation.as_engine` about `keep`.
    """
    kept = _kept(design, workload, keep)
    found = []
    for stage in design.stages:
        on_accelerator = stage.device == "accelerator"
        factor, place = slower if on_accelerator else 1.0, scenario.place_of(stage.task)
        service = {
            name: service_distribution(_time(design, workload, stage, scenario, name), place, factor)
            for name in workload.classes
        }
        found.append(Stage(stage.name, service, kept[stage.name], on_accelerator))
    return tuple(found)


def mean_time(design: Design, scenario: Scenario, event_class: str) -> float:
    """Mean s of work for an event of the class that passes all stages."""
    workload = workload_of(design)
    return math.fsum(
        mean_within(_time(design, workload, stage, scenario, event_class), scenario.place_of(stage.task))
        for stage in design.stages
    )


def pipeline_latency(design: Design, scenario: Scenario) -> float:
    """s that pass in the pipeline of an FPGA beside the time for which an event occupies it; mostly 0."""
    workload = workload_of(design)
    times = [_time(design, workload, stage, scenario) for stage in design.stages]
    return max((time.latency - time.mean.middle for time in times if time.latency), default=0.0)


def _time(
    design: Design, workload: Workload, stage: PlannedStage, scenario: Scenario, event_class: str = ""
) -> ServiceTime:
    there = design.accelerators
    device = there.kind if stage.device == "accelerator" and there else "cpu"
    pileup = design.collisions.pileup if scenario.pileup is None else scenario.pileup
    return service_time(
        workload, stage.task, device, event_class=event_class, pileup=pileup,
        growth=scenario.growth, relative=scenario.classes,
    )  # fmt: skip


def _kept(design: Design, workload: Workload, keep: Keep) -> dict[str, dict[str, float]]:
    """Stage → class → fraction that passes, such that every stage lets through the rate of the design."""
    for name in keep:
        if name not in (stage.name for stage in design.stages):
            raise UnknownNameError.among("stage", name, [stage.name for stage in design.stages])
        for event_class in keep[name]:
            if event_class not in workload.classes:
                raise UnknownNameError.among("event class", event_class, workload.classes)
    arriving = {name: each.fraction for name, each in workload.classes.items()}
    found = {}
    for name, rejection in demand(design).rejections.items():
        own = keep.get(name, {})
        others = [each for each in arriving if each not in own]
        left = math.fsum(arriving.values()) / rejection
        left -= math.fsum(arriving[each] * own[each] for each in own)
        among = math.fsum(arriving[each] for each in others)
        rest = left / among if among else 0.0
        if not -1e-9 <= rest <= 1 + 1e-9:
            message = (
                f"{design.name}: stage {name!r} lets 1 in {rejection:g} through, and keep = {dict(own)} "
                f"would leave {rest:.3g} of all others; accepted: 0 to 1"
            )
            raise SettingsError(message)
        found[name] = {each: own.get(each, min(max(rest, 0.0), 1.0)) for each in arriving}
        arriving = {each: arriving[each] * found[name][each] for each in arriving}
    return found
