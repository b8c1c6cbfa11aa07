"""The one seam through which embarrassingly parallel work goes: local processes, or a Dask cluster."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from typing import Any, TypeVar

from nanosieve._require import require
from nanosieve.errors import ToolError

__all__ = ["default_workers", "run_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def default_workers() -> int:
    """The number of processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[int, Result]]:
    """Run `function` on every task and yield ``(index, result)`` in order of completion.

    `function` and the tasks must be picklable. With one worker (or one task) the work runs in this
    process. Leaving the iteration early, or Ctrl-C, cancels what has not started and stops the rest.

    Args:
        workers: local processes; default one per core.
        scheduler: address of a Dask scheduler (``"tcp://host:8786"``) to use instead.

    Raises:
        MissingDependencyError: a scheduler is given and `distributed` is not installed.
        ToolError: a local process died, e.g. for want of memory.
        Exception: whatever `function` raises.
    """
    count = min(workers or default_workers(), max(len(tasks), 1))
    if scheduler is not None:
        distributed = require("distributed", extra="farm", purpose="--scheduler")
        with distributed.Client(scheduler) as client:
            futures = {client.submit(function, task, pure=False): n for n, task in enumerate(tasks)}
            for future in distributed.as_completed(list(futures)):
                yield futures[future], future.result()
        return
    if count == 1:
        for n, task in enumerate(tasks):
            yield n, function(task)
        return
    # spawn: JAX, Yosys and Pythia keep threads and global state that do not survive a fork
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)
    try:
        with _main_module_hidden() if function.__module__.startswith("nanosieve.") else nullcontext():
            pending = {pool.submit(function, task): n for n, task in enumerate(tasks)}
        for done in as_completed(pending):
            yield pending[done], done.result()
    except BrokenProcessPool as error:
        message = f"one of {count} processes died, perhaps for want of memory; try fewer with --workers"
        raise ToolError(message) from error
    except BaseException:
        workers_now = list((pool._processes or {}).values())  # the pool forgets them at its shutdown
        pool.shutdown(wait=False, cancel_futures=True)
        for process in workers_now:
            process.terminate()
        raise
    pool.shutdown()


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep new processes from running the user's script again, so that it needs no ``__main__`` guard."""
    main = sys.modules["__main__"]
    kept: dict[str, Any] = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    vars(main).update(__spec__=None)
    vars(main).pop("__file__", None)
    try:
        yield
    finally:
        vars(main).update(kept)


def _end_with_parent() -> None:
    """Let a worker end when the process that started it is killed (SIGKILL), instead of waiting for ever."""
    if sys.platform == "linux":
        set_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
