"""The images of the study: decays of long-lived particles, and what looks like them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.figure import Figure
from nanosieve.networks.decay_length import bin_by_bin
from nanosieve.physics.events.muon_chambers import (
    DriftTubes,
    LongLivedGun,
    MuonImages,
    decay_background_rates,
    make_decay_images,
    settings_table,
)
from nanosieve.progress import Progress
from nanosieve.studies.llp.settings import Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["BACKGROUNDS", "SIGNAL", "StudySamples", "as_bins", "as_images", "prepare_samples"]

SIGNAL = "llp"
BACKGROUNDS = ("muon", "punch-through", "noise")
TEST_SEED = 1000
"""Seeds of the test images are so much higher."""
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class StudySamples:
    """Everything the study draws from.

    Attributes:
        train: all classes, trained on; a part of them judges the epochs.
        test: class → images seen by no training.
        detector, gun: of all images.
    """

    train: MuonImages
    test: Mapping[str, MuonImages]
    detector: DriftTubes
    gun: LongLivedGun

    @property
    def radius(self) -> NDArray[np.float64]:
        """True L_r of the decays to test, in metres."""
        return np.asarray(self.test[SIGNAL].truth["decay_radius"], dtype=np.float64)

    @property
    def rates(self) -> Mapping[str, Figure]:
        """Class of background → rate of its images in kHz, in the whole barrel."""
        return decay_background_rates(self.detector)

    @property
    def summary(self) -> str:
        """In a line."""
        tested = ", ".join(f"{len(images):,} {name}" for name, images in self.test.items())
        return f"{len(self.train):,} to train on; {tested} to test; {self.train.origin}"

    def settings_rows(self) -> tuple[tuple[str, str, str], ...]:
        """The settings of the detector: name, value with unit, source."""
        return tuple(
            (one.name.replace("_", " "), f"{_shown(one.value)} {one.unit}".strip(), one.source)
            for one in settings_table(self.detector)
        )

    def facts(self) -> dict[str, Any]:
        """For ``results.json``."""
        counts = dict(zip(self.train.classes, map(int, self.train.counts()), strict=True))
        return {
            "origin": self.train.origin,
            "train": counts,
            "test": {name: len(images) for name, images in self.test.items()},
            "detector": self.detector.facts(),
            "gun": self.gun.facts(),
        }


def prepare_samples(settings: Settings, options: StudyOptions, progress: Progress) -> StudySamples:
    """Make the images that are not there yet.

    Raises:
        OutputError: images cannot be written.
    """
    folder, detector, gun = output_folder(options.out / "samples"), DriftTubes(), LongLivedGun()

    def made(name: str, numbers: Mapping[str, int], seed: int) -> MuonImages:
        def told(stage: str, done: float, total: float, note: str = "") -> None:
            progress(f"{stage}: {name}", done, total, note)

        return make_decay_images(
            numbers, folder / f"{name}.parquet", detector=detector, gun=gun, seed=seed,
            workers=options.workers, scheduler=options.scheduler, progress=told,
        )[0]  # fmt: skip

    train = made("train", settings.train, options.seed)
    test = made("test", settings.test, options.seed + TEST_SEED)
    return StudySamples(train, {name: test.of_class(name) for name in settings.test}, detector, gun)


def as_images(images: MuonImages) -> Pixels:
    """(N, 20, 333, 1), as the published network takes them."""
    return images.images[..., None].astype(np.float32)


def as_bins(images: MuonImages) -> Pixels:
    """(N, 333, 20), as the students take them."""
    return bin_by_bin(images.images).astype(np.float32)


def _shown(value: Any) -> str:
    return ", ".join(f"{one:g}" for one in value) if isinstance(value, tuple | list) else f"{value:g}"
