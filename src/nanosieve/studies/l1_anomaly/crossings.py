"""Bunch crossings with pile-up: what the trigger rate in kHz is counted in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.recipe import expand
from nanosieve.physics.menu import conditions_of
from nanosieve.physics.menu.inputs import network_columns, network_inputs
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.events import Events
from nanosieve.studies.l1_anomaly.settings import SIGNALS, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["prepare_crossings"]


def prepare_crossings(
    settings: Settings, options: StudyOptions, folder: Path, found: list[str], progress: Progress
) -> tuple[Events, dict[str, Events]]:
    """Crossings of the background and of each signal with their Level-1 objects; found, or made together.

    Args:
        folder: where they are made, in one sample.
        found: the names of samples that were there are added to it.

    Raises:
        SampleError: a sample found in ``options.samples`` cannot be used.
        SettingsError: its pile-up does not belong to the luminosity of the study.
        OutputError, ToolError: events cannot be made.
    """
    wanted = {"crossings": settings.crossings}
    wanted |= {f"{process}-crossings": f"{process}:{settings.signal_crossings}" for process in SIGNALS}
    events: dict[str, Events] = {}
    if options.samples is not None:
        given = {name: options.samples / f"{name}.parquet" for name in wanted}
        events = {name: _level1(path, settings) for name, path in given.items() if path.exists()}
        found.extend(events)
    missing = {name: processes for name, processes in wanted.items() if name not in events}
    if missing:
        made = make_trigger_sample(
            ",".join(missing.values()),
            1,
            folder / "crossings.parquet",
            pileup=settings.pileup,
            pool=settings.pool,
            seed=options.seed,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=progress,
        )
        if made.reused:
            found.extend(missing)
        everything = _level1(made.path, settings)
        for name, processes in missing.items():
            events[name] = everything.of(expand(processes, 1))
    return events["crossings"], {process: events[f"{process}-crossings"] for process in SIGNALS}


def _level1(path: Path, settings: Settings) -> Events:
    sample = open_trigger_sample(path)
    conditions_of([sample], luminosity=settings.luminosity, bunches=settings.bunches)  # or an error
    blocks = list(sample.blocks(network_columns("l1")))
    return Events(
        np.concatenate([network_inputs(block, "l1") for block in blocks]),
        np.concatenate([block.weights for block in blocks]),
        np.concatenate([block.scalars["process"] for block in blocks]),
    )
