"""Tasks on a Dask cluster, whose scheduler is told by its address."""

from __future__ import annotations

import logging
import warnings
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nanosieve._require import require
from nanosieve.errors import ToolError

__all__ = ["dask_results"]

CONNECT = 20
"""Seconds in which the scheduler must answer."""

_log = logging.getLogger(__name__)


def dask_results(
    function: Callable[..., Any],
    tasks: Sequence[Any],
    shared: Any,
    address: str,
    called: Sequence[Callable[[], str]],
) -> Iterator[tuple[int, Any]]:
    """As `run_tasks`, on the workers of a scheduler.

    The task of a worker that dies is begun on another one, as often as the scheduler's setting
    ``distributed.scheduler.allowed-failures`` allows (3). Workers may come and go while tasks run.

    Raises:
        MissingDependencyError: `distributed` is not installed.
        ToolError: no scheduler answers, or it is lost; a task ended too many workers.
    """
    distributed = require("distributed", extra="farm", purpose="--scheduler")
    with _client(distributed, address) as client:
        if not client.scheduler_info()["workers"]:
            _log.warning("the Dask scheduler %s has no workers yet; waiting for the first", address)
        common: list[Any] = []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            if shared is not None:
                # not scattered: what is lost with its worker is then made again
                common.append(client.submit(_same, shared, pure=False))
            futures = {client.submit(function, *common, task, pure=False): n for n, task in enumerate(tasks)}
        for future in distributed.as_completed(list(futures), loop=client.loop):
            n = futures.pop(future)
            try:
                result = future.result()
            except distributed.KilledWorker as error:
                message = (
                    f"{called[n]()} ended the Dask workers that it ran on, the last "
                    f"{error.last_worker.address}, perhaps for want of memory; give the workers more"
                )
                raise ToolError(message) from error
            except (CancelledError, distributed.CancelledError, OSError) as error:
                if client.status == "running":
                    raise
                message = (
                    f"the Dask scheduler {address} is lost ({' '.join(str(error).split())[:120]}); start it "
                    "again, and the same command resumes where it can"
                )
                raise ToolError(message) from error
            future.release()
            yield n, result


def _client(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        message = (
            f"no Dask scheduler answers at {address!r} ({reason}); start one with 'dask scheduler', or leave "
            "--scheduler out"
        )
        raise ToolError(message) from error


def _same(shared: Any) -> Any:
    return shared
