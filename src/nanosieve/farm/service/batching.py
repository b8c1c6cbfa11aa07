"""Adaptive batching: what arrives while a model is busy is computed together when it is free again.

An idle model starts at once, so that batching costs a lone request nothing. MLServer's own batching waits for
a fixed time, counts requests instead of events, and lets a faulty request spoil the others of its batch.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import NanosieveError
from nanosieve.farm.service.models import Model
from nanosieve.farm.service.tensors import Arrays

__all__ = ["Answer", "Batcher", "Full"]

INLINE = 300e-6
"""s: what is expected to take less is computed where it stands; to wake another thread takes longer."""


@dataclass(frozen=True)
class Answer:
    """The outputs of a request.

    Attributes:
        outputs: by name.
        queue: s from arrival to the start of the computation.
        compute: s of the batch it was part of.
        batch: events of that batch.
    """

    outputs: dict[str, NDArray[Any]]
    queue: float
    compute: float
    batch: int


class Full:
    """Given instead of an answer where more events wait than are accepted."""


@dataclass
class _Waiting:
    arrays: Arrays
    events: int
    arrived: float
    future: asyncio.Future[Answer]


class Batcher:
    """Requests to one model.

    Args:
        model: that computes.
        most: events of a batch; a single request may have as many.
        waiting: events that may wait; above it, a request is turned away before it is accepted.
        workers: batches that are computed at one time.
    """

    def __init__(self, model: Model, *, most: int = 16_384, waiting: int = 1 << 20, workers: int = 1) -> None:
        self.model, self.most, self.waiting, self.workers = model, most, waiting, workers
        self._queue: deque[_Waiting] = deque()
        self._events = 0
        self._busy = 0
        self._planned = False
        self._per_event = 0.0
        self._overhead = INLINE
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"serve {model.name}")

    @property
    def depth(self) -> int:
        """Events that wait."""
        return self._events

    async def __call__(self, arrays: Arrays, events: int) -> Answer | Full:
        """The outputs of a request that `check_request` has passed.

        Raises:
            SampleError: NaN or infinity.
        """
        if self._events + events > self.waiting:
            return Full()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(arrays, events, time.perf_counter(), loop.create_future())
        self._queue.append(waiting)
        self._events += events
        self._plan(loop)
        return await waiting.future

    def close(self) -> None:
        """Give the threads back."""
        self._pool.shutdown()

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start behind everything that the loop has read by now, so that it is in the same batch."""
        if not self._planned and self._busy < self.workers:
            self._planned = True
            loop.call_soon(self._start, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._planned = False
        batch = self._next()
        if not batch:
            return
        events = sum(each.events for each in batch)
        self._busy += 1
        if self._overhead + events * self._per_event < INLINE:
            self._done(loop, batch, self._compute(batch))
        else:
            future = loop.run_in_executor(self._pool, self._compute, batch)
            future.add_done_callback(lambda done: self._done(loop, batch, done.result()))
        if self._queue:
            self._plan(loop)

    def _next(self) -> list[_Waiting]:
        """The requests that are computed together, in the order of arrival; who has gone is left out."""
        batch: list[_Waiting] = []
        events = 0
        limit = self.most if self.model.batch is None else 1
        while self._queue and (not batch or events + self._queue[0].events <= limit):
            each = self._queue.popleft()
            self._events -= each.events
            if not each.future.done():
                batch.append(each)
                events += each.events
        return batch

    def _compute(self, batch: list[_Waiting]) -> list[Answer | BaseException]:
        """One answer, or what went wrong, for each request; a faulty one does not spoil the others."""
        started = time.perf_counter()
        try:
            arrays = batch[0].arrays
            if len(batch) > 1:
                arrays = {name: np.concatenate([each.arrays[name] for each in batch]) for name in arrays}
            outputs = self.model(arrays)
        except NanosieveError as error:
            return [error] if len(batch) == 1 else [self._compute([each])[0] for each in batch]
        except Exception as error:  # noqa: BLE001  # whatever a runtime raises belongs to its requests
            return [error] * len(batch)
        compute = time.perf_counter() - started
        events = sum(each.events for each in batch)
        answers: list[Answer | BaseException] = []
        first = 0
        for each in batch:
            part = {name: array[first : first + each.events] for name, array in outputs.items()}
            answers.append(Answer(part, started - each.arrived, compute, events))
            first += each.events
        return answers

    def _done(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Waiting], answers: list[Answer | BaseException]
    ) -> None:
        self._busy -= 1
        for each, answer in zip(batch, answers, strict=True):
            if each.future.done():
                continue
            if isinstance(answer, BaseException):
                each.future.set_exception(answer)
            else:
                each.future.set_result(answer)
                self._learn(answer)
        if self._queue:
            self._plan(loop)

    def _learn(self, answer: Answer) -> None:
        """How long a call takes, from small and large batches apart; the mean follows slowly."""
        if answer.batch <= 16:
            self._overhead += 0.1 * (answer.compute - self._overhead)
        else:
            rest = max(answer.compute - self._overhead, 0.0) / answer.batch
            self._per_event += 0.1 * (rest - self._per_event)
