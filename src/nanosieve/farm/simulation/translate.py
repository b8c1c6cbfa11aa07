"""A design with its workload as a farm of the engine, whole or a part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

from nanosieve.errors import SettingsError
from nanosieve.farm.designs import Design, workload_of
from nanosieve.farm.engine import (
    Accelerators,
    BehindTrigger,
    DeadTimeRules,
    EventClass,
    Failures,
    Farm,
    HardwareTrigger,
    LeakyBucket,
    Link,
    Nodes,
    SlidingWindow,
    TimeOut,
)
from nanosieve.farm.simulation.distributions import event_sizes
from nanosieve.farm.simulation.scenario import Scenario
from nanosieve.farm.simulation.source import ShareOfTrigger
from nanosieve.farm.simulation.stages import Keep, engine_stages, pipeline_latency
from nanosieve.physics.filling import find_scheme

__all__ = ["Translated", "as_engine", "nodes_left"]

_DISPATCH: Mapping[str, Literal["pull", "round robin", "least loaded"]] = {
    "pull": "pull",
    "round_robin": "round robin",
    "least_loaded": "least loaded",
}


class Translated(NamedTuple):
    """What the engine simulates.

    Attributes:
        farm: the farm, or the part of it.
        source: of its events.
        share: part of the farm that it is; 1 for the whole.
    """

    farm: Farm
    source: BehindTrigger
    share: float


def as_engine(
    design: Design, scenario: Scenario | None = None, *, nodes: int | None = None, keep: Keep | None = None
) -> Translated:
    """Translate `design` under the conditions of `scenario`.

    A part of a farm has `nodes` of its nodes, and the same share of input, of the accelerators of a pool, of
    all bandwidths, of buffers and of a common queue. Loads, fill times of buffers and service times stay as
    they are, and so do losses where many slots share a queue; waiting gets longer, as a few slots are more
    often all busy than many. Where the share of a pool is no whole number, its accelerators are made faster
    or slower by the difference.

    A full buffer of the event builder stops the trigger, so that no kind of event is lost more than another.
    An event holds its slot while it is on an accelerator, unless the design says how many events a node may
    have `in_flight`. Without a hardware trigger every filled crossing arrives. Time-outs run from the
    arrival, and failures lose what is on the node.

    Args:
        design: the farm, with its workload.
        scenario: [default: as planned].
        nodes: how many nodes to simulate [default: all that the scenario leaves].
        keep: stage → class → fraction that passes, for classes that are not like the others. These are given
            the rest of the rate that the design lets through the stage.

    Raises:
        SettingsError: more nodes than the farm has left, or `keep` of classes that let more through than the
            design does.
        UnknownNameError: a stage or class in `keep` that is not there.
    """
    scenario = scenario or Scenario()
    workload = workload_of(design)
    left = nodes_left(design, scenario)
    count = left if nodes is None else nodes
    if not 1 <= count <= left:
        message = f"{design.name}: {count} of {left} nodes cannot be simulated; accepted: 1 to {left}"
        raise SettingsError(message)
    share = count / left
    sizes = event_sizes(design, workload)
    classes = tuple(
        EventClass(name, each.fraction, sizes[name], design.event.correlation)
        for name, each in workload.classes.items()
    )
    accelerators, slower = _pool(design, share)
    building, output = design.event_building, design.output
    farm = Farm(
        classes,
        engine_stages(design, workload, scenario, keep=keep or {}, slower=slower),
        _nodes(design, count, share),
        _accelerators(design, scenario, accelerators, slower, share),
        Link(building.bandwidth * share, building.buffer * share, stops=True),
        Link(output.bandwidth * share),
        _time_out(design, scenario),
    )
    return Translated(farm, _source(design, scenario, share), share)


def nodes_left(design: Design, scenario: Scenario) -> int:
    """Nodes that the scenario leaves, at least one."""
    return max(1, round(design.nodes.count * (1 - scenario.nodes_lost)))


def _source(design: Design, scenario: Scenario, share: float) -> BehindTrigger:
    scheme = find_scheme(design.collisions.filling)
    trigger = design.hardware_trigger
    if trigger is None:
        every = HardwareTrigger(scheme.crossing_rate * scenario.rate * share, 0.0, rules=DeadTimeRules())
        return BehindTrigger(every, scheme)
    dead_time = trigger.dead_time
    rules = DeadTimeRules(
        dead_time.simple,
        tuple(LeakyBucket(bucket.size, bucket.period) for bucket in dead_time.buckets),
        tuple(SlidingWindow(window.accepts, window.crossings) for window in dead_time.windows),
    )
    accepts = HardwareTrigger(trigger.accept * scenario.rate, trigger.latency, rules=rules)
    return ShareOfTrigger(accepts, scheme, share)


def _nodes(design: Design, count: int, share: float) -> Nodes:
    nodes, failures = design.nodes, design.failures
    dispatch = _DISPATCH[nodes.dispatch]
    queue = math.ceil(nodes.queue * share) if dispatch == "pull" else nodes.queue
    down = Failures(failures.mtbf, failures.mttr) if failures else None
    return Nodes(count, nodes.slots, queue, dispatch, down, nodes.in_flight or math.inf)


def _pool(design: Design, share: float) -> tuple[int, float]:
    """Accelerators of each node or of the part of the pool, and how much slower each is than planned."""
    accelerators = design.accelerators
    if accelerators is None:
        return 0, 1.0
    if accelerators.attached == "node":
        return accelerators.count, 1.0
    wanted = accelerators.count * share
    count = max(1, round(wanted))
    return count, count / wanted


def _accelerators(
    design: Design, scenario: Scenario, count: int, slower: float, share: float
) -> Accelerators | None:
    """Those of a node, or of the part of the pool; a call takes half of its latency each way."""
    there = design.accelerators
    if there is None:
        return None
    batch, network = there.batch, there.network
    call = network.latency if network else 0.0
    return Accelerators(
        count,
        pool=there.attached == "pool",
        batch=batch.size,
        wait=batch.wait or 0.0,
        launch=slower * (batch.overhead or 0.0),
        latency=(call + pipeline_latency(design, scenario)) / 2,
        holds_slot=design.nodes.in_flight is None,
        bandwidth=network.bandwidth * share if network else math.inf,
        sent=network.request / design.event.size if network else 0.0,
        returned=network.response / design.event.size if network else 0.0,
    )


def _time_out(design: Design, scenario: Scenario) -> TimeOut | None:
    planned = design.timeout
    after = scenario.time_out if scenario.time_out is not None else planned.time if planned else math.inf
    if math.isinf(after):
        return None
    return TimeOut(after, "accepted" if planned and planned.then == "accept" else "lost", "arrival")
