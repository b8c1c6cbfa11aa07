"""The samples of the study: made or found, the background split by collision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.errors import SampleError
from nanosieve.figure import Figure
from nanosieve.physics.events import Sample, make_sample, objects, read_sample
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.crossings import prepare_crossings
from nanosieve.studies.l1_anomaly.events import Events
from nanosieve.studies.l1_anomaly.settings import ASSUMED_CROSS_SECTION, BACKGROUND, SIGNALS, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["StudySamples", "prepare_samples"]


@dataclass(frozen=True)
class StudySamples:
    """Everything the study draws from.

    Attributes:
        train: background to train on.
        test: background that no training has seen; thresholds and rates rest on it.
        signals: process → events.
        crossings: bunch crossings of the background with pile-up, Level-1 objects; rates rest on them.
        signal_crossings: process → crossings with a signal collision.
        processes: process → figures of its sample (cross section, filter efficiency, events).
        remarks: e.g. that samples were found.
    """

    train: Events
    test: Events
    signals: dict[str, Events]
    crossings: Events
    signal_crossings: dict[str, Events]
    processes: dict[str, dict[str, Figure]]
    remarks: tuple[str, ...]


def prepare_samples(settings: Settings, options: StudyOptions, progress: Progress) -> StudySamples:
    """Make what is not there yet, read everything, and split the background.

    Raises:
        SampleError: a sample found in ``options.samples`` cannot be used.
        OutputError, ToolError: events cannot be made.
    """
    folder = output_folder(options.out / "samples")
    found: list[str] = []
    samples: dict[str, Sample] = {}
    for process in (BACKGROUND, *SIGNALS):
        given = options.samples / f"{process}.parquet" if options.samples else None
        if given is not None and given.exists():
            samples[process] = read_sample(given)
            found.append(process)
            continue
        number = settings.background if process == BACKGROUND else settings.signal
        path = folder / f"{process}.parquet"
        made = make_sample(
            process,
            number,
            path,
            seed=options.seed,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=progress,
        )
        if made.reused:
            found.append(process)
        samples[process] = read_sample(path)
    crossings, signal_crossings = prepare_crossings(settings, options, folder, found, progress)
    background = samples[BACKGROUND]
    train, test = _split(background, settings.train_fraction, options.seed)
    where = options.samples or folder
    remarks = [f"samples found in {where} and used again: {', '.join(found)}"] if found else []
    if not any(process.cross_section for process in background.processes.values()):
        remarks.append(
            "the background sample states no cross section; its weights assume "
            f"{ASSUMED_CROSS_SECTION / 1e3:g} nb after the lepton filter"
        )
        train, test = (_scaled_to(part, ASSUMED_CROSS_SECTION) for part in (train, test))
    return StudySamples(
        train,
        test,
        {process: _events(samples[process].events) for process in SIGNALS},
        crossings,
        signal_crossings,
        {
            name: summary.figures()
            for sample in samples.values()
            for name, summary in sample.processes.items()
        },
        tuple(remarks),
    )


def _events(events: Any) -> Events:
    import awkward

    labels = np.asarray(awkward.to_list(events["process"]), dtype=str)
    weights = np.asarray(awkward.to_numpy(events["genWeight"]), dtype=np.float64)
    return Events(objects(events), weights, labels)


def _split(sample: Sample, fraction: float, seed: int) -> tuple[Events, Events]:
    """Two parts with no collision in common, each process cut at `fraction` of its collisions.

    The weights of each part sum to the cross sections of the whole.
    """
    import awkward

    whole = _events(sample.events)
    run, event = (np.asarray(awkward.to_numpy(sample.events[name])) for name in ("run", "event"))
    draw = np.random.default_rng(seed)
    chosen = np.zeros(len(whole), dtype=bool)
    for process in np.unique(whole.labels):
        of = whole.labels == process
        _, collision = np.unique(np.stack([run[of], event[of]]), axis=1, return_inverse=True)
        number = int(collision.max()) + 1
        if number < 2:
            message = (
                f"the background sample has one collision of {str(process)!r} and cannot be split; make more"
            )
            raise SampleError(message)
        first = min(max(round(fraction * number), 1), number - 1)
        chosen[of] = draw.permutation(number)[collision] < first
    return _part(whole, chosen), _part(whole, ~chosen)


def _part(whole: Events, chosen: NDArray[np.bool_]) -> Events:
    weights = whole.weights.copy()
    for process in np.unique(whole.labels):
        of = whole.labels == process
        weights[of & chosen] *= weights[of].sum() / weights[of & chosen].sum()
    return Events(whole.objects[chosen], weights[chosen], whole.labels[chosen])


def _scaled_to(events: Events, cross_section: float) -> Events:
    return Events(events.objects, events.weights * (cross_section / events.weights.sum()), events.labels)
