"""What all verbs share on the terminal: progress bars and tables of figures."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Column, Table

from nanosieve.progress import Progress

__all__ = ["console", "echo_json", "show_table", "terminal_progress"]

console = Console()
_messages = Console(stderr=True)

LINE_EVERY_S = 60
"""Between two lines of a stage where the progress goes to a file."""
ENDED = -math.inf


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """A `Progress` on standard error: a bar per stage, with elapsed and remaining time; in a file, lines."""
    if not _messages.is_terminal:
        yield _lines()
        return
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn("left"),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        # in a narrow window the note is cut, not the numbers
        TextColumn(
            "{task.fields[note]}",
            style="dim",
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
    )
    stages: dict[str, Any] = {}
    bars = RichProgress(*columns, console=_messages, refresh_per_second=4, expand=True)

    def report(stage: str, done: float, total: float, note: str = "") -> None:
        if not stages:  # where nothing is reported, not even an empty line is printed
            bars.start()
        if stage not in stages:
            stages[stage] = bars.add_task(stage, total=total, note=note)
        bars.update(stages[stage], completed=done, total=total, note=note)

    try:
        yield report
    finally:
        if stages:
            bars.stop()


def _lines() -> Progress:
    """A line when a stage begins and ends, and once a minute: for the log of a batch job."""
    said: dict[str, float] = {}

    def report(stage: str, done: float, total: float, note: str = "") -> None:
        now = time.monotonic()
        ends, last = total > 0 and done >= total, said.get(stage)
        if last is not None and (last == ENDED if ends else now - last < LINE_EVERY_S):
            return
        said[stage] = ENDED if ends else now
        parts = (time.strftime("%H:%M:%S"), stage, f"{done:,.10g} of {total:,.10g}", note)
        click.echo("  ".join(part for part in parts if part), err=True)

    return report


def show_table(title: str, header: list[str], rows: list[list[str]], *, left: int = 1) -> None:
    """Print a table; the first `left` columns are left-aligned, the others to the right."""
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for n, name in enumerate(header):
        table.add_column(escape(name), justify="left" if n < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def echo_json(data: Any) -> None:
    """Print `data` as indented JSON on standard output."""
    click.echo(json.dumps(data, indent=2))
