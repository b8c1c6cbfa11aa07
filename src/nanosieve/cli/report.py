"""``nanosieve report``: the page of a compiled design."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._terminal import console

__all__ = ["command"]


@click.command("report", short_help="draw the schedule, resources, memory and clock of a compiled design")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write DIR/report.html: when each layer works, where the resources go, what is stored, the clock.

    The resources are those of ``nanosieve synth`` where it ran, else the estimates.

    \b
    Example:
      nanosieve report out/tagger
    """
    from nanosieve.report.design_report import design_report

    console.print(f"report written to {design_report(folder)}", soft_wrap=True)
