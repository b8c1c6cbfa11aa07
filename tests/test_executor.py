"""The executor: results in order of completion, and workers that do not outlive the iteration."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.tasks import begun, die_if_negative, die_once, power, process_of, sleep, square
from nanosieve.errors import SettingsError, ToolError
from nanosieve.executor import ATTEMPTS, run_tasks


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_done_once(workers: int) -> None:
    assert sorted(run_tasks(square, [3, 1, 2], workers=workers)) == [(0, 9), (1, 1), (2, 4)]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_shared_comes_first(workers: int) -> None:
    found = run_tasks(power, [3, 1, 2], shared={"power": 3}, workers=workers)
    assert sorted(found) == [(0, 27), (1, 1), (2, 8)]


def test_leaving_early_stops_what_runs() -> None:
    started = time.monotonic()
    results = run_tasks(sleep, [0.1, 60.0, 60.0], workers=2)
    assert next(results) == (0, 0.1)
    results.close()  # type: ignore[attr-defined]
    while multiprocessing.active_children():
        assert time.monotonic() - started < 40
        time.sleep(0.05)


def test_tasks_run_in_other_processes() -> None:
    assert os.getpid() not in {pid for _, pid in run_tasks(process_of, [1, 2], workers=2)}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_task_arrives(workers: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        list(run_tasks(square, [1, -1], workers=workers))


def test_work_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^the work cannot be sent to other processes .*lambda"):
        list(run_tasks(lambda number: number, [1, 2], workers=2))
    with pytest.raises(SettingsError, match=r"^the number of workers is 0"):
        list(run_tasks(square, [1, 2], workers=0))


def test_a_killed_process_costs_only_its_task(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tasks = [(number, str(tmp_path)) for number in range(5)]
    with caplog.at_level(logging.WARNING, logger="nanosieve"):
        found = sorted(run_tasks(die_once, tasks, workers=2))
    assert found == [(number, number**2) for number in range(5)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.begun", "3.begun"]
    assert "task 2 of 5, (1, " in caplog.text
    assert "is begun again: its process died (signal SIGKILL)" in caplog.text


def test_a_task_that_always_dies_is_named() -> None:
    message = rf"^task 2 of 3, number -1, ended its process {ATTEMPTS} times \(exit code 9\), perhaps for "
    with pytest.raises(ToolError, match=message):
        list(run_tasks(die_if_negative, [1, -1, 2], workers=2, name=lambda number: f"number {number}"))


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("nanosieve._dask.CONNECT", 0.3)
    with pytest.raises(ToolError, match=r"^no Dask scheduler answers at 'tcp://127\.0\.0\.1:9' "):
        list(run_tasks(square, [1], scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(ToolError, match=r"^no Dask scheduler answers at 'nonsense://x' "):
        list(run_tasks(square, [1], scheduler="nonsense://x"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler and three worker processes, as on several machines."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as found:
        yield found


@pytest.mark.slow
def test_a_dask_cluster_does_the_same(cluster: Any) -> None:
    address = cluster.scheduler_address
    assert sorted(run_tasks(square, [3, 1, 2], scheduler=address)) == [(0, 9), (1, 1), (2, 4)]
    shared = run_tasks(power, [3, 1, 2], shared={"power": 3}, scheduler=address)
    assert sorted(shared) == [(0, 27), (1, 1), (2, 8)]
    processes = {pid for _, pid in run_tasks(process_of, list(range(9)), scheduler=address)}
    assert len(processes) > 1
    assert os.getpid() not in processes
    with pytest.raises(ValueError, match="negative"):
        list(run_tasks(square, [1, -1], scheduler=address))


@pytest.mark.slow
def test_a_dask_worker_killed_in_the_middle_costs_its_task(cluster: Any, tmp_path: Path) -> None:
    tasks = [(number, str(tmp_path)) for number in range(12)]
    results = run_tasks(begun, tasks, scheduler=cluster.scheduler_address)
    found = [next(results)]
    running = {path: path.read_text().split()[0] for path in tmp_path.iterdir()}
    busy = next(pid for path, pid in running.items() if path.stem != str(found[0][0]))
    os.kill(int(busy), signal.SIGKILL)
    found += results
    assert sorted(found) == [(number, number**2) for number in range(12)]
    again = [path.stem for path in tmp_path.iterdir() if len(path.read_text().split()) > 1]
    assert 1 <= len(again) <= 2  # the one it was at, and perhaps one that had just arrived


@pytest.mark.slow
def test_a_task_that_ends_every_dask_worker_is_named(cluster: Any) -> None:
    with pytest.raises(ToolError, match=r"^task 1 of 1, -7, ended the Dask workers that it ran on, the last"):
        list(run_tasks(die_if_negative, [-7], scheduler=cluster.scheduler_address))
