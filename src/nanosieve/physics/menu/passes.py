"""A pass over trigger samples: parts of them in parallel, results of blocks in their order.

Parts are cut by the samples alone and results come in the order of the events, so that every sum over them is
the same, to the last bit, for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError
from nanosieve.executor import run_tasks
from nanosieve.physics.events.trigger_sample import TriggerEvents, TriggerSample, open_trigger_sample
from nanosieve.physics.menu.conditions import LEAST_EFFECTIVE, Conditions
from nanosieve.progress import Progress, silent

__all__ = ["in_order", "opened", "pass_over", "weighted_blocks"]

Floats = NDArray[np.float64]
Result = TypeVar("Result")

EVENTS_PER_PART = 100_000
"""A task of some tenths of a second."""


@dataclass(frozen=True)
class _Part:
    """Row groups of a sample, `first` up to `last`, the first event of which is number `event` of it."""

    sample: int
    first: int
    last: int
    event: int


@dataclass(frozen=True)
class _Pass:
    """What is done with all parts."""

    function: Callable[[Any, TriggerEvents, Floats], Any]
    own: Any
    samples: tuple[TriggerSample, ...]
    conditions: Conditions | None
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Done:
    """Of a part: results by block, events, and the sums of the factors of weights and their squares."""

    results: list[Any]
    events: int
    kept: float
    squares: float


def opened(samples: Iterable[TriggerSample | str | Path]) -> list[TriggerSample]:
    """Samples, or those in the files of these paths."""
    return [s if isinstance(s, TriggerSample) else open_trigger_sample(s) for s in samples]


def pass_over(
    function: Callable[[Any, TriggerEvents, Floats], Result],
    own: Any,
    samples: Sequence[TriggerSample],
    conditions: Conditions | None,
    columns: Sequence[str],
    *,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
    stage: str = "events",
) -> Iterator[Result]:
    """What ``function(own, events, weights)`` gives for every block of all samples, in their order.

    Args:
        function: of a block and its weights in pb; with several workers picklable, as `own`.
        own: what it needs for all blocks.
        samples: of the same conditions.
        conditions: whose pile-up the events are weighted to; None leaves them as they are.
        columns: to read.
        workers, scheduler: as `run_tasks`.
        progress, stage: told of the events read.

    Raises:
        SampleError: a negative weight, no events, or reweighting that leaves too few effective events.
    """
    total, done, kept, squares = sum(len(sample) for sample in samples), 0, 0.0, 0.0
    if not total:
        message = f"{str(samples[0].path)!r} holds no events; make it again with a larger -n"
        raise SampleError(message)
    weighted = conditions if conditions is not None and conditions.reweighted else None
    wanted = (*columns, "interactions") if weighted else tuple(columns)
    shared = _Pass(function, own, tuple(samples), weighted, wanted)
    parts = [part for n, sample in enumerate(samples) for part in _parts(n, sample)]
    for part in in_order(run_tasks(_run, parts, shared=shared, workers=workers, scheduler=scheduler)):
        done, kept, squares = done + part.events, kept + part.kept, squares + part.squares
        yield from part.results
        progress(stage, done, total)
    if weighted and kept**2 < LEAST_EFFECTIVE * done * squares:
        left = kept**2 / squares / done if squares else 0.0
        message = (
            f"weighting from a pile-up of {weighted.sample_pileup:g} to {weighted.pileup:.4g} leaves "
            f"{100 * left:.2g} % effective events; make a sample at that pile-up"
        )
        raise SampleError(message)


def weighted_blocks(
    samples: Sequence[TriggerSample],
    conditions: Conditions | None,
    columns: Sequence[str],
    *,
    progress: Progress = silent,
    stage: str = "events",
) -> Iterator[tuple[TriggerEvents, Floats]]:
    """Blocks of all samples with their weights in pb, in this process; else as `pass_over`."""
    return pass_over(_block, None, samples, conditions, columns, progress=progress, stage=stage)


def in_order(results: Iterable[tuple[int, Result]]) -> Iterator[Result]:
    """Results of `run_tasks` in the order of the tasks; those that come too early wait.

    >>> list(in_order([(1, "b"), (0, "a"), (2, "c")]))
    ['a', 'b', 'c']
    """
    waiting: dict[int, Result] = {}
    wanted = count()
    following = next(wanted)
    for place, result in results:
        waiting[place] = result
        while following in waiting:
            yield waiting.pop(following)
            following = next(wanted)


def _parts(number: int, sample: TriggerSample) -> Iterator[_Part]:
    """Runs of row groups with `EVENTS_PER_PART` events or somewhat more."""
    first = event = events = 0
    groups = sample.row_groups()
    for group, rows in enumerate(groups):
        events += rows
        if events >= EVENTS_PER_PART or group == len(groups) - 1:
            yield _Part(number, first, group + 1, event)
            first, event, events = group + 1, event + events, 0


def _run(task: _Pass, part: _Part) -> _Done:
    results, done, kept, squares = [], 0, 0.0, 0.0
    sample = task.samples[part.sample]
    for events in sample.blocks(task.columns, row_groups=range(part.first, part.last)):
        weights = events.weights
        if (weights < 0).any():
            event = part.event + done + int(np.argmax(weights < 0))
            message = (
                f"genWeight of {str(sample.path)!r} is negative in event {event}; such weights make no "
                "rate: make the sample with leading-order processes"
            )
            raise SampleError(message)
        if task.conditions is not None:
            factors = task.conditions.factors(events.scalars["interactions"], events.scalars["process"])
            kept, squares = kept + float(factors.sum()), squares + float((factors**2).sum())
            weights = weights * factors
        done += len(events)
        results.append(task.function(task.own, events, weights))
    return _Done(results, done, kept, squares)


def _block(_: None, events: TriggerEvents, weights: Floats) -> tuple[TriggerEvents, Floats]:
    return events, weights
