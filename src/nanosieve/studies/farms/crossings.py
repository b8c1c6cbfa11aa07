"""The crossings of the study: made once, found by the next run."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.farm.impact import ImpactEvents, load_events, make_crossings
from nanosieve.physics.events import open_trigger_sample
from nanosieve.progress import Progress
from nanosieve.studies.farms.settings import Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["SAMPLE", "prepare_crossings"]

SAMPLE = "crossings.parquet"


def prepare_crossings(
    settings: Settings, options: StudyOptions, progress: Progress
) -> tuple[ImpactEvents, tuple[str, ...]]:
    """Background and signals as all versions of the menu see them, and remarks.

    A file ``crossings.parquet`` in ``options.samples`` is used as it is; what an earlier run made with the
    same request is used again.

    Raises:
        SampleError, UnknownNameError: a sample that lacks background or a signal.
        SettingsError, OutputError, ToolError: crossings cannot be made.
    """
    given = options.samples / SAMPLE if options.samples else None
    if given is not None and given.exists():
        events = load_events([open_trigger_sample(given)], progress=progress)
        return events, (f"crossings found in {options.samples} and used as they are",)
    path = output_folder(options.out / "samples") / SAMPLE
    there = path.exists()
    sample = make_crossings(
        path,
        str(options.size),
        pileup=settings.pileup,
        seed=options.seed,
        workers=options.workers,
        scheduler=options.scheduler,
        progress=progress,
    )
    return load_events([sample], progress=progress), (
        ("crossings of an earlier run are used again, where they were made with the same request",)
        if there
        else ()
    )
