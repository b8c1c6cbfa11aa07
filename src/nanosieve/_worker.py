"""A process that does one task at a time."""

from __future__ import annotations

import ctypes
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from typing import Any

from nanosieve.errors import SettingsError

__all__ = ["Worker"]

_work: Callable[[Any], Any]
"""In a worker: what is done with a task."""


class Worker:
    """A process of its own, which is started with the first task.

    Args:
        function: of a task, or of `shared` and a task.
        shared: sent once; None for nothing.
    """

    def __init__(self, function: Callable[..., Any], shared: Any) -> None:
        self._function, self._shared = function, shared
        self._pool: ProcessPoolExecutor | None = None
        self._process: Any = None

    def submit(self, task: Any) -> Future[Any]:
        """Begin `task`; the process must have ended the one before.

        Raises:
            SettingsError: the function or what is shared cannot be sent to the process.
        """
        if self._pool is not None:
            try:
                return self._pool.submit(_do, task)
            except BrokenProcessPool:  # died while it had nothing to do
                self.replace()
        # spawn: JAX, Yosys and Pythia keep threads and global state that do not survive a fork
        self._pool = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_begin, initargs=(self._function, self._shared)
        )
        ours = getattr(self._function, "__module__", "").startswith("nanosieve.")
        try:
            with _main_module_hidden() if ours else nullcontext():
                future = self._pool.submit(_do, task)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            message = (
                f"the work cannot be sent to other processes ({error}); use functions from the top of a "
                "module, or one worker"
            )
            raise SettingsError(message) from error
        self._process = next(iter(self._pool._processes.values()))  # the pool forgets it at its shutdown
        return future

    def replace(self) -> str:
        """Give the dead process up, so that the next task has a new one; says how it ended."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
        self._pool = None
        deadline = time.monotonic() + 5
        # the thread of the pool waits for the process too, and only one of two who wait is told
        while (code := self._process.exitcode) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        killed = code is not None and code < 0
        return f"signal {signal.Signals(-code).name}" if killed else f"exit code {code}"

    def stop(self) -> None:
        """End the process now, whatever it does."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            self._process.terminate()

    def finish(self) -> None:
        """Let the idle process end."""
        if self._pool is not None:
            self._pool.shutdown()


def _begin(function: Callable[..., Any], shared: Any) -> None:
    """Keep the work; and end when the parent is killed (SIGKILL), instead of waiting for ever."""
    global _work
    _work = function if shared is None else partial(function, shared)
    if sys.platform == "linux":
        set_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def _do(task: Any) -> Any:
    return _work(task)


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
