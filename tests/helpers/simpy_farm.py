"""The farm of `nanosieve.farm.engine` as a SimPy model, written from its description alone."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from nanosieve.farm.engine import Farm
from nanosieve.farm.engine.draws import Drawn


class SimpyFarm:
    """Processes of one farm without failures of nodes, for events that are given.

    Attributes:
        fate: (N,) names.
        began, ended: (N,) in s; `ended` is when the nodes are done with an event.
        stored: (N,) when the output is; NaN if it never is.
    """

    def __init__(self, farm: Farm, arrivals: np.ndarray, drawn: Drawn) -> None:
        self.farm, self.arrivals, self.drawn = farm, arrivals, drawn
        self.env = simpy.Environment()
        number = len(arrivals)
        self.fate = np.full(number, "in flight", dtype=object)
        self.began, self.ended, self.stored = np.full((3, number), np.nan)
        count = farm.nodes.count
        self.nodes = [simpy.PriorityResource(self.env, farm.nodes.slots) for _ in range(count)]
        self.begun = [0] * count
        self.pulls = farm.nodes.dispatch == "pull"
        common: list[simpy.Event] = []
        self.lines = [common] * count if self.pulls else [[] for _ in range(count)]
        self.last_node = -1
        self.builder, self.output = SimpyLink(self.env, farm.builder), SimpyLink(self.env, farm.output)
        self.stations: list[SimpyStation] = []
        if farm.accelerators is not None:
            number = 1 if farm.accelerators.pool else farm.nodes.count
            self.stations = [SimpyStation(self.env, farm, drawn) for _ in range(number)]
        self.env.process(self.source())

    def run(self) -> SimpyFarm:
        self.env.run()
        return self

    def source(self) -> Generator[Any, Any, None]:
        for n, arrival in enumerate(self.arrivals):
            yield self.env.timeout(arrival - self.env.now)
            self.env.process(self.event(n))

    def choose(self) -> int:
        if self.farm.nodes.dispatch == "round robin":
            self.last_node = (self.last_node + 1) % len(self.nodes)
            return self.last_node

        def load(k: int) -> tuple[bool, int]:
            return self.begun[k] >= self.farm.nodes.in_flight, self.wanted(k) + len(self.lines[k])

        return min(range(len(self.nodes)), key=load)

    def wanted(self, k: int) -> int:
        """Slots of a node that are taken, or wanted by events that are back from an accelerator."""
        return self.nodes[k].count + len(self.nodes[k].queue)

    def can_begin(self, k: int) -> bool:
        return self.wanted(k) < self.farm.nodes.slots and self.begun[k] < self.farm.nodes.in_flight

    def begin(self, k: int) -> tuple[int, list[Any]]:
        """A node and the request for its slot, which is free."""
        self.begun[k] += 1
        request = self.nodes[k].request(priority=1)
        assert request.triggered
        return k, [request]

    def call(self, k: int) -> None:
        """Let those begin that wait, as far as the node can."""
        while self.lines[k] and self.can_begin(k):
            self.lines[k].pop(0).succeed(self.begin(k))

    def event(self, n: int) -> Generator[Any, Any, None]:
        self.ended[n] = self.env.now
        if not (yield from self.builder.send(self.drawn.size[n])):
            self.fate[n] = "lost: builder"
            return
        entered = self.ended[n] = self.env.now
        k = self.choose()
        if self.can_begin(k):
            k, slot = self.begin(k)
        elif len(self.lines[k]) < self.farm.nodes.queue:
            turn = self.env.event()
            self.lines[k].append(turn)
            k, slot = yield turn
        else:
            self.fate[n] = "lost: queue"
            return
        self.began[n] = self.env.now
        out = self.farm.time_out
        work = self.env.process(self.stages(n, k, slot))
        if out is None:
            yield work
        else:
            begin = self.env.now if out.clock == "start" else entered
            yield work | self.env.timeout(max(0.0, begin + out.after - self.env.now))
            if work.is_alive:
                work.interrupt()
                yield work
                self.fate[n] = "force-accepted" if out.events == "accepted" else "lost: time-out"
        self.ended[n] = self.env.now
        self.begun[k] -= 1
        for request in slot:
            self.nodes[k].release(request) if request.triggered else request.cancel()
        self.call(k)
        if self.fate[n] in ("accepted", "force-accepted"):
            if (yield from self.output.send(self.drawn.size[n])):
                self.stored[n] = self.env.now
            else:
                self.fate[n] = "lost: output"

    def stages(self, n: int, k: int, slot: list[Any]) -> Generator[Any, Any, None]:
        """Set the fate, unless interrupted; `slot` is the request that holds or awaits the slot."""
        try:
            for s, stage in enumerate(self.farm.stages):
                if not stage.accelerator:
                    yield self.env.timeout(self.drawn.work[n, s])
                else:
                    station = self.stations[k if len(self.stations) > 1 else 0]
                    if not self.farm.accelerators.holds_slot:
                        self.nodes[k].release(slot.pop())
                        self.call(k)
                    if not (yield from station.visit(n, s)):
                        self.fate[n] = "lost: accelerator"
                        return
                    if not slot:
                        slot.append(self.nodes[k].request(priority=0))
                        yield slot[0]
                if self.drawn.verdict[n] == s:
                    self.fate[n] = "rejected"
                    return
            self.fate[n] = "accepted"
        except simpy.Interrupt:
            return


class SimpyLink:
    """Bytes pass one after the other; what does not fit into the buffer is lost."""

    def __init__(self, env: simpy.Environment, link: Any) -> None:
        self.env, self.link, self.filled = env, link, 0.0
        self.wire = simpy.Resource(env, 1)

    def send(self, size: float) -> Generator[Any, Any, bool]:
        if self.link is None:
            return True
        size *= self.link.scale
        if self.filled + size > self.link.buffer:
            return False
        self.filled += size
        with self.wire.request() as request:
            yield request
            yield self.env.timeout(size / self.link.bandwidth)
        self.filled -= size
        return True


class SimpyStation:
    """Accelerators that share a queue and a link; what is on the link goes through, wanted or not."""

    def __init__(self, env: simpy.Environment, farm: Farm, drawn: Drawn) -> None:
        self.env, self.there, self.drawn = env, farm.accelerators, drawn
        self.ways = {name: simpy.Resource(env, 1) for name in ("there", "back")}
        self.queue: list[tuple[int, int, float, simpy.Event]] = []
        self.came = env.event()
        for _ in range(self.there.count):
            env.process(self.serve())

    def transfer(self, way: str, size: float) -> Generator[Any, Any, None]:
        with self.ways[way].request() as request:
            yield request
            yield self.env.timeout(size / self.there.bandwidth)
        yield self.env.timeout(self.there.latency)

    def visit(self, n: int, s: int) -> Generator[Any, Any, bool]:
        size = self.drawn.size[n]
        yield self.env.process(self.transfer("there", size * self.there.sent))
        tries = 0
        while len(self.queue) >= self.there.queue:
            tries += 1
            if tries > self.there.retries:
                return False
            yield self.env.timeout(self.there.retry_after)
        entry = (n, s, self.env.now, self.env.event())
        self.queue.append(entry)
        came, self.came = self.came, self.env.event()
        came.succeed()
        try:
            yield entry[3]
        except simpy.Interrupt:
            if entry in self.queue:
                self.queue.remove(entry)
            raise
        yield self.env.process(self.transfer("back", size * self.there.returned))
        return True

    def serve(self) -> Generator[Any, Any, None]:
        there = self.there
        while True:
            while not self.queue:
                yield self.came
            while self.queue and len(self.queue) < there.batch and self.due() > self.env.now:
                yield self.came | self.env.timeout(self.due() - self.env.now)
            batch, self.queue[:] = self.queue[: there.batch], self.queue[there.batch :]
            if batch:
                yield self.env.timeout(there.launch + math.fsum(self.drawn.work[n, s] for n, s, *_ in batch))
                for entry in batch:
                    entry[3].succeed()

    def due(self) -> float:
        return self.queue[0][2] + self.there.wait
