"""Timing of several ways to do one thing, turn by turn in one process, and the table of their ratios."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Events per second of one tool.

    Attributes:
        best, median: over the turns.
        turns: how often each tool had its turn.
        events: in one turn.
    """

    best: float
    median: float
    turns: int
    events: int


def race(tools: Mapping[str, tuple[Callable[[], Any], int]], turns: int = 5) -> dict[str, Timing]:
    """Time every tool once in each of the turns, after one turn that is not counted.

    Args:
        tools: name → (what to call, events that one call handles).
    """
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for turn in range(turns + 1):
        for name, (call, _) in tools.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: Timing(
            tools[name][1] / min(spent),
            tools[name][1] / sorted(spent)[len(spent) // 2],
            turns,
            tools[name][1],
        )
        for name, spent in seconds.items()
    }


def table(title: str, timings: Mapping[str, Timing], ours: str = "nanosieve") -> str:
    """A row for each tool, with how many times faster ours is (medians)."""
    lines = [f"\n{title}", f"{'':36s}{'events/s':>14s}{'best':>14s}{'ours / it':>12s}"]
    for name, timing in timings.items():
        ratio = timings[ours].median / timing.median
        lines.append(f"{name:36s}{timing.median:14,.0f}{timing.best:14,.0f}{ratio:12.2f}")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        rows = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((row.split(":")[1].strip() for row in rows if row.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": model or platform.processor(), "cores": cores, "load": os.getloadavg()[0]}


def write(path: Path, results: Mapping[str, Mapping[str, Timing]]) -> None:
    """All numbers as JSON, provenance `measured`."""
    rows = {title: {name: asdict(t) for name, t in row.items()} for title, row in results.items()}
    document = {"provenance": "measured", "machine": machine(), "events_per_second": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
