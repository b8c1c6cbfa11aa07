"""The executor: results in order of completion, and workers that do not outlive the iteration."""

import multiprocessing
import time

import pytest

from nanosieve.executor import run_tasks


def _square(n: int) -> int:
    return n * n


def _sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_done_once(workers: int) -> None:
    assert sorted(run_tasks(_square, [3, 1, 2], workers=workers)) == [(0, 9), (1, 1), (2, 4)]


def test_leaving_early_stops_what_runs() -> None:
    started = time.monotonic()
    results = run_tasks(_sleep, [0.1, 60.0, 60.0], workers=2)
    assert next(results) == (0, 0.1)
    results.close()  # type: ignore[attr-defined]
    for process in multiprocessing.active_children():
        process.join(10)
    assert not multiprocessing.active_children()
    assert time.monotonic() - started < 30
