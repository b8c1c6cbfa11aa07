"""What a design asks of its resources on average: rates through the stages, and load without fluctuations.

A simulation answers what queues and losses follow; these are the means that no queue changes as long as
nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.farm.designs.load import workload_of
from nanosieve.farm.designs.schema import Design
from nanosieve.farm.workload import service_time
from nanosieve.physics.filling import REVOLUTION_FREQUENCY, find_scheme

__all__ = ["Demand", "demand"]


@dataclass(frozen=True)
class Demand:
    """Means of a design; a load above 1 is more than the resource can do.

    Attributes:
        input_rate: Hz into the farm, before dead time and losses.
        stage_rates: stage → Hz into it.
        rejections: stage → events in over events out. Where the last stage states none, it is what gives the
            output rate at the planned input.
        nodes: busy part of all slots.
        accelerators: busy part of all accelerators, without the overhead of batches; 0 if there are none.
        network: used part of the bandwidth of a pool, in the direction that carries more; 0 without a pool.
        event_building: used part of its bandwidth.
        output: used part of the bandwidth to storage.
    """

    input_rate: float
    stage_rates: Mapping[str, float]
    rejections: Mapping[str, float]
    nodes: float
    accelerators: float
    network: float
    event_building: float
    output: float


def demand(design: Design, *, rate: float = 1.0) -> Demand:
    """Mean rates and loads at `rate` times the planned input, with the middles of all service times.

    Raises:
        UnknownNameError: the workload is not there any more.
    """
    workload = workload_of(design)
    trigger = design.hardware_trigger
    filled = find_scheme(design.collisions.filling).bunches * REVOLUTION_FREQUENCY
    arriving = rate * (filled if trigger is None else trigger.accept)
    busy = {"cpu": 0.0, "accelerator": 0.0}
    rates: dict[str, float] = {}
    rejections: dict[str, float] = {}
    left = arriving
    accelerators = design.accelerators
    for stage in design.stages:
        rates[stage.name] = left
        device = accelerators.kind if stage.device == "accelerator" and accelerators else "cpu"
        time = service_time(workload, stage.task, device, pileup=design.collisions.pileup)
        busy[stage.device] += left * time.mean.middle
        planned = left / rate / design.output.rate if stage is design.stages[-1] else 1.0
        rejections[stage.name] = stage.rejection or planned
        left /= rejections[stage.name]
    places, network = 0, 0.0
    if accelerators is not None:
        places = accelerators.count * (1 if accelerators.attached == "pool" else design.nodes.count)
        if accelerators.network is not None:
            link = accelerators.network
            calls = sum(rates[stage.name] for stage in design.stages if stage.device == "accelerator")
            network = calls * max(link.request, link.response) / link.bandwidth
    return Demand(
        input_rate=arriving,
        stage_rates=rates,
        rejections=rejections,
        nodes=busy["cpu"] / (design.nodes.count * design.nodes.slots),
        accelerators=busy["accelerator"] / places if places else 0.0,
        network=network,
        event_building=arriving * design.event.size / design.event_building.bandwidth,
        output=left * design.event.size / design.output.bandwidth,
    )
