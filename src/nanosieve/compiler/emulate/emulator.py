"""The emulator: a graph on whole samples, bit for bit, at the speed of floating-point matrix products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate.plan import Plan
from nanosieve.compiler.emulate.planner import make_plan
from nanosieve.compiler.emulate.ports import Codes, Decode, Reals, Refusal, Store
from nanosieve.compiler.emulate.steps import Block
from nanosieve.compiler.emulate.threads import available, share
from nanosieve.compiler.graph import Graph, Integers
from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.progress import Progress, silent

__all__ = ["Emulator"]

BLOCK_BYTES = 1 << 20
"""Values of a block of events that a thread has in work: what fits a core's cache."""
MOST_EVENTS = 4096
"""In one block."""


class Workspace:
    """The memory in which one thread computes blocks of at most `events` events."""

    def __init__(self, plan: Plan, events: int) -> None:
        memory = [np.empty(width * events, dtype=np.uint8) for width in plan.widths]
        self.events = events
        self.full = [
            memory[buffer][: slot.bytes * events].view(slot.tier).reshape(events, slot.size)
            if buffer >= 0
            else np.empty((0, 0))
            for slot, buffer in zip(plan.slots, plan.buffers, strict=True)
        ]
        self.scratch = np.empty(plan.scratch, dtype=np.uint8)

    def blocks(self, events: int) -> list[Block]:
        """The slots, cut to so many events."""
        return self.full if events == self.events else [block[:events] for block in self.full]


class Emulator:
    """The bit-exact software twin of a graph; `compiler.graph.interpret` defines what it computes.

    Integers are computed as float32 or float64 wherever the proven ranges of the graph show that no rounding
    can occur, else as int64. The sample is taken in blocks that fit the cache, so that the memory does not
    grow with it, and the blocks are shared among threads.

    Args:
        graph: any graph.
        threads: how many; None for one on each core. BLAS is kept to the calling thread meanwhile.

    Raises:
        GraphError: the graph breaks a rule.
        SettingsError: fewer than one thread.

    >>> from nanosieve.compiler.graph import Builder, Fixed, Relu, TensorType
    >>> builder = Builder("toy")
    >>> x = builder.input("x", TensorType.of(Fixed(8, 4), (2,)))
    >>> emulator = Emulator(builder.finish({"y": builder.add(Relu(), x, layer="relu")}))
    >>> emulator(np.array([[-1.0, 2.53125]], dtype=np.float32))["y"]
    array([[0.    , 2.5625]])
    """

    def __init__(self, graph: Graph, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            message = (
                f"the emulator runs in 1 or more threads, not {threads}; leave `threads` out for every core"
            )
            raise SettingsError(message)
        self.graph = graph
        self.threads = threads or available()
        self.plan = make_plan(graph)
        width = max(1, sum(self.plan.widths))
        self.block = int(np.clip(BLOCK_BYTES // width, 1, MOST_EVENTS))
        self._codes = {name: Codes(name, port) for name, port in graph.ports.items()}
        self._reals = {name: Reals(name, port) for name, port in graph.ports.items()}
        self._stores = dict.fromkeys(graph.outputs, Store())
        self._decodes = {name: Decode(type) for name, (_, type) in self.plan.outputs.items()}
        self._idle: SimpleQueue[Workspace] = SimpleQueue()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.graph, self.threads)

    def run(self, codes: Mapping[str, NDArray[Any]], *, progress: Progress = silent) -> dict[str, Integers]:
        """Integer codes to integer codes.

        Args:
            codes: input name → integers (events, *shape), within the ranges of the inputs.
            progress: told of the events done.

        Returns:
            Output name → int64 (events, *shape).

        Raises:
            SampleError: a shape does not fit, events differ in number, or a code lies outside its type.
            UnknownNameError: an input is missing or unknown.
        """
        events = self._events(codes)
        results = {
            name: np.empty((events, *type.shape), dtype=np.int64)
            for name, (_, type) in self.plan.outputs.items()
        }
        self._share(codes, self._codes, results, self._stores, progress)
        return results

    def __call__(
        self, x: Mapping[str, NDArray[Any]] | NDArray[Any], *, progress: Progress = silent
    ) -> dict[str, NDArray[np.float64]]:
        """Real values to real values, encoded and decoded as `compiler.graph.encode` and `decode` do it.

        Args:
            x: input name → numbers (events, *shape) in the units the network was trained in, or the numbers
                of the only input; float32 is read as it is.
            progress: told of the events done.

        Returns:
            Output name → float64 (events, *shape).

        Raises:
            SampleError: NaN or infinity, a shape that does not fit, events that differ in number, or one
                array for a network of several inputs.
            UnknownNameError: an input is unknown.
        """
        if not isinstance(x, Mapping):
            if len(self.graph.inputs) != 1:
                message = f"the network has the inputs {', '.join(self.graph.inputs)}; give arrays by name"
                raise SampleError(message)
            x = {next(iter(self.graph.inputs)): x}
        events = self._events(x)
        results = {
            name: np.empty((events, *type.shape), dtype=np.float64)
            for name, (_, type) in self.plan.outputs.items()
        }
        self._share(x, self._reals, results, self._decodes, progress)
        return results

    def _events(self, given: Mapping[str, NDArray[Any]]) -> int:
        """How many events the inputs have."""
        events: int | None = None
        for name in given:
            if name not in self.graph.inputs:
                raise UnknownNameError.among("input", name, self.graph.inputs)
        for name, type in self.graph.inputs.items():
            if name not in given:
                message = f"the input {name!r} of the graph is missing"
                raise SampleError(message)
            shape = np.shape(given[name])
            if shape[1:] != type.shape or not shape:
                axes = ", ".join(map(str, ("events", *type.shape)))
                message = f"input {name!r} takes an array ({axes}), not {shape}"
                raise SampleError(message)
            if events is not None and shape[0] != events:
                message = f"input {name!r} has {shape[0]} events, the inputs before it have {events}"
                raise SampleError(message)
            events = shape[0]
        return events or 0

    def _share(
        self,
        given: Mapping[str, NDArray[Any]],
        ports: Mapping[str, Codes] | Mapping[str, Reals],
        results: Mapping[str, NDArray[Any]],
        finish: Mapping[str, Store] | Mapping[str, Decode],
        progress: Progress,
    ) -> None:
        """All blocks through the plan."""
        events = len(next(iter(results.values())))
        size = max(1, min(self.block, -(-events // self.threads)))
        arrays = {name: np.asarray(array) for name, array in given.items()}
        done: list[int] = []
        refused: list[Refusal] = []

        def work(starts: Iterator[int]) -> None:
            space = self._workspace(size)
            for start in starts:
                stop = min(start + size, events)
                blocks = space.blocks(stop - start)
                for name, port in ports.items():
                    refusal = port(
                        arrays[name][start:stop], start, blocks[self.plan.inputs[name]].reshape(-1)
                    )
                    if refusal is not None:
                        refused.append(refusal)
                        raise SampleError(refusal.message)
                for action in self.plan.actions:
                    action.step([blocks[n] for n in action.inputs], blocks[action.output], space.scratch)
                for name, (slot, _) in self.plan.outputs.items():
                    finish[name](blocks[slot], results[name][start:stop])
                done.append(start)
                progress("emulate", min(len(done) * size, events), events)
            self._idle.put(space)

        try:
            share(list(range(0, events, size)), work, self.threads)
        except SampleError:
            # several threads may each have met one
            raise SampleError(min(refused, key=lambda refusal: refusal.event).message) from None

    def _workspace(self, events: int) -> Workspace:
        """Memory that no thread uses, for at least so many events."""
        try:
            space = self._idle.get_nowait()
        except Empty:
            return Workspace(self.plan, events)
        return space if space.events >= events else Workspace(self.plan, events)


def _again(graph: Graph, threads: int) -> Emulator:
    return Emulator(graph, threads=threads)
