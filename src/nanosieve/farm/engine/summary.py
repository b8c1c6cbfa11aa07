"""From every event of a run to its numbers with errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.engine.batches import (
    fraction_of_batches,
    mean_of_batches,
    quantiles_of_batches,
    ratio_of_batches,
)
from nanosieve.farm.engine.farm import Farm
from nanosieve.farm.engine.history import History
from nanosieve.farm.engine.links import Passed
from nanosieve.farm.engine.loads import backlog_growth, backlogs, offered_loads, unstable_parts
from nanosieve.farm.engine.result import FATES, FarmRun, Resource
from nanosieve.farm.engine.tables import ACCEPTED, FORCED, REJECTED
from nanosieve.figure import Figure, Provenance

__all__ = ["summarise"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def summarise(farm: Farm, history: History, seed: int, quantiles: tuple[float, ...]) -> FarmRun:
    """The numbers of a run.

    Args:
        farm: that was run.
        history: what happened.
        seed: of the run.
        quantiles: probabilities of the latencies.
    """
    edges = history.edges[1:]
    widths, batches = np.diff(edges), len(edges) - 1
    end = float(history.edges[-1])
    batch = np.searchsorted(edges, history.arrivals, side="right") - 1
    rate = len(history.arrivals) / end
    loads = offered_loads(farm, history.drawn, rate)
    growth = _growth(farm, history)
    unstable = unstable_parts(farm, loads | _reaching_output(farm, history), growth, rate)
    tally = {name: history.nodes.tally[name][1:] / widths for name in ("in_farm", "waiting", "up")}
    through = history.stored[~history.output.lost]
    leaving = np.searchsorted(edges, history.output.ended[~history.output.lost], side="right") - 1
    fates, classes = _fates(farm, history, batch, batches)
    return FarmRun(
        farm,
        seed,
        float(widths.sum()),
        int((batch >= 0).sum()),
        mean_of_batches(_counts(batch, batches) / widths, "Hz"),
        fates,
        classes,
        _kept(farm, history, batch, batches),
        {} if unstable else _latencies(farm, history, batch, batches, quantiles),
        _resources(farm, history, loads),
        mean_of_batches(tally["in_farm"], "events"),
        mean_of_batches(tally["waiting"], "events"),
        mean_of_batches(_counts(leaving, batches) / widths, "Hz"),
        mean_of_batches(_counts(leaving, batches, history.drawn.size[through]) / widths, "B/s"),
        mean_of_batches(tally["up"], "nodes"),
        growth,
        unstable,
        history.dead_time,
        history.nodes.happened,
    )


def _reaching_output(farm: Farm, history: History) -> dict[str, float]:
    """Load of the output by what is left to store; what is lost before does not make it unstable."""
    if farm.output is None:
        return {}
    start, end = float(history.edges[1]), float(history.edges[-1])
    decided = history.decided[history.stored]
    size = history.drawn.size[history.stored][(decided >= start) & (decided < end)]
    return {"output": float(size.sum()) * farm.output.scale / float(farm.output.bandwidth) / (end - start)}


def _counts(batch: Whole, batches: int, weights: Floats | None = None) -> Floats:
    """(B,) events, or their weights, in each batch; what is outside of all of them is left out."""
    inside = (batch >= 0) & (batch < batches)
    return np.bincount(
        batch[inside], weights=None if weights is None else weights[inside], minlength=batches
    ).astype(np.float64)


def _fates(
    farm: Farm, history: History, batch: Whole, batches: int
) -> tuple[dict[str, Figure], dict[str, dict[str, Figure]]]:
    """Fate → %, of all events and of each class; only fates that the farm has."""

    def shares(chosen: NDArray[np.bool_]) -> dict[str, Figure]:
        offered = _counts(batch[chosen], batches)
        found = {}
        for number, name in enumerate(FATES):
            if number in present:
                part = _counts(batch[chosen & (history.fate == number)], batches)
                found[name] = fraction_of_batches(part, offered)
        return found

    present = {ACCEPTED, REJECTED, *np.unique(history.fate).tolist()}
    members = [history.drawn.event_class == k for k in range(len(farm.classes))]
    every = shares(np.ones(len(batch), dtype=np.bool_))
    return every, {each.name: shares(mine) for each, mine in zip(farm.classes, members, strict=True)}


def _kept(farm: Farm, history: History, batch: Whole, batches: int) -> dict[str, Figure]:
    stored = (history.fate == ACCEPTED) | (history.fate == FORCED)
    found = {}
    for k, each in enumerate(farm.classes):
        mine = history.drawn.event_class == k
        found[each.name] = fraction_of_batches(
            _counts(batch[mine & stored], batches), _counts(batch[mine], batches)
        )
    return found


def _latencies(
    farm: Farm, history: History, batch: Whole, batches: int, quantiles: tuple[float, ...]
) -> dict[str, dict[float, Figure]]:
    """Of the events that were decided, whether or not the output lost them afterwards."""
    fate = history.nodes.fate
    decided = history.entered[(fate == ACCEPTED) | (fate == REJECTED) | (fate == FORCED)]
    decided = decided[batch[decided] >= 0]
    times = (history.decided - history.arrivals)[decided]
    found = {"all": quantiles_of_batches(times, batch[decided], batches, quantiles, "s")}
    for k, each in enumerate(farm.classes):
        mine = history.drawn.event_class[decided] == k
        found[each.name] = quantiles_of_batches(times[mine], batch[decided][mine], batches, quantiles, "s")
    return found


def _growth(farm: Farm, history: History) -> dict[str, Figure]:
    edges = history.edges[1:]
    inside = {"farm": history.nodes.tally["in_farm_at_end"].astype(np.float64)}
    if farm.builder is not None:
        built = history.built
        inside["builder"] = backlogs(history.arrivals[history.entered], built.ended[history.entered], edges)
    if farm.output is not None:
        through = ~history.output.lost
        starts = history.decided[history.stored[through]]
        inside["output"] = backlogs(starts, history.output.ended[through], edges)
    return {
        part: backlog_growth(inside[part], edges)
        for part in ("builder", "farm", "output")
        if part in inside
    }  # fmt: skip


def _resources(farm: Farm, history: History, loads: dict[str, float]) -> dict[str, Resource]:
    widths, tally = np.diff(history.edges[1:]), history.nodes.tally[1:]
    found = {}
    if farm.builder is not None:
        found["builder"] = _resource(1, _busy(history.built, history.edges), widths, loads["builder"])
    up = farm.nodes.slots * tally["up"]
    found["slots"] = _resource(farm.slots, tally["busy"], up, loads["slots"])
    if farm.accelerators is not None:
        share = widths if farm.accelerators.pool else tally["up"] / farm.nodes.count
        there = farm.servers * share
        found["accelerators"] = _resource(farm.servers, tally["accelerators"], there, loads["accelerators"])
    if farm.output is not None:
        found["output"] = _resource(1, _busy(history.output, history.edges), widths, loads["output"])
    return found


def _resource(units: int, busy: Floats, there: Floats, load: float) -> Resource:
    def total(values: Floats) -> Figure:
        mean = mean_of_batches(values, "s")
        number = len(values)
        error = None if mean.error is None else number * mean.error
        return Figure(number * mean.value, "s", Provenance.SIMULATED, error=error)

    return Resource(units, ratio_of_batches(busy, there), total(busy), total(there - busy), load)


def _busy(link: Passed, edges: Floats) -> Floats:
    """(B,) seconds of each batch behind the warm-up that a link is busy."""
    through = ~link.lost
    ended, spent = link.ended[through], link.busy[through]
    if not len(ended):
        return np.zeros(len(edges) - 2)
    done = np.concatenate([[0.0], np.cumsum(spent)])
    place = np.searchsorted(ended, edges)
    following = np.minimum(place, len(ended) - 1)
    begun = np.maximum(edges - (ended - spent)[following], 0.0)
    total = done[place] + np.where(place < len(ended), begun, 0.0)
    return np.diff(total)[1:]
