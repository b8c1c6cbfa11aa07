"""From a description of a farm to the tables of the compiled loop, and through it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.engine import tables
from nanosieve.farm.engine.draws import Drawn
from nanosieve.farm.engine.farm import Accelerators, Farm
from nanosieve.farm.engine.loop import run
from nanosieve.farm.engine.tables import Tables

__all__ = ["NodesRun", "run_nodes"]

Floats = NDArray[np.float64]

_DISPATCH = {"pull": tables.PULL, "round robin": tables.ROUND_ROBIN, "least loaded": tables.LEAST_LOADED}


@dataclass(frozen=True, eq=False)
class NodesRun:
    """What nodes and accelerators did to events.

    Attributes:
        fate: (N,) int8, as in `nanosieve.farm.engine.tables`.
        began, ended: (N,) in s; an event that never began has -1.
        tally: (B,) records of `TALLY`.
        left: events in the farm at the end of the run.
        happened: steps of the loop.
    """

    fate: NDArray[np.int8]
    began: Floats
    ended: Floats
    tally: NDArray[Any]
    left: int
    happened: int


def run_nodes(
    farm: Farm,
    arrivals: Floats,
    drawn: Drawn,
    outages: tuple[Floats, NDArray[np.int64]],
    edges: Floats,
) -> NodesRun:
    """Bring events through nodes and accelerators.

    Args:
        farm: builder and output are not looked at.
        arrivals: (N,) ascending, in s.
        drawn: of these events.
        outages: of `draw_outages`.
        edges: (B + 1,) of the batches, in s, from 0.
    """
    room = 2 * len(arrivals) + 4 * farm.slots + 4 * farm.nodes.count + 4 * farm.servers + 1024
    while True:
        t = _tables(farm, arrivals, drawn, outages, edges, room)
        run(t)
        if not t.now["overflow"][0]:
            break
        room *= 4  # the run is repeated; it has no chance of its own
    now = t.now[0]
    events = t.events
    return NodesRun(
        events["fate"].copy(),
        events["began"].copy(),
        events["ended"].copy(),
        t.tally,
        int(now["left"]),
        int(now["happened"]),
    )


def _tables(farm: Farm, arrivals: Floats, drawn: Drawn, outages: Any, edges: Floats, room: int) -> Tables:
    count = farm.nodes.count
    leaves = 1 << max(count - 1, 1).bit_length()
    events = np.zeros(len(arrivals), dtype=tables.EVENT)
    events["arrival"], events["size"], events["verdict"] = arrivals, drawn.size, drawn.verdict
    events["deadline"] = np.inf
    events["began"] = -1.0
    for link in ("node", "next", "before", "after", "ahead", "behind"):
        events[link] = -1
    nodes = np.zeros(leaves + 1, dtype=tables.NODE)
    for link in ("head", "tail", "first_resumed", "last_resumed", "first"):
        nodes[link] = -1
    nodes["key"] = tables.NO_LIMIT
    nodes["key"][:count] = 0
    nodes["up"][:count] = 1
    now = np.zeros(1, dtype=tables.NOW)
    now["up"] = count
    stations = np.zeros(_stations(farm), dtype=tables.STATION)
    stations["head"] = stations["tail"] = -1
    stations["timer"] = -1.0
    return Tables(
        _settings(farm, leaves),
        np.array([stage.accelerator for stage in farm.stages], dtype=np.int8),
        np.ascontiguousarray(drawn.work),
        events,
        nodes,
        stations,
        _tournament(leaves),
        np.zeros(room, dtype=tables.ENTRY),
        now,
        np.zeros(len(edges) - 1, dtype=tables.TALLY),
        np.asarray(edges, dtype=np.float64),
        *outages,
    )


def _stations(farm: Farm) -> int:
    if farm.accelerators is None:
        return 0
    return 1 if farm.accelerators.pool else farm.nodes.count


def _tournament(leaves: int) -> NDArray[np.int64]:
    """Winners where all nodes are idle: the lowest number."""
    tree = np.zeros(2 * leaves, dtype=np.int64)
    tree[leaves:] = np.arange(leaves)
    for place in range(leaves - 1, 0, -1):
        tree[place] = tree[2 * place]
    return tree


def _settings(farm: Farm, leaves: int) -> NDArray[Any]:
    """(1,) the row of `SETTINGS`."""
    nodes, out = farm.nodes, farm.time_out
    there = farm.accelerators or Accelerators(1)
    again = nodes.failures is not None and nodes.failures.events == "again"
    forced = out is not None and out.events == "accepted"
    row = {
        "nodes": nodes.count,
        "leaves": leaves,
        "slots": nodes.slots,
        "in_flight": _length(nodes.in_flight),
        "queue": _length(nodes.queue),
        "dispatch": _DISPATCH[nodes.dispatch],
        "again": again,
        "stages": len(farm.stages),
        "time_out": float(out.after) if out else math.inf,
        "from_arrival": out is not None and out.clock == "arrival",
        "time_out_fate": tables.FORCED if forced else tables.LOST_TIME_OUT,
        "servers": there.count if farm.accelerators else 0,
        "per_node": not there.pool,
        "places": _length(there.queue),
    }
    same = ("holds_slot", "batch", "wait", "launch", "bandwidth", "latency", "sent", "returned", "retries")
    row |= {name: getattr(there, name) for name in (*same, "retry_after")}
    settings = np.zeros(1, dtype=tables.SETTINGS)
    for name, value in row.items():
        settings[name] = value
    return settings


def _length(queue: float) -> int:
    return int(tables.NO_LIMIT) if math.isinf(queue) else int(queue)
