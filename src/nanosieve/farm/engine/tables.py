"""The state of a farm while it runs: a few tables of records that the compiled loop reads and writes.

Lists are links between rows, -1 for none: an event waits in at most one queue of a node (`next`), stands in
the list of the node it is on (`before`, `after`) and in at most one queue of accelerators (`ahead`,
`behind`). All chance is drawn before the loop starts, so that the loop is a pure function of its tables.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Tables"]

NO_LIMIT = np.int64(1) << 60
"""Length of a queue that never fills."""
FULL = np.int64(1) << 40
"""Added to the key of a node that may take no more, so that it comes after all others."""

# fates of events
IN_FLIGHT, ACCEPTED, REJECTED, FORCED = 0, 1, 2, 3
LOST_BUILDER, LOST_QUEUE, LOST_ACCELERATOR, LOST_TIME_OUT, LOST_FAILURE, LOST_OUTPUT = 4, 5, 6, 7, 8, 9
# what happens next: kinds of entries of the heap
STAGE_END, SEND, ATTEMPT, BATCH_WAIT, BATCH_DONE, SERVER_FREE, RETURNED, TIME_OUT = 0, 1, 2, 3, 4, 5, 6, 7
# ways of dispatch
PULL, ROUND_ROBIN, LEAST_LOADED = 0, 1, 2

SETTINGS = np.dtype([
    ("nodes", "i8"), ("leaves", "i8"), ("slots", "i8"), ("in_flight", "i8"), ("queue", "i8"),
    ("dispatch", "i8"), ("again", "i8"), ("stages", "i8"), ("time_out", "f8"), ("from_arrival", "i8"),
    ("time_out_fate", "i8"), ("servers", "i8"), ("per_node", "i8"), ("holds_slot", "i8"), ("batch", "i8"),
    ("wait", "f8"), ("launch", "f8"), ("bandwidth", "f8"), ("latency", "f8"), ("sent", "f8"),
    ("returned", "f8"), ("places", "i8"), ("retries", "i8"), ("retry_after", "f8"),
])  # fmt: skip
"""One row: the farm. `leaves`: nodes rounded up to a power of two; the common queue is the row behind."""

EVENT = np.dtype([
    ("arrival", "f8"), ("size", "f8"), ("deadline", "f8"), ("began", "f8"), ("ended", "f8"),
    ("enqueued", "f8"), ("verdict", "i4"), ("stage", "i4"), ("node", "i4"), ("version", "i4"),
    ("tries", "i4"), ("next", "i4"), ("before", "i4"), ("after", "i4"), ("ahead", "i4"), ("behind", "i4"),
    ("fate", "i1"), ("holds", "i1"), ("resumed", "i1"), ("timed", "i1"), ("at_station", "i1"),
])  # fmt: skip
"""`verdict`: stage whose end rejects it. A heap entry with another `version` than its event is void."""

NODE = np.dtype([
    ("key", "i8"), ("up", "i4"), ("busy", "i4"), ("waiting", "i8"), ("head", "i4"), ("tail", "i4"),
    ("resumed", "i4"), ("first_resumed", "i4"), ("last_resumed", "i4"), ("first", "i4"), ("taken", "i8"),
])  # fmt: skip
"""`key`: load by which dispatch chooses; `resumed`: events back from an accelerator that want a slot;
`taken`: events that have begun and not ended, wherever they are."""

STATION = np.dtype([
    ("busy", "i8"), ("waiting", "i8"), ("version", "i8"), ("head", "i4"), ("tail", "i4"),
    ("timer", "f8"), ("there_free", "f8"), ("back_free", "f8"),
])  # fmt: skip
"""Accelerators behind one queue and one link: those of a node, or the pool."""

ENTRY = np.dtype([("when", "f8"), ("order", "i8"), ("who", "i4"), ("version", "i4"), ("kind", "i8")])

NOW = np.dtype([
    ("time", "f8"), ("pending", "i8"), ("entered", "i8"), ("overflow", "i8"), ("next_node", "i8"),
    ("row", "i8"), ("in_farm", "i8"), ("waiting", "i8"), ("busy", "i8"), ("up", "i8"),
    ("accelerators", "i8"), ("at_stations", "i8"), ("left", "i8"), ("happened", "i8"), ("program", "i8"),
])  # fmt: skip
"""One row: the moment. `left`: events in the farm at the end of the run, before it is emptied."""

TALLY = np.dtype([
    ("in_farm", "f8"), ("waiting", "f8"), ("busy", "f8"), ("up", "f8"), ("accelerators", "f8"),
    ("at_stations", "f8"), ("in_farm_at_end", "i8"),
])  # fmt: skip
"""Integrals over the time of a batch, in unit · s, and the events in the farm at its end."""


class Tables(NamedTuple):
    """What the loop works on.

    Attributes:
        settings: (1,) of `SETTINGS`.
        on_accelerator: (S,) whether a stage runs there.
        work: (N, S) service times in s.
        events, nodes, stations: as above.
        tree: (2 · leaves,) tournament of the nodes by `key`; the winner stands at 1.
        heap: what is to come, as a binary heap.
        now: (1,).
        tally: (B,); edges: (B + 1,) in s, of the batches.
        outages: (F,) times, ascending; of: (F,) node, or its complement where it comes back.
    """

    settings: Any
    on_accelerator: Any
    work: Any
    events: Any
    nodes: Any
    stations: Any
    tree: Any
    heap: Any
    now: Any
    tally: Any
    edges: Any
    outages: Any
    of: Any
