"""The jets of the study: made or found, split, and scaled for the ports of the hardware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.errors import InputFileError
from nanosieve.physics.events.jet_features import LabelledJets, make_jets, read_jets, read_public_jets
from nanosieve.physics.events.jet_features.public_files import HDF5, SUFFIXES
from nanosieve.progress import Progress
from nanosieve.studies.jets.settings import Compressed, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["Part", "StudySamples", "prepare_samples"]


@dataclass(frozen=True)
class Part:
    """Jets as the networks see them.

    Attributes:
        features: (N, 16) standardised.
        particles: (N, P, 3) in units of the spread of the training sample; P may be 0.
        labels: (N,).
    """

    features: NDArray[np.float32]
    particles: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class StudySamples:
    """Everything the study draws from.

    Attributes:
        train, test: two parts of the jets; scales are those of the first.
        jets: both, in physical units.
        mean, spread: (16,) of the features, subtracted and divided by before the port, as is published.
        units: (3,) what the quantities of particles are divided by.
        remarks: what the user should know of where the jets come from.
    """

    train: Part
    test: Part
    jets: LabelledJets
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    units: NDArray[np.float64]
    remarks: tuple[str, ...]


def prepare_samples(settings: Settings, options: StudyOptions, progress: Progress) -> StudySamples:
    """Make the jets or read those in ``options.samples``, and split them.

    That folder may hold ``jets.npz`` of an earlier run or public files, see `read_public_jets`.

    Raises:
        InputFileError, SampleError: what was found there cannot be used.
        OutputError, ToolError: jets cannot be made.
    """
    particles = settings.particles if _needs_particles(settings) else 0
    if options.samples is None:
        path = output_folder(options.out / "samples") / "jets.npz"
        jets, found = make_jets(
            settings.jets,
            path,
            constituents=settings.particles,
            seed=settings.seed,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=progress,
        )
        remarks = ("jets that were there already were used again",) if found else ()
    else:
        jets = _given(options.samples, particles, 5 * settings.jets)
        remarks = (f"jets from {jets.origin}, not generated here",)
    return _split(jets, settings, particles, remarks)


def _needs_particles(settings: Settings) -> bool:
    return any(isinstance(rung, Compressed) and rung.network != "dense" for rung in settings.ladder)


def _given(folder: Path, particles: int, limit: int) -> LabelledJets:
    own = folder / "jets.npz"
    if own.exists():
        return read_jets(own)
    found = [path for suffix in HDF5 for path in folder.glob(f"*{suffix}")]
    if found:
        return read_public_jets(folder if len(found) > 1 else found[0], constituents=particles, limit=limit)
    for suffix in SUFFIXES:
        for path in sorted(folder.glob(f"*{suffix}")):
            return read_public_jets(path, limit=limit)
    message = f"the folder {str(folder)!r} holds no jets.npz and no public file ({', '.join(SUFFIXES)})"
    raise InputFileError(message)


def _split(jets: LabelledJets, settings: Settings, particles: int, remarks: tuple[str, ...]) -> StudySamples:
    if jets.constituents.shape[1] < particles:
        message = (
            f"the jets hold {jets.constituents.shape[1]} constituents; {particles} are needed: use the "
            "files of Zenodo 3602260, or leave out the networks on constituents"
        )
        raise InputFileError(message)
    order = np.random.default_rng([settings.seed, len(jets)]).permutation(len(jets))
    cut = round(settings.test * len(jets))
    test, train = order[:cut], order[cut:]
    features = jets.features.astype(np.float64)
    mean, spread = features[train].mean(axis=0), features[train].std(axis=0)
    spread[spread == 0] = 1.0
    inside = jets.constituents[:, :particles].astype(np.float64)
    units = np.sqrt((inside[train] ** 2).mean(axis=(0, 1))) if particles else np.ones(3)
    units[units == 0] = 1.0

    def part(chosen: NDArray[np.int64]) -> Part:
        return Part(
            ((features[chosen] - mean) / spread).astype(np.float32),
            (inside[chosen] / units).astype(np.float32),
            jets.labels[chosen],
        )

    return StudySamples(part(train), part(test), jets, mean, spread, units, remarks)
