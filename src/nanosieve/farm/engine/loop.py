"""The loop over what happens in a farm, in order of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanosieve.farm.engine import heap, nodes, stations, tables
from nanosieve.farm.engine.compiled import inlined, loop, version_of
from nanosieve.farm.engine.heap import pop
from nanosieve.farm.engine.nodes import dispatch, end_stage, fail, leave, recover, resume
from nanosieve.farm.engine.stations import attempt, fill, free_server, send, send_back
from nanosieve.farm.engine.tables import (
    ATTEMPT,
    BATCH_DONE,
    BATCH_WAIT,
    RETURNED,
    SEND,
    SERVER_FREE,
    STAGE_END,
    TIME_OUT,
)

__all__ = ["run"]


@inlined
def advance(t: Any, time: Any) -> None:
    """Let the clock go on to `time`, adding to the integrals of the batches on the way."""
    now = t.now[0]
    while now.row < len(t.tally):
        edge = t.edges[now.row + 1]
        row, step = t.tally[now.row], min(time, edge) - now.time
        row.in_farm += step * now.in_farm
        row.waiting += step * now.waiting
        row.busy += step * now.busy
        row.up += step * now.up
        row.accelerators += step * now.accelerators
        row.at_stations += step * now.at_stations
        if time < edge:
            break
        now.time = edge
        row.in_farm_at_end = now.in_farm
        now.row += 1
        if now.row == len(t.tally):
            now.left = now.in_farm
    now.time = time


@inlined
def happen(t: Any, kind: Any, who: Any, version: Any, time: Any) -> None:
    """Do what an entry of the heap says, unless its event or accelerator has changed its mind since."""
    if kind == BATCH_WAIT:
        fill(t, who, time)
    elif kind == SERVER_FREE:
        if t.stations[who].version == version:
            free_server(t, who, time)
    elif t.events[who].version != version:
        return
    elif kind == STAGE_END:
        end_stage(t, who, time)
    elif kind == SEND:
        send(t, who, time)
    elif kind == ATTEMPT:
        attempt(t, who, time)
    elif kind == BATCH_DONE:
        send_back(t, who, time)
    elif kind == RETURNED:
        if t.events[who].holds:
            end_stage(t, who, time)
        else:
            resume(t, who, time)
    elif kind == TIME_OUT:
        leave(t, who, t.settings[0].time_out_fate, time)


def compile_run(program: int) -> Any:
    """The loop, kept on disk for one version of its steps, `program`."""

    @loop
    def run(t: Any) -> None:
        now, events, first = t.now[0], t.events, t.heap[0]
        now.program = program
        n, f = 0, 0
        while not now.overflow:
            arrival = events[n].arrival if n < len(events) else np.inf
            outage = t.outages[f] if f < len(t.outages) else np.inf
            coming = first.when if now.pending else np.inf
            time = min(arrival, outage, coming)
            if time == np.inf:
                break
            advance(t, time)
            now.happened += 1
            if outage == time:
                if t.of[f] >= 0:
                    fail(t, t.of[f], time)
                else:
                    recover(t, ~t.of[f], time)
                f += 1
            elif coming == time:
                kind, who, version = first.kind, first.who, first.version
                pop(t)
                happen(t, kind, who, version, time)
            else:
                now.in_farm += 1
                dispatch(t, n, time)
                n += 1
        advance(t, max(now.time, t.edges[-1]))

    return run


run = compile_run(version_of(heap, nodes, stations, tables))
"""Bring all events through the farm that `Tables` describe, until it is empty; an overflow ends it early."""
