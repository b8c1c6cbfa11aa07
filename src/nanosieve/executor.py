"""The one seam through which embarrassingly parallel work goes: local processes, or a Dask cluster.

What a task gives depends on the task alone, never on the worker: seeds belong to tasks. A worker that dies
costs the task it was at, which is done again; a task that ends its worker `ATTEMPTS` times is named in the
error.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, TypeVar

from nanosieve._dask import dask_results
from nanosieve._worker import Worker
from nanosieve.errors import SettingsError, ToolError

__all__ = ["ATTEMPTS", "default_workers", "run_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")

ATTEMPTS = 3
"""How often a task is begun whose process dies, before that is an error."""

_log = logging.getLogger(__name__)


def default_workers() -> int:
    """The number of processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    function: Callable[..., Result],
    tasks: Sequence[Task],
    *,
    shared: Any = None,
    workers: int | None = None,
    scheduler: str | None = None,
    name: Callable[[Task], str] = repr,
) -> Iterator[tuple[int, Result]]:
    """Run `function` on every task and yield ``(index, result)`` in order of completion.

    `function`, `shared` and the tasks must be picklable. With one worker (or one task) the work runs in this
    process. Leaving the iteration early, or Ctrl-C, cancels what has not started and stops the rest.

    Args:
        function: of a task, or of `shared` and a task.
        shared: what all tasks need; sent once to each worker. None: nothing.
        workers: local processes; default one per core.
        scheduler: address of a Dask scheduler (``"tcp://host:8786"``) to use instead.
        name: what a task is called in messages.

    Raises:
        MissingDependencyError: a scheduler is given and `distributed` is not installed.
        SettingsError: fewer than one worker, or work that cannot be sent to another process.
        ToolError: a task ended its process `ATTEMPTS` times, e.g. for want of memory; no scheduler answers.
        Exception: whatever `function` raises.
    """
    if workers is not None and workers < 1:
        message = f"the number of workers is {workers}; give 1 or more"
        raise SettingsError(message)
    called = [partial(_called, tasks, n, name) for n in range(len(tasks))]
    count = min(workers or default_workers(), max(len(tasks), 1))
    if scheduler is not None:
        yield from dask_results(function, tasks, shared, scheduler, called)
    elif count == 1:
        work = function if shared is None else partial(function, shared)
        for n, task in enumerate(tasks):
            yield n, work(task)
    else:
        yield from _local(function, tasks, shared, count, called)


def _local(
    function: Callable[..., Result],
    tasks: Sequence[Task],
    shared: Any,
    count: int,
    called: Sequence[Callable[[], str]],
) -> Iterator[tuple[int, Result]]:
    """One pool of one process for each worker, so that the death of one costs only the task it was at."""
    waiting, deaths = deque(range(len(tasks))), Counter[int]()
    workers = [Worker(function, shared) for _ in range(count)]
    running: dict[Future[Result], tuple[Worker, int]] = {}

    def give_work(worker: Worker) -> None:
        if waiting:
            n = waiting.popleft()
            running[worker.submit(tasks[n])] = worker, n

    try:
        for worker in workers:
            give_work(worker)
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                worker, n = running.pop(done)
                if isinstance(done.exception(), BrokenProcessPool):
                    deaths[n] += 1
                    how = worker.replace()
                    if deaths[n] == ATTEMPTS:
                        message = (
                            f"{called[n]()} ended its process {ATTEMPTS} times ({how}), perhaps for want of "
                            "memory; try fewer with --workers"
                        )
                        raise ToolError(message) from done.exception()
                    _log.warning("%s is begun again: its process died (%s)", called[n](), how)
                    waiting.appendleft(n)
                    give_work(worker)
                    continue
                result = done.result()
                give_work(worker)  # before the result is used, so that the worker need not wait
                yield n, result
    except BaseException:
        for worker in workers:
            worker.stop()
        raise
    for worker in workers:
        worker.finish()


def _called(tasks: Sequence[Task], n: int, name: Callable[[Task], str]) -> str:
    text = " ".join(name(tasks[n]).split())
    return f"task {n + 1} of {len(tasks)}, {text if len(text) <= 80 else text[:77] + '...'},"
