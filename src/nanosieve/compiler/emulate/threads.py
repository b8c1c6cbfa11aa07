"""Blocks of events shared among threads, with the threads of BLAS out of the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import threadpoolctl

__all__ = ["available", "share", "single_blas"]


def available() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def share(blocks: list[Any], work: Callable[[Iterator[Any]], None], threads: int) -> None:
    """Call `work` in so many threads with one iterator over `blocks` that they share.

    The blocks are handed out in order. Once a call has raised, no further block is handed out, and what
    the caller sees is the error of the call that began first.
    """
    threads = max(1, min(threads, len(blocks)))
    with single_blas():
        if threads == 1:
            work(iter(blocks))
            return
        lock, iterator, stop = threading.Lock(), iter(blocks), threading.Event()

        def handed_out() -> Iterator[Any]:
            while not stop.is_set():
                with lock:
                    block = next(iterator, None)
                if block is None:
                    return
                yield block

        def guarded() -> None:
            try:
                work(handed_out())
            except BaseException:
                stop.set()
                raise

        with ThreadPoolExecutor(threads, thread_name_prefix="emulate") as pool:
            futures = [pool.submit(guarded) for _ in range(threads)]
        for future in futures:
            future.result()


@cache
def _controller() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()


_lock = threading.Lock()
_users = 0
_limit: Any = None


@contextmanager
def single_blas() -> Iterator[None]:
    """BLAS on the calling thread alone, until the last of those who ask for it at one time is done."""
    global _users, _limit
    with _lock:
        _users += 1
        if _users == 1:
            _limit = _controller().limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit.restore_original_limits()
