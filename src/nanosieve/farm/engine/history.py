"""A run of a farm, event by event: arrival, builder, nodes, output, one part after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.farm.engine import draws, tables
from nanosieve.farm.engine.batches import BATCHES, check_batches
from nanosieve.farm.engine.checks import quantity, whole
from nanosieve.farm.engine.dead_time import DeadTime
from nanosieve.farm.engine.draws import Drawn, draw_events, draw_outages, stream
from nanosieve.farm.engine.farm import Farm
from nanosieve.farm.engine.invariants import check_conservation, check_little
from nanosieve.farm.engine.links import Passed, pass_link
from nanosieve.farm.engine.nodes_run import NodesRun, run_nodes
from nanosieve.farm.engine.sources import MOST_EVENTS, BehindTrigger, Source

__all__ = ["History", "trace_farm"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class History:
    """Every event of a run: what `FarmRun` is a summary of.

    Attributes:
        arrivals: (N,) at the builder, in s.
        drawn: what the events are.
        built: way through the builder.
        entered: (M,) places of the events that it let through.
        nodes: of these M events, on nodes and accelerators.
        stored: (K,) places of the accepted ones; output: their way to storage.
        fate: (N,) int8, place in `FATES`.
        decided: (N,) when the event left the nodes, in s; the arrival for one that never got there.
        edges: (B + 2,) of warm-up and batches, in s.
        dead_time: of the hardware trigger, if there is one.
    """

    arrivals: Floats
    drawn: Drawn
    built: Passed
    entered: NDArray[np.int64]
    nodes: NodesRun
    stored: NDArray[np.int64]
    output: Passed
    fate: NDArray[np.int8]
    decided: Floats
    edges: Floats
    dead_time: DeadTime | None


def trace_farm(
    farm: Farm,
    source: Source,
    *,
    duration: float | str,
    warm_up: float = 0.1,
    seed: int = 0,
    batches: int = BATCHES,
) -> History:
    """Simulate a farm and keep every event; arguments and errors are those of `simulate_farm`."""
    check_batches(batches)
    whole(seed, name="seed", least=0)
    end = quantity(duration, "s", name="run: duration", example="10 s", zero=False)
    if not np.isfinite(end) or not 0 <= warm_up < 1:
        message = (
            f"run: duration = {duration!r}, warm_up = {warm_up!r}; accepted: a finite time, and 0 to below 1"
        )
        raise SettingsError(message)
    rng = stream(seed, draws.ARRIVALS)
    dead_time = source.run(end, rng) if isinstance(source, BehindTrigger) else None
    arrivals = dead_time.times if dead_time else source.arrivals(end, rng)
    arrivals = arrivals[arrivals < end]
    if not 0 < len(arrivals) <= MOST_EVENTS:
        message = (
            f"run: {len(arrivals):,} events arrive in {end:g} s; accepted: 1 to {MOST_EVENTS:,}; "
            "change the duration or the rate"
        )
        raise SettingsError(message)
    edges = np.concatenate([[0.0], np.linspace(warm_up * end, end, batches + 1)])
    drawn = draw_events(farm, len(arrivals), seed)
    built = pass_link(farm.builder, arrivals, drawn.size)
    entered = np.flatnonzero(~built.lost)
    inside = drawn.chosen(entered)
    outages = draw_outages(farm.nodes.failures, farm.nodes.count, end, seed)
    nodes = run_nodes(farm, built.ended[entered], inside, outages, edges)
    _check(built.ended[entered], nodes, end)
    fate = np.full(len(arrivals), tables.LOST_BUILDER, dtype=np.int8)
    fate[entered] = nodes.fate
    decided = arrivals.copy()
    decided[entered] = nodes.ended
    stored = np.flatnonzero((fate == tables.ACCEPTED) | (fate == tables.FORCED))
    stored = stored[np.argsort(decided[stored], kind="stable")]
    output = pass_link(farm.output, decided[stored], drawn.size[stored])
    fate[stored[output.lost]] = tables.LOST_OUTPUT
    return History(arrivals, drawn, built, entered, nodes, stored, output, fate, decided, edges, dead_time)


def _check(entered: Floats, nodes: NodesRun, end: float) -> None:
    in_flight = int(((entered < end) & (nodes.ended >= end)).sum())
    check_conservation(nodes.fate, in_flight, nodes.left)
    check_little(float(nodes.tally["in_farm"].sum()), entered, nodes.ended, end)
