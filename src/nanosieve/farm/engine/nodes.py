"""Compiled steps of nodes: dispatch, queues, slots, leaving, failure and recovery.

A slot is a place where one event is processed. None of these steps calls itself again through another one:
what follows at once is entered in the heap for the same moment.
"""

from __future__ import annotations

from typing import Any

from nanosieve.farm.engine.compiled import inlined
from nanosieve.farm.engine.heap import push, replay
from nanosieve.farm.engine.tables import (
    ACCEPTED,
    FULL,
    IN_FLIGHT,
    LOST_FAILURE,
    LOST_QUEUE,
    NO_LIMIT,
    PULL,
    REJECTED,
    ROUND_ROBIN,
    SEND,
    STAGE_END,
    TIME_OUT,
)

__all__ = ["dispatch", "end_stage", "fail", "leave", "recover", "release", "resume", "set_timer", "unqueue"]


@inlined
def load(t: Any, node: Any) -> None:
    """Tell the tournament the load of a node that is up."""
    if t.settings[0].dispatch != ROUND_ROBIN:
        row = t.nodes[node]
        key = row.busy + row.waiting + row.resumed
        if row.taken >= t.settings[0].in_flight:
            key += FULL
        if key != row.key:
            replay(t, node, key)


@inlined
def can_begin(t: Any, node: Any) -> Any:
    """Whether a node has a slot and may take an event."""
    settings, row = t.settings[0], t.nodes[node]
    return row.busy < settings.slots and row.taken < settings.in_flight


@inlined
def choose(t: Any) -> Any:
    """The node for an event, or -1 where none can take it now."""
    settings, now = t.settings[0], t.now[0]
    if settings.dispatch == ROUND_ROBIN:
        for _ in range(settings.nodes):
            node = now.next_node
            now.next_node = node + 1 if node + 1 < settings.nodes else 0
            if t.nodes[node].up:
                return node
        return -1
    node = t.tree[1]
    if not t.nodes[node].up or (settings.dispatch == PULL and not can_begin(t, node)):
        return -1
    return node


@inlined
def dispatch(t: Any, n: Any, time: Any) -> None:
    """Bring an event to a node, to a queue, or lose it."""
    settings = t.settings[0]
    node = choose(t)
    if node >= 0 and can_begin(t, node):
        join(t, n, node)
        begin(t, n, time)
        return
    queue = settings.leaves if settings.dispatch == PULL else node
    if queue < 0 or t.nodes[queue].waiting >= settings.queue:
        t.events[n].fate = LOST_QUEUE
        t.events[n].ended = time
        t.now[0].in_farm -= 1
        return
    row = t.nodes[queue]
    t.events[n].next = -1
    if row.waiting == 0:
        row.head = n
    else:
        t.events[row.tail].next = n
    row.tail = n
    row.waiting += 1
    t.now[0].waiting += 1
    if settings.dispatch != PULL:
        join(t, n, node)
        load(t, node)


@inlined
def join(t: Any, n: Any, node: Any) -> None:
    """Enter an event in the list of those on a node."""
    row, event = t.nodes[node], t.events[n]
    event.node = node
    event.before = -1
    event.after = row.first
    if row.first >= 0:
        t.events[row.first].before = n
    row.first = n


@inlined
def begin(t: Any, n: Any, time: Any) -> None:
    """Give an event a free slot of its node, and start or go on with it."""
    settings, event = t.settings[0], t.events[n]
    row = t.nodes[event.node]
    row.busy += 1
    t.now[0].busy += 1
    event.holds = 1
    if event.began < 0:
        row.taken += 1
        event.began = time
        event.deadline = settings.time_out + (event.arrival if settings.from_arrival else time)
    load(t, event.node)
    if event.resumed:
        event.resumed = 0
        push(t, time, STAGE_END, n, event.version)
    else:
        start_stage(t, n, time)


@inlined
def start_stage(t: Any, n: Any, time: Any) -> None:
    """Start the stage of an event that holds a slot."""
    event = t.events[n]
    if t.on_accelerator[event.stage]:
        push(t, time, SEND, n, event.version)
        return
    end = time + t.work[n, event.stage]
    if end > event.deadline:
        set_timer(t, n, time)
    else:
        push(t, end, STAGE_END, n, event.version)


@inlined
def set_timer(t: Any, n: Any, time: Any) -> None:
    """Enter the time-out of an event, once."""
    event = t.events[n]
    if not event.timed:
        event.timed = 1
        push(t, max(time, event.deadline), TIME_OUT, n, event.version)


@inlined
def end_stage(t: Any, n: Any, time: Any) -> None:
    """Reject, accept, or go on to the next stage."""
    event = t.events[n]
    if event.stage == event.verdict:
        leave(t, n, REJECTED, time)
    elif event.stage + 1 == t.settings[0].stages:
        leave(t, n, ACCEPTED, time)
    else:
        event.stage += 1
        start_stage(t, n, time)


@inlined
def resume(t: Any, n: Any, time: Any) -> None:
    """Give an event that is back from an accelerator a slot of its node, before those that wait."""
    event, row = t.events[n], t.nodes[t.events[n].node]
    event.resumed = 1
    if row.busy < t.settings[0].slots:
        begin(t, n, time)
        return
    event.next = -1
    if row.first_resumed < 0:
        row.first_resumed = n
    else:
        t.events[row.last_resumed].next = n
    row.last_resumed = n
    row.resumed += 1
    t.now[0].waiting += 1
    load(t, event.node)


@inlined
def release(t: Any, node: Any, time: Any) -> None:
    """Take a slot back and give it to whoever is next."""
    row = t.nodes[node]
    row.busy -= 1
    t.now[0].busy -= 1
    while row.first_resumed >= 0:
        n = row.first_resumed
        row.first_resumed = t.events[n].next
        if t.events[n].fate == IN_FLIGHT:  # not timed out while it waited
            row.resumed -= 1
            t.now[0].waiting -= 1
            begin(t, n, time)
            return
    take(t, node, queue_of(t, node), time)
    load(t, node)


@inlined
def queue_of(t: Any, node: Any) -> Any:
    """The queue that a node takes from: its own, or the common one."""
    return t.settings[0].leaves if t.settings[0].dispatch == PULL else node


@inlined
def take(t: Any, node: Any, queue: Any, time: Any) -> None:
    """Start the event that has waited longest in a queue on a node, if there is one and the node can."""
    row = t.nodes[queue]
    if row.waiting == 0 or not can_begin(t, node):
        return
    n = row.head
    row.head = t.events[n].next
    row.waiting -= 1
    t.now[0].waiting -= 1
    if t.settings[0].dispatch == PULL:
        join(t, n, node)
    begin(t, n, time)


@inlined
def unqueue(t: Any, n: Any) -> None:
    """Take an event out of the queue of an accelerator, if it is in one."""
    event = t.events[n]
    if not event.at_station:
        return
    event.at_station = 0
    station = t.stations[event.node if t.settings[0].per_node else 0]
    if event.ahead >= 0:
        t.events[event.ahead].behind = event.behind
    else:
        station.head = event.behind
    if event.behind >= 0:
        t.events[event.behind].ahead = event.ahead
    else:
        station.tail = event.ahead
    station.waiting -= 1
    t.now[0].at_stations -= 1


@inlined
def leave(t: Any, n: Any, fate: Any, time: Any) -> None:
    """End an event that is on a node."""
    event = t.events[n]
    event.fate = fate
    event.ended = time
    event.version += 1
    unqueue(t, n)
    if event.before >= 0:
        t.events[event.before].after = event.after
    else:
        t.nodes[event.node].first = event.after
    if event.after >= 0:
        t.events[event.after].before = event.before
    t.now[0].in_farm -= 1
    t.nodes[event.node].taken -= 1
    if event.holds:
        release(t, event.node, time)
        return
    if event.resumed:
        t.nodes[event.node].resumed -= 1
        t.now[0].waiting -= 1
    take(t, event.node, queue_of(t, event.node), time)
    load(t, event.node)


@inlined
def fail(t: Any, node: Any, time: Any) -> None:
    """Take a node out; what is on it, and on accelerators of its own, is lost or dispatched again."""
    settings, now, row = t.settings[0], t.now[0], t.nodes[node]
    now.up -= 1
    now.busy -= row.busy
    now.waiting -= row.waiting + row.resumed
    row.up, row.busy, row.waiting, row.resumed, row.taken = 0, 0, 0, 0, 0
    row.first_resumed = -1
    replay(t, node, NO_LIMIT)
    n, row.first = row.first, -1
    last = n
    while n >= 0:  # queues of accelerators first: they must not be met again below
        unqueue(t, n)
        last, n = n, t.events[n].after
    if settings.servers > 0 and settings.per_node:
        station = t.stations[node]
        now.accelerators -= station.busy
        station.busy = 0
        station.version += 1
        station.timer = -1.0
        station.there_free = station.back_free = time
    while last >= 0:  # from the one that is there longest
        n, last = last, t.events[last].before
        event = t.events[n]
        event.version += 1
        event.holds = event.resumed = event.timed = 0
        if settings.again:
            event.stage = event.tries = 0
            event.began = -1.0
            dispatch(t, n, time)
        else:
            event.fate = LOST_FAILURE
            event.ended = time
            now.in_farm -= 1


@inlined
def recover(t: Any, node: Any, time: Any) -> None:
    """Put a node back; in a farm that pulls it takes from the common queue."""
    settings, row = t.settings[0], t.nodes[node]
    t.now[0].up += 1
    row.up = 1
    replay(t, node, 0)
    if settings.dispatch == PULL:
        for _ in range(settings.slots):
            take(t, node, settings.leaves, time)
