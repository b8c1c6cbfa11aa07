"""The executor: results in order of completion, and workers that do not outlive the iteration."""

import multiprocessing
import os
import time

import pytest

from helpers.tasks import die, process_of, sleep, square
from nanosieve.errors import ToolError
from nanosieve.executor import run_tasks


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_done_once(workers: int) -> None:
    assert sorted(run_tasks(square, [3, 1, 2], workers=workers)) == [(0, 9), (1, 1), (2, 4)]


def test_leaving_early_stops_what_runs() -> None:
    started = time.monotonic()
    results = run_tasks(sleep, [0.1, 60.0, 60.0], workers=2)
    assert next(results) == (0, 0.1)
    results.close()  # type: ignore[attr-defined]
    for process in multiprocessing.active_children():
        process.join(10)
    assert not multiprocessing.active_children()
    assert time.monotonic() - started < 30


def test_tasks_run_in_other_processes() -> None:
    assert os.getpid() not in {pid for _, pid in run_tasks(process_of, [1, 2], workers=2)}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_task_arrives(workers: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        list(run_tasks(square, [1, -1], workers=workers))


def test_a_process_that_dies_is_reported() -> None:
    with pytest.raises(ToolError, match=r"one of 2 processes died, perhaps for want of memory"):
        list(run_tasks(die, [1, 2], workers=2))


@pytest.mark.slow
def test_a_dask_cluster_does_the_work() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        results = run_tasks(square, [3, 1, 2], scheduler=cluster.scheduler_address)
        assert sorted(results) == [(0, 9), (1, 1), (2, 4)]
