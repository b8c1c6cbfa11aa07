"""Bunch crossings with pile-up: what the trigger rate in kHz is counted in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nanosieve.physics.events import TriggerSample, open_trigger_sample
from nanosieve.physics.events.crossings import make_trigger_sample
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
    """Crossings of the background and of each signal with their Level-1 objects; made, or found.

    Args:
        folder: where they are made.
        found: the names of samples that were there are added to it.

    Raises:
        SampleError: a sample found in ``options.samples`` cannot be used.
        SettingsError: its pile-up does not belong to the luminosity of the study.
        OutputError, ToolError: events cannot be made.
    """
    requests = {"crossings": settings.crossings}
    requests |= {f"{process}-crossings": f"{process}:{settings.signal_crossings}" for process in SIGNALS}
    events = {}
    for name, processes in requests.items():
        given = options.samples / f"{name}.parquet" if options.samples else None
        if given is not None and given.exists():
            sample = open_trigger_sample(given)
            found.append(name)
        else:
            made = make_trigger_sample(
                processes,
                1,
                folder / f"{name}.parquet",
                pileup=settings.pileup,
                pool=settings.pool,
                seed=options.seed,
                workers=options.workers,
                scheduler=options.scheduler,
                progress=progress,
            )
            if made.reused:
                found.append(name)
            sample = open_trigger_sample(made.path)
        events[name] = _level1(sample, settings)
    return events["crossings"], {process: events[f"{process}-crossings"] for process in SIGNALS}


def _level1(sample: TriggerSample, settings: Settings) -> Events:
    conditions_of([sample], luminosity=settings.luminosity, bunches=settings.bunches)  # or an error
    blocks = list(sample.blocks(network_columns("l1")))
    return Events(
        np.concatenate([network_inputs(block, "l1") for block in blocks]),
        np.concatenate([block.weights for block in blocks]),
        np.concatenate([block.scalars["process"] for block in blocks]),
    )
