"""``nanosieve study``: list and run the published benchmarks."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._terminal import console, echo_json, show_table, terminal_progress

__all__ = ["command"]


@click.group(name="study")
def command() -> None:
    """Published benchmarks, end to end.

    Example: nanosieve study run l1-anomaly --size small
    """


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_studies(as_json: bool) -> None:
    """List the studies.

    Example: nanosieve study list
    """
    from nanosieve.studies import STUDIES

    rows = [[entry.name, entry.title, entry.reference] for entry in STUDIES]
    if as_json:
        echo_json([dict(zip(("name", "title", "reference"), row, strict=True)) for row in rows])
        return
    show_table("Studies", ["name", "what", "published reference"], rows)


@command.command(name="run")
@click.argument("name")
@click.option("--size", type=click.Choice(["small", "full"]), default="small", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: out/NAME].")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--samples",
    type=click.Path(path_type=Path),
    help="Folder of samples to use instead of making them: PROCESS.parquet, or the .mat files of SVHN.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Local processes [default: one per core].")
@click.option("--scheduler", help="Address of a Dask scheduler to use instead.")
@click.option("--json", "as_json", is_flag=True, help="Print the headline figures as JSON.")
def run_study(
    name: str,
    size: str,
    out: Path | None,
    seed: int,
    samples: Path | None,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Run the study NAME and write report.html and results.json.

    Example: nanosieve study run l1-anomaly --size small --out out/l1-anomaly
    """
    from nanosieve.errors import InputFileError
    from nanosieve.studies import Size, StudyOptions, find_study

    entry = find_study(name)
    if samples is not None and not samples.is_dir():
        message = f"--samples {str(samples)!r} is not a folder; give one that holds the samples"
        raise InputFileError(message)
    options = StudyOptions(out or Path("out") / name, Size(size), seed, samples, workers, scheduler)
    with terminal_progress() as progress:
        result = entry.run(options, progress)
    if as_json:
        echo_json(
            {
                "report": str(result.report),
                "results": str(result.results),
                "headline": {key: figure.to_dict() for key, figure in result.headline},
                "remarks": list(result.remarks),
            }
        )
        return
    for remark in result.remarks:
        console.print(remark, soft_wrap=True)
    show_table(entry.title, ["", "figure"], [[key, str(figure)] for key, figure in result.headline])
    console.print(f"report: {result.report}", soft_wrap=True)
