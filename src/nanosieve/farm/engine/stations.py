"""Compiled steps of accelerators: the way there, the queue, batches, the way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanosieve.farm.engine.compiled import inlined
from nanosieve.farm.engine.heap import push
from nanosieve.farm.engine.nodes import leave, release, set_timer, unqueue
from nanosieve.farm.engine.tables import (
    ATTEMPT,
    BATCH_DONE,
    BATCH_WAIT,
    LOST_ACCELERATOR,
    RETURNED,
    SERVER_FREE,
)

__all__ = ["attempt", "fill", "free_server", "send", "send_back"]


@inlined
def station_of(t: Any, n: Any) -> Any:
    """The accelerators of the node of an event, or the pool."""
    return t.events[n].node if t.settings[0].per_node else 0


@inlined
def send(t: Any, n: Any, time: Any) -> None:
    """Put the data of an event on the link; its slot waits with it, or is free for another."""
    settings, event = t.settings[0], t.events[n]
    station = t.stations[station_of(t, n)]
    station.there_free = max(time, station.there_free) + event.size * settings.sent / settings.bandwidth
    push(t, station.there_free + settings.latency, ATTEMPT, n, event.version)
    event.tries = 0
    if event.deadline < np.inf:
        set_timer(t, n, time)
    if not settings.holds_slot:
        event.holds = 0
        release(t, event.node, time)


@inlined
def attempt(t: Any, n: Any, time: Any) -> None:
    """Enter the queue of the accelerators; where it is full, try again later or give up."""
    settings, event = t.settings[0], t.events[n]
    where = station_of(t, n)
    station = t.stations[where]
    if station.waiting >= settings.places:
        event.tries += 1
        if event.tries > settings.retries:
            leave(t, n, LOST_ACCELERATOR, time)
        else:
            push(t, time + settings.retry_after, ATTEMPT, n, event.version)
        return
    event.at_station = 1
    event.enqueued = time
    event.ahead = station.tail if station.waiting else -1
    event.behind = -1
    if station.waiting:
        t.events[station.tail].behind = n
    else:
        station.head = n
    station.tail = n
    station.waiting += 1
    t.now[0].at_stations += 1
    fill(t, where, time)


@inlined
def fill(t: Any, where: Any, time: Any) -> None:
    """Start batches on free accelerators: full ones, or those whose first event has waited long enough."""
    settings, station = t.settings[0], t.stations[where]
    while station.busy < settings.servers and station.waiting > 0:
        due = t.events[station.head].enqueued + settings.wait
        if station.waiting < settings.batch and time < due:
            if station.timer != due:
                station.timer = due
                push(t, due, BATCH_WAIT, where, 0)
            return
        size = min(station.waiting, settings.batch)
        end, n = time + settings.launch, station.head
        for _ in range(size):
            end += t.work[n, t.events[n].stage]
            n = t.events[n].behind
        for _ in range(size):
            n = station.head
            unqueue(t, n)
            push(t, end, BATCH_DONE, n, t.events[n].version)
        push(t, end, SERVER_FREE, where, station.version)
        station.busy += 1
        t.now[0].accelerators += 1


@inlined
def free_server(t: Any, where: Any, time: Any) -> None:
    """Take an accelerator back and start what waits."""
    t.stations[where].busy -= 1
    t.now[0].accelerators -= 1
    fill(t, where, time)


@inlined
def send_back(t: Any, n: Any, time: Any) -> None:
    """Put the result on the link back to the node."""
    settings, event = t.settings[0], t.events[n]
    station = t.stations[station_of(t, n)]
    station.back_free = max(time, station.back_free) + event.size * settings.returned / settings.bandwidth
    push(t, station.back_free + settings.latency, RETURNED, n, event.version)
