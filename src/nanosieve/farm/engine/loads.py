"""Offered loads, and whether a backlog grows without limit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.engine.batches import mean_of_batches
from nanosieve.farm.engine.draws import Drawn
from nanosieve.farm.engine.farm import Farm
from nanosieve.figure import Figure

__all__ = ["backlog_growth", "backlogs", "offered_loads", "unstable_parts"]

Floats = NDArray[np.float64]

SIGNIFICANT = 4.0
"""Standard deviations of a growth that is believed."""
LEAST_GROWTH = 1e-3
"""Of the offered rate: less is a ramp of the input, or chance."""


def offered_loads(farm: Farm, drawn: Drawn, rate: float) -> dict[str, float]:
    """Work that arrives per second over what each resource can do, if nothing is lost.

    A slot that waits for an accelerator is counted with the time of an empty one. ``accelerator link`` is
    the busier direction.

    Args:
        farm: the farm.
        drawn: its events.
        rate: of arrivals in Hz.
    """
    there, reached = farm.accelerators, drawn.reached
    on = np.array([stage.accelerator for stage in farm.stages])
    in_slot = (drawn.work * reached)[:, ~on].sum(axis=1)
    loads = {}
    if farm.builder is not None:
        loads["builder"] = rate * _mean(drawn.size) * farm.builder.scale / float(farm.builder.bandwidth)
    if there is not None:
        visits = reached[:, on].sum(axis=1)
        spent = (drawn.work * reached)[:, on].sum(axis=1)
        per_byte = (there.sent + there.returned) / float(there.bandwidth)
        if there.holds_slot:
            in_slot = in_slot + spent
            in_slot += visits * (float(there.launch) + 2 * float(there.latency) + drawn.size * per_byte)
        full = spent + visits * float(there.launch) / there.batch
        loads["accelerators"] = rate * _mean(full) / farm.servers
        links = 1 if there.pool else farm.nodes.count
        wide = max(there.sent, there.returned) / float(there.bandwidth)
        loads["accelerator link"] = rate * _mean(visits * drawn.size) * wide / links
    if farm.time_out is not None:
        in_slot = np.minimum(in_slot, float(farm.time_out.after))
    failures = farm.nodes.failures
    up = failures.availability if failures else 1.0
    loads["slots"] = rate * _mean(in_slot) / (farm.slots * up)
    if farm.output is not None:
        stored = drawn.size * (drawn.verdict == len(farm.stages))
        loads["output"] = rate * _mean(stored) * farm.output.scale / float(farm.output.bandwidth)
    return loads


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def backlogs(arrivals: Floats, ended: Floats, edges: Floats) -> Floats:
    """(B + 1,) events inside at each edge; `arrivals` (N,) ascend, `ended` (N,) need not."""
    inside = np.searchsorted(arrivals, edges) - np.searchsorted(np.sort(ended), edges)
    return inside.astype(np.float64)


def backlog_growth(inside: Floats, edges: Floats) -> Figure:
    """Events per second, from (B + 1,) backlogs at the edges of batches behind the warm-up."""
    return mean_of_batches(np.diff(inside) / np.diff(edges), "1/s")


def unstable_parts(
    farm: Farm, loads: dict[str, float], growth: dict[str, Figure], rate: float
) -> tuple[str, ...]:
    """Which of builder, farm and output do not settle.

    A buffer without limit in front of a load above 1 does not, and neither does a backlog that is seen to
    grow over the run. A finite buffer that is full loses events instead, which is no instability; one that
    still fills up grows, and the run is too short to say anything of its steady state.
    """
    grows = {
        part
        for part, found in growth.items()
        if found.value > max(SIGNIFICANT * (found.error or 0.0), LEAST_GROWTH * rate)
    }
    for part, link in (("builder", farm.builder), ("output", farm.output)):
        if link is not None and math.isinf(float(link.buffer)) and loads[part] > 1:
            grows.add(part)
    inner = max(loads.get(name, 0.0) for name in ("slots", "accelerators", "accelerator link"))
    there = farm.accelerators
    loses = there is not None and math.isfinite(there.queue) and loads["slots"] <= 1
    if inner > 1 and math.isinf(farm.nodes.queue) and farm.time_out is None and not loses:
        grows.add("farm")
    return tuple(part for part in growth if part in grows)
