"""What every study takes and gives."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from nanosieve._files import write_text
from nanosieve._machine import machine
from nanosieve.figure import Figure, Provenance

__all__ = ["Size", "Stopwatch", "StudyOptions", "StudyResult", "machine", "write_results"]


class Size(StrEnum):
    """How large a study runs."""

    SMALL = "small"
    """minutes on two cores"""
    FULL = "full"
    """the published size"""


@dataclass(frozen=True)
class StudyOptions:
    """How to run a study.

    Attributes:
        out: folder of everything that the study writes.
        size: small or full.
        seed: of events, training and vectors.
        samples: folder with samples to use instead of those that would be made; None for none.
        workers: local processes; default one per core.
        scheduler: address of a Dask scheduler to use instead.
    """

    out: Path
    size: Size = Size.SMALL
    seed: int = 1
    samples: Path | None = None
    workers: int | None = None
    scheduler: str | None = None


@dataclass(frozen=True)
class StudyResult:
    """What a study has made.

    Attributes:
        report: the HTML report.
        results: ``results.json`` with every figure.
        headline: the numbers to print at the end.
        remarks: what the user should know, e.g. that a sample was reused.
    """

    report: Path
    results: Path
    headline: tuple[tuple[str, Figure], ...]
    remarks: tuple[str, ...]


@dataclass
class Stopwatch:
    """Measures the stages of a study."""

    times: dict[str, Figure] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.times[name] = Figure(round(seconds, 1), "s", Provenance.MEASURED, source=machine())


def write_results(path: Path, results: Mapping[str, Any]) -> Path:
    """Write ``results.json``; figures anywhere inside become their JSON form."""
    return write_text(path, json.dumps(_plain(results), indent=1) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value
